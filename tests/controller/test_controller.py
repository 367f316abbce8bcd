"""The controller without its screen: commands in, views out."""

from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path

import pytest
from agents import SQLiteSession

from tests.conversations import SdkSession, open_sdk, turn
from tui.controller import SessionController
from tui.errors import ConfigError, ConvoError, FileError, NotFoundError, ReadOnlyError
from tui.model import ChartView, ForkDraft, Scope, Session, TurnTree, View
from tui.storage.store import Store


def place(view: View) -> tuple[str, int]:
    return view.branch_id, view.turn


def marks(view: View) -> list[tuple[str, int]]:
    return list(view.marks)


def said(view: View) -> list[str]:
    assert view.page is not None
    return [item.data["content"] for item in view.page.items if item.type == "user"]


async def test_a_file_opens_at_what_was_written_last(controller: SessionController) -> None:
    view = controller.view
    assert [session.session_id for session in view.sessions] == ["support", "billing"]
    assert view.session == view.sessions[0]
    assert place(view) == ("deep", 4)
    assert said(view) == ["main 1", "main 2", "alt 3", "deep 4"]
    assert (view.items, view.position) == (8, 6)


async def test_a_named_session_and_branch_open(path: Path) -> None:
    controller = SessionController(Store(path))
    await controller.open("support", "alt")
    assert place(controller.view) == ("alt", 4)
    with pytest.raises(NotFoundError, match="no session 'nobody'") as told:
        await controller.open("nobody")
    assert "support, billing" in told.value.hint
    with pytest.raises(NotFoundError, match="no branch 'nothing'") as told:
        await controller.open("support", "nothing")
    assert "main, alt, deep" in told.value.hint
    controller.close()


async def test_switching_shows_the_branch_and_what_it_cost(controller: SessionController) -> None:
    await controller.navigation.switch_branch("main")
    view = controller.view
    assert place(view) == ("main", 4)
    assert said(view) == ["main 1", "main 2", "main 3", "main 4"]
    assert view.branch_usage is not None
    assert view.branch_usage.branch_id == "main"
    total = view.branch_usage.totals[Scope.PATH]
    assert total is not None
    assert total.input_tokens == 1000
    with pytest.raises(NotFoundError):
        await controller.navigation.switch_branch("nothing")
    assert place(controller.view) == ("main", 4)


async def test_a_branch_is_found_again_where_it_was_left(controller: SessionController) -> None:
    await controller.navigation.switch_branch("main", 2)
    await controller.navigation.switch_branch("alt")
    await controller.navigation.switch_branch("main")
    assert place(controller.view) == ("main", 2)


async def test_back_goes_to_and_fro(controller: SessionController) -> None:
    await controller.navigation.switch_back()
    assert controller.view.notice is not None
    await controller.navigation.switch_branch("main", 1)
    await controller.navigation.switch_back()
    assert place(controller.view) == ("deep", 4)
    await controller.navigation.switch_back()
    assert place(controller.view) == ("main", 1)


async def test_siblings_at_the_nearest_fork(controller: SessionController) -> None:
    await controller.navigation.go_to_sibling(-1)
    assert place(controller.view) == ("alt", 4)
    await controller.navigation.go_to_sibling(-1)
    assert place(controller.view) == ("alt", 4)
    assert controller.view.notice is not None
    assert "1 of 2" in controller.view.notice.text
    await controller.navigation.select_turn(3)
    await controller.navigation.go_to_sibling(-1)
    assert place(controller.view) == ("main", 3)
    await controller.navigation.go_to_sibling(1)
    assert place(controller.view) == ("alt", 3)


async def test_a_sibling_may_be_the_end_of_a_branch(controller: SessionController, path: Path) -> None:
    sdk = open_sdk(path)
    await sdk.switch_to_branch("main")
    await sdk.add_items(turn("main 5"))
    await sdk.create_branch_from_turn(5, "short")
    sdk.close()
    await controller.refresh()
    await controller.navigation.switch_branch("main", 5)
    await controller.navigation.go_to_sibling(1)
    assert place(controller.view) == ("short", 4)
    await controller.navigation.go_to_sibling(-1)
    assert place(controller.view) == ("main", 5)


async def test_a_sibling_may_start_where_the_branch_ends(controller: SessionController) -> None:
    await controller.navigation.switch_branch("main")
    await controller.forks.begin(5)
    await controller.forks.make("onward")
    assert place(controller.view) == ("onward", 4)
    await controller.navigation.go_to_sibling(-1)
    assert place(controller.view) == ("main", 4)
    await controller.navigation.go_to_sibling(1, turn=5)
    assert place(controller.view) == ("onward", 4)
    await controller.navigation.go_to_sibling(-1, turn=5)
    assert place(controller.view) == ("main", 4)


