"""Presentations that several types of tool calls and outputs share."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from rich.segment import Segment

from tui.items.codec import decode
from tui.items.failure import reports_failure
from tui.printable import printable
from tui.render.code import code_lines, compact_json, json_lines, text_lines
from tui.render.content_parts import content_lines, content_text, is_only_text
from tui.render.lines import Line
from tui.render.presentation import Body, ItemPresentation, first_line, more_lines_note
from tui.render.styles import ItemStyles
from tui.render.wrapping import wrap

__all__ = ["as_text", "decode_if_json", "json_body", "present_call", "present_output"]

_MAX_DECODED_CHARS: Final = 100_000
_MAX_TITLE_CHARS: Final = 400
_MAX_ARGUMENT_CHARS: Final = 60


def as_text(value: object) -> str:
    """Return a text as it is, an empty text for None, and any other value as JSON."""
    return value if isinstance(value, str) else "" if value is None else compact_json(value, _MAX_DECODED_CHARS)


def decode_if_json(value: object) -> object:
    """Decode a text that is JSON, and a blank text to {}; return any other value, or a long text, as it is."""
    if isinstance(value, str) and len(value) <= _MAX_DECODED_CHARS:
        try:
            return decode(value) if value.strip() else {}
        except (ValueError, RecursionError):
            return value
    return value


def present_call(
    mark: str, name: str, arguments: object, styles: ItemStyles, *, failed: bool = False
) -> ItemPresentation:
    """Present a call: folded as `name(city="Oslo", days=3)`, unfolded with each argument on its own lines."""
    heading = [Segment(printable(name), styles.error if failed else styles.tool)]
    title = [*heading, Segment("(", styles.muted), *_short_arguments(arguments, styles), Segment(")", styles.muted)]
    return ItemPresentation(
        mark,
        title,
        heading,
        has_more=_has_line_breaks(arguments),
        body=_arguments_body(arguments) if arguments not in ({}, [], "", None) else None,
        failed=failed,
    )


def _has_line_breaks(arguments: object) -> bool:
    values = arguments.values() if isinstance(arguments, dict) else [arguments]
    return any(isinstance(value, str) and "\n" in value for value in values)


def _short_arguments(arguments: object, styles: ItemStyles) -> Iterator[Segment]:
    if not isinstance(arguments, dict):
        yield Segment(first_line(as_text(arguments)) if arguments else "", styles.text)
        return
    room = _MAX_TITLE_CHARS
    for index, (key, value) in enumerate(arguments.items()):
        if room < 0:
            yield Segment(", …", styles.muted)
            return
        name, text = printable(str(key)).replace("\n", "␊"), compact_json(value, _MAX_ARGUMENT_CHARS)
        if len(text) > _MAX_ARGUMENT_CHARS and len(arguments) > 1:
            text = text[: _MAX_ARGUMENT_CHARS - 1] + "…"
        yield Segment(f"{', ' if index else ''}{name}=", styles.muted)
        yield Segment(text[:_MAX_TITLE_CHARS], styles.text)
        room -= len(name) + len(text)


def _arguments_body(arguments: object) -> Body:
    def body(width: int, styles: ItemStyles) -> Iterator[Line]:
        if not isinstance(arguments, dict):
            yield from _value_lines(arguments, width, styles)
            return
        for key, value in arguments.items():
            name = Segment(f"{printable(str(key))}: ", styles.name)
            if isinstance(value, str) and "\n" not in value and len(value) < _MAX_DECODED_CHARS:
                yield from wrap([name, Segment(printable(value), styles.text)], width)
            elif isinstance(value, (str, dict, list)) and value:
                yield from wrap([name], width)
                yield from _value_lines(value, width, styles)
            else:
                yield from wrap([name, Segment(compact_json(value, _MAX_TITLE_CHARS), styles.number)], width)

    return body


def _value_lines(value: object, width: int, styles: ItemStyles) -> Iterator[Line]:
    return code_lines(value, "", width, styles) if isinstance(value, str) else json_lines(value, width, styles)


def json_body(value: object) -> Body:
    return lambda width, styles: json_lines(value, width, styles)


def present_output(content: object, styles: ItemStyles, *, failed: bool = False) -> ItemPresentation:
    """Present the output of a tool, whose text may report a failure even if the item itself has not `failed`."""
    if content is None or isinstance(content, (str, list)):
        text = content_text(content)
    else:
        text = compact_json(content, _MAX_TITLE_CHARS)
    failed = failed or reports_failure(text)
    style = styles.error if failed else styles.text
    stripped = text.strip()

    def body(width: int, styles: ItemStyles) -> Iterator[Line]:
        value = decode_if_json(stripped) if stripped[:1] in ("{", "[") else None
        if isinstance(value, (dict, list)):
            return json_lines(value, width, styles)
        if not is_only_text(content):
            return content_lines(content, width, styles)
        return text_lines(stripped, width, style, styles)

    return ItemPresentation(
        "↳",
        [Segment(first_line(text), style)] if stripped else [Segment("no output", styles.muted)],
        unfolded_title=(),
        note=more_lines_note(text),
        body=body if stripped else None,
        failed=failed,
    )
