"""Answering messages with the OpenAI Agents SDK, which is imported when the first run is prepared, and never before.

Public names: `AgentSettings`, who is to answer; `AgentRunner`, which lets them; `redact`, which keeps secrets secret.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from tui.agent.env import redact
    from tui.agent.runner import AgentRunner
    from tui.agent.settings import OFFLINE, AgentSettings, Api

__all__ = ["OFFLINE", "AgentRunner", "AgentSettings", "Api", "redact"]

_HOMES: Final = {
    "OFFLINE": "settings",
    "AgentSettings": "settings",
    "Api": "settings",
    "redact": "env",
    "AgentRunner": "runner",
}


def __getattr__(name: str) -> Any:
    # Who only looks at a file reads what the command line says of an agent, and needs none of the rest.
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
