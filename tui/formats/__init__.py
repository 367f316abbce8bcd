"""Sessions as documents: Markdown, HTML, and JSON that can be imported.

Each format is a generator of chunks of text with one item at most. So a session of any size is written while it is
read, and the writing can be stopped between two chunks.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from enum import StrEnum
from pathlib import Path

from tui.storage.queries.session_dump import SessionDump

__all__ = ["Format", "export"]


class Format(StrEnum):
    """A format of documents; the value is the suffix of the file's name."""

    MARKDOWN = "md"
    JSON = "json"
    HTML = "html"

    @classmethod
    def of_file(cls, name: str) -> Format | None:
        """Return the format that has the suffix of a file's name; None if no format has it."""
        suffix = Path(name).suffix.lower()
        return next((form for form in cls if suffix == f".{form}"), None)


def export(dump: SessionDump, branches: Sequence[str], form: Format, *, decrypt: bool = False) -> Iterator[str]:
    """Write one or more branches of a session as a document, in which a turn that they share occurs once.

    All formats but JSON have encrypted items decrypted, as far as the key opens them; JSON only if `decrypt` is set.
    """
    match form:
        case Format.JSON:
            from tui.formats.json_document import json_document

            return json_document(dump, branches, decrypt=decrypt)
        case Format.HTML:
            from tui.formats.html import html_document

            return html_document(dump, branches)
        case Format.MARKDOWN:
            from tui.formats.markdown import markdown_document

            return markdown_document(dump, branches)
