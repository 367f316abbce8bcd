"""Every item type of the Responses API has a presentation, which nothing in an item can break."""

from __future__ import annotations

import base64
import json
import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.render.lines import STYLES, drawn, item, show, widest
from tui.items.types import TYPES, ItemKind
from tui.model import Item
from tui.render import copied_text, estimated_height, is_step, render_item, starts_open
from tui.render.limits import MAX_CHARS
from tui.render.partial import drawable_part
from tui.render.tools import PRESENTERS

PNG = base64.b64encode(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + (640).to_bytes(4) + (480).to_bytes(4) + bytes(3_000)).decode()
SHOT = {"type": "computer_screenshot", "image_url": f"data:image/png;base64,{PNG}"}


def command_output(stdout: str, code: int) -> dict[str, Any]:
    return {"stdout": stdout, "stderr": "", "outcome": {"type": "exit", "exit_code": code}}


def test_every_presented_type_is_in_the_table_of_item_types() -> None:
    assert PRESENTERS.keys() <= TYPES.keys()


def test_every_type_of_a_call_or_its_output_has_a_presentation() -> None:
    other = (ItemKind.MESSAGE, ItemKind.REASONING, ItemKind.OTHER)
    assert {name for name, row in TYPES.items() if row.kind not in other} <= PRESENTERS.keys()


def test_a_user_message_is_shown_as_it_was_typed() -> None:
    assert show({"role": "user", "content": "a *b*\n  c [x]"}) == ["a *b*", "  c [x]"]


def test_an_agents_message_is_markdown_below_its_role() -> None:
    content = [{"type": "output_text", "text": "**It** rains."}, {"type": "refusal", "refusal": "I cannot."}]
    data = {"type": "message", "role": "assistant", "content": content}
    assert show(data) == ["agent", "It rains.", "", "✗ refused", "I cannot."]


def test_the_sources_of_an_answer_follow_it() -> None:
    cited = {"type": "url_citation", "url": "https://yr.no", "title": "Yr", "start_index": 0, "end_index": 1}
    content = [{"type": "output_text", "text": "Rain.", "annotations": [cited, cited]}]
    assert show({"role": "assistant", "content": content}) == ["agent", "Rain.", "[1] Yr (https://yr.no)"]


def test_images_files_and_sound_are_notes_without_their_data() -> None:
    content = [
        {"type": "input_text", "text": "look"},
        {"type": "input_image", "image_url": f"data:image/png;base64,{PNG}"},
        {"type": "input_image", "image_url": "https://example.org/a.png"},
        {"type": "input_file", "filename": "a.pdf", "file_data": "data:application/pdf;base64," + "A" * 4_000},
        {"type": "input_audio", "input_audio": {"data": "A" * 8_000, "format": "mp3"}},
    ]
    assert [line for line in show({"role": "user", "content": content}) if line] == [
        "look",
        "▣ image png 640×480 3.0 kB",
        "▣ image https://example.org/a.png",
        "▤ file a.pdf 3.0 kB",
        "♪ audio mp3 6.0 kB",
    ]


