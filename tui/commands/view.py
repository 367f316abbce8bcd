"""Commands that look at turns and items."""

from __future__ import annotations

from asyncio import to_thread
from functools import partial
from typing import TYPE_CHECKING, Final

from tui.commands.context import Explorer
from tui.commands.registry import Target, command
from tui.render import copied_text, format_size

if TYPE_CHECKING:
    from tui.model import Item

_TERMINAL_LIMIT: Final = 100_000
"""Characters beyond which some terminals refuse to copy a text."""


@command(
    "turn.seen",
    keys="m",
    title="Model input",
    help="What the model saw: the input of each request of this turn",
    on=(Target.TURN,),
    synonyms=("context", "prompt", "requests"),
    holds_keys=True,
)
async def show_model_input(explorer: Explorer) -> None:
    from tui.screens.model_input import StoredInputScreen
    from tui.screens.recorded_input import RecordedInputScreen

    model_inputs = explorer.controller.model_input
    model_input = await model_inputs.load()
    if explorer.is_active:
        screen = RecordedInputScreen if model_input.is_recorded else StoredInputScreen
        await explorer.push_dialog(screen(model_inputs, model_input))


@command(
    "view.follow",
    keys="t",
    title="Follow",
    help="Follow new turns of this branch",
    on=(Target.BRANCH,),
    synonyms=("tail", "live", "stop following"),
)
async def toggle_following(explorer: Explorer) -> None:
    await explorer.controller.follow.toggle()


@command(
    "text.copy",
    keys="y",
    title="Copy",
    help="Copy the selected text, else the item under the cursor",
    on=(Target.ITEM,),
    synonyms=("clipboard", "yank"),
    holds_keys=True,
)
async def copy_text(explorer: Explorer) -> None:
    chat = explorer.panes.chat
    item = chat.cursor_item
    if text := explorer.get_selected_text():
        _copy(explorer, text)
    elif item is not None and item.unread:
        explorer.run_command(partial(_copy_long_item, explorer, item))
    elif text := chat.cursor_text():
        _copy(explorer, text)


async def _copy_long_item(explorer: Explorer, item: Item) -> None:
    explorer.show_notice(f"Reading all {format_size(item.size)} of it…")
    full_item = await explorer.controller.pages.full_item(item)
    _copy(explorer, await to_thread(copied_text, full_item))


def _copy(explorer: Explorer, text: str) -> None:
    explorer.app.copy_to_clipboard(text)
    limit = ", if your terminal accepts that many" if len(text) > _TERMINAL_LIMIT else ""
    explorer.show_notice(f"Copied {len(text):,} characters{limit}.")
