"""What a model was sent in a turn, request by request."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import ClassVar, Final, NamedTuple

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.worker import Worker

from tui.controller.model_input import ModelInputs
from tui.errors import ConvoError
from tui.model import Page, View
from tui.model.model_input import ItemRange, ModelInput
from tui.painting.painted_screen import PaintedScreen
from tui.printable import printable_line
from tui.render import format_size
from tui.widgets.format import fit_name
from tui.widgets.key_bar import KeyBar
from tui.widgets.model_input_header import SeenHead, SeenState
from tui.widgets.transcript.raw_json import RawJson
from tui.widgets.transcript.transcript import Transcript

__all__ = ["ModelInputScreen"]

_PAGE: Final = 64
"""Items that are read at once."""

_MOST_COPIED: Final = 8_000_000
"""Bytes of stored items up to which they are copied: terminals take no more, or hang on it."""


class _Part(NamedTuple):
    """Something of a request's input.

    Attributes:
        name: What it is; untrusted.
        stretch: The items.
    """

    name: str
    stretch: ItemRange


class ModelInputScreen(PaintedScreen[None]):
    """The input of a request, as a chat or as JSON: all of it, or what is new in it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left_square_bracket", "request(-1)", "Request before", show=False, id="seen.previous"),
        Binding("right_square_bracket", "request(1)", "Next request", id="seen.next"),
        Binding("d", "part(1)", "Difference", id="seen.difference"),
        Binding("J", "json", "JSON", id="seen.json"),
        Binding("y", "copy", "Copy JSON", id="seen.copy"),
        Binding("escape,q", "close", "Close", id="seen.close"),
    ]
    """
    | Key(s) | Description |
    | :- | :- |
    | [, ] | The request before, the next one of the turn. |
    | d | All of the input, what is new since the turn before, what the sibling does not have, what only it has. |
    | J | As JSON, or as a chat. |
    | y | Copy what is shown as JSON, as a list. |
    | escape, q | Back to the explorer. |
    """

    DEFAULT_CSS = """
    ModelInputScreen {
        Transcript, RawJson { height: 1fr; }
    }
    """

    def __init__(self, model_inputs: ModelInputs, seen: ModelInput) -> None:
        super().__init__()
        self._model_inputs = model_inputs
        self._seen = seen
        self._request = 0
        self._part = 0
        self._head = SeenHead()
        self._chat = Transcript()
        self._json = RawJson()

    def compose(self) -> ComposeResult:
        yield self._head
        yield self._chat
        yield self._json
        yield KeyBar()

    def on_mount(self) -> None:
        self._json.display = False
        self._chat.focus()
        self._show()

    # What is shown

    def _parts(self) -> list[_Part]:
        """What can be shown of the request."""
        seen, stop = self._seen, self._seen.requests[self._request]
        here = seen.branch_id
        parts = [_Part("all", ItemRange(here, 0, stop))]
        if seen.before:
            parts.append(_Part(f"new since turn {seen.turn - 1}", ItemRange(here, seen.before, stop)))
        if seen.sibling is not None:
            other, shared, its_stop = seen.sibling
            parts.append(_Part(f"not in {fit_name(other, 24)}", ItemRange(here, shared, stop)))
            parts.append(_Part(f"only in {fit_name(other, 24)}", ItemRange(other, shared, its_stop)))
        return parts

    @property
    def _stretch(self) -> ItemRange:
        return self._parts()[self._part].stretch

    def _show(self) -> None:
        """Show another part, from its end: what was said last."""
        parts, stretch = self._parts(), self._stretch
        names = [part.name for part in parts]
        self._head.state = SeenState(self._seen, self._request, names, self._part)
        number = max(stretch.stop - stretch.start, 0)

        async def show() -> None:
            page = await self._page(stretch, max(number - _PAGE, 0), number)
            if stretch != self._stretch:
                return
            # To the transcript each stretch is a file of its own: nothing of another one is kept.
            self._chat.view = View(
                file=f"{stretch}",
                session=self._seen.session,
                branch_id=stretch.branch_id,
                turn=self._seen.turn,
                items=number,
                position=max(number - 1, 0),
                page=page,
            )
            self._json.show(number)
            self._json.receive(page)
            weight = await self._model_inputs.size(self._seen, stretch)
            if stretch == self._stretch and self._head.state is not None:
                self._head.state = self._head.state._replace(weight=weight)

        self._do(show)

    async def _page(self, stretch: ItemRange, start: int, end: int) -> Page:
        """Some items of a stretch, their positions counted from its beginning."""
        first, last = stretch.start + start, min(stretch.start + end, stretch.stop)
        page = await self._model_inputs.page(self._seen, stretch.branch_id, first, last)
        items = tuple(item._replace(position=item.position - stretch.start) for item in page.items)
        return Page(stretch.branch_id, start, items)

    @on(Transcript.ItemsNeeded)
    @on(RawJson.ItemsNeeded)
    def _bring(self, event: Transcript.ItemsNeeded | RawJson.ItemsNeeded) -> None:
        stretch, pane = self._stretch, self._chat if isinstance(event, Transcript.ItemsNeeded) else self._json

        async def bring() -> None:
            page = await self._page(stretch, event.start, event.end)
            if stretch == self._stretch:
                pane.receive(page)

        self._do(bring)

    @on(Transcript.LinkOpened)
    def _open_link(self, event: Transcript.LinkOpened) -> None:
        self.app.open_url(event.url)

    # What the user does

    def action_request(self, step: int) -> None:
        """Go to another request of the turn."""
        place = self._request + step
        if not 0 <= place < len(self._seen.requests):
            self.app.bell()
            return
        self._request = place
        self._show()

    def action_part(self, step: int) -> None:
        """Show another part of the request's input."""
        parts = len(self._parts())
        if parts == 1:
            self._tell("This is the first turn, and no branch parts before it: all is new.")
            return
        self._part = (self._part + step) % parts
        self._show()

    def action_json(self) -> None:
        """Show JSON in place of the chat, or the chat again."""
        self._json.display = not self._json.display
        self._chat.display = not self._json.display
        (self._json if self._json.display else self._chat).focus()

    def action_copy(self) -> None:
        """Copy what is shown as a list in JSON."""
        stretch = self._stretch

        async def copy() -> None:
            weight = await self._model_inputs.size(self._seen, stretch)
            if weight.size > _MOST_COPIED:
                self._tell(
                    f"{format_size(weight.size)} are too much for a clipboard. Show a part of it with d.", error=True
                )
                return
            items = await self._model_inputs.items(self._seen, stretch)
            text = await asyncio.to_thread(json.dumps, items, ensure_ascii=False, indent=2)
            self.app.copy_to_clipboard(text)
            self._tell(f"Copied {len(items):,} item{'s' * (len(items) != 1)} as JSON, {len(text):,} characters.")

        self._do(copy)

    def action_close(self) -> None:
        """Go back to the explorer."""
        self.dismiss(None)

    def _do(self, work: Callable[[], Awaitable[None]]) -> None:
        async def told() -> None:
            try:
                await work()
            except ConvoError as error:
                self._tell(f"{error} {error.hint}".strip(), error=True)

        _: Worker[None] = self.run_worker(told())

    def _tell(self, text: str, *, error: bool = False) -> None:
        self.notify(printable_line(text), severity="error" if error else "information", markup=False)
