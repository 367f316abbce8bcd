"""Bytes from a terminal, without what Textual would take for keys although it is none."""

from __future__ import annotations

import codecs
import re
import sys
from typing import Final

from textual.constants import DISABLE_KITTY_KEY, ESCAPE_DELAY

__all__ = ["InputFilter"]

_PATIENCE: Final = 1.0
"""Seconds without input after which the rest of a sequence is given up."""

_TOKEN: Final = re.compile(
    rb"""
    (?P<text> [^\x1b]+ )
  | \x1b (?:
        (?P<string> [\]PX^_] )              # OSC, DCS, SOS, PM, APC
      | \[ (?: (?P<paste> 200~ )
             | (?P<old_mouse> M [\x00-\xff]{3} )
             | (?P<csi> \[ [ -~] | [ -?]+ [@-~] | [@-LN-Z\\-~] )
             | (?P<cut_csi> [ -?]* ) (?= [^ -~] ) )
      | O  (?: (?P<ss3> [!-~] ) | (?P<alt_o> ) (?= [^!-~] ) )
      | (?P<alt> [^\x1b\x80-\xff\[O] )
      | (?P<alt_other> ) (?= [\x80-\xff] )
      | (?P<escape> ) (?= \x1b )
    )""",
    re.VERBOSE,
)
"""A complete unit of input. What matches nothing is the beginning of one."""

_STRING_END: Final = re.compile(rb"[\x07\x18\x1a]|\x1b\\|(?=\x1b[^\\])")
"""BEL or ST; CAN, SUB and another sequence end a string, too."""

_PASTE_END: Final = b"\x1b[201~"

_KEY: Final = re.compile(
    r"(?P<code>\d{1,7})?(?::\d*)*(?:;(?P<modifiers>\d{1,5})?(?::(?P<event>\d))?(?:;(?P<text>\d{1,7}(?::\d{1,7})*)?)?)?"
    r"(?P<final>[A-FHPQRSu~])"
)
"""A key, maybe as the protocol of kitty has it: with alternate codes and with an event type."""

_RELEASED: Final = "3"

_TILDE_KEYS: Final = frozenset([*range(1, 9), *range(11, 16), *range(17, 22), 23, 24, 27, 57427])

_OTHER: Final = re.compile(
    r"""
    [GIOZa-d]                                                               # keys; focus
  | \[[A-E]                                                                 # function keys of the Linux console
  | [378]\$ | 2[34][$@] | (?:[35-8]|1[1-57-9]|2[0134689]|25|3[1-4])\^      # keys of rxvt
  | 1;[5-8][p-y]
  | <\d{1,5};-?\d{1,5};-?\d{1,5}[Mm]                                        # mouse
  | \?\d{1,5};\d\$y                                                         # whether a mode is supported
  | 48(?:;[1-9]\d{0,5}(?::[\d:]*)?){4}t                                     # size of the window
    """,
    re.VERBOSE,
)
"""Sequences other than `_KEY` that Textual understands."""

_SS3_KEYS: Final = frozenset("ABCDFHMPQRSabcdjkmnopqrstuvwxy")

_ALT_KEYS: Final = frozenset("bf0123456789-=\t\x7f")
"""Keys that Textual knows with an escape before them."""

_UNDECODABLE: Final = re.compile("[\udc80-\udcff]")


