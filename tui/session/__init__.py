"""Storage: the session class and what reads its files. All SQL of the project is here.

Public name: `AdvancedSQLiteSession`, drop-in for the class of that name in `agents.extensions.memory`.
"""

from tui.session.advanced import AdvancedSQLiteSession

__all__ = ["AdvancedSQLiteSession"]
