"""The drawn cells have enough contrast in every built-in theme: 4.5 to 1 for text, 3 to 1 for marks."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.color import ColorType
from rich.style import Style
from textual.app import App
from textual.color import BLACK, WHITE, Color
from textual.geometry import Region
from textual.theme import BUILTIN_THEMES

from tests.conversations import open_sdk, run_result, turn
from tests.explorer.driver import open_explorer
from tui.contrast import MARK_CONTRAST, TEXT_CONTRAST, contrast, readable

THEMES = [name for name, theme in BUILTIN_THEMES.items() if not theme.ansi]

FRAMES = frozenset("─│╭╮╰╯━▁▔▊▎▏▕🭶🭻🭽🭾🭼🭿▌▐▀▄▔┃┌┐└┘")
"""Lines around panes and dialogs, which carry no meaning."""
MARKS = frozenset("█▉▊▋▌▍▎▏▂▃▅▆▇░▒▓■├•●○◆◇▸▾↰·…❯▪")

ANSWER = """\
# Heading

Some **bold** and `code` with a [link](https://example.org), and a quotation:

> quoted

| a | b |
|---|---|
| 1 | 2 |

```python
@cached
def total(items: list[int]) -> int:  # the sum
    return sum(items, start=0) + len("text")
```
"""


@pytest.fixture
async def path(tmp_path: Path) -> Path:
    """main has three turns with a failed tool call and an answer in Markdown; alt and late leave it."""
    path = tmp_path / "support.sqlite"
    sdk = open_sdk(path)
    failed = [{"type": "function_call_output", "call_id": "c9", "output": '{"error": "no such file", "status": 404}'}]
    call = [{"type": "function_call", "call_id": "c9", "name": "read_file", "arguments": '{"path": "/a", "n": 1}'}]
    await sdk.add_items([*turn("What is on today?", ANSWER), *turn("And tomorrow?", tool="search"), *call, *failed])  # type: ignore[list-item]
    await sdk.store_run_usage(run_result(900, cached=300, reasoning=20))
    await sdk.add_items(turn("Thanks", ANSWER))
    await sdk.create_branch_from_turn(2, "alt")
    await sdk.add_items(turn("And on Sunday, what is on?", "Nothing is on."))
    await sdk.store_run_usage(run_result(700, cached=300, reasoning=100))
    await sdk.switch_to_branch("main")
    await sdk.create_branch_from_turn(3, "late")
    await sdk.add_items(turn("Thank you", ANSWER))
    sdk.close()
    return path


def characters(app: App[None]) -> dict[Style, set[str]]:
    """Return the characters on the screen, or in the dialog in front of it, by their style."""
    found: dict[Style, set[str]] = defaultdict(set)
    inside = Region.from_union([child.region for child in app.screen.children if child.display])
    strips = app.screen._compositor.render_strips()[inside.y : inside.bottom]
    for strip in strips:
        for text, style, _ in strip.crop(inside.x, inside.right):
            found[style or Style.null()].update(text)
    return found


def too_faint(app: App[None]) -> set[str]:
    """Return what is drawn with too little contrast: the characters of a style, and their contrast."""
    found = set()
    for style, drawn in characters(app).items():
        drawn = {character for character in drawn - FRAMES if not character.isspace()}
        if style.color is None or style.bgcolor is None or not drawn:
            continue
        assert style.color.type is style.bgcolor.type is ColorType.TRUECOLOR
        colors = Color.from_rich_color(style.color), Color.from_rich_color(style.bgcolor)
        front, back = reversed(colors) if style.reverse else colors
        ratio = contrast(front, back)
        faint = (drawn if ratio < TEXT_CONTRAST - 0.05 else set()) - MARKS | (
            drawn & MARKS if ratio < MARK_CONTRAST - 0.05 else set()
        )
        if faint:
            found.add(f"{''.join(sorted(faint))!r}: {front.hex} on {back.hex}, {ratio:.1f}")
    return found


SCREENS = {
    "tree": ("1",),
    "fork": ("2", "g", "f"),
    "search": ("2", "/", *"what"),
    "hits": ("ctrl+f", *"what"),
    "comparison": ("2", "G", "c"),
    "help": ("?",),
    "palette": ("ctrl+p", *"co"),
    "changes": ("p", "H"),
}


@pytest.mark.parametrize("name", SCREENS)
async def test_everything_can_be_read_in_every_theme(path: Path, name: str) -> None:
    async with open_explorer(path, "alt", size=(130, 36)) as explorer:
        await explorer.press_each(*SCREENS[name])
        faint = {}
        # The cells are looked at here; the app does not need to draw them, too.
        with explorer.app.batch_update():
            for theme in THEMES:
                explorer.app.theme = theme
                await explorer.pilot.pause()
                if found := too_faint(explorer.app):
                    faint[theme] = found
        assert not faint


async def test_a_scrollbar_can_be_told_from_its_trough_and_the_trough_is_not_black(path: Path) -> None:
    async with open_explorer(path, "main", size=(130, 16)) as explorer:
        await explorer.press("2")
        bar = explorer.chat.vertical_scrollbar
        assert bar.display
        for theme in THEMES:
            explorer.app.theme = theme
            await explorer.settle()
            thumb, trough = explorer.chat.styles.scrollbar_color, explorer.chat.styles.scrollbar_background
            assert contrast(thumb, trough) >= MARK_CONTRAST - 0.05
            assert trough.brightness > 0.05


PARTS = st.integers(0, 255)
COLORS = st.tuples(PARTS, PARTS, PARTS).map(lambda parts: Color(*parts))


@given(COLORS, COLORS, st.sampled_from([MARK_CONTRAST, TEXT_CONTRAST]))
def test_a_colour_becomes_readable_and_a_readable_one_stays(color: Color, background: Color, ratio: float) -> None:
    found = readable(color, [background], ratio)
    assert contrast(found, background) >= ratio - 0.05
    if contrast(color, background) >= ratio:
        assert found == color


def test_contrast_is_that_of_the_guidelines() -> None:
    assert contrast(BLACK, WHITE) == pytest.approx(21)
    assert contrast(Color.parse("#777777"), WHITE) == pytest.approx(4.48, abs=0.01)
