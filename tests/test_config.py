"""The configuration file: what it can say, and what is said about mistakes in it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tui.config import Config, Profile, config_path, load_config
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


def test_profiles(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text('profile = "a"\n[profiles.a]\nmodel = "x"\ntracing = true\n[profiles.b]\nagent = "m:a"\n')
    config = load_config(path)
    assert config.chosen(None) == Profile(model="x", tracing=True)
    assert config.chosen("b") == Profile(agent="m:a")
    with pytest.raises(ConfigError, match="there is no profile 'c'") as told:
        config.chosen("c")
    assert "a, b" in told.value.hint
    assert Config(path).chosen(None) == Profile()


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
        (b"profiles = 1", "profiles is not a table"),
        (b"[profiles]\na = 1", "profiles.a is not a table"),
        (b"[profiles.a]\nmodle = 'x'", "profiles.a has no 'modle'"),
        (b"[profiles.a]\nmodel = 1", "profiles.a.model is not a value of its kind"),
        (b"[profiles.a]\nmax_turns = true", "profiles.a.max_turns is not a value of its kind"),
        (b"profile = 'b'\n[profiles.a]", "profile names 'b', which is none"),
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
