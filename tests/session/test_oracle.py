"""The same operations on the SDK's class and on ours: no public result and no stored row may differ.

Two files get the same operations. On the reference both session objects are the SDK's; on the other file the first is
ours, and the second ours or the SDK's. Left out is what ours does better, each case tested elsewhere:

- entering or deleting a branch without items that was forked at turn 1 or emptied by `pop_item`; entering `main`
  without items; deleting the current branch while `main` has none,
- adding to a branch that another object deleted, or that the SDK's class emptied: ours refuses,
- deleting the branch that was current before another object cleared the session: the SDK's class may still call it
  the current one.
"""

from __future__ import annotations

import asyncio
import sqlite3
import tempfile
from collections.abc import Awaitable, Callable
from contextlib import closing
from pathlib import Path
from typing import Any, ClassVar, TypeAlias

import pytest
from agents.extensions.memory import AdvancedSQLiteSession as SDKSession
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from tests.session.samples import run, turn
from tui.items.types import TYPES
from tui.session import AdvancedSQLiteSession

AnySession: TypeAlias = SDKSession | AdvancedSQLiteSession

TEXTS = st.sampled_from(
    [
        "",
        "hello",
        "Hello World",
        "100%",
        "a_b",
        'say "hi"',
        "back\\slash",
        "ümlaut É",
        "한국어 🙂",
        "\ud83d",
        "u00e9",
        "x" * 120,
    ]
)
TERMS = st.sampled_from(
    ["", "hello", "HELLO", "%", "_", '"', "\\", "É", "é", "🙂", "u00e9", "x" * 101, "nothing like it"]
)
CONTENT = TEXTS | st.lists(
    st.builds(lambda text: {"type": "input_text", "text": text}, TEXTS)
    | st.just({"type": "input_image", "image_url": "i"}),
    max_size=3,
)
NAMES = st.sampled_from(["search", "web", "", "5"])
ITEMS = st.one_of(
    st.builds(lambda content: {"role": "user", "content": content}, CONTENT),
    st.builds(lambda content: {"role": "user", "content": content}, CONTENT),
    st.builds(lambda text: {"role": "assistant", "content": text, "type": "message"}, TEXTS),
    st.builds(lambda text: {"role": "system", "content": text}, TEXTS),
    st.builds(lambda name: {"type": "function_call", "name": name, "arguments": "{}"}, NAMES),
    st.builds(lambda name, space: {"type": "function_call", "name": name, "namespace": space}, NAMES, NAMES),
    st.builds(lambda name, label: {"type": "mcp_call", "name": name, "server_label": label}, NAMES, NAMES),
    st.fixed_dictionaries({"type": st.sampled_from(["", "brand_new", *TYPES])}, optional={"name": NAMES}),
    st.just(
        {
            "type": "function_call_output",
            "output": [{"type": "input_text", "text": "o"}],
            "big": 2**70,
            "n": float("inf"),
        }
    ),
)
NEW_NAMES = st.sampled_from([None, None, "b1", "b2", "b3", " b1", "main", " "])
USAGE = st.builds(run, st.integers(0, 1000), cached=st.integers(0, 9), reasoning=st.integers(0, 9))

STORED = (
    "SELECT id, session_id, message_data FROM agent_messages ORDER BY id",
    "SELECT id, session_id, message_id, branch_id, message_type, sequence_number, user_turn_number,"
    " branch_turn_number, tool_name FROM message_structure ORDER BY id",
    "SELECT session_id, branch_id, user_turn_number, requests, input_tokens, output_tokens, total_tokens,"
    " input_tokens_details, output_tokens_details FROM turn_usage ORDER BY session_id, branch_id, user_turn_number",
    "SELECT session_id FROM agent_sessions ORDER BY session_id",
    "SELECT session_id, generation FROM session_clear_generations ORDER BY session_id",
)


def without_times(result: Any) -> Any:
    """Return a result without what depends on time: times, and the order of branches of the same second."""
    if isinstance(result, list) and result and isinstance(result[0], dict) and "is_current" in result[0]:
        result = sorted(result, key=lambda branch: str(branch["branch_id"]))
    if isinstance(result, list):
        return [without_times(each) for each in result]
    if isinstance(result, dict):
        return {key: value for key, value in result.items() if key not in ("created_at", "timestamp")}
    return result


