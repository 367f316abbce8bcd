"""The explorer: what every explorer is, and on top of it one class for each thing that can be done with branches."""

from __future__ import annotations

from tui.explorer.compare import Comparing
from tui.explorer.export import Exporting
from tui.explorer.follow import Following
from tui.explorer.imports import Importing
from tui.explorer.manage import Managing
from tui.explorer.search import Finding
from tui.explorer.usage import Accounting
from tui.explorer.view import Seeing

__all__ = ["Explorer"]


class Explorer(Accounting, Comparing, Exporting, Finding, Following, Importing, Managing, Seeing):
    """Tree, chat and usage of one file."""