async def test_fork_points_of_the_path(controller: SessionController) -> None:
    await controller.navigation.select_turn(1)
    await controller.navigation.go_to_fork_point(1)
    assert place(controller.view) == ("deep", 3)
    await controller.navigation.go_to_fork_point(1)
    assert place(controller.view) == ("deep", 4)
    await controller.navigation.go_to_fork_point(1)
    assert controller.view.notice is not None
    await controller.navigation.go_to_fork_point(-1)
    assert place(controller.view) == ("deep", 3)


async def test_a_preview_comes_back(controller: SessionController) -> None:
    await controller.navigation.preview("main", 3)
    assert (place(controller.view), controller.view.preview) == (("main", 3), True)
    await controller.navigation.leave_preview()
    assert (place(controller.view), controller.view.preview) == (("deep", 4), False)
    await controller.navigation.preview("main", 3)
    await controller.navigation.switch_branch("main", 3)
    await controller.navigation.switch_back()
    assert place(controller.view) == ("deep", 4)


async def test_turns_out_of_range_are_the_nearest(controller: SessionController) -> None:
    await controller.navigation.select_turn(99)
    assert controller.view.turn == 4
    await controller.navigation.select_turn(-5)
    assert controller.view.turn == 1


async def test_listeners_are_told_until_they_leave(controller: SessionController) -> None:
    views: list[View] = []
    leave = controller.subscribe(views.append)
    await controller.navigation.select_turn(2)
    assert views[-1] is controller.view
    leave()
    leave()
    count = len(views)
    await controller.navigation.select_turn(3)
    assert len(views) == count


async def test_only_the_last_of_many_moves_is_shown(controller: SessionController) -> None:
    shown: list[tuple[str, int]] = []
    controller.subscribe(lambda view: shown.append(place(view)))
    await asyncio.gather(
        *(controller.navigation.select_turn(number) for number in (1, 2, 3)),
        controller.navigation.switch_branch("main", 2),
    )
    assert set(shown) == {("main", 2)}


async def test_sums_cycle(controller: SessionController) -> None:
    scopes = []
    for _ in Scope:
        scopes.append(controller.view.scope)
        controller.usage.next_scope()
    assert scopes == [Scope.PATH, Scope.ALL, Scope.OWN]
    assert controller.view.scope == scopes[0]


async def test_a_fork_is_prepared_edited_and_made(controller: SessionController, path: Path) -> None:
    await controller.navigation.switch_branch("main")
    await controller.forks.begin(2)
    draft = controller.view.fork
    assert draft == ForkDraft("main", 2, "main 2")
    assert place(controller.view) == ("main", 2)
    made = await controller.forks.make(" better ")
    assert made == "better"
    assert place(controller.view) == ("better", 1)
    assert controller.view.fork is None
    assert controller.view.tree.branches["better"].parent == "main"
    sdk = open_sdk(path)
    assert "better" in [branch["branch_id"] for branch in await sdk.list_branches()]
    assert len(await sdk.get_items(branch_id="better")) == 2
    sdk.close()
    await controller.navigation.switch_back()
    assert place(controller.view) == ("main", 2)


async def test_leaving_the_fork_editor_writes_nothing(controller: SessionController, path: Path) -> None:
    store = Store(path)
    before = await store.changes()
    await controller.forks.begin(2)
    controller.forks.cancel()
    assert not controller.view.fork
    assert await store.changes() == before
    store.close()
    with pytest.raises(ConvoError, match="No fork is being prepared"):
        await controller.forks.make()


@pytest.mark.parametrize(("at", "draft", "items"), [(1, "main 1", 0), (5, "", 8)])
async def test_forks_at_both_ends_stay_in_the_file(path: Path, at: int, draft: str, items: int) -> None:
    first = SessionController(Store(path))
    await first.open("support", "main")
    await first.forks.begin(at)
    assert first.view.fork == ForkDraft("main", at, draft)
    made = await first.forks.make()
    assert first.view.branch_id == made
    assert first.view.items == items
    first.close()
    again = SessionController(Store(path))
    await again.open("support", made)
    assert again.view.items == items
    branch = again.view.tree.branches[made]
    assert (branch.parent, branch.fork_turn) == ("main", at)
    again.close()


