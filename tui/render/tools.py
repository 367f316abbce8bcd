"""Presentations of tool calls, their outputs and other items that are no messages, in a table by item type."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Final, TypeAlias

from rich.segment import Segment

from tui.items.failure import is_error
from tui.printable import printable
from tui.render.code import code_lines, json_lines, text_lines
from tui.render.content_parts import content_lines, image_note
from tui.render.limits import data_length, format_size
from tui.render.lines import Line
from tui.render.presentation import ItemPresentation, Presenter, first_line, more_lines_note
from tui.render.styles import ItemStyles
from tui.render.tool_lines import as_text, decode_if_json, json_body, present_call, present_output
from tui.render.wrapping import wrap
from tui.words import plural

__all__ = ["PRESENTERS"]

_Data: TypeAlias = dict[str, object]

_CALL: Final = "⚙"
_OUTPUT: Final = "↳"
_APPROVAL: Final = "?"
_COMPACTION: Final = "≋"

_MAX_COUNTED_CHARS: Final = 100_000
"""Characters of a patch in which lines are counted."""
_MAX_TOOLS: Final = 100
_MAX_ACTIONS: Final = 20


def _qualified_name(data: _Data) -> str:
    scope = data.get("namespace") or data.get("server_label")
    name = as_text(data.get("name")) or as_text(data.get("type"))
    return f"{as_text(scope)}.{name}" if scope and scope != name else name


def _as_mapping(value: object) -> Mapping[str, object]:
    return value if isinstance(value, dict) else {}


def _as_list(value: object) -> list[object]:
    return value if isinstance(value, list) else []


def _function_call(data: _Data, styles: ItemStyles) -> ItemPresentation:
    arguments = decode_if_json(data.get("arguments"))
    return present_call(_CALL, _qualified_name(data), arguments, styles, failed=is_error(data))


def _custom_tool_call(data: _Data, styles: ItemStyles) -> ItemPresentation:
    return present_call(_CALL, _qualified_name(data), data.get("input"), styles, failed=is_error(data))


def _output(data: _Data, styles: ItemStyles, field: str = "output") -> ItemPresentation:
    return present_output(data.get(field), styles, failed=is_error(data))


def _shell_call(data: _Data, styles: ItemStyles) -> ItemPresentation:
    action = _as_mapping(data.get("action"))
    command = action.get("command")
    commands = [" ".join(map(as_text, command))] if isinstance(command, list) else _as_list(action.get("commands"))
    script = "\n".join(map(as_text, commands))
    return ItemPresentation(
        "$",
        [Segment(first_line(script), styles.tool)],
        (),
        note=more_lines_note(script),
        body=lambda width, styles: code_lines(script, "bash", width, styles),
        failed=is_error(data),
    )


def _shell_output(data: _Data, styles: ItemStyles) -> ItemPresentation:
    stored = data.get("output")
    chunks = decode_if_json(stored) if isinstance(stored, str) else stored
    if not isinstance(chunks, list) or not all(isinstance(chunk, dict) for chunk in chunks):
        return present_output(stored, styles, failed=is_error(data))
    parts: list[str] = []
    for chunk in map(_as_mapping, chunks):
        outcome = _as_mapping(chunk.get("outcome"))
        parts += [as_text(chunk.get("stdout")).rstrip("\n"), as_text(chunk.get("stderr")).rstrip("\n")]
        if outcome.get("type") == "timeout":
            parts.append("timed out")
        elif code := outcome.get("exit_code"):
            parts.append(f"exit code {code}")
    # Chunks may be stored as JSON in a string.
    failed = is_error({**data, "output": chunks})
    return present_output("\n".join(filter(None, parts)), styles, failed=failed)


def _patch_call(data: _Data, styles: ItemStyles) -> ItemPresentation:
    operation = _as_mapping(data.get("operation"))
    kind = as_text(operation.get("type")).removesuffix("_file") or "patch"
    diff = as_text(operation.get("diff"))
    title = [
        Segment(f"{printable(kind)} ", styles.muted),
        Segment(first_line(as_text(operation.get("path"))), styles.tool),
    ]
    if diff:
        lines = diff[:_MAX_COUNTED_CHARS].split("\n")
        added, removed = (sum(line.startswith(sign) for line in lines) for sign in "+-")
        title += [Segment(f"  +{added}", styles.added), Segment(f" −{removed}", styles.removed)]
    return ItemPresentation(
        "±",
        title,
        has_more=bool(diff),
        body=(lambda width, styles: code_lines(diff, "diff", width, styles)) if diff else None,
        failed=is_error(data),
    )


def _computer_call(data: _Data, styles: ItemStyles) -> ItemPresentation:
    actions = [_as_mapping(action) for action in _as_list(data.get("actions")) or [data.get("action")]]
    words = [
        f"{as_text(action.get('type'))}({', '.join(as_text(action[key]) for key in action if key != 'type')})"
        for action in actions[:_MAX_ACTIONS]
    ]
    title = [Segment("computer ", styles.tool), Segment(printable(", ".join(words))[:2_000], styles.text)]
    body = json_body(data.get("actions") or data.get("action"))
    return ItemPresentation(_CALL, title, body=body, failed=is_error(data))


def _present_search(data: _Data, styles: ItemStyles, name: str, words: str, results: object) -> ItemPresentation:
    title = [Segment(name, styles.tool), Segment(f"({first_line(words)})", styles.text)]
    count = len(_as_list(results))
    return ItemPresentation(
        _CALL,
        title,
        note=plural(count, "result") if count else "",
        body=json_body(results) if count else None,
        failed=is_error(data),
    )


def _file_search_call(data: _Data, styles: ItemStyles) -> ItemPresentation:
    queries = ", ".join(f'"{as_text(query)}"' for query in _as_list(data.get("queries")))
    return _present_search(data, styles, "file_search", queries, data.get("results"))


def _web_search_call(data: _Data, styles: ItemStyles) -> ItemPresentation:
    action = _as_mapping(data.get("action"))
    match action.get("type"):
        case "open_page":
            return _present_search(data, styles, "open_page", as_text(action.get("url")), None)
        case "find_in_page":
            words = f'"{as_text(action.get("pattern"))}" in {as_text(action.get("url"))}'
            return _present_search(data, styles, "find_in_page", words, None)
    queries = _as_list(action.get("queries")) or [action.get("query")]
    words = ", ".join(f'"{as_text(query)}"' for query in queries if query)
    return _present_search(data, styles, "web_search", words, action.get("sources"))


def _code_call(data: _Data, styles: ItemStyles) -> ItemPresentation:
    name, language = ("program", "javascript") if data.get("type") == "program" else ("code", "python")
    code = as_text(data.get("code"))
    outputs = _as_list(data.get("outputs"))

    def body(width: int, styles: ItemStyles) -> Iterator[Line]:
        yield from code_lines(code, language, width, styles)
        for output in map(_as_mapping, outputs):
            if output.get("type") == "image":
                yield from wrap([Segment(image_note(output.get("url")), styles.muted)], width)
            else:
                yield from text_lines(as_text(output.get("logs")).rstrip("\n"), width, styles.text, styles)

    return ItemPresentation(
        _CALL,
        [Segment(f"{name} ", styles.tool), Segment(first_line(code), styles.text)],
        [Segment(name, styles.tool)],
        note=", ".join(filter(None, (more_lines_note(code), plural(len(outputs), "output") if outputs else ""))),
        body=body,
        failed=is_error(data),
    )


def _image_call(data: _Data, styles: ItemStyles) -> ItemPresentation:
    detail = " ".join(as_text(data.get(key)) for key in ("output_format", "size", "quality") if data.get(key))
    prompt = as_text(data.get("revised_prompt"))
    error = as_text(_as_mapping(data.get("error")).get("message"))
    title = [Segment("image_generation ", styles.tool), Segment(image_note(data.get("result"), detail), styles.muted)]
    if error:
        title.append(Segment(f" {first_line(error)}", styles.error))
    return ItemPresentation(
        _CALL,
        title,
        note="prompt" if prompt else "",
        body=(lambda width, styles: text_lines(prompt, width, styles.text, styles)) if prompt else None,
        failed=is_error(data),
    )


def _mcp_call(data: _Data, styles: ItemStyles) -> ItemPresentation:
    call = _function_call(data, styles)
    error, output = data.get("error"), data.get("output")
    if not error and not output:
        return call
    if error:
        output = as_text(_as_mapping(error).get("message") or error)
    answer = present_output(output, styles, failed=bool(error))

    def body(width: int, styles: ItemStyles) -> Iterator[Line]:
        if call.body is not None:
            yield from call.body(width, styles)
        yield Line([Segment(_OUTPUT, styles.muted)])
        if answer.body is not None:
            yield from answer.body(width, styles)

    title = [*call.title, Segment(f" {_OUTPUT} ", styles.muted), *answer.title]
    return call._replace(title=title, note=answer.note, has_more=True, body=body)


def _mcp_list_tools(data: _Data, styles: ItemStyles) -> ItemPresentation:
    tools = _as_list(data.get("tools"))
    names = ", ".join(as_text(_as_mapping(tool).get("name")) for tool in tools[:_MAX_TOOLS])
    title = [
        Segment(printable(as_text(data.get("server_label"))), styles.tool),
        Segment(f" offers {len(tools)}: ", styles.muted),
        Segment(first_line(names), styles.text),
    ]
    return _present_tools(_CALL, title, tools, data)


def _mcp_approval_request(data: _Data, styles: ItemStyles) -> ItemPresentation:
    call = present_call(_APPROVAL, _qualified_name(data), decode_if_json(data.get("arguments")), styles)
    return call._replace(title=[Segment("approve ", styles.muted), *call.title], unfolded_title=None)


def _mcp_approval_response(data: _Data, styles: ItemStyles) -> ItemPresentation:
    mark, word, style = ("✓", "approved", styles.tool) if data.get("approve") else ("✗", "refused", styles.error)
    reason = first_line(as_text(data.get("reason")))
    return ItemPresentation(mark, [Segment(word, style), Segment(f" {reason}" if reason else "", styles.text)])


def _tool_search_call(data: _Data, styles: ItemStyles) -> ItemPresentation:
    arguments = decode_if_json(data.get("arguments"))
    return present_call(_CALL, "tool_search", arguments, styles, failed=is_error(data))


def _tools(data: _Data, styles: ItemStyles) -> ItemPresentation:
    tools = _as_list(data.get("tools"))
    names = (_as_mapping(tool).get("name") or _as_mapping(tool).get("type") for tool in tools[:_MAX_TOOLS])
    title = [
        Segment(f"{plural(len(tools), 'tool')} ", styles.muted),
        Segment(first_line(", ".join(map(as_text, names))), styles.text),
    ]
    return _present_tools(_OUTPUT, title, tools, data)


def _present_tools(mark: str, title: list[Segment], tools: list[object], data: _Data) -> ItemPresentation:
    body = json_body(tools) if tools else None
    return ItemPresentation(mark, title, has_more=bool(tools), body=body, failed=is_error(data))


def _screenshot(data: _Data, styles: ItemStyles) -> ItemPresentation:
    part = {**_as_mapping(data.get("output")), "type": "computer_screenshot"}
    url = part.get("image_url")
    checks = data.get("acknowledged_safety_checks")

    def body(width: int, styles: ItemStyles) -> Iterator[Line]:
        yield from content_lines([part], width, styles)
        yield from json_lines(checks, width, styles)

    return ItemPresentation(
        _OUTPUT,
        [Segment(image_note(url, "" if url else as_text(part.get("file_id"))), styles.muted)],
        note="safety checks" if checks else "",
        body=body if checks else None,
    )


def _compaction(data: _Data, styles: ItemStyles) -> ItemPresentation:
    content = data.get("encrypted_content")
    size = f", {format_size(data_length(content))}" if isinstance(content, str) else ""
    return ItemPresentation(_COMPACTION, [Segment(f"earlier turns compacted{size}", styles.muted)])


def _compaction_trigger(_data: _Data, styles: ItemStyles) -> ItemPresentation:
    return ItemPresentation(_COMPACTION, [Segment("compaction requested", styles.muted)])


def _item_reference(data: _Data, styles: ItemStyles) -> ItemPresentation:
    return ItemPresentation("→", [Segment(f"item {first_line(as_text(data.get('id')))}", styles.muted)])


def _encrypted_item(_data: _Data, styles: ItemStyles) -> ItemPresentation:
    return ItemPresentation("·", [Segment("encrypted item", styles.muted)])


PRESENTERS: Final[Mapping[str, Presenter]] = {
    "function_call": _function_call,
    "function_call_output": _output,
    "tool_call": _function_call,
    "custom_tool_call": _custom_tool_call,
    "custom_tool_call_output": _output,
    "computer_call": _computer_call,
    "computer_call_output": _screenshot,
    "file_search_call": _file_search_call,
    "web_search_call": _web_search_call,
    "code_interpreter_call": _code_call,
    "program": _code_call,
    "program_output": partial(_output, field="result"),
    "image_generation_call": _image_call,
    "local_shell_call": _shell_call,
    "local_shell_call_output": _shell_output,
    "shell_call": _shell_call,
    "shell_call_output": _shell_output,
    "apply_patch_call": _patch_call,
    "apply_patch_call_output": _output,
    "mcp_call": _mcp_call,
    "mcp_list_tools": _mcp_list_tools,
    "mcp_approval_request": _mcp_approval_request,
    "mcp_approval_response": _mcp_approval_response,
    "tool_search_call": _tool_search_call,
    "tool_search_output": _tools,
    "additional_tools": _tools,
    "compaction": _compaction,
    "compaction_trigger": _compaction_trigger,
    "item_reference": _item_reference,
    "encrypted_item": _encrypted_item,
}
"""The presenter of an item, by the item's own type; items of other types are presented as JSON."""
