"""The garbage-collector policy of the program.

A full collection takes as long as a frame or two, and answers nothing: what the program creates until its first screen,
the agents SDK and a long branch live until its end. The session class leaves the collector of its user's process alone.
"""

from __future__ import annotations

import gc
from typing import Final

__all__ = ["exclude_existing_objects", "pause", "resume", "start"]

_YOUNG_OBJECTS: Final = 5_000
"""New objects after which the youngest generation is collected."""


def pause() -> None:
    """Collect nothing while the program starts: hardly any of the objects made meanwhile is garbage."""
    gc.disable()


def start() -> None:
    """Collect from now on, more rarely than by default, and only what is created from now on."""
    gc.freeze()
    gc.set_threshold(_YOUNG_OBJECTS, 3, 100)
    gc.enable()


def exclude_existing_objects() -> None:
    """Exclude all objects that exist now from collection, after many that stay were created."""
    gc.freeze()


def resume() -> None:
    """Collect again at the end of the program, whether or not it has started."""
    gc.enable()
