"""The garbage-collector policy of the program.

A full collection takes as long as one or two frames, and frees hardly anything: the objects of the first screen, of the
agents SDK and of a long branch live until the program ends. The session class does not change the collector of the
process that uses it.
"""

from __future__ import annotations

import gc
from typing import Final

__all__ = ["exclude_existing_objects", "pause", "resume", "start"]

_YOUNG_OBJECTS: Final = 5_000
"""New objects after which the youngest generation is collected."""


def pause() -> None:
    """Collect nothing while the program starts, as hardly any of its objects are garbage."""
    gc.disable()


def start() -> None:
    """Collect objects that are created from now on, more rarely than by default."""
    gc.freeze()
    gc.set_threshold(_YOUNG_OBJECTS, 3, 100)
    gc.enable()


def exclude_existing_objects() -> None:
    """Exclude all objects that exist now from collection; call it after creating many long-lived objects."""
    gc.freeze()


def resume() -> None:
    """Collect again, at the end of the program, even if `start` was not called."""
    gc.enable()
