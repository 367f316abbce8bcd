"""A connection to a server that is made again when it was lost, and transactions on it."""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Sequence
from contextlib import suppress
from itertools import chain, repeat
from typing import Any, Final, TypeVar

import psycopg
from psycopg.adapt import Dumper
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.postgres import types as server_types
from psycopg.pq import Format
from psycopg.types.numeric import NumericBinaryLoader
from psycopg.types.string import StrDumper

from tui.errors import ConvoError
from tui.storage.schema import quoted

__all__ = ["LostConnection", "NumberArray", "ServerConnection", "connection_settings", "in_schema", "shown_url"]

T = TypeVar("T")
B = TypeVar("B")

_DRIVER: Final = re.compile(r"^(postgres(?:ql)?)\+\w+://")
"""The beginning of a URL that names a driver of SQLAlchemy."""

_MISPLACED: Final = re.compile(r"^\w+(?:\+\w+)?://(?:[^/?@]*[/?][^?]*@|[^/?@]*@[^?]*@)")
"""A URL with an `@` that is not before the host."""

_DEFAULTS: Final[dict[str, Any]] = {
    "application_name": "convo-tui",
    "connect_timeout": 10,
    # A connection that a network lost silently is noticed after half a minute, not after hours.
    "keepalives_idle": 15,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 30_000,
}

_BIGINT: Final = server_types["int8"]

_PORTS: Final = re.compile(r"(?:\d*,)*\d*")

_ATTEMPTS: Final = 5
"""Number of times that work runs which the server ended in favour of other work."""

_OVERTAKEN: Final = (psycopg.errors.DeadlockDetected, psycopg.errors.SerializationFailure)


class LostConnection(psycopg.OperationalError):
    """The connection was lost in the middle of a change."""


def connection_settings(url: str) -> str:
    """Return the settings of libpq for a URL, or for settings in its own format.

    Raises:
        ConvoError: The URL cannot be read.
    """
    try:
        settings = conninfo_to_dict(_DRIVER.sub(r"\1://", url))
    except psycopg.ProgrammingError:
        settings = {"port": "unknown"}
    # Errors of libpq quote the URL, or the part of a password that it takes for a host or a port.
    if _MISPLACED.match(url) or not _PORTS.fullmatch(str(settings.get("port") or "")):
        raise ConvoError(
            "The URL of the database cannot be read.",
            "Write it as postgresql://user@host:5432/database, and @ / ? : % in a password as %40 %2F %3F %3A %25.",
        )
    return make_conninfo(**{**_DEFAULTS, **settings})


def in_schema(conninfo: str, schema: str) -> str:
    """Return settings with which the tables of one schema are found."""
    settings: dict[str, Any] = conninfo_to_dict(conninfo)
    path = re.sub(r"([\\\s])", r"\\\1", quoted(schema))
    settings["options"] = f"{settings.get('options') or ''} -csearch_path={path}".strip()
    return make_conninfo(**settings)


def shown_url(conninfo: str) -> str:
    """Return settings as a URL without a password, to be shown."""
    settings = conninfo_to_dict(conninfo)
    user = f"{settings['user']}@" if settings.get("user") else ""
    port = f":{settings['port']}" if settings.get("port") else ""
    name = settings.get("dbname") or settings.get("service") or ""
    return f"postgresql://{user}{settings.get('host') or ''}{port}/{name}"


class _NumberLoader(NumericBinaryLoader):
    """Loads numbers as those that SQLite returns: sums of integers are integers."""

    def load(self, data: Any) -> Any:
        number = super().load(data)
        return int(number) if number == number.to_integral_value() else float(number)


class NumberArray:
    """Numbers in the form in which the server takes an array of 64-bit integers."""

    def __init__(self, numbers: Sequence[int]) -> None:
        header = (1, 0, _BIGINT.oid, len(numbers), 1) if numbers else (0, 0, _BIGINT.oid)
        sized = chain.from_iterable(zip(repeat(8), numbers))
        self.data = struct.pack(f">{len(header)}i{'iq' * len(numbers)}", *header, *sized)


