"""The README: its table of commands, its examples and its links."""

from __future__ import annotations

import re
from pathlib import Path

from tui.commands.key_table import replace_key_table
from tui.config import load_config
from tui.explorer.keymap import keymap

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text("utf-8")


def test_its_table_of_keys_is_up_to_date() -> None:
    assert replace_key_table(README) == README, "run: make keys"


def test_the_example_configuration_is_valid(tmp_path: Path) -> None:
    found = re.search(r"```toml\n(.*?)```", README, re.DOTALL)
    assert found
    (tmp_path / "config.toml").write_text(found[1])
    config = load_config(tmp_path / "config.toml")
    assert config.theme
    assert keymap(config) == config.keys


def test_the_example_code_compiles() -> None:
    found = re.search(r"```python\n(.*?)```", README, re.DOTALL)
    assert found
    compile(found[1], "README.md", "exec")


def test_linked_files_exist() -> None:
    for name in re.findall(r"\]\(((?:screenshots|docs|CHANGELOG)[^)]*)\)", README):
        assert (ROOT / name).is_file(), name
