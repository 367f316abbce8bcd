"""What is asked of the Agents SDK, once there is something to ask.

It takes seconds to import, and a session without settings of the SDK's never needs it.
"""

from __future__ import annotations

import os
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from agents import SessionSettings

__all__ = ["coerce_settings", "default_settings", "may_log"]


def default_settings() -> SessionSettings:
    """The settings of a session that was given none."""
    settings: SessionSettings = _settings().SessionSettings()
    return settings


def coerce_settings(settings: SessionSettings | dict[str, Any]) -> SessionSettings:
    """Settings as the SDK makes them of a dict.

    Raises:
        TypeError: They are neither a dict nor settings, or have an unknown name.
    """
    coerced: SessionSettings = _settings().coerce_session_settings(settings)
    return coerced


def may_log(*kinds: str) -> bool:
    """Whether the SDK's environment variables allow logs to hold data of these kinds (`MODEL`, `TOOL`)."""
    values = (os.environ.get(f"OPENAI_AGENTS_DONT_LOG_{kind}_DATA", "1") for kind in kinds)
    return not any(value == "1" or value.lower() == "true" for value in values)


def _settings() -> Any:
    return import_module("agents.memory.session_settings")
