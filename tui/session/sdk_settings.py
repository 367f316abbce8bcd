"""Settings and environment variables of the Agents SDK, which is imported only if its settings are used."""

from __future__ import annotations

import logging
import os
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from agents import SessionSettings

__all__ = ["coerce_settings", "default_settings", "log_failure"]


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


def log_failure(logger: logging.Logger, message: str, error: Exception, *kinds: str) -> None:
    """Log a failure, with the error if the SDK may log data of these kinds (`MODEL`, `TOOL`), as it may quote them."""
    values = (os.environ.get(f"OPENAI_AGENTS_DONT_LOG_{kind}_DATA", "1") for kind in kinds)
    if any(value == "1" or value.lower() == "true" for value in values):
        logger.error("%s", message)
    else:
        logger.error("%s: %s", message, error, exc_info=error)


def _settings() -> Any:
    return import_module("agents.memory.session_settings")
