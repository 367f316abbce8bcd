"""The state of one open file behind the screens: `SessionController`, and a part for each thing that can be done.

The controller knows no terminal. A command reads what it needs, replaces `view` with a new snapshot and notifies the
listeners. When the user has navigated elsewhere before the answer arrives, the answer is dropped. A command that starts
from the selected turn starts from the turn that was asked for last, even before that turn is shown. Changes by other
programs are read between two commands and cancel none of them.
"""

from __future__ import annotations

from tui.controller.session_controller import SessionController
from tui.controller.state import Listener

__all__ = ["Listener", "SessionController"]
