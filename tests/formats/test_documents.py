"""Markdown and HTML documents: each turn occurs once, and no message acts on the reader's program."""

from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from agents import SQLiteSession

from tests.conftest import OpenOurs, OpenSDK
from tests.conversations import run_result, turn
from tests.formats.documents import export_document
from tui.formats import Format
from tui.items.types import TYPES, TextSource
from tui.storage.editor import Editor

EVIL = "<script>alert(1)</script> ![x](http://tracker.example/a.png) <img src=x onerror=alert(1)> \x1b]0;owned\x07"


@pytest.fixture
async def conversation(path: Path, sdk: OpenSDK) -> Path:
    """A session with main and a branch that was forked at turn 2."""
    session = sdk(session_id=EVIL)
    await session.add_items(turn("Shared question", "Shared **answer**", tool="weather"))
    await session.store_run_usage(run_result(100, cached=40))
    await session.add_items(turn(EVIL, EVIL))
    await session.store_run_usage(run_result(200))
    await session.create_branch_from_turn(2, "alt <b>")
    await session.add_items(turn("Of alt", "````\ncode\n````"))
    return path


class Page(HTMLParser):
    """The tags, attributes and text of a page, as a browser parses them."""

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

    def values(self, name: str) -> list[str]:
        return [value for known, value in self.attributes if known == name]


async def test_a_page_has_each_turn_once_and_a_tree_of_links(conversation: Path) -> None:
    page = Page(await export_document(conversation, form=Format.HTML))
    assert page.text.count("Shared answer") == 1
    links = [link[1:] for link in page.values("href") if link.startswith("#")]
    assert len(links) == len(set(links)) == 3
    assert set(links) <= set(page.values("id"))
    assert "110 tokens: 100 in, 40 of it cached, 10 out" in page.text
    assert sum("bar" in name for name in page.values("class")) == 2


async def test_a_page_has_no_active_content(conversation: Path) -> None:
    document = await export_document(conversation, form=Format.HTML)
    page = Page(document)
    assert not {"script", "img", "link", "iframe", "object", "form"} & set(page.tags)
    assert not [name for name, _ in page.attributes if name.startswith("on") or name == "src"]
    assert "default-src 'none'" in page.values("content")[0]
    assert "<script>alert(1)</script>" in page.text
    assert "\x1b" not in document
    assert "␛]0;owned␇" in page.text


async def test_markdown_of_a_session_has_a_section_for_each_chain(conversation: Path) -> None:
    lines = (await export_document(conversation, form=Format.MARKDOWN)).split("\n")
    assert [line for line in lines if line.startswith("#")] == [
        "# " + lines[0].removeprefix("# "),
        "## main, alt \\<b\\>: turn 1",
        "### Turn 1",
        "## main: turn 2, after turn 1",
        "### Turn 2",
        "## alt \\<b\\>: turn 2, after turn 1",
        "### Turn 2",
    ]
    assert lines.count("Shared **answer**") == 1
    assert "**output of weather**" in lines
    assert not any("\x1b" in line for line in lines)


@pytest.mark.parametrize("form", [Format.MARKDOWN, Format.HTML])
async def test_titles_are_beside_ids(path: Path, sdk: OpenSDK, form: Format) -> None:
    session = sdk()
    await session.add_items(turn("Shared"))
    await session.add_items(turn("Of main"))
    await session.create_branch_from_turn(2, "alt")
    await session.add_items(turn("Of alt"))
    editor = Editor(path, "agent_sessions", "agent_messages")
    await editor.label(session.session_id, "alt", title="A *better* <b>", description="Named")
    await editor.label(session.session_id, None, title="The\nweather", description="Named")
    document = await export_document(path, form=form)
    single = await export_document(path, ["alt"], form)
    if form is Format.MARKDOWN:
        name = "A \\*better\\* \\<b\\> · alt"
        assert document.startswith(f"# The weather · {session.session_id}\n")
        assert f"## main, {name}: turn 1\n" in document
        assert f"## {name}: turn 2, after turn 1\n" in document
        assert f"\nBranch {name}\n" in single
        return
    name, title = "A *better* &lt;b&gt; · alt", f"The weather · {session.session_id}"
    assert f"<title>{title}</title>" in document
    assert f"<h1>{title}</h1><p>main, {name}</p>" in document
    assert f"<h2>{name} <small>" in document
    assert f"<p>{name}</p>" in single
    # The tree has less room.
    assert '<b class="branch">A *better* &lt;b&gt;</b>' in document


async def test_markdown_of_one_branch_has_its_turns_in_order(conversation: Path) -> None:
    text = await export_document(conversation, ["alt <b>"], Format.MARKDOWN)
    assert [line for line in text.split("\n") if line.startswith("## ")] == ["## Turn 1", "## Turn 2"]
    assert "> Of alt" in text
    assert "````\ncode\n````" in text


async def test_code_with_fences_has_a_longer_fence(path: Path, sdk: OpenSDK) -> None:
    await sdk().add_items(
        [
            {"role": "user", "content": "Run it"},
            {"type": "function_call_output", "call_id": "c", "output": "```\nnot the end\n````"},
        ]
    )
    assert "`````\n```\nnot the end\n````\n`````" in await export_document(path, form=Format.MARKDOWN)


@pytest.mark.parametrize("form", [Format.MARKDOWN, Format.HTML])
async def test_a_branch_without_messages(path: Path, ours: OpenOurs, form: Format) -> None:
    session = ours()
    await session.add_items(turn("Hello"))
    await session.fork(1, branch_name="empty", switch=False)
    assert "No messages." in await export_document(path, ["empty"], form)
    assert "No messages." in await export_document(path, ["main", "empty"], form)


async def test_a_plain_session_is_exported(path: Path) -> None:
    plain = SQLiteSession("support", path)
    await plain.add_items(turn("Hello"))
    plain.close()
    assert "> Hello" in await export_document(path, form=Format.MARKDOWN)


@pytest.mark.parametrize("form", [Format.HTML, Format.MARKDOWN])
async def test_each_type_of_a_call_is_exported_with_its_text(path: Path, sdk: OpenSDK, form: Format) -> None:
    types = [name for name, row in TYPES.items() if row.text is TextSource.CALL]
    calls: list[Any] = [{"type": name, "new_field": f"words of {name}."} for name in types]
    await sdk().add_items([*turn("Hello"), *calls])
    document = await export_document(path, form=form)
    assert [name for name in types if f"words of {name}." not in document] == []
