"""Untrusted text as a terminal, a browser or a document may show it."""

from __future__ import annotations

import re
from typing import Final

__all__ = ["printable", "printable_line"]

_TAB_SIZE: Final = 4

_UNPRINTABLE: Final = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\u202a-\u202e\u2066-\u2069]")

_LINE_BREAKS: Final = str.maketrans({"\t": "␉", "\n": "␊", "\r": "␍"})


def printable(text: str, *, keep_tabs: bool = False) -> str:
    r"""Replace what would act on a terminal or reorder the text.

    A control character becomes its symbol, as `␛` for escape. C1 controls, lone surrogates and marks that change the
    direction of the text become `�`. `\r\n` becomes `\n`.

    Args:
        text: Any text.
        keep_tabs: Keep tabs; otherwise blanks take their place, so that each character has a width.
    """
    if "\r" in text:
        text = text.replace("\r\n", "\n")
    if "\t" in text and not keep_tabs:
        text = text.expandtabs(_TAB_SIZE)
    return _UNPRINTABLE.sub(_symbol, text)


def printable_line(text: str) -> str:
    """Return the text on one line: as `printable` does, with tabs and line breaks as symbols, too."""
    return text if text.isprintable() else printable(text.translate(_LINE_BREAKS))


def _symbol(match: re.Match[str]) -> str:
    code = ord(match[0])
    if code < 0x20:
        return chr(0x2400 + code)
    return "␡" if code == 0x7F else "\N{REPLACEMENT CHARACTER}"
