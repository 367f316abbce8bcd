"""One open file and one state: `SessionController`.

What every controller is stands in `base`; on top of it one class for each thing that can be done with branches.
"""

from __future__ import annotations

from tui.controller.base import ControllerBase, Listener

__all__ = ["Listener", "SessionController"]


class SessionController(ControllerBase):
    """The state of one explorer."""
