"""Untrusted text as a terminal, a browser or a document may show it."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

__all__ = ["printable", "printable_line"]

_TAB_SIZE: Final = 4

_UNPRINTABLE: Final = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\u202a-\u202e\u2066-\u2069]")

_UNEQUAL: Final = re.compile(
    "[\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2060-\u2065\u206a-\u206f\u3164\ufe00-\ufe0f\ufeff"
    "\uffa0\ufff0-\ufff8\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U0001f3fb-\U0001f3ff\U000e0000-\U000e0fff]+"
)
"""Characters without a shape of their own, such as joiners and variation selectors, and skin tones of emoji.

Terminals disagree about the width of what they are joined to.
"""

_JAMO: Final = re.compile("[\u1100-\u11ff]")

_LINE_BREAKS: Final = str.maketrans({"\t": "␉", "\n": "␊", "\r": "␍"})


def printable(text: str, *, for_document: bool = False) -> str:
    r"""Replace what would act on a terminal or reorder the text.

    A control character becomes its symbol, as `␛` for escape. C1 controls, lone surrogates and marks that change the
    direction of the text become `�`. `\r\n` becomes `\n`.

    Args:
        text: Any text.
        for_document: Keep tabs and joined characters. Otherwise they get a form that has the same width everywhere:
            blanks for tabs, `☁` for the two characters of the emoji, three emoji for a family.
    """
    if "\r" in text:
        text = text.replace("\r\n", "\n")
    if not for_document:
        if "\t" in text:
            text = text.expandtabs(_TAB_SIZE)
        text = _with_equal_width(text)
    return _UNPRINTABLE.sub(_symbol, text)


def printable_line(text: str) -> str:
    """Return the text on one line: as `printable` does, with tabs and line breaks as symbols, too."""
    return _with_equal_width(text) if text.isprintable() else printable(text.translate(_LINE_BREAKS))


def _with_equal_width(text: str) -> str:
    """Return the text in a form to which all terminals give the same width."""
    if text.isascii():
        return text
    if _JAMO.search(text):
        text = unicodedata.normalize("NFC", text)
    return _UNEQUAL.sub("", text)


def _symbol(match: re.Match[str]) -> str:
    code = ord(match[0])
    if code < 0x20:
        return chr(0x2400 + code)
    return "␡" if code == 0x7F else "\N{REPLACEMENT CHARACTER}"
