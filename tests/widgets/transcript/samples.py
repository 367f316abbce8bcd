"""Conversations, and an app that shows one in a transcript."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from textual.app import App, ComposeResult
from textual.pilot import Pilot
from textual.reactive import var

from tui.model import Branch, Chain, Item, Page, Session, TurnTree, View
from tui.widgets.message import WidgetMessage
from tui.widgets.transcript.transcript import Transcript


def user(text: str) -> dict[str, Any]:
    return {"role": "user", "content": text}


def agent(text: str) -> dict[str, Any]:
    content = [{"type": "output_text", "text": text, "annotations": []}]
    return {"type": "message", "role": "assistant", "content": content}


def call(name: str, arguments: str) -> dict[str, Any]:
    return {"type": "function_call", "name": name, "arguments": arguments, "call_id": "c"}


def output(text: object) -> dict[str, Any]:
    return {"type": "function_call_output", "output": text, "call_id": "c"}


def reasoning(text: str) -> dict[str, Any]:
    return {"type": "reasoning", "id": "r", "summary": [{"type": "summary_text", "text": text}]}


def items_of(datas: Sequence[dict[str, Any]], first_id: int = 1) -> list[Item]:
    """Return items as the store reads them: numbered, classified, a turn for each user message."""
    items: list[Item] = []
    turn = 0
    for position, data in enumerate(datas):
        role = data.get("role")
        kind = role if role in ("user", "assistant") else data.get("type", "other")
        turn += kind == "user"
        items.append(
            Item(first_id + position, position, turn, str(kind), data.get("name"), "2026-03-01 09:30:00", data, None)
        )
    return items


def chat(turns: int) -> list[Item]:
    """Return a conversation with four items per turn, of many heights."""
    datas: list[dict[str, Any]] = []
    for turn in range(1, turns + 1):
        datas += [
            user(f"Question {turn}. " + "How is the weather in this town today? " * (turn % 5)),
            call("get_weather", f'{{"city": "Town {turn}", "days": {turn % 7}}}'),
            output("\n".join(f"day {day}: rain" for day in range(turn % 9 + 1))),
            agent(f"Answer **{turn}**.\n\n" + "\n".join(f"- point {point} of it" for point in range(turn % 6))),
        ]
    return items_of(datas)


def plain_tree(branch_id: str, turns: int) -> TurnTree:
    """Return the tree of a session with one branch."""
    chain = Chain(0, None, 1, turns, (branch_id,), branch_id)
    return TurnTree({branch_id: Branch(branch_id, turns)}, (chain,), (0,), {branch_id: 0})


def view_of(items: Sequence[Item], turn: int | None = None, **changes: Any) -> View:
    """Return a view of a branch, with the page around the selected turn."""
    turns = items[-1].turn if items else 0
    turn = turns if turn is None else turn
    position = next((item.position for item in items if item.turn >= turn), 0)
    start = max(len(items) - 64, 0) if turn == turns else max(position - 16, 0)
    fields: dict[str, Any] = {
        "file": "chat.sqlite",
        "session": Session("s"),
        "tree": plain_tree("main", turns),
        "branch_id": "main",
        "turn": turn,
        "items": len(items),
        "position": position,
        **changes,
    }
    return View(page=Page(fields["branch_id"], start, tuple(items[start : start + 64])), **fields)


class TranscriptApp(App[None]):
    """An app that shows a branch, answers the requests of the transcript and keeps its messages."""

    view: var[View] = var(View)

    def __init__(self, items: Sequence[Item] = (), view: View | None = None, *, answers: bool = True) -> None:
        super().__init__()
        self.items = items
        self.answers = answers
        self.posted: list[WidgetMessage[Transcript]] = []
        self.set_reactive(TranscriptApp.view, view_of(items) if view is None else view)

    def compose(self) -> ComposeResult:
        yield Transcript().data_bind(TranscriptApp.view)

    @property
    def transcript(self) -> Transcript:
        return self.query_one(Transcript)

    def on_transcript_items_needed(self, message: Transcript.ItemsNeeded) -> None:
        self.posted.append(message)
        if self.answers:
            items = tuple(self.items[message.start : message.end])
            self.transcript.receive(Page(message.branch_id, message.start, items))

    def on_transcript_turn_selected(self, message: Transcript.TurnSelected) -> None:
        self.posted.append(message)

    def on_transcript_turn_clicked(self, message: Transcript.TurnClicked) -> None:
        self.posted.append(message)

    def on_transcript_sibling_requested(self, message: Transcript.SiblingRequested) -> None:
        self.posted.append(message)

    def on_transcript_link_opened(self, message: Transcript.LinkOpened) -> None:
        self.posted.append(message)

    def requested(self) -> list[tuple[int, int]]:
        return [(needed.start, needed.end) for needed in self.posted if isinstance(needed, Transcript.ItemsNeeded)]

    def rows(self) -> list[str]:
        """Return the rows of the transcript."""
        height = self.transcript.size.height
        return ["".join(segment.text for segment in self.transcript.render_line(y)).rstrip() for y in range(height)]


async def focus_transcript(pilot: Pilot[None]) -> TranscriptApp:
    """Focus the transcript of a running app, and return the app."""
    app = pilot.app
    assert isinstance(app, TranscriptApp)
    app.transcript.focus()
    await pilot.pause()
    return app
