"""The version and the changelog agree."""

from __future__ import annotations

import re
import tomllib
from importlib.metadata import version
from itertools import pairwise
from pathlib import Path

ROOT = Path(__file__).parents[1]
UNRELEASED = "Unreleased"

HEADINGS = re.findall(r"^## (.+)$", (ROOT / "CHANGELOG.md").read_text("utf-8"), re.MULTILINE)
RELEASE = re.compile(r"(\d+)\.(\d+)\.(\d+) - \d{4}-\d{2}-\d{2}")


def releases() -> list[tuple[int, ...]]:
    """Return the numbers of the changelog's releases, newest first."""
    found = []
    for heading in HEADINGS:
        if heading != UNRELEASED:
            match = RELEASE.fullmatch(heading)
            assert match, f"'## {heading}' is neither '## {UNRELEASED}' nor '## X.Y.Z - YYYY-MM-DD'"
            found.append(tuple(map(int, match.groups())))
    return found


def declared() -> tuple[int, ...]:
    text = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["version"]
    return tuple(map(int, text.split(".")))


def test_the_version_is_the_newest_release_or_the_one_after_it() -> None:
    newest = next(iter(releases()), (0, 0, 0))
    if HEADINGS[0] == UNRELEASED:
        assert declared() >= newest
    else:
        assert declared() == newest


def test_releases_are_listed_newest_first() -> None:
    assert UNRELEASED not in HEADINGS[1:]
    assert all(newer > older for newer, older in pairwise(releases()))


def test_the_installed_package_has_the_declared_version() -> None:
    assert tuple(map(int, version("convo-tui").split("."))) == declared()
