"""One open file and one state: `SessionController`.

What every controller is stands in `base`; on top of it one class for each thing that can be done with branches.
"""

from __future__ import annotations

from tui.controller.base import Listener
from tui.controller.compare import Comparing
from tui.controller.export import Exporting
from tui.controller.follow import Following
from tui.controller.imports import Importing
from tui.controller.marks import Marking
from tui.controller.model_input import Seeing
from tui.controller.search import Finding

__all__ = ["Listener", "SessionController"]


class SessionController(Comparing, Exporting, Finding, Following, Importing, Marking, Seeing):
    """The state of one explorer."""