async def test_a_name_that_was_used_keeps_the_editor_open(controller: SessionController) -> None:
    await controller.forks.begin(3, "main")
    with pytest.raises(ConvoError, match="has already been used"):
        await controller.forks.make("alt")
    assert controller.view.fork == ForkDraft("main", 3, "main 3")


async def test_looking_only_refuses_to_fork(path: Path) -> None:
    controller = SessionController(Store(path), read_only=True)
    await controller.open()
    await controller.forks.begin(2)
    assert controller.view.fork is None
    assert controller.view.notice is not None
    assert controller.view.notice.severity == "warning"
    with pytest.raises(ReadOnlyError):
        await controller.forks.make()
    controller.close()


async def test_a_plain_session_says_that_it_must_be_adopted(tmp_path: Path) -> None:
    path = tmp_path / "plain.sqlite"
    plain = SQLiteSession("old", path)
    await plain.add_items(turn("one"))
    controller = SessionController(Store(path))
    await controller.open()
    assert place(controller.view) == ("main", 1)
    await controller.forks.begin()
    assert controller.view.fork is None
    assert controller.view.notice is not None
    assert "plain session" in controller.view.notice.text
    controller.close()
    plain.close()


async def test_what_others_write_is_taken_in(controller: SessionController, path: Path) -> None:
    assert not await controller.refresh()
    revision = controller.view.revision
    sdk = open_sdk(path)
    await sdk.switch_to_branch("deep")
    await sdk.add_items(turn("deep 5"))
    assert await controller.refresh()
    assert place(controller.view) == ("deep", 4)
    assert controller.view.items == 10
    assert controller.view.revision > revision
    await sdk.switch_to_branch("main")
    await sdk.delete_branch("deep")
    await controller.refresh()
    assert "deep" not in controller.view.tree.branches
    assert controller.view.branch_id == "alt"
    assert controller.view.notice is not None
    assert "deep" in controller.view.notice.text
    await sdk.clear_session()
    sdk.close()
    await controller.refresh()
    assert controller.view.session is not None
    assert controller.view.session.session_id == "billing"


async def test_a_file_without_conversations_opens_empty(tmp_path: Path) -> None:
    path = tmp_path / "new.sqlite"
    SdkSession(session_id="a", db_path=path, create_tables=True).close()
    controller = SessionController(Store(path))
    await controller.open()
    assert controller.view.session is None
    await controller.forks.begin()
    await controller.navigation.go_to_sibling(1)
    await controller.navigation.go_to_fork_point(1)
    await controller.navigation.switch_back()
    await controller.navigation.select_turn(1)
    assert await controller.pages.items("main", 0, 10) == await controller.pages.items("main", 0, 10)
    assert await controller.pages.turns("main", 1, 5) == ()
    controller.close()


async def test_what_others_write_is_taken_in_while_the_user_moves(controller: SessionController, path: Path) -> None:
    sdk = open_sdk(path)
    await sdk.switch_to_branch("deep")
    for number in range(5, 10):
        await sdk.add_items(turn(f"deep {number}"))
        await asyncio.gather(
            controller.refresh(), controller.navigation.select_turn(2), controller.navigation.preview("main", 3)
        )
        assert controller.view.tree.branches["deep"].turns == number
        assert place(controller.view) == ("main", 3)
        await asyncio.gather(controller.navigation.switch_branch("deep", 1), controller.refresh())
        assert (place(controller.view), controller.view.items) == (("deep", 1), 2 * number)
    sdk.close()


async def test_a_fork_is_offered_while_others_write(controller: SessionController, path: Path) -> None:
    sdk = open_sdk(path)
    await sdk.add_items(turn("deep 5"))
    sdk.close()
    await asyncio.gather(controller.forks.begin(2, "main"), controller.refresh())
    assert controller.view.fork == ForkDraft("main", 2, "main 2")


async def test_what_a_branch_cost_is_known_whoever_was_overtaken(controller: SessionController) -> None:
    commands = [
        controller.navigation.switch_branch("main"),
        controller.navigation.switch_branch("alt"),
        controller.navigation.leave_preview(),
    ]
    await asyncio.gather(*commands, controller.navigation.preview("main", 1))
    assert controller.view.branch_usage is not None
    assert controller.view.branch_usage.branch_id == "main"


async def test_the_branch_under_a_preview_is_deleted(controller: SessionController, path: Path) -> None:
    await controller.navigation.switch_branch("alt")
    await controller.navigation.preview("main", 2)
    sdk = open_sdk(path)
    await sdk.delete_branch("alt", force=True)
    await controller.refresh()
    assert (place(controller.view), controller.view.preview) == (("main", 2), False)
    await controller.navigation.preview("deep", 4)
    await sdk.delete_branch("deep", force=True)
    await controller.refresh()
    assert (place(controller.view), controller.view.preview) == (("main", 2), False)
    sdk.close()


