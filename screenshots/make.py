"""Make the pictures of the README from the running program: `python -m screenshots.make`."""

from __future__ import annotations

import asyncio
import html
import re
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.cells import cell_len

from tui.agent.runner import AgentRunner
from tui.agent.settings import OFFLINE, AgentSettings
from tui.app import ConvoApp
from tui.controller import SessionController
from tui.demo import write_demo
from tui.storage.store import Store

FOLDER = Path(__file__).parent


@dataclass(frozen=True)
class Shot:
    """A picture: what to open, at which size, and which keys to press."""

    name: str
    size: tuple[int, int]
    keys: Sequence[str] = ()
    branch: str = "main"
    session: str = "trip-to-lisbon"
    theme: str = "textual-dark"
    until: str = ""
    """A text of the run to wait for."""


SHOTS = (
    Shot("explorer", (150, 44), ("up", "up", "up")),
    Shot("fork", (150, 44), ("up", "up", "up", "up", "f")),
    Shot("branches", (120, 36), ("b",), branch="hostel"),
    Shot("light", (150, 44), branch="two-friends", theme="textual-light"),
    Shot("strip", (100, 32), branch="hostel"),
    Shot("narrow", (60, 28), branch="서울"),
    Shot("keys", (120, 40), ("question_mark",)),
    Shot("long", (150, 44), session="arithmetic-marathon", branch="halfway"),
    Shot("compare", (150, 44), ("c", "enter")),
    Shot("search", (120, 36), ("ctrl+f", *"hotel")),
    Shot("costs", (150, 44), ("up", "up", "up", "dollar_sign")),
    Shot("usage-requests", (150, 44), ("up", "up", "up", "3", "right")),
    Shot("request", (120, 36), ("up", "up", "up", "m", "left_square_bracket")),
    Shot("request-difference", (120, 36), ("up", "m", "tab")),
    Shot("answer", (150, 44), ("f", *" A Markdown sample will do.", "enter"), until="def greet"),
)


def picture(app: ConvoApp) -> str:
    """Return the screen as an SVG that needs no network, with wide characters as wide as in a terminal."""
    drawn = app.export_screenshot(title="convo-tui demo.sqlite")
    drawn = re.sub(r"@font-face {.*?}", "", drawn, flags=re.DOTALL)
    drawn = drawn.replace("Fira Code", "ui-monospace, DejaVu Sans Mono, Menlo, Consolas")

    def measured(found: re.Match[str]) -> str:
        text = html.unescape(found["text"])
        return f'textLength="{float(found["width"]) / len(text) * cell_len(text):g}"{found["rest"]}>{found["text"]}<'

    return re.sub(r'textLength="(?P<width>[\d.]+)"(?P<rest>[^>]*)>(?P<text>[^<]+)<', measured, drawn)


async def make() -> None:
    """Write every picture as an SVG."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "demo.sqlite"
        write_demo(path)
        for shot in SHOTS:
            controller = SessionController(Store(path), AgentRunner(AgentSettings(model=OFFLINE)))
            await controller.open(shot.session, shot.branch)
            app = ConvoApp(controller)
            app.theme = shot.theme
            async with app.run_test(size=shot.size) as pilot:
                await pilot.pause()
                await app.workers.wait_for_complete()
                for key in shot.keys:
                    await pilot.press(key)
                    await pilot.pause()
                    await app.workers.wait_for_complete()
                while controller.view.runs and shot.until not in str(controller.view.runs):
                    await asyncio.sleep(0)
                await pilot.pause()
                (FOLDER / f"{shot.name}.svg").write_text(picture(app))
            if controller.agent is not None:
                await controller.agent.stop_all()
            controller.close()
            print(f"screenshots/{shot.name}.svg")


if __name__ == "__main__":
    asyncio.run(make())
