"""The configuration file: its settings, and the messages about mistakes in it."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from tui.config import Config, Profile, config_path, load_config
from tui.errors import ConfigError
from tui.model import Price


def test_a_missing_file_gives_the_defaults(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    assert load_config(path) == Config(path)


def test_the_file_is_in_the_platforms_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    assert config_path() == tmp_path / "convo-tui" / "config.toml"


def test_theme_and_keys(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text('theme = "nord"\n[keys]\n"fork.here" = "f,space"\n')
    assert load_config(path) == Config(path, "nord", {"fork.here": "f,space"})


def test_a_preset_of_keys(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text('[keys]\npreset = "classic"\n"fork.here" = "f"\n')
    assert load_config(path) == Config(path, keys={"fork.here": "f"}, preset="classic")


def test_profiles(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text('profile = "a"\n[profiles.a]\nmodel = "x"\ntracing = true\n[profiles.b]\nagent = "m:a"\n')
    config = load_config(path)
    assert config.select_profile(None) == Profile(model="x", tracing=True)
    assert config.select_profile("b") == Profile(agent="m:a")
    with pytest.raises(ConfigError, match="there is no profile 'c'") as raised:
        config.select_profile("c")
    assert "a, b" in raised.value.hint
    assert Config(path).select_profile(None) == Profile()


def test_prices(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    free = "[prices.free]\ninput = 0\ncached_input = 0\noutput = 0\n"
    path.write_text(f'[prices."qwen3.5"]\ninput = 0.1\noutput = 2\n{free}')
    assert load_config(path).prices == {
        "qwen3.5": Price("qwen3.5", Decimal("0.1"), Decimal("0.1"), Decimal(2), str(path)),
        "free": Price("free", Decimal(0), Decimal(0), Decimal(0), str(path)),
    }


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"prices = 1", "prices is not a table"),
        (b"[prices]\na = 1", 'prices."a" is not a price'),
        (b"[prices.qwen3.5]\ninput = 1", 'prices."qwen3" is not a price.'),
        (b"[prices.a]\ninput = 1\noutptu = 1", "prices.\"a\" has no setting 'outptu'"),
        (b"[prices.a]\ninput = 1", 'prices."a" has no output'),
        (b"[prices.a]\ninput = '1'\noutput = 1", 'prices."a".input is not a price'),
        (b"[prices.a]\ninput = true\noutput = 1", 'prices."a".input is not a price'),
        (b"[prices.a]\ninput = nan\noutput = 1", 'prices."a".input is not a price'),
        (b"[prices.a]\ninput = 1\noutput = -1", 'prices."a".output is not a price'),
        (b"theme = ", "is not valid TOML"),
        (b"\xff\xfe", "is not valid TOML"),
        (b"themes = 1", "there is no setting 'themes'"),
        (b"theme = 1", "theme is not a string"),
        (b"keys = 1", "keys is not a table"),
        (b"[keys]\npreset = 1", "the preset of the keys is not a string"),
        (b'[keys]\n"fork.here" = 1', "the key of 'fork.here' is not a string"),
        (b'[keys]\n"fork.here" = " "', "the key of 'fork.here' is not a string"),
        (b"profiles = 1", "profiles is not a table"),
        (b"[profiles]\na = 1", "profiles.a is not a table"),
        (b"[profiles.a]\nmodle = 'x'", "profiles.a has no setting 'modle'"),
        (b"[profiles.a]\nmodel = 1", "profiles.a.model is not a string"),
        (b"[profiles.a]\nmax_turns = true", "profiles.a.max_turns is not an integer"),
        (b"profile = 'b'\n[profiles.a]", "there is no profile 'b'"),
    ],
)
def test_a_mistake_is_reported_with_file_setting_and_hint(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "config.toml"
    path.write_bytes(content)
    with pytest.raises(ConfigError, match=message) as raised:
        load_config(path)
    assert str(path) in str(raised.value)
    assert raised.value.hint


def test_an_unreadable_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        load_config(tmp_path)
