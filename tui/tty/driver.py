"""Textual's driver for a terminal, on input that an `InputFilter` has seen."""

from __future__ import annotations

import os
import select
import shutil
from contextlib import suppress
from threading import Thread
from typing import Any

from textual.app import App
from textual.drivers.linux_driver import LinuxDriver
from textual.messages import ExitApp

from tui.tty.input import InputFilter

__all__ = ["TerminalDriver"]


class TerminalDriver(LinuxDriver):
    """Reads from a pipe into which a thread writes what the terminal sends, filtered."""

    def __init__(
        self, app: App[Any], *, debug: bool = False, mouse: bool = True, size: tuple[int, int] | None = None
    ) -> None:
        # Without a size Textual asks Rich, which looks at descriptors that do not lead to the terminal any more.
        super().__init__(app, debug=debug, mouse=mouse, size=size or shutil.get_terminal_size())

    def run_input_thread(self) -> None:
        """Read keys until the driver stops."""
        terminal = self.fileno
        source, sink = os.pipe()
        stopped, stop = os.pipe()
        pump = Thread(target=self._pump, args=(terminal, stopped, sink), name="terminal-input", daemon=True)
        pump.start()
        self.fileno = source
        try:
            super().run_input_thread()
        finally:
            self.fileno = terminal
            # Without a reader, and with something to read, the pump waits for nothing.
            os.close(source)
            os.close(stop)
            pump.join()
            os.close(stopped)

    def _pump(self, terminal: int, stopped: int, sink: int) -> None:
        """Pass on what the terminal sends; leave the program when the terminal is gone."""
        keys = InputFilter()
        # Closing writes again what could not be written.
        with suppress(BrokenPipeError), os.fdopen(sink, "w", encoding="utf-8", newline="") as output:
            while True:
                ready, _, _ = select.select([terminal, stopped], [], [], keys.patience)
                if stopped in ready:
                    return
                if not ready:
                    text = keys.flush()
                else:
                    try:
                        data = os.read(terminal, 1 << 16)
                    except OSError:
                        data = b""
                    if not data:
                        self.send_message(ExitApp())
                        select.select([stopped], [], [])
                        return
                    text = keys.feed(data)
                output.write(text)
                output.flush()
