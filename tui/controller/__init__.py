"""One open file and one state: `SessionController`.

What every controller is stands in `base`; on top of it one class for each thing that can be done with branches.
"""

from __future__ import annotations

from tui.controller.base import Listener
from tui.controller.comparing import Comparing
from tui.controller.exporting import Exporting
from tui.controller.finding import Finding
from tui.controller.following import Following
from tui.controller.importing import Importing
from tui.controller.marking import Marking
from tui.controller.seeing import Seeing

__all__ = ["Listener", "SessionController"]


class SessionController(Comparing, Exporting, Finding, Following, Importing, Marking, Seeing):
    """The state of one explorer."""
