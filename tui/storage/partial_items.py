"""Items of which only the beginning is read, without the data of images and files in it."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from tui.items.codec import decode, decode_beginning
from tui.storage.engine import PartialItem

__all__ = ["decoded_beginning", "readable", "skip_data"]

_KEPT_DATA_BYTES: Final = 1 << 10
"""Bytes at the beginning of encoded data that are not skipped: they hold the format and the size of an image."""

_MAX_KEY_BYTES: Final = 40

_DATA: Final = re.compile(
    rb'"(?:data|encrypted_content|file_data|image_url|result|url)": ?"(?:data:[^"]*|[A-Za-z0-9+/=_-]*)\Z'
)
"""The end of a text within the data of an image or a file, or within encrypted reasoning."""


def skip_data(
    text: bytes, size: int, limit: int, read_from_quote: Callable[[], tuple[int, bytes]]
) -> tuple[bytes, int]:
    """Return the beginning of an item without the encoded data at its end, and the number of bytes that were read.

    Args:
        text: The beginning of the item.
        size: Bytes of the item.
        limit: Bytes of the beginning; with what follows the data, it may become twice as long.
        read_from_quote: Reads on: the number of bytes before the next quotation mark, and the text from it on, which is
            empty if there is none.
    """
    end = len(text)
    while end < size and len(text) < 2 * limit:
        begin = text.rfind(b'"') + 1
        if not _DATA.search(text, max(begin - _MAX_KEY_BYTES, 0)):
            break
        kept = text[: begin + _KEPT_DATA_BYTES]
        passed, ahead = read_from_quote()
        end += passed + len(ahead)
        text = kept + f"…{len(text) - len(kept) + passed}".encode() + ahead
    return text, end


def decoded_beginning(text: bytes, size: int, end: int, read_whole: Callable[[], PartialItem]) -> PartialItem:
    """Return an item of `size` bytes that was read up to `end`, or the whole one if what was read cannot be decoded.

    The beginning may end within a character, for example.
    """
    unread, cut = size - len(text), end < size
    try:
        return PartialItem(decode_beginning(text) if cut else decode(text), None, size, unread, cut)
    except (ValueError, RecursionError):
        whole = read_whole()
        return whole if whole.data is not None else PartialItem(None, readable(text), size, unread, cut)


def readable(text: bytes) -> str:
    """Return a text that may hold other bytes than those of characters."""
    return text.decode("utf-8", "replace")
