"""The configuration file: `convo-tui/config.toml` in the platform's folder for configuration.

theme = "textual-light"

[keys]
"fork.here" = "f,space"
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, Literal, NamedTuple

from platformdirs import user_config_path

from tui.errors import ConfigError

__all__ = ["Config", "Profile", "config_path", "load_config"]


class Profile(NamedTuple):
    """The settings of an agent in the configuration file; a missing setting is None.

    Attributes:
        agent: `module:attribute` or `path/file.py:attribute`.
        instructions: Instructions of the plain assistant, or `@` and a file.
        base_url: Address of an OpenAI-compatible server.
        api: `responses` or `chat`.
        env_file: A `.env` with the keys.
        tracing: Whether the SDK sends traces to OpenAI.
        max_turns: How often the model may be called for one message.
    """

    agent: str | None = None
    model: str | None = None
    instructions: str | None = None
    base_url: str | None = None
    api: Literal["responses", "chat"] | None = None
    env_file: Path | None = None
    tracing: bool | None = None
    max_turns: int | None = None


class Config(NamedTuple):
    """The user's configuration.

    Attributes:
        path: The configuration file, which may not exist.
        theme: Name of a Textual theme; None for the default.
        keys: Keys by binding id: separated by commas, with Textual's names.
        profiles: Agents by name.
        profile: Name of the default profile; None for no agent.
    """

    path: Path
    theme: str | None = None
    keys: Mapping[str, str] = MappingProxyType({})
    profiles: Mapping[str, Profile] = MappingProxyType({})
    profile: str | None = None

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
}
"""The TOML type of each setting of a profile."""

_TYPE_NAMES: Final[Mapping[type, str]] = {str: "a string", bool: "true or false", int: "an integer"}


def config_path() -> Path:
    """Return the path of the configuration file."""
    return user_config_path("convo-tui", appauthor=False) / "config.toml"


def load_config(path: Path | None = None) -> Config:
    """Read the configuration file, if it exists.

    Raises:
        ConfigError: The file cannot be read, or has an unknown or invalid setting; the message names file and setting.
    """
    path = path or config_path()
    settings = _read(path)
    theme, keys = settings.pop("theme", None), settings.pop("keys", {})
    profiles, profile = settings.pop("profiles", {}), settings.pop("profile", None)
    if settings:
        raise ConfigError(
            f"{path}: there is no setting '{next(iter(settings))}'.",
            "The settings are: theme, profile, [keys], [profiles.NAME].",
        )
    if theme is not None and not isinstance(theme, str):
        raise ConfigError(f"{path}: theme is not a string.", 'Write for example: theme = "textual-light"')
    if not isinstance(keys, dict):
        raise ConfigError(f"{path}: keys is not a table.", 'Write [keys], and below it for example: "fork.here" = "f"')
    for name, value in keys.items():
        if not isinstance(value, str) or not value.strip():
            raise ConfigError(f"{path}: the key of '{name}' is not a string.", f'Write for example: "{name}" = "f"')
    if not isinstance(profiles, dict):
        raise ConfigError(f"{path}: profiles is not a table.", "Write [profiles.NAME], and below it the agent.")
    if profile is not None and profile not in profiles:
        raise ConfigError(f"{path}: there is no profile '{profile}'.", f"Write [profiles.{profile}].")
    return Config(path, theme, keys, {name: _profile(path, name, table) for name, table in profiles.items()}, profile)


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
