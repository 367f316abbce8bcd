"""The names of the base tables, which a caller of the session class may choose."""

from __future__ import annotations

from typing import Final, NamedTuple

__all__ = ["DEFAULT_MESSAGES", "DEFAULT_SESSIONS", "Tables"]

DEFAULT_SESSIONS: Final = "agent_sessions"
DEFAULT_MESSAGES: Final = "agent_messages"


class Tables(NamedTuple):
    """The pair of base tables that a session is stored in.

    Attributes:
        sessions: SQL identifier of the sessions table, as the caller wrote it.
        messages: SQL identifier of the messages table.
    """

    sessions: str = DEFAULT_SESSIONS
    messages: str = DEFAULT_MESSAGES
