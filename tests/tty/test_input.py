"""The input filter passes keys and mouse events to Textual, and drops other bytes of a terminal."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from textual._xterm_parser import XTermParser
from textual.events import Key, MouseDown, Paste, Resize
from textual.message import Message

from tui.tty.input import InputFilter

KEYS = {
    b"a": "a",
    b"\r": "enter",
    b"\x11": "ctrl+q",
    b"\x1b[A": "up",
    b"\x1bOA": "up",
    b"\x1b[1;2A": "shift+up",
    b"\x1b[5~": "pageup",
    b"\x1b[3;5~": "ctrl+delete",
    b"\x1b[15~": "f5",
    b"\x1b[Z": "shift+tab",
    b"\x1ba": "alt+a",
    b"\x1bZ": "alt+shift+z",
    b"\x1b.": "alt+full_stop",
    b"\x1b\r": "alt+enter",
    b"\x1b[27u": "escape",
    b"\x1b[97;5u": "ctrl+a",
    b"\x1b[97;1:1u": "a",
    b"\x1b[97;1:2u": "a",
    b"\x1b[97:65;2;65u": "A",
    b"\x1b[1;1:1A": "up",
    b"\x1b[27;5;97~": "ctrl+a",
    b"\x1b[[A": "f1",
    b"\x1b[3^": "ctrl+delete",
    "é".encode(): "é",
    b"\xe9": "é",
}
"""Keys as terminals send them."""

STRINGS = st.builds(
    lambda introducer, body, end: b"\x1b" + introducer + body + end,
    st.sampled_from([b"]", b"P", b"_", b"^", b"X"]),
    st.one_of(
        st.sampled_from([b"11;rgb:1e1e/1e1e/1e1e", b">|XTerm(390)", b"1$r0m", b"1+r544e=787465726d", b"Gi=1;OK", b""]),
        st.binary(max_size=12).map(lambda body: body.translate(None, b"\x07\x18\x1a\x1b")),
    ),
    st.sampled_from([b"\x07", b"\x1b\\"]),
)
REPORTS = st.sampled_from(
    [
        *(b"\x1b[?62;22c", b"\x1b[>41;390;0c", b"\x1b[0n", b"\x1b[?1u", b"\x1b[8;30;120t", b"\x1b[?997;1n"),
        *(b"\x1b[24;1R", b"\x1b[M \x84%", b"\x1b[97;1:3u", b"\x1b[1;1:3A"),
        *(b"\x1b[99~", b"\x1b[9999999u", b"\x1b[55555;1u", b"\x1b[1;2;3;4u"),
    ]
)
"""Input that nobody typed."""


def events(chunks: Iterable[bytes]) -> list[Message]:
    """Return the events that Textual makes of input in pieces, each followed by a pause."""
    keys, parser, seen = InputFilter(), XTermParser(), list[Message]()

    def show(text: str) -> None:
        # Nothing would be the end of the input.
        if text:
            seen.extend(parser.feed(text))

    for chunk in chunks:
        show(keys.feed(chunk))
    while keys.patience is not None:
        show(keys.flush())
    return seen


def pressed(*chunks: bytes) -> list[str]:
    return [event.key for event in events(chunks) if isinstance(event, Key)]


@pytest.mark.parametrize(("sent", "key"), KEYS.items())
def test_keys_reach_textual(sent: bytes, key: str) -> None:
    assert pressed(sent) == [key]


@given(st.lists(st.one_of(st.sampled_from(list(KEYS)), STRINGS, REPORTS), max_size=8), st.data())
def test_only_keys_are_seen_wherever_the_line_pauses(units: list[bytes], data: st.DataObject) -> None:
    sent = b"".join(units)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(sent)), max_size=6)))
    chunks = [sent[start:end] for start, end in zip([0, *cuts], [*cuts, len(sent)], strict=True)]
    assert pressed(*chunks) == [KEYS[unit] for unit in units if unit in KEYS]


@given(
    st.lists(st.one_of(st.binary(max_size=12), st.text("\x1b[]PO<?;:0123456789uMmRt~$", max_size=12).map(str.encode)))
)
@example([b"\x1b[48;1;1;0;0t\x1b[<0;1;1M"])
def test_no_input_is_too_much_for_textual(chunks: list[bytes]) -> None:
    events(chunks)
    assert pressed(*chunks, b"\x18", b"\x1b[201~", b"x")[-1:] == ["x"]


def test_escape_is_seen_after_a_pause_and_before_another_sequence() -> None:
    assert pressed(b"\x1b") == ["escape"]
    assert pressed(b"\x1b\x1b[A") == ["escape", "up"]
    assert pressed(b"\x1b", b"[A") == ["up"]


def test_a_string_that_never_ends_is_given_up() -> None:
    keys = InputFilter()
    assert [keys.feed(b"\x1b]11;rgb:"), keys.flush(), keys.feed(b"r")] == ["", "", "r"]


def test_mouse_paste_and_size_reach_textual() -> None:
    (click,) = events([b"\x1b[<0;12;", b"3M"])
    assert isinstance(click, MouseDown)
    assert (click.x, click.y) == (11, 2)
    (paste,) = events([b"\x1b[200~caf\xc3", b"\xa9 cr\xe8me \x1b]11;x\x07\x1b[20", b"1~"])
    assert isinstance(paste, Paste)
    assert paste.text == "café crème ]11;x\x07"
    (size,) = events([b"\x1b[48;40;120;800;1200t"])
    assert isinstance(size, Resize)
    assert size.size == (120, 40)