@pytest.mark.parametrize(
    ("data", "line"),
    [
        (
            {"type": "function_call", "name": "get_weather", "arguments": '{"city": "Oslo", "days": 3}'},
            '  ⚙ get_weather(city="Oslo", days=3)',
        ),
        ({"type": "function_call", "name": "now", "arguments": "{}"}, "  ⚙ now()"),
        ({"type": "function_call", "name": "odd", "arguments": '{"city": '}, '  ⚙ odd({"city":)'),
        ({"type": "function_call_output", "output": "12 °C"}, "  ↳ 12 °C"),
        ({"type": "function_call_output", "output": "a\nb\nc"}, "▸ ↳ a  … 2 more lines"),
        ({"type": "function_call_output", "output": ""}, "  ↳ no output"),
        ({"type": "tool_call", "name": "run", "arguments": '{"x": 1}'}, "  ⚙ run(x=1)"),
        ({"type": "custom_tool_call", "name": "run", "input": "ls"}, "  ⚙ run(ls)"),
        ({"type": "custom_tool_call_output", "output": [{"type": "input_text", "text": "done"}]}, "  ↳ done"),
        (
            {"type": "computer_call", "action": {"type": "click", "x": 3, "y": 4, "button": "left"}},
            '  ⚙ computer click(3, 4, left)',
        ),
        (
            {"type": "computer_call_output", "output": SHOT},
            "  ↳ ▣ image png 640×480 3.0 kB",
        ),
        (
            {"type": "file_search_call", "queries": ["rain"], "results": [{"text": "wet"}, {"text": "dry"}]},
            '▸ ⚙ file_search("rain")  … 2 results',
        ),
        ({"type": "web_search_call", "action": {"type": "search", "query": "rain"}}, '  ⚙ web_search("rain")'),
        ({"type": "web_search_call", "action": {"type": "open_page", "url": "https://yr.no"}}, "  ⚙ open_page(https://yr.no)"),
        (
            {"type": "code_interpreter_call", "code": "a = 1\nb = 2", "outputs": [{"type": "logs", "logs": "3"}]},
            "▸ ⚙ code a = 1  … 1 more line, 1 output",
        ),
        (
            {"type": "image_generation_call", "result": PNG, "output_format": "png"},
            "  ⚙ image_generation ▣ image 640×480 3.0 kB png",
        ),
        ({"type": "local_shell_call", "action": {"command": ["ls", "-l"]}}, "  $ ls -l"),
        ({"type": "local_shell_call_output", "output": "total 3"}, "  ↳ total 3"),
        ({"type": "shell_call", "action": {"commands": ["cd /", "ls"]}}, "▸ $ cd /  … 1 more line"),
        ({"type": "shell_call_output", "output": [command_output("ok\n", 0)]}, "  ↳ ok"),
        (
            {"type": "apply_patch_call", "operation": {"type": "update_file", "path": "a.py", "diff": "-a\n+b\n+c"}},
            "▸ ± update a.py  +2 −1",
        ),
        ({"type": "apply_patch_call_output", "status": "completed", "output": "patched"}, "  ↳ patched"),
        (
            {"type": "mcp_call", "server_label": "docs", "name": "find", "arguments": '{"q": "x"}', "output": "found"},
            '▸ ⚙ docs.find(q="x") ↳ found',
        ),
        ({"type": "mcp_list_tools", "server_label": "docs", "tools": [{"name": "find"}]}, "▸ ⚙ docs offers 1: find"),
        (
            {"type": "mcp_approval_request", "server_label": "docs", "name": "drop", "arguments": "{}"},
            "  ? approve docs.drop()",
        ),
        ({"type": "mcp_approval_response", "approve": False, "reason": "no"}, "  ✗ refused no"),
        ({"type": "tool_search_call", "arguments": {"query": "maps"}}, '  ⚙ tool_search(query="maps")'),
        ({"type": "tool_search_output", "tools": [{"name": "maps", "type": "function"}]}, "▸ ↳ 1 tool maps"),
        (
            {"type": "reasoning", "summary": [{"type": "summary_text", "text": "**Plan**\n\nfirst"}]},
            "▸ ✻ Plan  … 2 more lines",
        ),
        ({"type": "reasoning", "summary": [], "encrypted_content": "x" * 2_100}, "  ✻ thought, encrypted, 2.1 kB"),
        ({"type": "compaction", "encrypted_content": "x" * 500}, "  ≋ earlier turns compacted, 500 B"),
        ({"type": "item_reference", "id": "msg_1"}, "  → item msg_1"),
        ({"role": "system", "content": "Be brief.\nBe kind."}, "▸ ≡ system  Be brief.  … 1 more line"),
        ({"role": "developer", "content": "Be brief."}, "  ≡ developer  Be brief."),
        ({"type": "novelty", "x": [1]}, '  · novelty {"type": "novelty", "x": [1]}'),
    ],
    ids=lambda value: value.get("type", "message") if isinstance(value, dict) else "",
)  # fmt: skip
def test_a_folded_item_is_one_line(data: dict[str, Any], line: str) -> None:
    assert show(data) == [line]


def test_a_call_unfolds_to_its_arguments() -> None:
    arguments = json.dumps({"path": "a.py", "code": "x = 1\ny = 2", "options": {"dry": True}, "tries": 3})
    assert show({"type": "function_call", "name": "edit", "arguments": arguments}, folded=False) == [
        "▾ ⚙ edit",
        "    path: a.py",
        "    code:",
        "    │ x = 1",
        "    │ y = 2",
        "    options:",
        "    │ {",
        '    │   "dry": true',
        "    │ }",
        "    tries: 3",
    ]


