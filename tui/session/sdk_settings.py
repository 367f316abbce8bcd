"""Settings and environment variables of the Agents SDK, which is imported only if its settings are used."""

from __future__ import annotations

import os
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from agents import SessionSettings

__all__ = ["coerce_settings", "default_settings", "may_log"]


def default_settings() -> SessionSettings:
    """Return the SDK's default settings."""
    settings: SessionSettings = _settings().SessionSettings()
    return settings


def coerce_settings(settings: SessionSettings | dict[str, Any]) -> SessionSettings:
    """Return settings, made from a dict by the SDK if needed.

    Raises:
        TypeError: The argument is neither a dict nor settings, or a name in it is unknown.
    """
    coerced: SessionSettings = _settings().coerce_session_settings(settings)
    return coerced


def may_log(*kinds: str) -> bool:
    """Return whether the SDK's environment variables allow logs with data of these kinds (`MODEL`, `TOOL`)."""
    values = (os.environ.get(f"OPENAI_AGENTS_DONT_LOG_{kind}_DATA", "1") for kind in kinds)
    return not any(value == "1" or value.lower() == "true" for value in values)


def _settings() -> Any:
    return import_module("agents.memory.session_settings")
