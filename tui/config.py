"""The configuration file: `convo-tui/config.toml` in the platform's folder for configuration.

theme = "textual-light"

[keys]
preset = "classic"
"fork.here" = "f,ctrl+t"

[prices."my-model"]
input = 0.5
output = 2
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterable, Mapping
from decimal import Decimal
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, Literal, NamedTuple

from platformdirs import user_config_path, user_state_path

from tui.errors import ConfigError
from tui.model import Price

__all__ = ["Config", "Profile", "config_path", "load_config", "save_theme", "state_path"]


class Profile(NamedTuple):
    """The settings of an agent in the configuration file; a missing setting is None.

    Attributes:
        agent: `module:attribute` or `path/file.py:attribute`.
        instructions: Instructions of the plain assistant, or `@` and a file.
        base_url: Address of an OpenAI-compatible server.
        api: `responses` or `chat`.
        env_file: A `.env` with the keys.
        tracing: Whether the SDK sends traces to OpenAI.
        max_turns: Number of times that the model may be called for one message.
        compact: Whether a branch is compacted after an answer once it is long enough.
        compact_model: The model that compacts.
        compact_after: The number of items, without the user's messages, from which on a branch is compacted.
    """

    agent: str | None = None
    model: str | None = None
    instructions: str | None = None
    base_url: str | None = None
    api: Literal["responses", "chat"] | None = None
    env_file: Path | None = None
    tracing: bool | None = None
    max_turns: int | None = None
    compact: bool | None = None
    compact_model: str | None = None
    compact_after: int | None = None


class Config(NamedTuple):
    """The user's configuration.

    Attributes:
        path: The configuration file, which may not exist.
        theme: Name of a Textual theme; None for the default.
        keys: Keys by binding id: separated by commas, with Textual's names.
        preset: Name of a set of keys, which `keys` changes; None for the default.
        chosen_theme: The theme that the user chose in the program after `theme` was written; None for none.
        state: The file in which the program keeps such choices; None to keep none.
        prices: The user's own prices, by model.
        profiles: Agents by name.
        profile: Name of the default profile; None for no agent.
    """

    path: Path
    theme: str | None = None
    keys: Mapping[str, str] = MappingProxyType({})
    profiles: Mapping[str, Profile] = MappingProxyType({})
    profile: str | None = None
    preset: str | None = None
    chosen_theme: str | None = None
    state: Path | None = None
    prices: Mapping[str, Price] = MappingProxyType({})

    def require_theme(self, known: Iterable[str]) -> None:
        """Raise a ConfigError if the file names a theme that does not exist."""
        if self.theme is not None and self.theme not in known:
            raise ConfigError(
                f"{self.path}: there is no theme '{self.theme}'.", f"The themes are: {', '.join(sorted(known))}."
            )

    def select_profile(self, name: str | None) -> Profile:
        """Return the profile of a name, by default the default profile, or an empty one if there is none.

        Raises:
            ConfigError: There is no profile of that name.
        """
        name = self.profile if name is None else name
        if name is None:
            return Profile()
        if name not in self.profiles:
            names = ", ".join(sorted(self.profiles)) or "none"
            raise ConfigError(f"{self.path}: there is no profile '{name}'.", f"The profiles are: {names}.")
        return self.profiles[name]


_PROFILE_TYPES: Final[Mapping[str, type]] = {
    "agent": str,
    "model": str,
    "instructions": str,
    "base_url": str,
    "api": str,
    "env_file": str,
    "tracing": bool,
    "max_turns": int,
    "compact": bool,
    "compact_model": str,
    "compact_after": int,
}
"""The TOML type of each setting of a profile."""

_PRICE_SETTINGS: Final = ("input", "cached_input", "output")
"""US dollars per million tokens."""

_TYPE_NAMES: Final[Mapping[type, str]] = {str: "a string", bool: "true or false", int: "an integer"}


def config_path() -> Path:
    """Return the path of the configuration file."""
    return user_config_path("convo-tui", appauthor=False) / "config.toml"


def state_path() -> Path:
    """Return the path of the file in which the program remembers the user's choices."""
    return user_state_path("convo-tui", appauthor=False) / "state.json"


def save_theme(config: Config, theme: str) -> None:
    """Keep a theme for the next start; it is used as long as the configuration file names no other theme than now.

    Raises:
        OSError: The file cannot be written.
    """
    if config.state is None:
        return
    config.state.parent.mkdir(parents=True, exist_ok=True)
    # Another program of ours may start at this moment.
    new = config.state.with_name(f"{config.state.name}.{os.getpid()}")
    new.write_text(json.dumps({"theme": theme, "configured_theme": config.theme}), "utf-8")
    new.replace(config.state)


def _chosen_theme(state: Path | None, theme: str | None) -> str | None:
    if state is None:
        return None
    try:
        kept = json.loads(state.read_text("utf-8"))
        chosen = kept["theme"] if kept["configured_theme"] == theme else None
    except (OSError, ValueError, LookupError, TypeError):
        return None
    return chosen if isinstance(chosen, str) else None