async def test_the_last_session_is_cleared_and_another_begins(controller: SessionController, path: Path) -> None:
    for session_id in ("billing", "support"):
        sdk = open_sdk(path, session_id)
        await sdk.clear_session()
        sdk.close()
    await controller.forks.begin(2, "main")
    await controller.refresh()
    view = controller.view
    assert (view.sessions, view.session, view.page, view.fork, place(view)) == ((), None, None, None, ("", 0))
    assert view.notice is not None
    assert "'support' is gone" in view.notice.text
    sdk = open_sdk(path, "fresh")
    await sdk.add_items(turn("hello"))
    sdk.close()
    await controller.refresh()
    assert place(controller.view) == ("main", 1)


async def test_another_file_takes_the_place_of_the_open_one(controller: SessionController, path: Path) -> None:
    for name in (path.name, f"{path.name}-wal", f"{path.name}-shm"):
        (path.parent / name).unlink(missing_ok=True)
    with pytest.raises(FileError, match="does not exist"):
        await controller.refresh()
    await controller.navigation.switch_branch("main", 1)
    assert said(controller.view) == ["main 1", "main 2", "main 3", "main 4"]
    await controller.forks.begin()
    with pytest.raises(FileError, match="does not exist"):
        await controller.forks.make()
    assert not path.exists()
    sdk = open_sdk(path)
    await sdk.add_items(turn("anew"))
    sdk.close()
    assert await controller.refresh()
    assert said(controller.view) == ["anew"]
    assert not await controller.refresh()


async def test_a_file_that_refuses_the_fork_says_so(controller: SessionController, path: Path) -> None:
    with sqlite3.connect(path) as db:
        db.execute("CREATE TRIGGER no BEFORE INSERT ON message_structure BEGIN SELECT RAISE(ABORT, 'not today'); END")
    db.close()
    await controller.forks.begin(3, "main")
    with pytest.raises(ConvoError, match="not today"):
        await controller.forks.make("mine")
    assert controller.view.fork == ForkDraft("main", 3, "main 3")


async def test_a_turn_whose_message_is_broken_can_be_forked(controller: SessionController, path: Path) -> None:
    with sqlite3.connect(path) as db:
        db.execute("UPDATE agent_messages SET message_data = '{' WHERE message_data LIKE '%main 2%'")
    db.close()
    await controller.forks.begin(2, "main")
    assert controller.view.fork == ForkDraft("main", 2)
    assert controller.view.notice is not None
    assert "no readable user message" in controller.view.notice.text
    await controller.forks.make("mended")
    assert place(controller.view) == ("mended", 1)


async def test_a_branch_that_is_made_while_the_tree_is_read(path: Path) -> None:
    class Busy(Store):
        """A file to which somebody writes just after its tree was read."""

        async def tree(self, session: Session) -> TurnTree:
            tree = await super().tree(session)
            sdk = open_sdk(path)
            await sdk.create_branch_from_turn(1, f"late-{len(tree.branches)}")
            await sdk.add_items(turn("late"))
            sdk.close()
            return tree

    controller = SessionController(Busy(path))
    await controller.open()
    assert place(controller.view) == ("deep", 4)
    assert await controller.refresh()
    assert "late-3" in controller.view.tree.branches
    assert place(controller.view) == ("deep", 4)
    controller.close()


async def test_a_turn_is_marked_where_the_user_is_and_a_shared_one_once(controller: SessionController) -> None:
    controller.marks.toggle()
    await controller.navigation.switch_branch("main", 2)
    controller.marks.toggle()
    assert marks(controller.view) == [("deep", 4), ("main", 2)]
    await controller.navigation.switch_branch("alt", 2)
    controller.marks.toggle()
    assert marks(controller.view) == [("deep", 4)]
    controller.marks.toggle(3, "main")
    controller.marks.clear()
    assert marks(controller.view) == []


async def test_marks_go_with_their_turns_and_with_the_session(controller: SessionController, path: Path) -> None:
    controller.marks.toggle(4, "deep")
    controller.marks.toggle(3, "main")
    sdk = open_sdk(path)
    await sdk.delete_branch("deep")
    sdk.close()
    await controller.refresh()
    assert marks(controller.view) == [("main", 3)]
    await controller.navigation.select_session("billing")
    assert marks(controller.view) == []
    controller.marks.toggle(7)
    assert marks(controller.view) == []
    assert controller.view.notice is not None
    assert controller.view.notice.text == "There is no turn to mark here."


