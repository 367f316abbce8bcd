"""Chromium without a window, over its debugging protocol."""

from __future__ import annotations

import itertools
import json
import shutil
import subprocess
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from websockets.sync.client import connect

__all__ = ["CHROMIUM", "Browser"]

_NAMES: Final = ("chromium", "chromium-browser", "google-chrome", "chrome")

CHROMIUM: Final = next(filter(None, map(shutil.which, _NAMES)), None)
"""The browser; None if there is none."""

_CATCH_TERMINAL: Final = """
Object.defineProperty(Object.prototype, "_core", {
  configurable: true,
  set(core) {
    Object.defineProperty(this, "_core", {value: core, writable: true, configurable: true});
    if (this.constructor.prototype.hasOwnProperty("buffer")) window.terminal = this;
  }
});
"""
"""Keeps the terminal of the page, an object of xterm.js, as `window.terminal`."""

_SCREEN: Final = """
(() => {
  const shown = window.terminal?.buffer?.active;
  return shown ? [...Array(window.terminal.rows).keys()].map(y =>
    shown.getLine(shown.viewportY + y)?.translateToString(true) ?? "") : [];
})()
"""

_CELL: Final = """
(() => {
  const screen = document.querySelector(".xterm-screen").getBoundingClientRect();
  return [screen.x, screen.y, screen.width / window.terminal.cols, screen.height / window.terminal.rows];
})()
"""


class Browser:
    """A page with a terminal in it."""

    def __init__(self, folder: Path, *, width: int = 1400, height: int = 900, patience: float = 60) -> None:
        self._patience = patience
        self._numbers = itertools.count(1)
        port_file = folder / "DevToolsActivePort"
        assert CHROMIUM is not None
        command = [CHROMIUM, "--headless=new", "--no-sandbox", "--disable-gpu", "--remote-debugging-port=0"]
        command += [f"--user-data-dir={folder}", f"--window-size={width},{height}", "about:blank"]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self._wait(lambda: port_file.exists() and port_file.read_text().count("\n") > 0)
        port = port_file.read_text().split()[0]
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/json") as answer:
            (page,) = (target for target in json.load(answer) if target["type"] == "page")
        self._socket = connect(page["webSocketDebuggerUrl"], max_size=None)
        self.call("Page.enable")
        self.call("Page.addScriptToEvaluateOnNewDocument", source=_CATCH_TERMINAL)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._socket.close()
        self._process.terminate()
        self._process.wait()

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Call a method of the debugging protocol."""
        number = next(self._numbers)
        self._socket.send(json.dumps({"id": number, "method": method, "params": parameters}))
        while (answer := json.loads(self._socket.recv(self._patience))).get("id") != number:
            pass
        assert "error" not in answer, answer
        result: dict[str, Any] = answer["result"]
        return result

    def evaluate(self, script: str) -> Any:
        """Return the value of a JavaScript expression, or of the promise that it is."""
        answer = self.call("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def open(self, url: str) -> None:
        """Go to a page."""
        self.call("Page.navigate", url=url)

    @property
    def lines(self) -> list[str]:
        """The lines of the terminal."""
        lines: list[str] = self.evaluate(_SCREEN)
        return lines

    def until(self, seen: str) -> list[str]:
        """Wait until the terminal shows a text."""
        try:
            self._wait(lambda: any(seen in line for line in self.lines))
        except TimeoutError:
            raise AssertionError("\n".join([f"never seen: {seen}", *self.lines])) from None
        return self.lines

    def width(self, text: str) -> int:
        """Write a text into the terminal, and return how many columns it takes."""
        written = "() => resolve(window.terminal.buffer.active.cursorX)"
        moved = json.dumps("\x1b[1;1H" + text)
        columns: int = self.evaluate(f"new Promise(resolve => window.terminal.write({moved}, {written}))")
        return columns

    def click(self, text: str) -> None:
        """Click on a text in the terminal; what is before it in its line is narrow."""
        row, line = next((row, line) for row, line in enumerate(self.lines) if text in line)
        left, top, width, height = self.evaluate(_CELL)
        place = {"x": left + (line.index(text) + 0.5) * width, "y": top + (row + 0.5) * height}
        self.call("Input.dispatchMouseEvent", type="mouseMoved", **place)
        for kind in ("mousePressed", "mouseReleased"):
            self.call("Input.dispatchMouseEvent", type=kind, button="left", clickCount=1, **place)

    def type(self, text: str) -> None:
        """Type a text; a line break is the Enter key."""
        for character in text:
            enter = {"key": "Enter", "code": "Enter", "windowsVirtualKeyCode": 13}
            key, typed = (enter, "\r") if character == "\n" else ({"key": character}, character)
            self.call("Input.dispatchKeyEvent", type="keyDown", text=typed, **key)
            self.call("Input.dispatchKeyEvent", type="keyUp", **key)

    def _wait(self, happened: Callable[[], bool]) -> None:
        deadline = time.monotonic() + self._patience
        while not happened():
            if time.monotonic() > deadline:
                raise TimeoutError
            time.sleep(0.05)
