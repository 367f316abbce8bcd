"""Any runs, forks and deletions: requests add up to the usage of their turn, and what they sent is exact or unknown.

What is read is compared with a record that the test keeps, by the branch that ran a turn and the turn's first message.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple, TypeAlias

import pytest
from agents import Usage
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.conversations import open_sdk, sent_request, turn
from tests.databases import Place, stored_rows
from tests.formats.documents import export_document, import_document
from tests.postgres_server import new_schema
from tui.model import EntryState, JournalEntry
from tui.model.requests import Request, RequestInput, RequestUsage
from tui.session import AdvancedPostgresSession, AdvancedSQLiteSession
from tui.session.advanced import AdvancedSession
from tui.storage.editor import Editor
from tui.storage.store import Store

Step: TypeAlias = tuple[str, int]
View: TypeAlias = dict[int, list[tuple[Request, RequestInput | None]]]

STEPS = st.lists(
    st.tuples(
        st.sampled_from(
            ["say", "say", "record", "record", "record", "store", "store", "fork", "pop", "switch", "delete", "sdk"]
        ),
        st.integers(0, 11),
    ),
    max_size=14,
)


class Known(NamedTuple):
    """An expected request: its tokens, and the items that it sent if they were recorded."""

    usage: RequestUsage
    items: list[Any] | None = None


class Expected:
    """The requests of a turn, and whether they are those of the usage that is stored."""

    def __init__(self) -> None:
        self.requests: list[Known] = []
        self.is_current = True


def run_of(usages: Sequence[RequestUsage], *, entries: bool = True) -> Any:
    """Return the result of a run with these requests, as the SDK adds them up."""
    total = Usage()
    for tokens in usages:
        details = {"cached_tokens": tokens.cached_tokens, "cache_write_tokens": tokens.cache_write_tokens}
        part = Usage(
            requests=1,
            input_tokens=tokens.input_tokens,
            output_tokens=tokens.output_tokens,
            total_tokens=tokens.input_tokens + tokens.output_tokens,
            input_tokens_details=details,  # type: ignore[arg-type]
            output_tokens_details={"reasoning_tokens": tokens.reasoning_tokens},  # type: ignore[arg-type]
        )
        total.add(part)
    if not entries:
        total.request_usage_entries = []
    return SimpleNamespace(context_wrapper=SimpleNamespace(usage=total))


def as_sent(items: list[Any], number: int) -> list[Any]:
    """Return the items of a branch as a request may send them: in part, changed, with others."""
    match number % 6:
        case 0:
            return items[-3:]
        case 1:
            return [{"role": "system", "content": "Be kind."}, *items]
        case 2:
            return [{**item, "id": "fake"} if item["role"] == "assistant" else item for item in items]
        case 3:
            return [*items[: number // 2], *items[number // 2 + 1 :], {"role": "user", "content": f"{number}"}]
        case 4:
            return items[::-1]
    return items


class Conversation:
    """A session, and what is expected of its requests."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self.session: AdvancedSession
        if isinstance(place, str):
            self.session = AdvancedPostgresSession(session_id="chat", url=place, create_tables=True)
        else:
            self.session = AdvancedSQLiteSession(session_id="chat", db_path=place, create_tables=True)
        self.expected: dict[tuple[str, int], Expected] = {}
        self.count = 0

    def first_message(self, branch: str, number: int) -> int:
        return int(
            stored_rows(
                self.place,
                "SELECT message_id FROM message_structure WHERE session_id = :session_id AND branch_id = :branch_id"
                " AND user_turn_number = :number ORDER BY sequence_number LIMIT 1",
                session_id="chat",
                branch_id=branch,
                number=number,
            )[0][0]
        )

    def last_turn(self) -> Expected | None:
        branch = self.session._current_branch_id
        ((number,),) = stored_rows(
            self.place,
            "SELECT MAX(user_turn_number) FROM message_structure"
            " WHERE session_id = :session_id AND branch_id = :branch_id",
            session_id="chat",
            branch_id=branch,
        )
        return number and self.expected.setdefault((branch, self.first_message(branch, number)), Expected())

    async def step(self, kind: str, number: int) -> None:
        self.count += 1
        branches = sorted(branch["branch_id"] for branch in await self.session.list_branches())
        current = self.session._current_branch_id
        last = self.last_turn()
        tokens = 100 * self.count
        match kind:
            case "say":
                await self.session.add_items(turn(f"Message {self.count}"))
            case "record" if last:
                items = as_sent(await self.session.get_items(), number)
                request = sent_request(tokens, items, f"Instructions {number % 3}.")
                await self.session.record_request(request, first=number < 5)
                assert request.usage is not None
                last.requests = [*([] if number < 5 else last.requests), Known(request.usage, items)]
                last.is_current = True
            case "store" if last:
                await self.store(last, number, tokens)
            case "fork":
                turns = len(await self.session.get_conversation_turns())
                await self.session.fork(1 + number % (turns + 1), branch_name=f"fork {self.count}")
            case "pop":
                await self.session.pop_item()
            case "switch" if branches:
                await self.session.switch_to_branch(branches[number % len(branches)])
            case "delete" if len(branches) > 1 and (name := branches[number % len(branches)]) != "main":
                await self.session.delete_branch(name, force=True)
            case "sdk" if last and current in branches and isinstance(self.place, Path):
                sdk = open_sdk(self.place, "chat")
                await sdk.switch_to_branch(current)
                await sdk.store_run_usage(run_of([RequestUsage(tokens + 7, 1, 0, 0, 0)]))
                sdk.close()
                last.is_current = False

    async def store(self, last: Expected, number: int, tokens: int) -> None:
        """Store the usage of a run: of the recorded requests or of others, of each request or the sum alone."""
        recorded = [known.usage for known in last.requests]
        usages = [RequestUsage(tokens + index, index, index, 0, 0) for index in range(number % 3 + 1)]
        match number // 3:
            case 0 if recorded:
                await self.session.store_run_usage(run_of(recorded, entries=number > 0))
            case 1:
                usages = [*recorded[1:], *usages]
                await self.session.store_run_usage(run_of(usages))
                last.requests = [*last.requests[1:], *map(Known, usages[len(recorded[1:]) :])]
            case 2:
                await self.session.store_run_usage(run_of(usages, entries=False))
                last.requests = [Known(usages[0])] if len(usages) == 1 else []
            case _:
                await self.session.store_run_usage(run_of(usages))
                last.requests = list(map(Known, usages))
        last.is_current = True

    async def check(self, kinds: set[str]) -> dict[str, View]:
        """Check what is read of every branch after steps of these kinds, and return it."""
        store = Store(self.place)
        views = {}
        for session in await store.sessions():
            tree = await store.tree(session)
            for branch in tree.branches:
                views[branch] = await view(store, "chat", branch)
                for used in await store.turn_usages(session, tree, branch, 1, 64):
                    expected = self.expected.get((used.branch_id or "", self.first_message(branch, used.turn)))
                    requests = expected.requests if used.usage and expected and expected.is_current else []
                    found = views[branch].get(used.turn, [])
                    assert [request.usage for request, _ in found] == [known.usage for known in requests]
                    for (_, sent), known in zip(found, requests, strict=True):
                        assert sent is not None
                        assert sent.items in (known.items, None)
                        if not kinds & {"pop", "delete"}:
                            assert sent.items == known.items
        store.close()
        if "sdk" not in kinds:
            self.check_rows()
        return views

    def check_rows(self) -> None:
        """Check that nothing is stored that no turn needs."""
        kept = "SELECT session_id, branch_id, user_turn_number FROM turn_usage"
        if stored_rows(self.place, "SELECT * FROM convo_usage"):
            kept += " UNION SELECT session_id, branch_id, user_turn_number FROM convo_usage"
        sql = f"SELECT * FROM convo_requests WHERE (session_id, branch_id, user_turn_number) NOT IN ({kept})"
        assert stored_rows(self.place, sql) == []
        requests = "SELECT id FROM convo_requests"
        assert stored_rows(self.place, f"SELECT * FROM convo_request_inputs WHERE id NOT IN ({requests})") == []
        columns = "instructions, tools, settings, input"
        sent = str(stored_rows(self.place, f"SELECT {columns} FROM convo_request_inputs"))
        assert all(key in sent for (key,) in stored_rows(self.place, "SELECT hash FROM convo_texts"))


