"""The parts of a message or of a tool's output: text, refusals, images, files, sound."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from typing import TypeAlias

from rich.segment import Segment

from tui.printable import printable
from tui.render.code import compact_json, json_lines, text_lines
from tui.render.inline import link_style
from tui.render.limits import data_length, format_size
from tui.render.lines import Line
from tui.render.styles import ItemStyles
from tui.render.wrapping import wrap

__all__ = ["Markdown", "content_lines", "content_text", "image_note", "is_text"]

Markdown: TypeAlias = Callable[[str, int, ItemStyles], Iterable[Line]]
"""Draws markdown at a width."""

_SHOWN = 100_000
_PNG = b"\x89PNG\r\n\x1a\n"
_TEXT_PARTS = {
    "input_text": "text",
    "output_text": "text",
    "text": "text",
    "refusal": "refusal",
    "summary_text": "text",
    "reasoning_text": "text",
}


def is_text(content: object) -> bool:
    """Whether the content is text alone, so that its words say all of it."""
    return isinstance(content, str) or (
        isinstance(content, list)
        and all(isinstance(part, dict) and part.get("type") in _TEXT_PARTS for part in content)
    )


def content_text(content: object) -> str:
    """The words of a content: all its text parts, and a note in place of each other part."""
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        return "" if content is None else compact_json(content, _SHOWN)
    return "\n\n".join(_part_text(part) for part in content)


def _part_text(part: object) -> str:
    if not isinstance(part, dict):
        return part if isinstance(part, str) else compact_json(part, _SHOWN)
    key = _TEXT_PARTS.get(str(part.get("type")))
    text = part.get(key) if key else None
    return text if isinstance(text, str) else f"[{_note(part)}]"


def content_lines(content: object, width: int, styles: ItemStyles, markdown: Markdown | None = None) -> Iterator[Line]:
    """A content, its parts one below the other; its texts are plain where nothing is given to draw them."""
    parts = content if isinstance(content, list) else [content]
    return chain.from_iterable(
        chain([Line([])] if index else (), _part_lines(part, width, styles, markdown))
        for index, part in enumerate(parts)
    )


def _part_lines(part: object, width: int, styles: ItemStyles, markdown: Markdown | None) -> Iterable[Line]:
    if isinstance(part, str):
        return _words(part, width, styles, markdown)
    if not isinstance(part, dict):
        return json_lines(part, width, styles)
    kind = str(part.get("type"))
    text = part.get(_TEXT_PARTS.get(kind, ""))
    if kind == "refusal" and isinstance(text, str):
        return chain([Line([Segment("✗ refused", styles.error)])], text_lines(text, width, styles.error, styles))
    if isinstance(text, str):
        return chain(_words(text, width, styles, markdown), _citations(part.get("annotations"), width, styles))
    if kind in _NOTES:
        return wrap([Segment(_note(part), styles.muted)], width)
    return json_lines(part, width, styles)


def _words(text: str, width: int, styles: ItemStyles, markdown: Markdown | None) -> Iterable[Line]:
    return markdown(text, width, styles) if markdown else text_lines(text, width, styles.text, styles)


def _citations(annotations: object, width: int, styles: ItemStyles) -> Iterator[Line]:
    """The sources of a text, each once."""
    seen: dict[str, tuple[str, str]] = {}
    for entry in annotations if isinstance(annotations, list) else []:
        if isinstance(entry, dict):
            url = str(entry.get("url") or "")
            name = str(entry.get("title") or entry.get("filename") or entry.get("file_id") or url)
            seen.setdefault(url or name, (name, url))
    for number, (name, url) in enumerate(seen.values(), 1):
        spans = [Segment(printable(name), link_style(url, styles.muted))]
        if url and url != name:
            spans.append(Segment(f" ({printable(url)})", link_style(url, styles.muted)))
        mark = Segment(f"[{number}] ", styles.muted)
        yield from wrap(spans, width, first=(mark,), rest=(Segment(" " * mark.cell_length),))


def image_note(source: object, detail: str = "") -> str:
    """An image in words: its type, measures and size, or where it lies; never its data.

    Args:
        source: A url, a `data:` url, or plain base64.
        detail: What else is known, as `1024x1024`.
    """
    words = ["image"]
    if isinstance(source, str) and source:
        if source.startswith(("http://", "https://", "file:")):
            words.append(source if len(source) <= 200 else source[:199] + "…")
        else:
            kind, data = _data_url(source)
            words += [kind, _measures(data), format_size(data_length(data) * 3 // 4)]
    return "▣ " + printable(" ".join(word for word in (*words, detail) if word))


def _data_url(source: str) -> tuple[str, str]:
    if not source.startswith("data:"):
        return "", source
    header, _, data = source[5:].partition(",")
    return header[:80].split(";")[0].removeprefix("image/"), data


def _measures(data: str) -> str:
    try:
        head = base64.b64decode(data[:32])
    except (binascii.Error, ValueError):
        return ""
    if head[:8] == _PNG and len(head) == 24:
        return f"{int.from_bytes(head[16:20])}×{int.from_bytes(head[20:24])}"
    return ""


def _image(part: dict[str, object]) -> str:
    source = part.get("image_url")
    if isinstance(source, dict):  # as in the chat completions API
        source = source.get("url")
    return image_note(source, "" if source else str(part.get("file_id") or ""))


def _file(part: dict[str, object]) -> str:
    data = part.get("file_data")
    amount = format_size(data_length(_data_url(data)[1]) * 3 // 4) if isinstance(data, str) and data else ""
    name = part.get("filename") or part.get("file_url") or part.get("file_id") or ""
    return "▤ " + printable(" ".join(word for word in ("file", str(name), amount) if word))


def _sound(part: dict[str, object]) -> str:
    sound = part.get("input_audio")
    if not isinstance(sound, dict):
        return "♪ audio"
    data = sound.get("data")
    amount = format_size(data_length(data) * 3 // 4) if isinstance(data, str) else ""
    return printable(" ".join(word for word in ("♪ audio", str(sound.get("format") or ""), amount) if word))


_NOTES = {
    "input_image": _image,
    "image_url": _image,
    "image": _image,
    "computer_screenshot": _image,
    "input_file": _file,
    "file": _file,
    "input_audio": _sound,
}


def _note(part: dict[str, object]) -> str:
    kind = str(part.get("type"))
    return _NOTES[kind](part) if kind in _NOTES else printable(kind)
