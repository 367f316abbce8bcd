"""The faces of tool calls and their outputs, by the item types of the Responses API."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from rich.segment import Segment

from tui.printable import printable
from tui.render.code import code_lines, json_lines, text_lines
from tui.render.content_parts import content_lines, image_note
from tui.render.lines import Line
from tui.render.presentation import ItemPresentation, Presenter, first_line
from tui.render.styles import ItemStyles
from tui.render.tool_lines import arguments_of, call, json_body, output, text_of
from tui.render.wrapping import wrap

__all__ = ["TOOL_PRESENTERS"]

Data = dict[str, object]

CALL, OUTPUT, ASK = "⚙", "↳", "?"


def _failed(data: Data) -> bool:
    return data.get("status") in ("failed", "incomplete") or bool(data.get("error"))


def _name(data: Data) -> str:
    scope = data.get("namespace") or data.get("server_label")
    name = text_of(data.get("name")) or text_of(data.get("type"))
    return f"{text_of(scope)}.{name}" if scope and scope != name else name


def _mapping(value: object) -> Mapping[str, object]:
    return value if isinstance(value, dict) else {}


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []


def _function_call(data: Data, styles: ItemStyles) -> ItemPresentation:
    return call(CALL, _name(data), arguments_of(data.get("arguments")), styles, failed=_failed(data))


def _custom_call(data: Data, styles: ItemStyles) -> ItemPresentation:
    return call(CALL, _name(data), data.get("input"), styles, failed=_failed(data))


def _output(data: Data, styles: ItemStyles) -> ItemPresentation:
    return output(data.get("output"), styles, failed=_failed(data))


def _shell_call(data: Data, styles: ItemStyles) -> ItemPresentation:
    action = _mapping(data.get("action"))
    command = action.get("command")
    commands = [" ".join(map(text_of, command))] if isinstance(command, list) else _list(action.get("commands"))
    script = "\n".join(map(text_of, commands))
    lines = script.strip().count("\n")
    return ItemPresentation(
        "$",
        [Segment(first_line(script), styles.tool)],
        (),
        note=f"{lines:,} line{'s' * (lines != 1)} more" if lines else "",
        body=lambda width, styles: code_lines(script, "bash", width, styles),
        failed=_failed(data),
    )


def _shell_output(data: Data, styles: ItemStyles) -> ItemPresentation:
    stored = data.get("output")
    chunks = arguments_of(stored) if isinstance(stored, str) else stored
    if not isinstance(chunks, list) or not all(isinstance(chunk, dict) for chunk in chunks):
        return output(stored, styles, failed=_failed(data))
    written: list[str] = []
    failed = _failed(data)
    for chunk in map(_mapping, chunks):
        outcome = _mapping(chunk.get("outcome"))
        written += [text_of(chunk.get("stdout")).rstrip("\n"), text_of(chunk.get("stderr")).rstrip("\n")]
        if outcome.get("type") == "timeout":
            written.append("timed out")
        elif code := outcome.get("exit_code"):
            written.append(f"exit code {code}")
        failed = failed or outcome.get("type") == "timeout" or bool(outcome.get("exit_code"))
    return output("\n".join(filter(None, written)), styles, failed=failed)


def _patch_call(data: Data, styles: ItemStyles) -> ItemPresentation:
    operation = _mapping(data.get("operation"))
    kind = text_of(operation.get("type")).removesuffix("_file") or "patch"
    diff = text_of(operation.get("diff"))
    added = sum(line.startswith("+") for line in diff[:100_000].split("\n"))
    removed = sum(line.startswith("-") for line in diff[:100_000].split("\n"))
    title = [
        Segment(f"{printable(kind)} ", styles.muted),
        Segment(first_line(text_of(operation.get("path"))), styles.tool),
    ]
    if diff:
        title += [Segment(f"  +{added}", styles.added), Segment(f" −{removed}", styles.removed)]
    return ItemPresentation(
        "±",
        title,
        more=bool(diff),
        body=(lambda width, styles: code_lines(diff, "diff", width, styles)) if diff else None,
        failed=_failed(data),
    )


def _computer_call(data: Data, styles: ItemStyles) -> ItemPresentation:
    actions = [_mapping(entry) for entry in _list(data.get("actions")) or [data.get("action")]]
    words = [
        f"{text_of(action.get('type'))}({', '.join(text_of(action[key]) for key in action if key != 'type')})"
        for action in actions[:20]
    ]
    title = [Segment("computer ", styles.tool), Segment(printable(", ".join(words))[:2_000], styles.text)]
    return ItemPresentation(
        CALL, title, body=json_body(data.get("actions") or data.get("action")), failed=_failed(data)
    )


def _search(data: Data, styles: ItemStyles, name: str, words: str, results: object) -> ItemPresentation:
    found = len(results) if isinstance(results, list) else 0
    title = [Segment(name, styles.tool), Segment(f"({first_line(words)})", styles.text)]
    note = f"{found} result{'s' * (found != 1)}" if found else ""
    return ItemPresentation(CALL, title, note=note, body=json_body(results) if found else None, failed=_failed(data))


def _file_search(data: Data, styles: ItemStyles) -> ItemPresentation:
    queries = ", ".join(f'"{text_of(query)}"' for query in _list(data.get("queries")))
    results = data.get("results")
    return _search(data, styles, "file_search", queries, results)


def _web_search(data: Data, styles: ItemStyles) -> ItemPresentation:
    action = _mapping(data.get("action"))
    match action.get("type"):
        case "open_page":
            return _search(data, styles, "open_page", text_of(action.get("url")), None)
        case "find_in_page":
            words = f'"{text_of(action.get("pattern"))}" in {text_of(action.get("url"))}'
            return _search(data, styles, "find_in_page", words, None)
    queries = _list(action.get("queries")) or [action.get("query")]
    words = ", ".join(f'"{text_of(query)}"' for query in queries if query)
    return _search(data, styles, "web_search", words, action.get("sources"))


def _code_call(data: Data, styles: ItemStyles) -> ItemPresentation:
    code = text_of(data.get("code"))
    outputs = _list(data.get("outputs"))
    language = "javascript" if data.get("type") == "program" else "python"
    lines = code.strip().count("\n")

    def body(width: int, styles: ItemStyles) -> Iterator[Line]:
        yield from code_lines(code, language, width, styles)
        for entry in map(_mapping, outputs):
            if entry.get("type") == "image":
                yield from wrap([Segment(image_note(entry.get("url")), styles.muted)], width)
            else:
                yield from text_lines(text_of(entry.get("logs")).rstrip("\n"), width, styles.text, styles)

    name = "program" if data.get("type") == "program" else "code"
    notes = [f"{lines:,} line{'s' * (lines != 1)} more"] if lines else []
    notes += [f"{len(outputs)} output{'s' * (len(outputs) != 1)}"] if outputs else []
    title = [Segment(f"{name} ", styles.tool), Segment(first_line(code), styles.text)]
    return ItemPresentation(
        CALL, title, [Segment(name, styles.tool)], ", ".join(notes), body=body, failed=_failed(data)
    )


def _program_output(data: Data, styles: ItemStyles) -> ItemPresentation:
    return output(data.get("result"), styles, failed=_failed(data))


def _image_call(data: Data, styles: ItemStyles) -> ItemPresentation:
    detail = " ".join(text_of(data.get(key)) for key in ("output_format", "size", "quality") if data.get(key))
    note = image_note(data.get("result"), detail)
    prompt = text_of(data.get("revised_prompt"))
    error = text_of(_mapping(data.get("error")).get("message"))
    title = [Segment("image_generation ", styles.tool), Segment(note, styles.muted)]
    if error:
        title.append(Segment(f" {first_line(error)}", styles.error))
    return ItemPresentation(
        CALL,
        title,
        note="prompt" if prompt else "",
        body=(lambda width, styles: text_lines(prompt, width, styles.text, styles)) if prompt else None,
        failed=_failed(data),
    )


def _mcp_call(data: Data, styles: ItemStyles) -> ItemPresentation:
    asked = call(CALL, _name(data), arguments_of(data.get("arguments")), styles, failed=_failed(data))
    error, result = data.get("error"), data.get("output")
    if not error and not result:
        return asked
    answer = output(text_of(_mapping(error).get("message") or error) if error else result, styles, failed=bool(error))

    def body(width: int, styles: ItemStyles) -> Iterator[Line]:
        if asked.body is not None:
            yield from asked.body(width, styles)
        yield Line([Segment(OUTPUT, styles.muted)])
        if answer.body is not None:
            yield from answer.body(width, styles)

    title = [*asked.title, Segment(f" {OUTPUT} ", styles.muted), *answer.title]
    return ItemPresentation(CALL, title, asked.opened, answer.note, more=True, body=body, failed=asked.failed)


def _mcp_tools(data: Data, styles: ItemStyles) -> ItemPresentation:
    tools = _list(data.get("tools"))
    names = ", ".join(text_of(_mapping(tool).get("name")) for tool in tools[:100])
    server = text_of(data.get("server_label"))
    title = [Segment(printable(server), styles.tool), Segment(f" offers {len(tools)}: ", styles.muted)]
    title.append(Segment(first_line(names), styles.text))
    return ItemPresentation(
        CALL, title, more=bool(tools), body=json_body(tools) if tools else None, failed=_failed(data)
    )


def _mcp_request(data: Data, styles: ItemStyles) -> ItemPresentation:
    presentation = call(ASK, _name(data), arguments_of(data.get("arguments")), styles)
    return ItemPresentation(
        ASK,
        [Segment("approve ", styles.muted), *presentation.title],
        note=presentation.note,
        more=presentation.more,
        body=presentation.body,
    )


def _mcp_response(data: Data, styles: ItemStyles) -> ItemPresentation:
    approved = bool(data.get("approve"))
    reason = first_line(text_of(data.get("reason")))
    word = Segment("approved" if approved else "refused", styles.tool if approved else styles.error)
    return ItemPresentation("✓" if approved else "✗", [word, Segment(f" {reason}" if reason else "", styles.text)])


def _tool_search(data: Data, styles: ItemStyles) -> ItemPresentation:
    return call(CALL, "tool_search", arguments_of(data.get("arguments")), styles, failed=_failed(data))


def _tools(data: Data, styles: ItemStyles) -> ItemPresentation:
    tools = _list(data.get("tools"))
    names = ", ".join(text_of(_mapping(tool).get("name") or _mapping(tool).get("type")) for tool in tools[:100])
    title = [Segment(f"{len(tools)} tool{'s' * (len(tools) != 1)} ", styles.muted)]
    title.append(Segment(first_line(names), styles.text))
    return ItemPresentation(
        OUTPUT, title, more=bool(tools), body=json_body(tools) if tools else None, failed=_failed(data)
    )


def _screenshot(data: Data, styles: ItemStyles) -> ItemPresentation:
    shot = data.get("output")
    part = {**_mapping(shot), "type": "computer_screenshot"}
    checks = data.get("acknowledged_safety_checks")

    def body(width: int, styles: ItemStyles) -> Iterator[Line]:
        yield from content_lines([part], width, styles)
        yield from json_lines(checks, width, styles)

    note = image_note(part.get("image_url"), "" if part.get("image_url") else text_of(part.get("file_id")))
    title = [Segment(note, styles.muted)]
    return ItemPresentation(OUTPUT, title, note="safety checks" if checks else "", body=body if checks else None)


TOOL_PRESENTERS: Mapping[str, Presenter] = {
    "function_call": _function_call,
    "function_call_output": _output,
    "custom_tool_call": _custom_call,
    "custom_tool_call_output": _output,
    "computer_call": _computer_call,
    "computer_call_output": _screenshot,
    "file_search_call": _file_search,
    "web_search_call": _web_search,
    "code_interpreter_call": _code_call,
    "program": _code_call,
    "program_output": _program_output,
    "image_generation_call": _image_call,
    "local_shell_call": _shell_call,
    "local_shell_call_output": _shell_output,
    "shell_call": _shell_call,
    "shell_call_output": _shell_output,
    "apply_patch_call": _patch_call,
    "apply_patch_call_output": _output,
    "mcp_call": _mcp_call,
    "mcp_list_tools": _mcp_tools,
    "mcp_approval_request": _mcp_request,
    "mcp_approval_response": _mcp_response,
    "tool_search_call": _tool_search,
    "tool_search_output": _tools,
    "additional_tools": _tools,
}
