"""The SQL outside of the engines contains nothing that only SQLite accepts."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import tui.storage

STORAGE = Path(tui.storage.__file__).parent
ENGINES = {STORAGE / "postgres", STORAGE / "sqlite"}
MODULES = sorted(path for path in STORAGE.rglob("*.py") if not ENGINES & set(path.parents))

SQLITE_ONLY = re.compile(
    r"\b(AUTOINCREMENT|CROSS JOIN|GLOB|IFNULL|INSERT OR|NOT INDEXED|PRAGMA|group_concat|instr|json_each|json_extract"
    r"|json_group_array|json_valid|last_insert_rowid|octet_length|rowid|sqlite_master|typeof|x'')\b"
    r"|AS (?:INTEGER|REAL)\)|[=(,] \?"
)
"""Words of SQLite alone, types that have half as many bits elsewhere, and values without a name."""


def strings(path: Path) -> Iterator[str]:
    """Yield the texts of a module, without docstrings."""
    tree = ast.parse(path.read_text())
    statements = [node.value for node in ast.walk(tree) if isinstance(node, ast.Expr)]
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node not in statements:
            yield node.value


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(STORAGE)))
def test_no_sql_of_sqlite_alone(path: Path) -> None:
    assert not [text for text in strings(path) if SQLITE_ONLY.search(text)]


def test_sql_of_sqlite_is_recognized() -> None:
    found = {
        word
        for path in (STORAGE / "sqlite").rglob("*.py")
        for text in strings(path)
        for word in SQLITE_ONLY.findall(text)
    }
    assert {"PRAGMA", "json_each", "sqlite_master", "AUTOINCREMENT"} <= found