class _ArrayDumper(Dumper):
    format = Format.BINARY
    oid = _BIGINT.array_oid

    def dump(self, obj: NumberArray) -> bytes:
        return obj.data


class ServerConnection:
    """A connection to a server that one thread uses; it is opened when it is needed first."""

    def __init__(self, conninfo: str) -> None:
        self._conninfo = conninfo
        self._db: psycopg.Connection | None = None
        self._is_reading = False

    def close(self) -> None:
        """Close the connection; may be called again."""
        db, self._db = self._db, None
        if db is not None:
            with suppress(psycopg.Error):
                db.close()

    def run(
        self,
        begin: Callable[[psycopg.Connection], B],
        work: Callable[[psycopg.Connection, B], T],
        *,
        only_reads: bool = False,
    ) -> T:
        """Run work in a transaction. It runs again if the server ended it in favour of others.

        Args:
            begin: Begins the transaction.
            work: The work, which gets what `begin` returned.
            only_reads: Whether it has its result before the transaction ends; `end_read` ends it.

        Raises:
            LostConnection: The connection was lost after the work had begun. The message says what became of it.
            psycopg.Error: The work failed, and was rolled back.
        """
        for attempt in range(_ATTEMPTS):
            try:
                db, begun = self._begin(begin)
            except _OVERTAKEN:
                if attempt == _ATTEMPTS - 1:
                    raise
                continue
            try:
                result = work(db, begun)
            except BaseException as error:
                is_lost = db.closed
                with suppress(psycopg.Error):
                    db.execute("ROLLBACK")
                if is_lost and isinstance(error, psycopg.Error):
                    self.close()
                    raise LostConnection("The connection to the database was lost; nothing was changed.") from error
                if isinstance(error, _OVERTAKEN) and attempt < _ATTEMPTS - 1:
                    continue
                raise
            self._is_reading = only_reads
            if not only_reads:
                self._commit(db)
            return result
        raise AssertionError

    def end_read(self) -> None:
        """End a transaction that only reads, after its result was delivered."""
        if self._is_reading and self._db is not None:
            self._is_reading = False
            # A connection that was lost is replaced by the next work.
            with suppress(psycopg.Error):
                self._db.execute("COMMIT")

    def run_outside(self, work: Callable[[psycopg.Connection], T]) -> T:
        """Run work outside of a transaction."""
        return work(self._connect())

    def _begin(self, begin: Callable[[psycopg.Connection], B]) -> tuple[psycopg.Connection, B]:
        """Begin a transaction, on a new connection if this one was lost since the last one."""
        is_new = self._db is None
        db = self._connect()
        try:
            return db, begin(db)
        except BaseException as error:
            is_lost = db.closed
            with suppress(psycopg.Error):
                db.execute("ROLLBACK")
            if not is_lost:
                raise
            self.close()
            if is_new or not isinstance(error, psycopg.Error):
                raise
            return self._begin(begin)

    def _commit(self, db: psycopg.Connection) -> None:
        try:
            db.execute("COMMIT")
        except psycopg.Error as error:
            if not db.closed:
                raise
            self.close()
            raise LostConnection(
                "The connection to the database was lost while a change was committed, so it may be stored or not."
                " Read before you repeat it."
            ) from error

    def _connect(self) -> psycopg.Connection:
        if self._db is not None and self._db.closed:
            self.close()
        if self._db is None:
            # A pooler such as pgbouncer may give each transaction another connection: statements are not prepared.
            self._db = psycopg.connect(self._conninfo, autocommit=True, prepare_threshold=None)
            self._db.adapters.register_dumper(str, StrDumper)
            self._db.adapters.register_dumper(NumberArray, _ArrayDumper)
            self._db.adapters.register_loader("numeric", _NumberLoader)
        return self._db
