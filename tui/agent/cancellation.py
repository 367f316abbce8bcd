"""Cancel a task and clear that cancellation."""

from __future__ import annotations

import asyncio

__all__ = ["uncancel"]


def uncancel() -> None:
    """Clear the cancellation of the current task, whose work has been stopped as requested."""
    task = asyncio.current_task()
    while task is not None and task.uncancel():
        pass