def test_an_output_unfolds_in_place_with_indented_json() -> None:
    assert show({"type": "function_call_output", "output": "a\nb"}, folded=False) == ["▾ ↳ a", "    b"]
    long = {"type": "function_call_output", "output": '{"a": [1, 2]}'}
    assert show(long, 16, folded=False) == [
        "▾ ↳ │ {",
        '    │   "a": [',
        "    │     1,",
        "    │     2",
        "    │   ]",
        "    │ }",
    ]


def test_a_patch_unfolds_to_its_lines() -> None:
    data = {"type": "apply_patch_call", "operation": {"type": "create_file", "path": "a", "diff": "+new\n-old"}}
    lines = render_item(item(data), 40, folded=False, styles=STYLES).lines
    assert drawn(lines) == ["▾ ± create a  +1 −1", "    │ +new", "    │ -old"]


@pytest.mark.parametrize(
    "data",
    [
        {"type": "function_call_output", "output": "An error occurred while running the tool. Error: no"},
        {"type": "function_call", "name": "f", "arguments": "{}", "status": "failed"},
        {"type": "mcp_call", "name": "f", "arguments": "{}", "error": {"type": "http_error", "message": "no"}},
        {"type": "function_call_output", "output": "Tool 'f' timed out after 30 seconds."},
        {"type": "function_call_output", "output": "Traceback (most recent call last):"},
        {"type": "shell_call_output", "output": [command_output("no", 2)]},
        {"type": "shell_call_output", "output": json.dumps([command_output("no", 2)])},
        {"type": "apply_patch_call_output", "status": "failed", "output": "no"},
    ],
)  # fmt: skip
def test_a_failure_is_marked_and_starts_unfolded(data: dict[str, Any]) -> None:
    assert starts_open(item(data))
    assert "✗" in show(data, folded=False)[0]


def test_text_that_cannot_be_decoded_is_shown_as_stored() -> None:
    assert show(None, raw='{"role": "us', kind="other") == ['▸ ✗ cannot be decoded: {"role": "us  … 12 B']
    assert show(None, raw='{"role": "us', kind="other", folded=False) == ["▾ ✗ cannot be decoded", '    {"role": "us']
    assert copied_text(item(None, raw='{"role": "us', kind="other")) == '{"role": "us'


@pytest.mark.parametrize("data", [[1, 2], "words", 3, True, {}, {"role": 3}, {"role": ["user"], "type": {"x": 1}}])
def test_a_value_that_is_no_item_is_shown_as_json(data: Any) -> None:
    assert show(data, kind="other")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
FIELDS = st.sampled_from(
    ["role", "content", "name", "arguments", "input", "output", "summary", "action", "actions", "operation", "outputs",
     "result", "results", "queries", "tools", "error", "status", "code", "encrypted_content", "approve", "server_label"]
)  # fmt: skip
ITEM_TYPES = st.sampled_from([*TYPES, "novelty"])
PARTS = st.sampled_from(["input_text", "output_text", "input_image", "input_file", "input_audio", "refusal", "exit"])
PART = st.builds(
    lambda kind, rest: {**rest, "type": kind}, PARTS, st.dictionaries(st.text(max_size=5), JSON, max_size=2)
)


@settings(max_examples=100)
@given(ITEM_TYPES, st.dictionaries(FIELDS, JSON | PART | st.lists(PART, max_size=2)), st.integers(1, 50), st.booleans())
def test_no_item_breaks_its_presentation(kind: str, fields: dict[str, Any], width: int, folded: bool) -> None:
    odd = Item(1, 0, 1, kind, None, None, {"type": kind, **fields})
    rendered = render_item(odd, width, folded=folded, styles=STYLES)
    assert rendered.lines
    assert width < 4 or widest(rendered.lines) <= width
    assert not re.search("[\x00-\x1f\x7f-\x9f]", "".join(drawn(rendered.lines)))
    assert isinstance(copied_text(odd), str)
    assert estimated_height(odd, width, folded) >= 1
    assert isinstance(is_step(odd) or starts_open(odd), bool)


def test_json_nested_deeper_than_the_stack_is_abbreviated() -> None:
    deep: Any = []
    for _ in range(20_000):
        deep = [deep]
    for data in (
        {"type": "novelty", "deep": deep},
        {"type": "function_call", "name": "f", "arguments": {"deep": deep}},
        {"type": "function_call_output", "output": deep},
    ):
        assert show(data, folded=True)
        assert "…" in "\n".join(show(data, folded=False))
        assert copied_text(item(data))
    assert show({"role": "user", "content": deep}, kind="user")
    assert not starts_open(item({"type": "function_call_output", "output": deep}))


