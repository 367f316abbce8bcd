"""The explorer: what every explorer is, and on top of it one class for each thing that can be done with branches."""

from __future__ import annotations

from tui.screens.accounting import Accounting
from tui.screens.comparing import Comparing
from tui.screens.exporting import Exporting
from tui.screens.finding import Finding
from tui.screens.following import Following
from tui.screens.importing import Importing
from tui.screens.managing import Managing
from tui.screens.seeing import Seeing

__all__ = ["Explorer"]


class Explorer(Accounting, Comparing, Exporting, Finding, Following, Importing, Managing, Seeing):
    """Tree, chat and usage of one file."""
