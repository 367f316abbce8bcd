"""The screens that show the input of a model in a turn, request by request."""

from __future__ import annotations

import asyncio
from typing import ClassVar, Final, NamedTuple

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType

from tui.controller.model_input import ModelInputs
from tui.errors import ConvoError
from tui.items.codec import to_json
from tui.model import Page, View
from tui.model.model_input import InputSize, ItemRange, ModelInput
from tui.render import format_size
from tui.screens.command_screen import CommandScreen
from tui.widgets.format import fit_name
from tui.widgets.key_bar import KeyBar
from tui.widgets.message import MenuRequested
from tui.widgets.model_input_header import ModelInputHeader, stored_state
from tui.widgets.transcript.raw_json import RawJson
from tui.widgets.transcript.transcript import Transcript
from tui.words import plural

__all__ = ["ModelInputScreen", "StoredInputScreen"]

_PAGE_SIZE: Final = 64
"""Maximum number of items that are read at once."""

_MAX_COPIED: Final = 8_000_000
"""Maximum number of bytes to copy: some terminals refuse more, or hang."""

_NAME_WIDTH: Final = 24


class _Part(NamedTuple):
    """A part of a request's input; its name may contain untrusted text."""

    name: str
    items: ItemRange


class ModelInputScreen(CommandScreen[None]):
    """The input of the model in each request of a turn: all of it, or how it differs from another one.

    The last request, which the answer was made from, is shown first. A subclass shows a part with `show_part`, and
    lists their names in `part_names`.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left_square_bracket", "request(-1)", "Previous request", id="model_input.previous"),
        Binding("right_square_bracket", "request(1)", "Next request", id="model_input.next"),
        Binding("tab", "next_part", "Compare", id="model_input.difference"),
        Binding("M", "toggle_json", "JSON", id="model_input.json"),
        Binding("y", "copy", "Copy JSON", id="model_input.copy"),
        Binding("escape,q", "dismiss", "Close", id="model_input.close"),
        Binding("space", "app.screen_menu", "Menu", id="model_input.menu"),
    ]

    NO_DIFFERENCE: ClassVar[str]
    """The text for a request without another one to compare it with."""

    def __init__(self, model_inputs: ModelInputs, model_input: ModelInput) -> None:
        """Create the screen.

        Args:
            model_inputs: Reads the items.
            model_input: The turn, with its requests.
        """
        super().__init__()
        self.model_inputs = model_inputs
        self.model_input = model_input
        self.request_index = self.request_count - 1
        self.part_index = 0
        self.header = ModelInputHeader()

    @property
    def request_count(self) -> int:
        """The number of requests."""
        raise NotImplementedError

    def part_names(self) -> list[str]:
        """Return the names of the parts of the shown request, which may be untrusted text."""
        raise NotImplementedError

    def show_part(self) -> None:
        """Show the chosen part of the chosen request."""
        raise NotImplementedError

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer to go to other requests only if there are any."""
        return super().check_action(action, parameters) and (action != "request" or self.request_count > 1)

    @on(MenuRequested)
    async def _open_menu_at_mouse(self, event: MenuRequested) -> None:
        await self.app.run_action(f"app.screen_menu({event.at.x}, {event.at.y})")

    def action_request(self, step: int) -> None:
        """Go to the previous or next request of the turn."""
        index = self.request_index + step
        if not 0 <= index < self.request_count:
            self.app.bell()
            return
        self.request_index = index
        self.part_index = min(self.part_index, len(self.part_names()) - 1)
        self.show_part()

    def action_next_part(self) -> None:
        """Show the next part of the request's input."""
        parts = len(self.part_names())
        if parts == 1:
            self.show_notice(self.NO_DIFFERENCE)
            return
        self.part_index = (self.part_index + 1) % parts
        self.show_part()

    def action_toggle_json(self) -> None:
        """Switch between JSON and text."""
        raise NotImplementedError

    def action_copy(self) -> None:
        """Copy what is shown as JSON."""
        raise NotImplementedError

    def copy_json(self, value: object, words: str) -> None:
        """Copy a value as JSON in a worker; `words` say what it is.

        Raises:
            ConvoError: It is too large.
        """

        async def copy() -> None:
            text = await asyncio.to_thread(to_json, value, ensure_ascii=False, indent=2)
            require_copyable(len(text))
            self.app.copy_to_clipboard(text)
            self.show_notice(f"Copied {words} as JSON, {plural(len(text), 'character')}.")

        self.run_command(copy)


