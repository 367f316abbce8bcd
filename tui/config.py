"""The configuration file: `convo-tui/config.toml` in the platform's configuration folder.

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
    """An agent as it stands in the configuration file; what is None is not said there.

    Attributes:
        agent: `module:attribute` or `path/file.py:attribute`.
        model: Name of a model.
        instructions: What the assistant is told, or `@` and a file.
        base_url: Address of an OpenAI-compatible server.
        api: `responses` or `chat`.
        env_file: A `.env` that holds the keys.
        tracing: Whether traces are sent to OpenAI.
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
    """What the user configured.

    Attributes:
        path: The file that says so, or would.
        theme: Name of a Textual theme; None for the default.
        keys: New keys by binding id: separated by commas, as Textual names them.
        profiles: Agents by name.
        profile: Name of the one to take where none is named; None for no agent.
    """

    path: Path
    theme: str | None = None
    keys: Mapping[str, str] = MappingProxyType({})
    profiles: Mapping[str, Profile] = MappingProxyType({})
    profile: str | None = None

    def chosen(self, name: str | None) -> Profile:
        """The profile of a name, or the default one; one that says nothing where there is none.

        Raises:
            ConfigError: There is no profile of that name.
        """
        name = self.profile if name is None else name
        if name is None:
            return Profile()
        if name not in self.profiles:
            known = ", ".join(sorted(self.profiles)) or "none"
            raise ConfigError(f"{self.path}: there is no profile '{name}'.", f"Known are: {known}.")
        return self.profiles[name]


_PROFILE: Final[Mapping[str, type]] = {
    "agent": str,
    "model": str,
    "instructions": str,
    "base_url": str,
    "api": str,
    "env_file": str,
    "tracing": bool,
    "max_turns": int,
}
"""What a profile can say, and of which kind that is."""


def config_path() -> Path:
    """Where the configuration file is looked for."""
    return user_config_path("convo-tui", appauthor=False) / "config.toml"


def load_config(path: Path | None = None) -> Config:
    """Read the configuration file, if there is one.

    Raises:
        ConfigError: It cannot be read, or says something unknown; names the file, the key and the remedy.
    """
    path = path or config_path()
    try:
        written = path.read_bytes()
    except FileNotFoundError:
        return Config(path)
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}.", "Mend its permissions, or remove it.") from error
    import tomllib

    try:
        found: dict[str, Any] = tomllib.loads(written.decode("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} is not valid TOML: {error}.", "Mend that line, or remove the file.") from error
    theme, keys = found.pop("theme", None), found.pop("keys", {})
    profiles, profile = found.pop("profiles", {}), found.pop("profile", None)
    if found:
        raise ConfigError(
            f"{path}: nothing is called '{next(iter(found))}'.", "Known are: theme, profile, [keys], [profiles.NAME]."
        )
    if theme is not None and not isinstance(theme, str):
        raise ConfigError(f"{path}: theme is not a name.", 'Write for example: theme = "textual-light"')
    if not isinstance(keys, dict):
        raise ConfigError(f"{path}: keys is not a table.", 'Write [keys], and below it for example: "fork.here" = "f"')
    for name, value in keys.items():
        if not isinstance(value, str) or not value.strip():
            raise ConfigError(f"{path}: the key of '{name}' is not a text.", f'Write for example: "{name}" = "f"')
    if not isinstance(profiles, dict):
        raise ConfigError(f"{path}: profiles is not a table.", "Write [profiles.NAME], and below it the agent.")
    made = {name: _profile(path, name, said) for name, said in profiles.items()}
    if profile is not None and profile not in made:
        raise ConfigError(f"{path}: profile names '{profile}', which is none.", f"Write [profiles.{profile}].")
    return Config(path, theme, keys, made, profile)


def _profile(path: Path, name: str, said: object) -> Profile:
    if not isinstance(said, dict):
        raise ConfigError(
            f"{path}: profiles.{name} is not a table.", f"Write [profiles.{name}], and below it the agent."
        )
    for key, value in said.items():
        if key not in _PROFILE:
            raise ConfigError(f"{path}: profiles.{name} has no '{key}'.", f"Known are: {', '.join(_PROFILE)}.")
        if type(value) is not _PROFILE[key]:
            kind = _PROFILE[key].__name__
            raise ConfigError(f"{path}: profiles.{name}.{key} is not a value of its kind ({kind}).", "Mend that line.")
    if "env_file" in said:
        # Named from where it is said, as a profile serves wherever the program is started.
        said = {**said, "env_file": path.parent / Path(said["env_file"]).expanduser()}
    return Profile(**said)
