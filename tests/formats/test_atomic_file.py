"""Files are written completely or not at all, whatever stands at their place."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from tui.errors import ConfigError
from tui.formats.atomic_file import write_atomically


def test_a_file_appears_complete_or_not_at_all(tmp_path: Path) -> None:
    def failing() -> Iterator[str]:
        yield "half"
        raise RuntimeError

    with pytest.raises(RuntimeError):
        write_atomically(failing(), tmp_path / "a.md")
    assert list(tmp_path.iterdir()) == []
    write_atomically(["a", "é\n"], tmp_path / "a.md")
    assert [path.read_bytes() for path in tmp_path.iterdir()] == ["aé\n".encode()]


def test_a_replaced_file_keeps_its_permissions_and_its_links(tmp_path: Path) -> None:
    target, link = tmp_path / "target.md", tmp_path / "link.md"
    target.write_text("old")
    target.chmod(0o600)
    link.symlink_to(target)
    with pytest.raises(ConfigError, match="exists already"):
        write_atomically(["new"], link)
    write_atomically(["new"], link, overwrite=True)
    assert link.is_symlink()
    assert target.read_text() == "new"
    assert stat.S_IMODE(target.stat().st_mode) == 0o600


def test_a_link_to_nothing_gets_its_file(tmp_path: Path) -> None:
    (tmp_path / "link.md").symlink_to(tmp_path / "target.md")
    write_atomically(["new"], tmp_path / "link.md")
    assert (tmp_path / "target.md").read_text() == "new"


@pytest.mark.parametrize("place", ["/", ".", "..", "", "a\udcff/b", "x" * 300])
def test_a_place_that_cannot_be_a_file_is_an_error(place: str) -> None:
    with pytest.raises(ConfigError):
        write_atomically(["new"], Path(place), overwrite=True)


def test_a_name_of_the_greatest_length_is_written(tmp_path: Path) -> None:
    write_atomically(["new"], tmp_path / f"{'x' * 251}.md")
    assert len(list(tmp_path.iterdir())) == 1


def test_a_device_is_written_to() -> None:
    write_atomically(["new"], Path("/dev/null"))
    assert Path("/dev/null").is_char_device()