class InputFilter:
    """Lets through what a user typed, clicked and pasted, and drops the rest.

    Terminals also send answers to what the shell or another program asked: strings (OSC, DCS, APC, PM, SOS) and
    reports. Textual takes characters of a sequence that it does not know for keys, and fails at some that are malformed
    or not UTF-8. A byte that is not UTF-8 is taken for Latin-1.
    """

    def __init__(self) -> None:
        self._held = b""
        self._in_string = False
        self._in_paste = False
        self._decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")

    @property
    def patience(self) -> float | None:
        """Seconds to wait for more before `flush`; None if nothing is incomplete."""
        if self._in_string or len(self._held) > 2:
            return _PATIENCE
        return ESCAPE_DELAY if self._held or self._decoder.getstate()[0] else None

    def feed(self, data: bytes) -> str:
        """Take bytes as they come, and return what Textual is to see."""
        data, self._held = self._held + data, b""
        passed, position = [], 0
        while position < len(data):
            if self._in_string:
                position = self._skip_string(data, position)
                continue
            if self._in_paste:
                text, position = self._take_paste(data, position)
                passed.append(text)
                continue
            match = _TOKEN.match(data, position)
            if match is None:
                self._held = data[position:]
                break
            if match.lastgroup != "text":
                passed.append(self._decode(b"", final=True))
            passed.append(self._token(match))
            position = match.end()
        return "".join(passed)

    def flush(self) -> str:
        """Return what to pass on of an incomplete sequence whose rest will not arrive."""
        held, self._held = self._held, b""
        if self._in_string:
            # What is held is the first half of its end.
            self._in_string = False
            return ""
        text = self._decode(b"", final=True)
        if held == b"\x1b":
            return text + _ESCAPE
        if len(held) == 2:
            return text + _alt(held[1:].decode("ascii"))
        return text + _csi(held[2:].decode("latin-1"))

    def _token(self, match: re.Match[bytes]) -> str:
        kind = match.lastgroup or ""
        value = match[kind]
        if kind == "text":
            return self._decode(value)
        if kind in ("string", "paste"):
            self._in_string, self._in_paste = kind == "string", kind == "paste"
            return "\x1b[200~" if self._in_paste else ""
        text = value.decode("latin-1")
        if kind in ("csi", "cut_csi"):
            return _csi(text)
        if kind == "ss3":
            return f"\x1bO{text}" if text in _SS3_KEYS else ""
        if kind == "escape":
            return _ESCAPE
        if kind in ("alt", "alt_o"):
            return _alt(text or "O")
        return ""

    def _skip_string(self, data: bytes, position: int) -> int:
        """Return the position after a string, or the end of the data."""
        end = _STRING_END.search(data, position)
        if end is not None:
            self._in_string = False
            return end.end()
        if data.endswith(b"\x1b"):
            self._held = b"\x1b"
        return len(data)

    def _take_paste(self, data: bytes, position: int) -> tuple[str, int]:
        """Return the pasted text up to the end of the paste or of the data, and the position after it."""
        end = data.find(_PASTE_END, position)
        if end >= 0:
            self._in_paste = False
            return self._pasted(data[position:end], final=True) + "\x1b[201~", end + len(_PASTE_END)
        kept = next(n for n in range(len(_PASTE_END), -1, -1) if data.endswith(_PASTE_END[:n], position))
        self._held = data[len(data) - kept :]
        return self._pasted(data[position : len(data) - kept]), len(data)

    def _pasted(self, data: bytes, *, final: bool = False) -> str:
        return self._decode(data.replace(b"\x1b", b""), final=final)

    def _decode(self, data: bytes, *, final: bool = False) -> str:
        text = self._decoder.decode(data, final)
        return text if text.isascii() else _UNDECODABLE.sub(lambda match: chr(ord(match[0]) - 0xDC00), text)


_ESCAPE: Final = "\x1b" if DISABLE_KITTY_KEY else "\x1b[27u"
"""The Escape key: in a form for which Textual need not wait."""


def _alt(key: str) -> str:
    """Return a key that was pressed with Alt, for which Textual need not wait."""
    if DISABLE_KITTY_KEY or key in _ALT_KEYS:
        return f"\x1b{key}"
    if key == "\r" or key.isprintable():
        return f"\x1b[{ord(key.lower())};{4 if key.isupper() else 3}u"
    return ""


def _csi(text: str) -> str:
    """Return a control sequence as Textual understands it; nothing if it does not, or if a key was released."""
    if _OTHER.fullmatch(
        text,
    ):
        return f"\x1b[{text}"
    key = _KEY.fullmatch(text)
    if key is None or key["event"] == _RELEASED:
        return ""
    code, final = int(key["code"] or 1), key["final"]
    known = final == "u" or (code in _TILDE_KEYS if final == "~" else code == 1)
    characters = (code, *(int(part) for part in (key["text"] or "").split(":") if part))
    if not known or any(part > sys.maxunicode or 0xD800 <= part <= 0xDFFF for part in characters):
        return ""
    fields = (key["code"] or "", key["modifiers"] or "", key["text"] or "")
    return f"\x1b[{';'.join(fields).rstrip(';')}{final}"