def load_config(path: Path | None = None, state: Path | None = None) -> Config:
    """Read the configuration file, if it exists, and what the user chose in the program.

    Args:
        path: The configuration file, by default the platform's.
        state: The file that `save_theme` writes; by default the platform's, or none beside another configuration.

    Raises:
        ConfigError: The file cannot be read, or has an unknown or invalid setting; the message names file and setting.
    """
    if path is None:
        path, state = config_path(), state or state_path()
    settings = _read(path)
    theme, keys = settings.pop("theme", None), settings.pop("keys", {})
    profiles, profile = settings.pop("profiles", {}), settings.pop("profile", None)
    prices = settings.pop("prices", {})
    if settings:
        raise ConfigError(
            f"{path}: there is no setting '{next(iter(settings))}'.",
            "The settings are: theme, profile, [keys], [profiles.NAME], [prices.MODEL].",
        )
    if theme is not None and not isinstance(theme, str):
        raise ConfigError(f"{path}: theme is not a string.", 'Write for example: theme = "textual-light"')
    if not isinstance(keys, dict):
        raise ConfigError(f"{path}: keys is not a table.", 'Write [keys], and below it for example: "fork.here" = "f"')
    preset = keys.pop("preset", None)
    if preset is not None and not isinstance(preset, str):
        raise ConfigError(f"{path}: the preset of the keys is not a string.", 'Write for example: preset = "classic"')
    for name, value in keys.items():
        if not isinstance(value, str) or not value.strip():
            raise ConfigError(f"{path}: the key of '{name}' is not a string.", f'Write for example: "{name}" = "f"')
    if not isinstance(profiles, dict):
        raise ConfigError(f"{path}: profiles is not a table.", "Write [profiles.NAME], and below it the agent.")
    if profile is not None and profile not in profiles:
        raise ConfigError(f"{path}: there is no profile '{profile}'.", f"Write [profiles.{profile}].")
    agents = {name: _profile(path, name, table) for name, table in profiles.items()}
    if not isinstance(prices, dict):
        raise ConfigError(f"{path}: prices is not a table.", 'Write [prices."MODEL"], and below it input and output.')
    own = {name: _price(path, name, table) for name, table in prices.items()}
    return Config(path, theme, keys, agents, profile, preset, _chosen_theme(state, theme), state, own)


def _read(path: Path) -> dict[str, Any]:
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise ConfigError(
            f"{path} cannot be read: {error.strerror}.", "Correct its permissions, or remove it."
        ) from error
    import tomllib

    try:
        return tomllib.loads(content.decode("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} is not valid TOML: {error}.", "Correct that line, or remove the file.") from error


def _profile(path: Path, name: str, table: object) -> Profile:
    if not isinstance(table, dict):
        raise ConfigError(
            f"{path}: profiles.{name} is not a table.", f"Write [profiles.{name}], and below it the agent."
        )
    for setting, value in table.items():
        expected = _PROFILE_TYPES.get(setting)
        if expected is None:
            raise ConfigError(
                f"{path}: profiles.{name} has no setting '{setting}'.",
                f"The settings are: {', '.join(_PROFILE_TYPES)}.",
            )
        if type(value) is not expected:
            raise ConfigError(
                f"{path}: profiles.{name}.{setting} is not {_TYPE_NAMES[expected]}.", "Correct that line."
            )
    if "env_file" in table:
        # Relative to the configuration file, as a profile can be used from any folder.
        table = {**table, "env_file": path.parent / Path(table["env_file"]).expanduser()}
    return Profile(**table)


def _price(path: Path, model: str, table: object) -> Price:
    where = f"{path}: prices.{json.dumps(model, ensure_ascii=False)}"
    hint = f"Write [prices.{json.dumps(model, ensure_ascii=False)}], and below it for example: input = 0.5"
    if not isinstance(table, dict) or any(isinstance(value, dict) for value in table.values()):
        # A name with a dot and without quotation marks is a table in a table.
        raise ConfigError(f"{where} is not a price.", f"{hint}; a name with a dot needs the quotation marks.")
    for setting, value in table.items():
        if setting not in _PRICE_SETTINGS:
            raise ConfigError(
                f"{where} has no setting '{setting}'.", f"The settings are: {', '.join(_PRICE_SETTINGS)}."
            )
        if type(value) not in (int, float) or not math.isfinite(value) or value < 0:
            raise ConfigError(
                f"{where}.{setting} is not a price.", "Write US dollars per million tokens, for example: 0.5"
            )
    for setting in ("input", "output"):
        if setting not in table:
            raise ConfigError(f"{where} has no {setting}.", f"Write the price of a million tokens: {setting} = 0.5")
    amounts = {setting: Decimal(str(value)) for setting, value in table.items()}
    cached = amounts.get("cached_input", amounts["input"])
    return Price(model, amounts["input"], cached, amounts["output"], str(path))
