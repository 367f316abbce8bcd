"""The configuration file: what it can say, and what is said about mistakes in it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tui.config import Config, config_path, load_config
from tui.errors import ConfigError


def test_no_file_is_no_configuration(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    assert load_config(path) == Config(path)


def test_it_is_looked_for_in_the_platforms_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    assert config_path() == tmp_path / "convo-tui" / "config.toml"


def test_theme_and_keys(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text('theme = "nord"\n[keys]\n"fork.here" = "f,space"\n')
    assert load_config(path) == Config(path, "nord", {"fork.here": "f,space"})


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"theme = ", "is not valid TOML"),
        (b"\xff\xfe", "is not valid TOML"),
        (b"themes = 1", "nothing is called 'themes'"),
        (b"theme = 1", "theme is not a name"),
        (b"keys = 1", "keys is not a table"),
        (b'[keys]\n"fork.here" = 1', "the key of 'fork.here' is not a text"),
        (b'[keys]\n"fork.here" = " "', "the key of 'fork.here' is not a text"),
    ],
)
def test_a_mistake_names_the_file_the_key_and_the_remedy(tmp_path: Path, content: bytes, says: str) -> None:
    path = tmp_path / "config.toml"
    path.write_bytes(content)
    with pytest.raises(ConfigError, match=says) as told:
        load_config(path)
    assert str(path) in str(told.value)
    assert told.value.hint


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        load_config(tmp_path)
