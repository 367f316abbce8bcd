"""Sessions as documents: Markdown to read, HTML to pass on, JSON that loses nothing and can be imported.

Each format is a generator of pieces of text over a `SessionDump`, one piece for each item at most. A session of any
size is so written as it is read, and the writing can be stopped between two pieces.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from enum import StrEnum

from tui.storage.queries.session_dump import SessionDump

__all__ = ["Format", "export"]


class Format(StrEnum):
    """What a session can be written as; the value is the ending of the file's name."""

    MARKDOWN = "md"
    JSON = "json"
    HTML = "html"


def export(whole: SessionDump, branches: Sequence[str], form: Format) -> Iterator[str]:
    """Write branches of a session, what they share once.

    Args:
        whole: The session.
        branches: Ids of the branches, at least one.
        form: The format.
    """
    match form:
        case Format.JSON:
            from tui.formats.json_document import record

            return record(whole, branches)
        case Format.HTML:
            from tui.formats.html import page

            return page(whole, branches)
        case Format.MARKDOWN:
            from tui.formats.markdown import markdown

            return markdown(whole, branches)
