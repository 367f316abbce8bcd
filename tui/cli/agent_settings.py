"""The agent that the command line and the configuration name."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Final

from tui.config import Config

if TYPE_CHECKING:
    from tui.agent.settings import AgentSettings

__all__ = ["agent_settings"]

_OPTIONS: Final = ("agent", "model", "instructions", "base_url", "api", "env_file", "tracing", "max_turns", "compact")
_PROFILE_OPTIONS: Final = ("compact_model", "compact_after")
"""Settings that only a profile has."""


def agent_settings(options: argparse.Namespace, config: Config, *, offline: bool = False) -> AgentSettings | None:
    """Return the agent of the options and the profile; without one, with the offline model if `offline`, else None."""
    profile = config.select_profile(options.profile)
    values = {
        name: getattr(profile, name) if getattr(options, name) is None else getattr(options, name) for name in _OPTIONS
    }
    uses_offline_model = offline and values["agent"] is None and values["model"] is None
    if not uses_offline_model and all(value is None for value in values.values()):
        return None
    from tui.agent.settings import OFFLINE, AgentSettings

    if uses_offline_model:
        values["model"] = OFFLINE
    values |= {name: getattr(profile, name) for name in _PROFILE_OPTIONS}
    return AgentSettings(**{**values, "tracing": bool(values["tracing"]), "compact": bool(values["compact"])})
