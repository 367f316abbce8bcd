"""The progress of a long task, and stopping it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TypeVar

__all__ = ["Stopped", "TaskProgress"]

T = TypeVar("T")


class Stopped(Exception):  # noqa: N818 it is no error
    """The user stopped the task; nothing was written."""


@dataclass(eq=False, slots=True)
class TaskProgress:
    """How much of a task is done; written by the task's thread and read by the thread that shows it.

    Attributes:
        share: The part that is done, from 0 to 1.
        stopped: Set it to have the task end with `Stopped`.
    """

    share: float = 0.0
    stopped: bool = False

    def counted(self, pieces: Iterable[T], total: int) -> Iterator[T]:
        """Yield pieces of work, and count them.

        Args:
            pieces: The pieces.
            total: About how many there will be.
        """
        for done, piece in enumerate(pieces):
            if self.stopped:
                raise Stopped
            self.share = min(done / max(total, 1), 1.0)
            yield piece
