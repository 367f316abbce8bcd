"""How far a longer piece of work is, and stopping it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TypeVar

__all__ = ["Stopped", "TaskProgress"]

T = TypeVar("T")


class Stopped(Exception):  # noqa: N818 it is no error
    """The user stopped it; nothing was written."""


@dataclass(eq=False, slots=True)
class TaskProgress:
    """How far some work is; written by the thread that does it, read by whoever shows it.

    Attributes:
        share: How much of it is done, from 0 to 1.
        stopped: Set it to have the work end with `Stopped`.
    """

    share: float = 0.0
    stopped: bool = False

    def counted(self, pieces: Iterable[T], total: int) -> Iterator[T]:
        """Hand the pieces on, and count them against about how many there will be."""
        for done, piece in enumerate(pieces):
            if self.stopped:
                raise Stopped
            self.share = min(done / max(total, 1), 1.0)
            yield piece
