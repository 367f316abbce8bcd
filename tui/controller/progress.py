"""The progress of a long task, which the user can stop."""

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
    """The progress of a task; the task's thread writes it, and the thread that shows it reads it.

    Attributes:
        share: The part that is done, from 0 to 1.
        stopped: Set it to let the task end with `Stopped`.
    """

    share: float = 0.0
    stopped: bool = False

    def counted(self, pieces: Iterable[T], total: int) -> Iterator[T]:
        """Yield pieces of work and update `share`; `total` is the expected number of pieces."""
        for done, piece in enumerate(pieces):
            if self.stopped:
                raise Stopped
            self.share = min(done / max(total, 1), 1.0)
            yield piece
