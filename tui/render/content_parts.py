"""The content of a message or an output, part by part: text, refusals, images, files, audio."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import chain
from typing import Final, TypeAlias

from rich.segment import Segment

from tui.printable import printable
from tui.render.code import compact_json, json_lines, text_lines
from tui.render.inline import link_style
from tui.render.limits import data_length, format_size
from tui.render.lines import Line
from tui.render.styles import ItemStyles
from tui.render.wrapping import wrap

__all__ = ["Markdown", "content_lines", "content_text", "image_note", "is_only_text"]

Markdown: TypeAlias = Callable[[str, int, ItemStyles], Iterable[Line]]
"""Draws a text as Markdown at a width."""

_MAX_JSON_CHARS: Final = 100_000
_MAX_URL_CHARS: Final = 200
_PNG: Final = b"\x89PNG\r\n\x1a\n"
_TEXT_FIELDS: Final = {
    "input_text": "text",
    "output_text": "text",
    "text": "text",
    "refusal": "refusal",
    "summary_text": "text",
    "reasoning_text": "text",
}
"""The field that holds the text of a part, by the type of the part."""


def is_only_text(content: object) -> bool:
    """Return whether a content consists of texts only."""
    return isinstance(content, str) or (
        isinstance(content, list)
        and all(isinstance(part, dict) and part.get("type") in _TEXT_FIELDS for part in content)
    )


def content_text(content: object) -> str:
    """Return the text of a content; other known parts become a note, unknown ones JSON."""
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        return "" if content is None else compact_json(content, _MAX_JSON_CHARS)
    return "\n\n".join(_part_text(part) for part in content)


def _part_text(part: object) -> str:
    if not isinstance(part, dict):
        return part if isinstance(part, str) else compact_json(part, _MAX_JSON_CHARS)
    field = _TEXT_FIELDS.get(str(part.get("type")))
    text = part.get(field) if field else None
    if isinstance(text, str):
        return text
    return f"[{_part_note(part)}]" if str(part.get("type")) in _NOTES else compact_json(part, _MAX_JSON_CHARS)


def content_lines(content: object, width: int, styles: ItemStyles, markdown: Markdown | None = None) -> Iterator[Line]:
    """Draw the parts of a content one below another; `markdown` draws their texts, which are plain text otherwise."""
    parts = content if isinstance(content, list) else [content]
    return chain.from_iterable(
        chain([Line([])] if index else (), _part_lines(part, width, styles, markdown))
        for index, part in enumerate(parts)
    )


def _part_lines(part: object, width: int, styles: ItemStyles, markdown: Markdown | None) -> Iterable[Line]:
    if isinstance(part, str):
        return _text_part_lines(part, width, styles, markdown)
    if not isinstance(part, dict):
        return json_lines(part, width, styles)
    part_type = str(part.get("type"))
    text = part.get(_TEXT_FIELDS.get(part_type, ""))
    if part_type == "refusal" and isinstance(text, str):
        return chain([Line([Segment("✗ refused", styles.error)])], text_lines(text, width, styles.error, styles))
    if isinstance(text, str):
        citations = _citation_lines(part.get("annotations"), width, styles)
        return chain(_text_part_lines(text, width, styles, markdown), citations)
    if part_type in _NOTES:
        return wrap([Segment(_part_note(part), styles.muted)], width)
    return json_lines(part, width, styles)


def _text_part_lines(text: str, width: int, styles: ItemStyles, markdown: Markdown | None) -> Iterable[Line]:
    return markdown(text, width, styles) if markdown else text_lines(text, width, styles.text, styles)


def _citation_lines(annotations: object, width: int, styles: ItemStyles) -> Iterator[Line]:
    """Draw the sources that a text cites, with numbers and without duplicates."""
    sources: dict[str, tuple[str, str]] = {}
    for annotation in annotations if isinstance(annotations, list) else []:
        if isinstance(annotation, dict):
            url = str(annotation.get("url") or "")
            name = str(annotation.get("title") or annotation.get("filename") or annotation.get("file_id") or url)
            sources.setdefault(url or name, (name, url))
    for number, (name, url) in enumerate(sources.values(), 1):
        segments = [Segment(printable(name), link_style(url, styles.muted))]
        if url and url != name:
            segments.append(Segment(f" ({printable(url)})", link_style(url, styles.muted)))
        mark = Segment(f"[{number}] ", styles.muted)
        yield from wrap(segments, width, first_prefix=(mark,), rest_prefix=(Segment(" " * mark.cell_length),))


def image_note(source: object, detail: str = "") -> str:
    """Return a note on an image: its type, dimensions and size, or its URL.

    Args:
        source: A URL, a `data:` URL, or base64.
        detail: Further words, such as `1024x1024`.
    """
    words = ["image"]
    if isinstance(source, str) and source:
        if source.startswith(("http://", "https://", "file:")):
            words.append(source if len(source) <= _MAX_URL_CHARS else source[: _MAX_URL_CHARS - 1] + "…")
        else:
            image_type, data = _split_data_url(source)
            words += [image_type, _dimensions(data), _base64_size(data)]
    return _join("▣", *words, detail)


def _join(*words: str) -> str:
    return printable(" ".join(filter(None, words)))


def _split_data_url(source: str) -> tuple[str, str]:
    """Return the type and the data in a `data:` URL; any other text is data without a type."""
    if not source.startswith("data:"):
        return "", source
    header, _, data = source[5:].partition(",")
    return header[:80].split(";")[0].removeprefix("image/"), data


def _dimensions(data: str) -> str:
    """Return the width and height of a PNG in base64, or an empty string for other images."""
    try:
        header = base64.b64decode(data[:32])
    except (binascii.Error, ValueError):
        return ""
    if header[:8] == _PNG and len(header) == 24:
        return f"{int.from_bytes(header[16:20])}×{int.from_bytes(header[20:24])}"
    return ""


def _base64_size(data: object) -> str:
    return format_size(data_length(data) * 3 // 4) if isinstance(data, str) and data else ""


def _image_part_note(part: Mapping[str, object]) -> str:
    source = part.get("image_url")
    # Chat completions wrap the URL in an object.
    if isinstance(source, dict):
        source = source.get("url")
    return image_note(source, "" if source else str(part.get("file_id") or ""))


def _file_part_note(part: Mapping[str, object]) -> str:
    data = part.get("file_data")
    name = part.get("filename") or part.get("file_url") or part.get("file_id") or ""
    return _join("▤ file", str(name), _base64_size(_split_data_url(data)[1]) if isinstance(data, str) else "")


def _audio_part_note(part: Mapping[str, object]) -> str:
    audio = part.get("input_audio")
    if not isinstance(audio, dict):
        return "♪ audio"
    return _join("♪ audio", str(audio.get("format") or ""), _base64_size(audio.get("data")))


_NOTES: Final[Mapping[str, Callable[[Mapping[str, object]], str]]] = {
    "input_image": _image_part_note,
    "image_url": _image_part_note,
    "image": _image_part_note,
    "computer_screenshot": _image_part_note,
    "input_file": _file_part_note,
    "file": _file_part_note,
    "input_audio": _audio_part_note,
}
"""The function that describes a part without text, by the type of the part."""


def _part_note(part: Mapping[str, object]) -> str:
    return _NOTES[str(part.get("type"))](part)
