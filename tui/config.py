"""The configuration file: `convo-tui/config.toml` in the platform's configuration folder.

theme = "textual-light"

[keys]
"fork.here" = "f,space"
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from platformdirs import user_config_path

from tui.errors import ConfigError

__all__ = ["Config", "config_path", "load_config"]


@dataclass(frozen=True, slots=True)
class Config:
    """What the user configured.

    Attributes:
        path: The file that says so, or would.
        theme: Name of a Textual theme; None for the default.
        keys: New keys by binding id: separated by commas, as Textual names them.
    """

    path: Path
    theme: str | None = None
    keys: Mapping[str, str] = field(default_factory=dict)


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
        found: dict[str, Any] = tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return Config(path)
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}.", "Mend its permissions, or remove it.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} is not valid TOML: {error}.", "Mend that line, or remove the file.") from error
    theme, keys = found.pop("theme", None), found.pop("keys", {})
    if found:
        raise ConfigError(f"{path}: nothing is called '{next(iter(found))}'.", "Known are: theme, [keys].")
    if theme is not None and not isinstance(theme, str):
        raise ConfigError(f"{path}: theme is not a name.", 'Write for example: theme = "textual-light"')
    if not isinstance(keys, dict):
        raise ConfigError(f"{path}: keys is not a table.", 'Write [keys], and below it for example: "fork.here" = "f"')
    for name, value in keys.items():
        if not isinstance(value, str) or not value.strip():
            raise ConfigError(f"{path}: the key of '{name}' is not a text.", f'Write for example: "{name}" = "f"')
    return Config(path, theme, keys)