def require_copyable(size: int) -> None:
    """Refuse to copy more than a clipboard takes.

    Raises:
        ConvoError: The text is too large.
    """
    if size > _MAX_COPIED:
        raise ConvoError(f"{format_size(size)} are too much for a clipboard.", "Show a part of it with Tab.")


class StoredInputScreen(ModelInputScreen):
    """The input of a request of which only the stored items are known, as a chat or as JSON."""

    NO_DIFFERENCE = "Everything is new: this is the first turn, and no branch forks before it."

    DEFAULT_CSS = """
    StoredInputScreen {
        Transcript, RawJson { height: 1fr; }
    }
    """

    def __init__(self, model_inputs: ModelInputs, model_input: ModelInput) -> None:
        super().__init__(model_inputs, model_input)
        self._chat = Transcript()
        self._json = RawJson()

    def compose(self) -> ComposeResult:
        yield self.header
        yield self._chat
        yield self._json
        yield KeyBar("next_part", "app.screen_menu", "request(-1)", "request(1)")

    def on_mount(self) -> None:
        self._json.display = False
        self._chat.focus()
        self.show_part()

    @property
    def request_count(self) -> int:
        return len(self.model_input.requests)

    def part_names(self) -> list[str]:
        return [part.name for part in self._parts()]

    def _parts(self) -> list[_Part]:
        model_input = self.model_input
        branch_id, stop = model_input.branch_id, model_input.requests[self.request_index]
        parts = [_Part("whole input", ItemRange(branch_id, 0, stop))]
        if model_input.before:
            new = ItemRange(branch_id, model_input.before, stop)
            parts.append(_Part(f"new since turn {model_input.turn - 1}", new))
        if model_input.sibling is not None:
            sibling_id, shared, sibling_stop = model_input.sibling
            name = fit_name(sibling_id, _NAME_WIDTH)
            parts.append(_Part(f"not in '{name}'", ItemRange(branch_id, shared, stop)))
            parts.append(_Part(f"only in '{name}'", ItemRange(sibling_id, shared, sibling_stop)))
        return parts

    @property
    def _shown_items(self) -> ItemRange:
        return self._parts()[self.part_index].items

    def show_part(self) -> None:
        """Show the chosen part of the chosen request, scrolled to its end."""
        items = self._shown_items
        self._update_header(None)
        count = max(items.stop - items.start, 0)

        async def load() -> None:
            page = await self._load_page(items, max(count - _PAGE_SIZE, 0), count)
            if items != self._shown_items:
                return
            # Another file name makes the transcript drop the items of the previous part.
            self._chat.view = View(
                file=f"{items}",
                session=self.model_input.session,
                branch_id=items.branch_id,
                turn=self.model_input.turn,
                items=count,
                position=max(count - 1, 0),
                page=page,
            )
            self._json.show(count)
            self._json.receive(page)
            size = await self.model_inputs.size(self.model_input, items)
            if items == self._shown_items:
                self._update_header(size)

        self.run_command(load)

    def _update_header(self, size: InputSize | None) -> None:
        self.header.state = stored_state(self.model_input, self.request_index, self.part_names(), self.part_index, size)

    async def _load_page(self, items: ItemRange, start: int, end: int) -> Page:
        """Return a page of a range of items, with positions relative to the start of the range."""
        first, last = items.start + start, min(items.start + end, items.stop)
        page = await self.model_inputs.page(self.model_input, items.branch_id, first, last)
        shown = tuple(item._replace(position=item.position - items.start) for item in page.items)
        return Page(items.branch_id, start, shown)

    @on(Transcript.ItemsNeeded)
    @on(RawJson.ItemsNeeded)
    def _load_items(self, event: Transcript.ItemsNeeded | RawJson.ItemsNeeded) -> None:
        items, pane = self._shown_items, self._chat if isinstance(event, Transcript.ItemsNeeded) else self._json

        async def load() -> None:
            page = await self._load_page(items, event.start, event.end)
            if items == self._shown_items:
                pane.receive(page)

        self.run_command(load)

    @on(Transcript.LinkOpened)
    def _open_link(self, event: Transcript.LinkOpened) -> None:
        self.app.open_url(event.url)

    def action_toggle_json(self) -> None:
        """Switch between JSON and the chat."""
        self._json.display = not self._json.display
        self._chat.display = not self._json.display
        (self._json if self._json.display else self._chat).focus()

    def action_copy(self) -> None:
        """Copy the shown items as a JSON list."""
        items = self._shown_items

        async def copy() -> None:
            size = await self.model_inputs.size(self.model_input, items)
            require_copyable(size.size)
            values = await self.model_inputs.items(self.model_input, items)
            self.copy_json(values, plural(len(values), "item"))

        self.run_command(copy)