async def test_what_turns_cost_in_money_once_a_model_is_chosen(controller: SessionController) -> None:
    await controller.navigation.switch_branch("main")
    branch_usage = controller.view.branch_usage
    assert branch_usage is not None
    assert branch_usage.money == {}
    assert all(turn.cost is None for turn in await controller.pages.turn_usages(1, 4))
    revision = controller.view.revision
    await controller.usage.set_price_as("gpt-5-mini")
    assert controller.view.revision > revision
    branch_usage = controller.view.branch_usage
    assert branch_usage is not None
    path = branch_usage.money[Scope.PATH]
    assert path is not None
    turns = await controller.pages.turn_usages(1, 4)
    assert path.amount == sum(turn.cost.amount for turn in turns if turn.cost) > 0
    assert (path.turns, path.unpriced) == (4, 0)
    await controller.navigation.switch_branch("deep")
    branch_usage = controller.view.branch_usage
    assert branch_usage is not None
    assert branch_usage.money[Scope.OWN] is None
    assert branch_usage.money[Scope.PATH] is not None
    await controller.usage.set_price_as(None)
    assert controller.view.branch_usage is not None
    assert controller.view.branch_usage.money == {}


async def test_a_model_without_a_price_is_refused_once_and_all_else_is_shown(controller: SessionController) -> None:
    controller.usage.set_initial_price_model("gpt-99")
    with pytest.raises(ConfigError, match="no price for a model 'gpt-99'"):
        await controller.navigation.switch_branch("main")
    assert controller.view.branch_usage is not None
    assert controller.view.price_as == ""
    await controller.navigation.switch_branch("deep")


async def test_the_carry_cost_comes_when_it_is_asked_for_and_follows_the_branch(controller: SessionController) -> None:
    await controller.navigation.switch_branch("main")
    assert controller.view.resend_cost is None
    await controller.usage.next_chart()
    view = controller.view
    assert view.resend_cost is not None
    assert (view.chart, view.resend_cost.branch_id, len(view.resend_cost)) == (ChartView.RESEND_COST, "main", 4)
    await controller.navigation.switch_branch("alt")
    view = controller.view
    assert view.resend_cost is not None
    assert view.resend_cost.branch_id == "alt"
    await controller.usage.next_chart()
    view = controller.view
    assert view.chart is ChartView.TOKENS


async def test_all_of_it_at_once_for_who_has_no_screen(controller: SessionController) -> None:
    ledger = await controller.usage.report("support", "main")
    assert [turn.usage.input_tokens for turn in ledger.turns if turn.usage] == [100, 200, 300, 400]
    assert (ledger.branch_usage.turns_with_usage, len(ledger.resend_cost), ledger.price_as) == (4, 4, None)
    with pytest.raises(NotFoundError):
        await controller.usage.report("support", "nothing")
    with pytest.raises(NotFoundError):
        await controller.usage.report("nobody")


async def test_a_turn_whose_items_are_shown_is_selected_at_once(controller: SessionController) -> None:
    branch_id, last = controller.view.branch_id, controller.view.turn
    await controller.navigation.select_turn(1)
    position = controller.view.position
    await controller.navigation.select_turn(last)
    assert controller.navigation.select_loaded_turn(1, position)
    assert (controller.view.branch_id, controller.view.turn, controller.view.position) == (branch_id, 1, position)


async def test_a_turn_is_not_selected_at_once_while_the_user_is_on_the_way_elsewhere(
    controller: SessionController,
) -> None:
    other = next(name for name in controller.view.tree.branches if name != controller.view.branch_id)
    leaving = asyncio.create_task(controller.navigation.switch_branch(other))
    await asyncio.sleep(0)
    assert not controller.navigation.select_loaded_turn(1, 0)
    await leaving
    assert controller.view.branch_id == other


async def test_a_branch_without_turns_has_accounts_of_none(tmp_path: Path) -> None:
    path = tmp_path / "greeting.sqlite"
    sdk = open_sdk(path)
    await sdk.add_items([{"role": "assistant", "content": "How can I help?"}])
    sdk.close()
    controller = SessionController(Store(path))
    await controller.open()
    await controller.load_rest()
    assert controller.view.branch_usage is not None
    assert (controller.view.turn, controller.view.branch_usage.page) == (0, ())
    controller.close()
