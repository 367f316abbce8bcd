"""convo-tui: explore the conversations that the OpenAI Agents SDK stores in SQLite, and store them faster.

    from tui.session import AdvancedSQLiteSession

is the SDK's session class on aiosqlite; `convo-tui FILE` is the explorer.
"""

from __future__ import annotations

from typing import Final

__all__ = ["__version__"]

__version__: Final = "0.1.0"
