"""Clear the cancellation of a task."""

from __future__ import annotations

import asyncio

__all__ = ["uncancel"]


def uncancel() -> None:
    """Clear the cancellation of the current task, because its work has been stopped as requested."""
    task = asyncio.current_task()
    while task is not None and task.uncancel():
        pass
