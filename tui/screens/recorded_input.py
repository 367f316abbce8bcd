"""The screen that shows the recorded requests of a turn, as they were sent."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult

from tui.controller.model_input import ModelInputs
from tui.model.model_input import ComparedRequest, ModelInput
from tui.model.requests import Request, RequestInput
from tui.screens.model_input import ModelInputScreen
from tui.widgets.compare.request_diff_view import RequestDiffView
from tui.widgets.key_bar import KeyBar
from tui.widgets.model_input_header import recorded_state
from tui.widgets.request_view import RequestView

__all__ = ["RecordedInputScreen"]


class RecordedInputScreen(ModelInputScreen):
    """A request as it was sent, or how it differs from another one."""

    NO_DIFFERENCE = "No other request is recorded that this one could be compared with."

    DEFAULT_CSS: ClassVar[str] = """
    RecordedInputScreen {
        RequestView, RequestDiffView { height: 1fr; }
    }
    """

    def __init__(self, model_inputs: ModelInputs, model_input: ModelInput) -> None:
        super().__init__(model_inputs, model_input)
        self._sent: RequestInput | None = None
        self._request = RequestView()
        self._diff = RequestDiffView()

    def compose(self) -> ComposeResult:
        yield self.header
        yield self._request
        yield self._diff
        yield KeyBar("next_part", "app.screen_menu", "difference(1)", "request(-1)", "request(1)")

    def on_mount(self) -> None:
        self._diff.display = False
        self._request.focus()
        self.show_part()

    @property
    def request_count(self) -> int:
        return len(self.model_input.known)

    @property
    def _compared(self) -> list[ComparedRequest]:
        if not self.model_input.known[self.request_index].has_input:
            return []
        return self.model_input.compared_requests(self.request_index)

    def part_names(self) -> list[str]:
        return ["whole input", *(compared.name for compared in self._compared)]

    def show_part(self) -> None:
        """Show the chosen request as it was sent, or its difference to another one."""
        shown = self.request_index, self.part_index
        self._update_header()

        async def load() -> None:
            sent = self._sent
            request = self.model_input.known[shown[0]]
            if sent is None or sent.request != request:
                sent = await self.model_inputs.request(self.model_input, request.number)
            other = self._compared[shown[1] - 1] if shown[1] else None
            diff = None if other is None else await self.model_inputs.diff(self.model_input, sent, other)
            if shown != (self.request_index, self.part_index):
                return
            if sent is not self._sent:
                self._sent = sent
                self._request.show(sent)
            if diff is not None and other is not None:
                self._diff.show(diff, self._side_name(other.request, other.branch_id), self._side_name(request))
            self._request.display, self._diff.display = diff is None, diff is not None
            (self._request if diff is None else self._diff).focus()
            self._update_header()

        self.run_holding_keys(load)

    def _update_header(self) -> None:
        names = self.part_names()
        items = self.model_input.known[self.request_index].input_items
        self.header.state = recorded_state(self.model_input, self.request_index, names, self.part_index, items)

    def _side_name(self, request: Request, branch_id: str | None = None) -> str:
        branch = branch_id or self.model_input.branch_id
        return f"{branch} · turn {request.turn} · request {request.number}"

    def action_toggle_json(self) -> None:
        """Switch between JSON and text."""
        if self.part_index:
            self.part_index = 0
            self.show_part()
            if self._request.as_json:
                return
        self._request.toggle_json()

    def action_copy(self) -> None:
        """Copy the request as JSON, also while a difference is shown."""
        sent = self._sent
        if sent is not None:
            value = {
                "instructions": sent.instructions,
                "tools": sent.tools,
                "settings": sent.settings,
                "items": sent.items,
                "response_id": sent.request.response_id,
                "encrypted_parts": sent.encrypted_parts,
            }
            self.copy_json(value, f"request {sent.request.number}")
