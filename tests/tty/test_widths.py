"""The cells of a terminal that texts take."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import pytest
from rich.cells import cell_len

from tests.browser import Browser
from tests.terminal import Terminal
from tui.printable import printable

TEXTS = (
    "plain · → │ █ … ⚙ ◆ ✗ ⊟ ●",
    "☁️ ❤️ ©️ ☕ 🌦️ ✔️",
    "👨‍👩‍👧 👩‍💻 🏳️‍🌈",
    "👍🏽 🏽",
    "🇩🇪 🇰🇷",
    "1️⃣ #️⃣",
    "e\u0301 a\u0308\u0323",
    "ก็ กำ สวัสดี",
    "مرحبا بالعالم",
    "한국어 \u1112\u1161\u11ab",
    "soft\xadhyphen zero\u200bwidth \u3164 \ufeff",
)

ASK = """
import json, os, re, sys, tty
tty.setraw(0)
widths = []
for text in json.loads(sys.argv[1]):
    os.write(1, b"\\x1b[2J\\x1b[H" + text.encode() + b"\\x1b[6n")
    answer = b""
    while not answer.endswith(b"R"):
        answer += os.read(0, 1)
    widths.append(int(re.search(rb";(\\d+)R", answer)[1]) - 1)
with open(sys.argv[2], "w") as file:
    json.dump(widths, file)
"""


@pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is not installed")
def test_tmux_gives_texts_the_width_that_they_are_drawn_with(tmp_path: Path) -> None:
    shown, answers = [printable(text) for text in TEXTS], tmp_path / "widths.json"
    tmux = ["tmux", "-u", "-f", "/dev/null", "-S", str(tmp_path / "socket")]
    command = [sys.executable, "-c", ASK, json.dumps(shown), str(answers)]
    with Terminal([*tmux, "new-session", *command], env={"LC_ALL": "C.UTF-8"}) as terminal:
        assert terminal.wait() == 0
    assert json.loads(answers.read_text()) == [cell_len(text) for text in shown]


def test_a_browser_gives_texts_the_width_that_they_are_drawn_with(page: Browser) -> None:
    page.until("q Quit")
    shown = [printable(text) for text in TEXTS]
    assert [page.width(text) for text in shown] == [cell_len(text) for text in shown]