async def view(store: Store, session_id: str, branch: str) -> View:
    """Return the requests of every turn of a branch, and what they sent."""
    session = await store.session(session_id)
    assert session is not None
    tree = await store.tree(session)
    return {
        number: [
            (request, await store.request_input(session, tree, branch, number, request.number)) for request in requests
        ]
        for number, requests in (await store.requests(session, tree, branch, 1, 64)).items()
    }


def without_ids(found: View) -> dict[int, list[Any]]:
    """Return what is known of requests, without what differs in a copy."""
    return {
        number: [(request[2:], sent and sent[1:4], sent and sent.items) for request, sent in requests]
        for number, requests in found.items()
    }


@settings(max_examples=6)
@given(steps=STEPS)
async def test_requests_add_up_on_a_server(postgres_server: str, steps: Sequence[Step]) -> None:
    chat = Conversation(new_schema(postgres_server))
    async with chat.session:
        await chat.step("say", 0)
        for kind, number in steps:
            await chat.step(kind, number)
        await chat.check({kind for kind, _ in steps})


@settings(max_examples=20)
@given(steps=STEPS)
async def test_requests_add_up_and_are_what_was_sent(
    tmp_path_factory: pytest.TempPathFactory, steps: Sequence[Step]
) -> None:
    folder = tmp_path_factory.mktemp("requests")
    path = folder / "chat.sqlite"
    chat = Conversation(path)
    async with chat.session:
        await chat.step("say", 0)
        for kind, number in steps:
            await chat.step(kind, number)
        kinds = {kind for kind, _ in steps}
        views = await chat.check(kinds)
        # A document holds all branches, so that all that is known of any of them is the same.
        await import_document(folder / "other.sqlite", await export_document(path), "chat")
        other = Store(folder / "other.sqlite")
        for branch, before in views.items():
            assert without_ids(await view(other, "chat", branch)) == without_ids(before)
        other.close()
        editor = Editor(path, "agent_sessions", "agent_messages")
        for index, (branch, before) in enumerate(views.items()):
            await editor.copy_branch("chat", branch, f"copy {index}")
            await editor.copy_branch_to_file("chat", branch, "copy", folder / f"{index}.sqlite")
            same_file, new_file = Store(path), Store(folder / f"{index}.sqlite")
            copied = await view(same_file, f"copy {index}", "main")
            assert without_ids(copied) == without_ids(await view(new_file, "copy", "main"))
            same_file.close()
            new_file.close()
            for turn_number, requests in without_ids(before).items():
                for original, copy in zip(requests, without_ids(copied)[turn_number], strict=True):
                    # What only another branch holds is not copied.
                    assert copy[:2] == original[:2]
                    assert copy[2] in (original[2], None)
        for name in sorted(views.keys() - {"main"}):
            await editor.delete_branch("chat", name)
        while await editor.undo():
            if not any(entry.state is EntryState.DONE for entry in await journal(path)):
                break
        assert await chat.check(kinds) == views


async def journal(path: Path) -> Sequence[JournalEntry]:
    store = Store(path)
    entries = await store.journal()
    store.close()
    return entries