def test_a_huge_output_unfolds_to_the_limit() -> None:
    huge = {"type": "function_call_output", "output": "one line of many\n" * 600_000}
    assert show(huge) == ["▸ ↳ one line of many  … 599,999 more lines"]
    unfolded = show(huge, folded=False)
    assert len(unfolded) == 2_001
    assert unfolded[-1] == "    … 598,000 more lines, y copies all"
    assert len(copied_text(item(huge))) == 17 * 600_000


def test_one_line_of_a_megabyte_wraps_to_the_limit() -> None:
    unfolded = show({"type": "function_call_output", "output": "x" * 1_000_000}, 84, folded=False)
    assert len(unfolded) == -(-MAX_CHARS // 80) + 1
    assert unfolded[-1] == "    … 934 kB more, y copies all"


@pytest.mark.parametrize(
    ("data", "text"),
    [
        ({"role": "user", "content": [{"type": "input_text", "text": "a\n\tb"}]}, "a\n\tb"),
        ({"type": "function_call", "name": "f", "arguments": '{"a": 1}'}, 'f({"a": 1})'),
        ({"type": "function_call_output", "output": "a\nb"}, "a\nb"),
        ({"type": "reasoning", "summary": [{"type": "summary_text", "text": "**x**"}]}, "**x**"),
        ({"type": "novelty", "é": 1}, '{\n  "type": "novelty",\n  "é": 1\n}'),
    ],
)
def test_the_stored_text_is_copied(data: dict[str, Any], text: str) -> None:
    assert copied_text(item(data)) == text


def cut(data: dict[str, Any], size: int = 5_000_000) -> Item:
    """Return the beginning of an item of five megabytes, as the store reads it."""
    return item(data)._replace(size=size, unread=size - 131_072, cut=True)


def test_a_partly_read_item_ends_with_a_note_on_the_rest() -> None:
    text = ("A sentence of it. " * 8_000)[:131_000]
    output = cut({"type": "function_call_output", "output": text})
    assert drawn(render_item(output, 80, folded=True, styles=STYLES).lines)[0].endswith("…  … 5.0 MB")
    for data in (
        {"type": "function_call_output", "output": text},
        {"role": "user", "content": text},
        {"role": "assistant", "content": [{"type": "output_text", "text": text}]},
        {"type": "function_call", "name": "keep", "arguments": text},
    ):
        lines = drawn(render_item(cut(data), 80, folded=False, styles=STYLES).lines)
        assert len(lines) > 800
        assert lines[-1].strip() == "… 4.9 MB more, y copies all"
        assert not any("more" in line for line in lines[:-1])


@pytest.mark.parametrize("character", ["a", "é", "天"])
def test_the_rest_of_a_partly_read_item_is_counted_in_bytes(character: str) -> None:
    text = character * 100_000
    partial = cut({"role": "user", "content": text})
    drawn_part, rest = drawable_part(partial)
    assert drawn_part.data is not None
    left_out = text[len(drawn_part.data["content"]) :]
    assert left_out
    assert rest == partial.unread + len(left_out.encode())


def test_a_partly_read_item_of_short_lines_is_drawn_to_the_limit() -> None:
    lines = drawn(render_item(cut({"role": "user", "content": "a\n" * 60_000}), 80, folded=False, styles=STYLES).lines)
    assert len(lines) == 2_001
    assert lines[-1] == "… 5.0 MB more, y copies all"


def test_a_partly_read_item_that_cannot_be_decoded_has_its_full_size() -> None:
    broken = item(None, raw="{" * 131_072)._replace(size=5_000_000, unread=5_000_000 - 131_072, cut=True)
    assert "5.0 MB" in drawn(render_item(broken, 60, folded=True, styles=STYLES).lines)[0]


def test_an_image_whose_data_was_not_read_has_its_size() -> None:
    parts = [
        {"type": "input_image", "image_url": "data:image/png;base64,iVBORw0KGgo…1600000"},
        {"type": "input_text", "text": "What is this?"},
    ]
    assert show({"role": "user", "content": parts}) == ["▣ image png 1.2 MB", "", "What is this?"]
