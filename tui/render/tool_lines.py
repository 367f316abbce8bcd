"""Bodies and titles that the faces of tool calls share."""

from __future__ import annotations

from collections.abc import Iterator

from rich.segment import Segment

from tui.items.codec import decode
from tui.printable import printable
from tui.render.code import code_lines, compact_json, json_lines, text_lines
from tui.render.content_parts import content_lines, content_text, is_text
from tui.render.lines import Line
from tui.render.presentation import Body, ItemPresentation, first_line
from tui.render.styles import ItemStyles
from tui.render.wrapping import wrap

__all__ = ["arguments_of", "call", "json_body", "output", "text_of"]

_PARSED = 100_000
_TITLE = 400
_ARGUMENT = 60
# How the SDK words the output of a tool that raised.
_FAILURES = ("An error occurred while running the tool", "Error:", "Traceback (most recent call last)")


def text_of(value: object) -> str:
    """A field that should be text, as text."""
    return value if isinstance(value, str) else "" if value is None else compact_json(value, _PARSED)


def arguments_of(stored: object) -> object:
    """The arguments of a call, decoded where they are JSON of a size worth decoding."""
    if isinstance(stored, str) and len(stored) <= _PARSED:
        try:
            return decode(stored) if stored.strip() else {}
        except (ValueError, RecursionError):
            return stored
    return stored


def call(mark: str, name: str, arguments: object, styles: ItemStyles, *, failed: bool = False) -> ItemPresentation:
    """A call as `name(city="Oslo", days=3)`; unfolded each argument has its own lines."""
    shown = printable(name)
    heading = [Segment(shown, styles.error if failed else styles.tool)]
    title = [*heading, Segment("(", styles.muted), *_arguments(arguments, styles), Segment(")", styles.muted)]
    return ItemPresentation(
        mark,
        title,
        heading,
        more=_many_lines(arguments),
        body=_arguments_body(arguments) if arguments not in ({}, [], "", None) else None,
        failed=failed,
    )


def _many_lines(arguments: object) -> bool:
    values = arguments.values() if isinstance(arguments, dict) else [arguments]
    return any(isinstance(value, str) and "\n" in value for value in values)


def _arguments(arguments: object, styles: ItemStyles) -> Iterator[Segment]:
    if not isinstance(arguments, dict):
        yield Segment(first_line(text_of(arguments)) if arguments else "", styles.text)
        return
    left = _TITLE
    for index, (key, value) in enumerate(arguments.items()):
        if left < 0:
            yield Segment(", …", styles.muted)
            return
        name, words = printable(str(key)).replace("\n", "␊"), compact_json(value, _ARGUMENT)
        if len(words) > _ARGUMENT and len(arguments) > 1:
            words = words[: _ARGUMENT - 1] + "…"
        yield Segment(f"{', ' if index else ''}{name}=", styles.muted)
        yield Segment(words[:_TITLE], styles.text)
        left -= len(name) + len(words)


def _arguments_body(arguments: object) -> Body:
    def body(width: int, styles: ItemStyles) -> Iterator[Line]:
        if not isinstance(arguments, dict):
            yield from _value_lines(arguments, width, styles)
            return
        for key, value in arguments.items():
            name = Segment(f"{printable(str(key))}: ", styles.name)
            if isinstance(value, str) and "\n" not in value and len(value) < _PARSED:
                yield from wrap([name, Segment(printable(value), styles.text)], width)
            elif isinstance(value, (str, dict, list)) and value:
                yield from wrap([name], width)
                yield from _value_lines(value, width, styles)
            else:
                yield from wrap([name, Segment(compact_json(value, _TITLE), styles.number)], width)

    return body


def _value_lines(value: object, width: int, styles: ItemStyles) -> Iterator[Line]:
    return code_lines(value, "", width, styles) if isinstance(value, str) else json_lines(value, width, styles)


def json_body(value: object) -> Body:
    """A decoded value as its JSON."""
    return lambda width, styles: json_lines(value, width, styles)


def output(
    content: object, styles: ItemStyles, *, mark: str = "↳", failed: bool = False, language: str = ""
) -> ItemPresentation:
    """What a tool gave back: its first line while folded."""
    words = is_text(content)
    text = (
        content_text(content) if isinstance(content, (str, list)) or content is None else compact_json(content, _TITLE)
    )
    failed = failed or text.startswith(_FAILURES)
    style = styles.error if failed else styles.text
    stripped = text.strip()
    lines = stripped.count("\n")

    def body(width: int, styles: ItemStyles) -> Iterator[Line]:
        value = arguments_of(stripped) if stripped[:1] in ("{", "[") else None
        if isinstance(value, (dict, list)):
            return json_lines(value, width, styles)
        if not words:
            return content_lines(content, width, styles)
        if language:
            return code_lines(stripped, language, width, styles)
        return text_lines(stripped, width, style, styles)

    return ItemPresentation(
        mark,
        [Segment(first_line(text), style)] if stripped else [Segment("no output", styles.muted)],
        opened=(),
        note=f"{lines:,} line{'s' * (lines != 1)} more" if lines else "",
        body=body if stripped else None,
        failed=failed,
    )
