"""Two harmless tools of the plain assistant that runs offline, so that there is something to call."""

from __future__ import annotations

from datetime import datetime

from agents import function_tool

__all__ = ["current_time", "word_count"]


@function_tool
def current_time() -> str:
    """Tell the time of this computer's clock."""
    return datetime.now().astimezone().isoformat(sep=" ", timespec="seconds")


@function_tool
def word_count(text: str) -> str:
    """Count the words and characters of a text.

    Args:
        text: The text.
    """
    return f"{len(text.split())} words, {len(text)} characters"
