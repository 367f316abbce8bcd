"""Sessions that only the SDK's own classes read: `SQLAlchemySession` on other databases, and `RedisSession`.

They hold the items of one branch. The packages that they need are the extras `sqlalchemy` and `redis` of the SDK.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from tui.errors import ConfigError, ConvoError, FileError
from tui.storage.tables import DEFAULT_MESSAGES, DEFAULT_SESSIONS

if TYPE_CHECKING:
    from agents.memory import Session

__all__ = ["PlainSessions", "is_plain_url", "open_plain"]

_URL: Final = re.compile(r"[a-z]\w*(?:\+\w+)?://", re.IGNORECASE)
_REDIS: Final = ("redis", "rediss")
_REDIS_PREFIX: Final = "agents:session"


def is_plain_url(text: str) -> bool:
    """Return whether a text is a URL, and not a path."""
    return _URL.match(text) is not None


def open_plain(url: str, tables: tuple[str, str] | None) -> PlainSessions:
    """Open the database of a URL.

    Raises:
        ConvoError: The URL cannot be read, or a package is not installed.
    """
    parts = urlsplit(url)
    if parts.netloc and "@" in f"{parts.path}{parts.query}{parts.fragment}":
        raise ConvoError("The URL of the database cannot be read.", "Write @ / ? # in a password as %40 %2F %3F %23.")
    kind = _RedisSessions if parts.scheme in _REDIS else _SQLAlchemySessions
    user, host = parts.netloc.rpartition("@")[::2]
    user = f"{user.partition(':')[0]}@" if user else ""
    with _explained(url, None):
        return kind(url, f"{parts.scheme}://{user}{host}{parts.path}", tables)


class PlainSessions(ABC):
    """The sessions of a database.

    Attributes:
        name: The database, without a password.
    """

    def __init__(self, url: str, name: str) -> None:
        self.name = name
        self._url = url

    async def session_ids(self) -> list[str]:
        """Return the ids of all sessions, the one written last first.

        Raises:
            FileError: The database cannot be read.
        """
        with _explained(self._url, self.name):
            if not await self._has_sessions():
                raise FileError(f"{self.name} has no sessions.", "Check the URL, and the names of the tables.")
            return await self._session_ids()

    async def items(self, session_id: str) -> list[Any]:
        """Return the items of a session; none if there is no such session.

        Raises:
            FileError: The database cannot be read.
        """
        with _explained(self._url, self.name):
            return [*await self._session(session_id).get_items()] if await self._has_sessions() else []

    async def add_items(self, session_id: str, items: list[Any]) -> None:
        """Add items to the end of a session, which is made if there is none.

        Raises:
            FileError: The database cannot be written.
        """
        with _explained(self._url, self.name):
            await self._session(session_id, create=True).add_items(items)

    @abstractmethod
    async def close(self) -> None:
        """Close all connections."""

    @abstractmethod
    async def _has_sessions(self) -> bool: ...

    @abstractmethod
    async def _session_ids(self) -> list[str]: ...

    @abstractmethod
    def _session(self, session_id: str, *, create: bool = False) -> Session: ...


class _SQLAlchemySessions(PlainSessions):
    def __init__(self, url: str, name: str, tables: tuple[str, str] | None) -> None:
        from sqlalchemy.ext.asyncio import create_async_engine

        super().__init__(url, name)
        self._tables = tables or (DEFAULT_SESSIONS, DEFAULT_MESSAGES)
        self._engine = create_async_engine(url)

    async def _has_sessions(self) -> bool:
        from sqlalchemy import inspect

        if self._is_missing():
            return False
        async with self._engine.connect() as connection:
            return await connection.run_sync(lambda db: inspect(db).has_table(self._tables[1]))

    def _is_missing(self) -> bool:
        # A connection would make the file.
        return self._engine.dialect.name == "sqlite" and not Path(self._engine.url.database or "").is_file()

    async def _session_ids(self) -> list[str]:
        from sqlalchemy import column, select, table

        sessions = table(self._tables[0], column("session_id"), column("updated_at"))
        async with self._engine.connect() as connection:
            rows = await connection.execute(select(sessions.c.session_id).order_by(sessions.c.updated_at.desc()))
            return [session_id for (session_id,) in rows]

    def _session(self, session_id: str, *, create: bool = False) -> Session:
        from agents.extensions.memory.sqlalchemy_session import SQLAlchemySession

        sessions, messages = self._tables
        return SQLAlchemySession(
            session_id, engine=self._engine, create_tables=create, sessions_table=sessions, messages_table=messages
        )

    async def close(self) -> None:
        await self._engine.dispose()


class _RedisSessions(PlainSessions):
    def __init__(self, url: str, name: str, tables: tuple[str, str] | None) -> None:
        redis: Any = import_module("redis.asyncio")
        if tables is not None:
            raise ConfigError("Redis has no tables.", "Omit the option.")
        super().__init__(url, name)
        self._client: Any = redis.Redis.from_url(url)

    async def _has_sessions(self) -> bool:
        return True

    async def _session_ids(self) -> list[str]:
        keys = [key async for key in self._client.scan_iter(match=f"{_REDIS_PREFIX}:*", _type="hash")]
        ids = [await self._client.hget(key, "session_id") for key in keys]
        return sorted(session_id.decode() for session_id in ids if session_id is not None)

    def _session(self, session_id: str, *, create: bool = False) -> Session:  # noqa: ARG002
        from agents.extensions.memory.redis_session import RedisSession

        return RedisSession(session_id, redis_client=self._client, key_prefix=_REDIS_PREFIX)

    async def close(self) -> None:
        await self._client.aclose()


@contextmanager
def _explained(url: str, name: str | None) -> Iterator[None]:
    """Raise a ConvoError in place of the errors of drivers, which may quote a password."""
    try:
        yield
    except ImportError as error:
        raise ConfigError(
            f"The package {error.name or 'for this URL'} is not installed.",
            "Install what the session class of this URL needs, as openai-agents[sqlalchemy], [redis], or a driver.",
        ) from error
    except ConvoError:
        raise
    except Exception as error:
        reason = str(getattr(error, "orig", None) or error).strip().partition("\n")[0]
        for secret in filter(None, (urlsplit(url).password, urlsplit(url).query)):
            reason = reason.replace(secret, "…")
        place = "The URL" if name is None else name
        raise FileError(
            f"{place} cannot be used: {reason}", "Check the URL, and that the server lets you in."
        ) from None
