"""The session classes.

Public name: `AdvancedSQLiteSession`, drop-in for the class of that name in `agents.extensions.memory`.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tui.session.sqlite import AdvancedSQLiteSession

__all__ = ["AdvancedSQLiteSession"]


def __getattr__(name: str) -> Any:
    # A program that only reads a file does not import the session class.
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.sqlite"), name)
