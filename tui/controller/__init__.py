"""One open file and one state: `SessionController`.

What every controller is stands in `base`; on top of it one class for each thing that can be done with branches.
"""

from __future__ import annotations

from tui.controller.accounting import Accounting
from tui.controller.base import Listener
from tui.controller.comparing import Comparing
from tui.controller.exporting import Exporting
from tui.controller.finding import Finding
from tui.controller.managing import Managing
from tui.controller.marking import Marking
from tui.controller.seeing import Seeing

__all__ = ["Listener", "SessionController"]


class SessionController(Accounting, Comparing, Exporting, Finding, Managing, Marking, Seeing):
    """The state of one explorer."""
