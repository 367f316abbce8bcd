"""The session classes, and the recording of runs.

Public names: `AdvancedSQLiteSession` and `EncryptedSession`, drop-ins for the classes of these names in
`agents.extensions.memory`, `AdvancedPostgresSession` for a server, and `record`, which returns hooks of the SDK that
store every request of a run.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from tui.session.encryption import EncryptedSession
    from tui.session.postgres import AdvancedPostgresSession
    from tui.session.recorder import record
    from tui.session.sqlite import AdvancedSQLiteSession

__all__ = ["AdvancedPostgresSession", "AdvancedSQLiteSession", "EncryptedSession", "record"]

_MODULES: Final = {
    "AdvancedPostgresSession": "postgres",
    "AdvancedSQLiteSession": "sqlite",
    "EncryptedSession": "encryption",
    "record": "recorder",
}


def __getattr__(name: str) -> Any:
    # A program that only reads a file does not import the session class; only the last two import the SDK.
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