class Conversations(RuleBasedStateMachine):
    """Two session objects on each of two files."""

    second: ClassVar[type[SDKSession] | type[AdvancedSQLiteSession]] = AdvancedSQLiteSession

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.loop = asyncio.new_event_loop()
        self.reference_file = Path(self.folder.name) / "reference.sqlite"
        self.file = Path(self.folder.name) / "conversations.sqlite"
        self.pairs: list[tuple[SDKSession, AnySession]] = []
        self.deleted: set[str] = set()
        self.emptied_by_sdk: set[str] = set()
        self.made: set[str] = set()

    @initialize()
    def open(self) -> None:
        for kind in (AdvancedSQLiteSession, self.second):
            self.pairs.append(
                (
                    SDKSession(session_id="chat", db_path=self.reference_file, create_tables=True),
                    kind(session_id="chat", db_path=self.file, create_tables=True),
                )
            )
        for number in range(1, 5):
            items, usage = turn(number), run(number)
            self.both(0, lambda session: session.add_items(items))  # noqa: B023
            self.both(0, lambda session: session.store_run_usage(usage))  # noqa: B023

    def teardown(self) -> None:
        for reference, candidate in self.pairs:
            reference.close()
            candidate.close()
        self.loop.run_until_complete(self.loop.shutdown_default_executor())
        self.loop.close()
        self.folder.cleanup()

    def outcome(self, operation: Awaitable[Any]) -> Any:
        async def tried() -> Any:
            try:
                return without_times(await operation)
            except Exception as error:
                return type(error), str(error)

        return self.loop.run_until_complete(tried())

    def both(self, which: int, operation: Callable[[Any], Awaitable[Any]]) -> Any:
        """Call a method on both files, and compare the outcomes."""
        reference, candidate = self.pairs[which]
        expected = self.outcome(operation(reference))
        assert self.outcome(operation(candidate)) == expected
        return expected

    def is_ours(self, which: int) -> bool:
        return isinstance(self.pairs[which][1], AdvancedSQLiteSession)

    def items_in(self, branch: str) -> int:
        with closing(sqlite3.connect(self.reference_file)) as db:
            count: int = db.execute("SELECT COUNT(*) FROM message_structure WHERE branch_id = ?", (branch,)).fetchone()[
                0
            ]
            return count

    def is_hollow(self, branch: str) -> bool:
        """True if our class lets the branch be entered although it has no items."""
        return not self.items_in(branch) and (branch == "main" or branch in self.made - self.deleted)

    def current(self, which: int) -> str:
        reference = self.pairs[which][0]
        return self.entered(reference._current_branch_id, reference._generation)

    def entered(self, branch: str, generation: int) -> str:
        """The branch that an object is on, even if it has not noticed yet that another one cleared the session."""
        with closing(sqlite3.connect(self.reference_file)) as db:
            now = db.execute("SELECT generation FROM session_clear_generations").fetchone()[0]
        return branch if generation == now else "main"

    def branch(self, data: st.DataObject) -> str:
        """A branch that has items, most of the time."""
        with closing(sqlite3.connect(self.reference_file)) as db:
            found = [
                row[0] for row in db.execute("SELECT DISTINCT branch_id FROM message_structure ORDER BY branch_id")
            ]
        names: list[str] = [*found, *found, *found, *sorted(self.made), "main", "nowhere", ""]
        return names[data.draw(st.integers(0, len(names) - 1), "branch")]

    def branch_or_none(self, data: st.DataObject) -> str | None:
        return None if data.draw(st.booleans(), "current branch") else self.branch(data)

    def turn(self, which: int, data: st.DataObject) -> int:
        """A turn of the current branch, most of the time."""
        with closing(sqlite3.connect(self.reference_file)) as db:
            last = db.execute(
                "SELECT MAX(user_turn_number) FROM message_structure WHERE branch_id = ?", (self.current(which),)
            ).fetchone()[0]
        return data.draw(st.integers(1, last or 1) | st.integers(0, (last or 0) + 1), "turn")

    WHICH = st.integers(0, 1)

    @rule(which=WHICH, items=st.just([]) | st.lists(ITEMS, min_size=1, max_size=6))
    def add(self, which: int, items: list[Any]) -> None:
        branch = self.current(which)
        gone = branch != "main" and not self.items_in(branch)
        if self.is_ours(which) and gone and branch in self.deleted | self.emptied_by_sdk:
            return
        self.both(which, lambda session: session.add_items(items))
        if items and branch in self.deleted and self.items_in(branch):
            self.deleted.discard(branch)

    @rule(which=WHICH)
    def pop(self, which: int) -> None:
        branch = self.current(which)
        had = self.items_in(branch)
        self.both(which, lambda session: session.pop_item())
        if had and not self.items_in(branch):
            by_sdk = isinstance(self.pairs[which][1], SDKSession)
            (self.emptied_by_sdk.add if by_sdk else self.emptied_by_sdk.discard)(branch)

    @rule(which=WHICH, usage=USAGE)
    def store_usage(self, which: int, usage: Any) -> None:
        self.both(which, lambda session: session.store_run_usage(usage))

    @rule(which=WHICH, data=st.data(), name=NEW_NAMES)
    def fork(self, which: int, data: st.DataObject, name: str | None) -> None:
        turn = self.turn(which, data)
        made = self.both(which, lambda session: session.create_branch_from_turn(turn, name))
        if isinstance(made, str):
            self.made.add(made)

    @rule(which=WHICH, term=TERMS | st.sampled_from(["question 2", "QUESTION 3", "4"]), name=NEW_NAMES)
    def fork_at_content(self, which: int, term: str, name: str | None) -> None:
        made = self.both(which, lambda session: session.create_branch_from_content(term, name))
        if isinstance(made, str):
            self.made.add(made)

    @rule(which=WHICH, data=st.data())
    def switch(self, which: int, data: st.DataObject) -> None:
        branch = self.branch(data)
        if not self.is_hollow(branch):
            self.both(which, lambda session: session.switch_to_branch(branch))

    @rule(which=WHICH, data=st.data(), force=st.booleans())
    def delete(self, which: int, data: st.DataObject, force: bool) -> None:
        branch = self.branch(data)
        if branch != "main" and (self.is_hollow(branch) or (branch == self.current(which) and self.is_hollow("main"))):
            return
        if branch == self.pairs[which][0]._current_branch_id != self.current(which):
            return
        if self.both(which, lambda session: session.delete_branch(branch, force)) is None:
            self.deleted.add(branch)

    @precondition(lambda self: self.made)
    @rule(which=WHICH, really=st.integers(0, 3))
    def clear(self, which: int, really: int) -> None:
        if really:
            return
        self.both(which, lambda session: session.clear_session())
        self.deleted |= self.made

    @rule(newest=st.integers(1, 4))
    def corrupt(self, newest: int) -> None:
        self.corrupt_file(self.reference_file, newest)
        self.corrupt_candidate(newest)

    def corrupt_candidate(self, newest: int) -> None:
        self.corrupt_file(self.file, newest)

    def corrupt_file(self, file: Path, newest: int) -> None:
        with closing(sqlite3.connect(file)) as db, db:
            db.execute(
                'UPDATE agent_messages SET message_data = \'{"role": "user\' WHERE id ='
                " (SELECT id FROM agent_messages ORDER BY id DESC LIMIT 1 OFFSET ?)",
                (newest,),
            )

    @rule(which=WHICH, limit=st.none() | st.integers(-1, 9), data=st.data())
    def read(self, which: int, limit: int | None, data: st.DataObject) -> None:
        branch = self.branch_or_none(data)
        self.both(which, lambda session: session.get_items(limit, branch))

    @rule(which=WHICH, data=st.data(), term=TERMS)
    def look(self, which: int, data: st.DataObject, term: str) -> None:
        branch, turn = self.branch_or_none(data), self.turn(which, data)
        self.both(which, lambda session: session.list_branches())
        self.both(which, lambda session: session.get_conversation_turns(branch))
        self.both(which, lambda session: session.get_conversation_by_turns(branch))
        self.both(which, lambda session: session.find_turns_by_content(term, branch))
        self.both(which, lambda session: session.get_tool_usage(branch))
        self.both(which, lambda session: session.get_session_usage(branch))
        self.both(which, lambda session: session.get_turn_usage(branch_id=branch))
        self.both(which, lambda session: session.get_turn_usage(turn, branch))

    @invariant()
    def same_branch_and_rows(self) -> None:
        for which, (_, candidate) in enumerate(self.pairs):
            pointer = (
                candidate._access.current
                if isinstance(candidate, AdvancedSQLiteSession)
                else (candidate._current_branch_id, candidate._generation)
            )
            assert self.entered(*pointer) == self.current(which)
        if self.pairs:
            with (
                closing(sqlite3.connect(self.reference_file)) as expected,
                closing(sqlite3.connect(self.file)) as stored,
            ):
                for sql in STORED:
                    assert stored.execute(sql).fetchall() == expected.execute(sql).fetchall()


class ConversationsWithSDK(Conversations):
    second = SDKSession


@pytest.mark.parametrize("machine", [Conversations, ConversationsWithSDK], ids=["ours", "ours and the SDK's"])
def test_no_difference_from_the_sdk(machine: type[Conversations], monkeypatch: pytest.MonkeyPatch) -> None:
    # Branch ids made of the time are the same in both files.
    monkeypatch.setattr("time.time", lambda: 1_700_000_000.0)
    case = machine.TestCase
    case.settings = settings(
        max_examples=25,
        stateful_step_count=40,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
    )
    case("runTest").debug()
