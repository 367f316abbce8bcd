"""Cancel a task and clear that cancellation."""

from __future__ import annotations

import asyncio

__all__ = ["uncancel"]


def uncancel() -> None:
    """Let the current task count as not cancelled: its cancellation was a request to stop, and is done with."""
    task = asyncio.current_task()
    while task is not None and task.uncancel():
        pass
