"""Markdown and HTML that people read: shared turns once, and nothing in them acts."""

from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path

import pytest
from agents import SQLiteSession

from tests.conversations import open_sdk, spend, turn
from tests.formats.test_json_document import exported
from tui.formats import Format

EVIL = "<script>alert(1)</script> ![x](http://tracker.example/a.png) <img src=x onerror=alert(1)> \x1b]0;owned\x07"


@pytest.fixture
async def path(tmp_path: Path) -> Path:
    """main: 1 2; alt leaves it at 2."""
    path = tmp_path / "from.sqlite"
    sdk = open_sdk(path, EVIL)
    await sdk.add_items(turn("Shared question", "Shared **answer**", tool="weather"))
    await sdk.store_run_usage(spend(100, cached=40))
    await sdk.add_items(turn(EVIL, EVIL))
    await sdk.store_run_usage(spend(200))
    await sdk.create_branch_from_turn(2, "alt <b>")
    await sdk.add_items(turn("Of alt", "````\ncode\n````"))
    sdk.close()
    return path


class Page(HTMLParser):
    """What a browser would make of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]

    def handle_data(self, data: str) -> None:
        self.text += data

    def of(self, name: str) -> list[str]:
        return [value for known, value in self.attributes if known == name]


async def test_a_page_shows_each_turn_once_beside_its_tree(path: Path) -> None:
    page = Page(await exported(path, form=Format.HTML))
    assert page.text.count("Shared answer") == 1
    links = [link[1:] for link in page.of("href") if link.startswith("#")]
    assert len(links) == len(set(links)) == 3
    assert set(links) <= set(page.of("id"))
    assert "110 tokens: 100 in, 40 of it cached, 10 out" in page.text
    assert sum("bar" in name for name in page.of("class")) == 2


async def test_nothing_in_a_page_acts(path: Path) -> None:
    document = await exported(path, form=Format.HTML)
    page = Page(document)
    assert not {"script", "img", "link", "iframe", "object", "form"} & set(page.tags)
    assert not [name for name, _ in page.attributes if name.startswith("on") or name == "src"]
    assert "default-src 'none'" in page.of("content")[0]
    assert "<script>alert(1)</script>" in page.text
    assert "\x1b" not in document
    assert "␛]0;owned␇" in page.text


async def test_markdown_of_a_session_goes_by_the_tree(path: Path) -> None:
    lines = (await exported(path, form=Format.MARKDOWN)).split("\n")
    assert [line for line in lines if line.startswith("#")] == [
        "# " + lines[0].removeprefix("# "),
        "## main, alt \\<b\\>: turn 1",
        "### Turn 1",
        "## alt \\<b\\>: turn 2, after turn 1",
        "### Turn 2",
        "## main: turn 2, after turn 1",
        "### Turn 2",
    ]
    assert lines.count("Shared **answer**") == 1
    assert "**output of weather**" in lines
    assert not any("\x1b" in line for line in lines)


async def test_markdown_of_one_branch_is_that_conversation(path: Path) -> None:
    text = await exported(path, ["alt <b>"], Format.MARKDOWN)
    assert [line for line in text.split("\n") if line.startswith("## ")] == ["## Turn 1", "## Turn 2"]
    assert "> Of alt" in text
    assert "````\ncode\n````" in text


async def test_code_that_holds_fences_stays_within_its_own(tmp_path: Path) -> None:
    sdk = open_sdk(tmp_path / "from.sqlite")
    await sdk.add_items(
        [
            {"role": "user", "content": "Run it"},
            {"type": "function_call_output", "call_id": "c", "output": "```\nnot the end\n````"},
        ]
    )
    sdk.close()
    assert "`````\n```\nnot the end\n````\n`````" in await exported(tmp_path / "from.sqlite", form=Format.MARKDOWN)


async def test_a_plain_session_can_be_exported_too(tmp_path: Path) -> None:
    plain = SQLiteSession("support", tmp_path / "from.sqlite")
    await plain.add_items(turn("Hello"))
    plain.close()
    assert "> Hello" in await exported(tmp_path / "from.sqlite", form=Format.MARKDOWN)
