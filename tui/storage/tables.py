"""The names of the tables that are not the same in all databases."""

from __future__ import annotations

from typing import Final, NamedTuple

__all__ = ["DEFAULT_MESSAGES", "DEFAULT_SESSIONS", "Tables"]

DEFAULT_SESSIONS: Final = "agent_sessions"
DEFAULT_MESSAGES: Final = "agent_messages"


class Tables(NamedTuple):
    """The pair of base tables that a session is stored in, which a caller of the session class may choose, and others.

    Attributes:
        sessions: SQL identifier of the sessions table, as the caller wrote it.
        messages: SQL identifier of the messages table.
        structure: The table with the rows of branches.
        usage: The table with the usage of turns.
        branch_ids: The table with every branch id that was used.
        generations: The table with the clear generations of sessions.
    """

    sessions: str = DEFAULT_SESSIONS
    messages: str = DEFAULT_MESSAGES
    structure: str = "message_structure"
    usage: str = "turn_usage"
    branch_ids: str = "branch_reservations"
    generations: str = "session_clear_generations"
