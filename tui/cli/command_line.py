"""Commands in hints, as the user would type them."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tui.storage.open import Target

__all__ = ["command_line"]


def command_line(command: str, file: Target | str, *others: str) -> str:
    """Return a command as the user would type it; `URL` stands for one of a server, which may have a password."""
    from tui.storage.open import is_server_url

    return shlex.join(["convo-tui", command, "URL" if is_server_url(str(file)) else str(file), *others])
