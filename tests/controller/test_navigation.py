"""Moving between sessions, branches and turns."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.controller.views import selection, user_texts
from tests.conversations import SdkSession, open_sdk, turn
from tui.controller import SessionController
from tui.errors import NotFoundError
from tui.model import Page, Scope, View
from tui.storage.store import Store


async def test_a_file_opens_at_the_branch_written_last(controller: SessionController) -> None:
    view = controller.view
    assert [session.session_id for session in view.sessions] == ["support", "billing"]
    assert view.session == view.sessions[0]
    assert selection(view) == ("deep", 4)
    assert user_texts(view) == ["main 1", "main 2", "alt 3", "deep 4"]
    assert (view.items, view.position) == (8, 6)


async def test_a_named_session_and_branch_open(path: Path) -> None:
    controller = SessionController(Store(path))
    await controller.open("support", "alt")
    assert selection(controller.view) == ("alt", 4)
    with pytest.raises(NotFoundError, match="no session 'nobody'") as error:
        await controller.open("nobody")
    assert "support, billing" in error.value.hint
    with pytest.raises(NotFoundError, match="no branch 'nothing'") as error:
        await controller.open("support", "nothing")
    assert "main, alt, deep" in error.value.hint
    controller.close()


async def test_switching_shows_the_branch_and_its_usage(controller: SessionController) -> None:
    await controller.navigation.switch_branch("main")
    view = controller.view
    assert selection(view) == ("main", 4)
    assert user_texts(view) == ["main 1", "main 2", "main 3", "main 4"]
    assert view.branch_usage is not None
    assert view.branch_usage.branch_id == "main"
    total = view.branch_usage.totals[Scope.PATH]
    assert total is not None
    assert total.input_tokens == 1000
    with pytest.raises(NotFoundError):
        await controller.navigation.switch_branch("nothing")
    assert selection(controller.view) == ("main", 4)


async def test_a_branch_opens_at_the_turn_where_it_was_left(controller: SessionController) -> None:
    await controller.navigation.switch_branch("main", 2)
    await controller.navigation.switch_branch("alt")
    await controller.navigation.switch_branch("main")
    assert selection(controller.view) == ("main", 2)


async def test_switching_back_twice_returns_to_the_same_branch(controller: SessionController) -> None:
    await controller.navigation.switch_back()
    assert controller.view.notice is not None
    await controller.navigation.switch_branch("main", 1)
    await controller.navigation.switch_back()
    assert selection(controller.view) == ("deep", 4)
    await controller.navigation.switch_back()
    assert selection(controller.view) == ("main", 1)


async def test_the_siblings_are_those_of_the_nearest_fork(controller: SessionController) -> None:
    await controller.navigation.go_to_sibling(-1)
    assert selection(controller.view) == ("alt", 4)
    await controller.navigation.go_to_sibling(-1)
    assert selection(controller.view) == ("alt", 4)
    assert controller.view.notice is not None
    assert controller.view.notice.text == "The first of 2 alternatives at turn 4. Once more goes to the last."
    await controller.navigation.go_to_sibling(-1)
    assert selection(controller.view) == ("deep", 4)
    await controller.navigation.select_turn(3)
    await controller.navigation.go_to_sibling(-1)
    assert selection(controller.view) == ("main", 3)
    await controller.navigation.go_to_sibling(1)
    assert selection(controller.view) == ("deep", 3)


async def test_the_next_sibling_is_the_next_one_down_in_the_tree(controller: SessionController, path: Path) -> None:
    sdk = open_sdk(path)
    for name in ("third", "fourth"):
        await sdk.switch_to_branch("main")
        await sdk.create_branch_from_turn(1, name)
        await sdk.add_items(turn(f"{name} 1"))
    sdk.close()
    await controller.refresh()
    await controller.navigation.switch_branch("main", 1)
    tree = controller.view.tree
    picture = [chain.holders[0] for chain, depth in tree.walk() if depth == 1 and chain.parent is None]
    shown = [controller.view.branch_id]
    for _ in range(2):
        await controller.navigation.go_to_sibling(1)
        shown.append(controller.view.branch_id)
    assert shown == picture == ["main", "third", "fourth"]
    await controller.navigation.go_to_sibling(1)
    assert (selection(controller.view), controller.view.notice is not None) == (("fourth", 1), True)
    await controller.navigation.go_to_sibling(-1)
    assert selection(controller.view) == ("third", 1)
    await controller.navigation.go_to_sibling(1)
    await controller.navigation.go_to_sibling(1)
    assert selection(controller.view) == ("fourth", 1)
    await controller.navigation.go_to_sibling(1)
    assert selection(controller.view) == ("main", 1)


async def test_a_sibling_may_be_the_end_of_a_branch(controller: SessionController, path: Path) -> None:
    sdk = open_sdk(path)
    await sdk.switch_to_branch("main")
    await sdk.add_items(turn("main 5"))
    await sdk.create_branch_from_turn(5, "short")
    sdk.close()
    await controller.refresh()
    await controller.navigation.switch_branch("main", 5)
    await controller.navigation.go_to_sibling(1)
    assert selection(controller.view) == ("short", 4)
    await controller.navigation.go_to_sibling(-1)
    assert selection(controller.view) == ("main", 5)


async def test_a_sibling_may_begin_where_the_branch_ends(controller: SessionController) -> None:
    await controller.navigation.switch_branch("main")
    await controller.forks.begin(5)
    await controller.forks.make("onward")
    assert selection(controller.view) == ("onward", 4)
    await controller.navigation.go_to_sibling(-1)
    assert selection(controller.view) == ("main", 4)
    await controller.navigation.go_to_sibling(1, turn=5)
    assert selection(controller.view) == ("onward", 4)
    await controller.navigation.go_to_sibling(-1, turn=5)
    assert selection(controller.view) == ("main", 4)


async def test_fork_points_are_visited_one_after_another(controller: SessionController) -> None:
    await controller.navigation.select_turn(1)
    await controller.navigation.go_to_fork_point(1)
    assert selection(controller.view) == ("deep", 3)
    await controller.navigation.go_to_fork_point(1)
    assert selection(controller.view) == ("deep", 4)
    await controller.navigation.go_to_fork_point(1)
    assert controller.view.notice is not None
    await controller.navigation.go_to_fork_point(-1)
    assert selection(controller.view) == ("deep", 3)


async def test_leaving_a_preview_returns_to_the_branch(controller: SessionController) -> None:
    await controller.navigation.preview("main", 3)
    assert (selection(controller.view), controller.view.preview) == (("main", 3), True)
    await controller.navigation.leave_preview()
    assert (selection(controller.view), controller.view.preview) == (("deep", 4), False)
    await controller.navigation.preview("main", 3)
    await controller.navigation.switch_branch("main", 3)
    await controller.navigation.switch_back()
    assert selection(controller.view) == ("deep", 4)


async def test_the_nearest_turn_is_selected_for_one_that_does_not_exist(controller: SessionController) -> None:
    await controller.navigation.select_turn(99)
    assert controller.view.turn == 4
    await controller.navigation.select_turn(-5)
    assert controller.view.turn == 1


async def test_listeners_are_notified_until_they_unsubscribe(controller: SessionController) -> None:
    views: list[View] = []
    unsubscribe = controller.subscribe(views.append)
    await controller.navigation.select_turn(2)
    assert views[-1] is controller.view
    unsubscribe()
    unsubscribe()
    count = len(views)
    await controller.navigation.select_turn(3)
    assert len(views) == count


async def test_only_the_last_of_several_navigations_is_shown(controller: SessionController) -> None:
    shown: list[tuple[str, int]] = []
    controller.subscribe(lambda view: shown.append(selection(view)))
    await asyncio.gather(
        *(controller.navigation.select_turn(number) for number in (1, 2, 3)),
        controller.navigation.switch_branch("main", 2),
    )
    assert set(shown) == {("main", 2)}


async def test_a_loaded_turn_is_selected_at_once(controller: SessionController) -> None:
    branch_id, last = controller.view.branch_id, controller.view.turn
    await controller.navigation.select_turn(1)
    position = controller.view.position
    await controller.navigation.select_turn(last)
    assert controller.navigation.select_loaded_turn(1, position)
    assert (controller.view.branch_id, controller.view.turn, controller.view.position) == (branch_id, 1, position)


async def test_a_loaded_turn_is_not_selected_at_once_during_another_navigation(
    controller: SessionController,
) -> None:
    other = next(name for name in controller.view.tree.branches if name != controller.view.branch_id)
    leaving = asyncio.create_task(controller.navigation.switch_branch(other))
    await asyncio.sleep(0)
    assert not controller.navigation.select_loaded_turn(1, 0)
    await leaving
    assert controller.view.branch_id == other


async def test_a_file_without_sessions_opens_empty(tmp_path: Path) -> None:
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
    assert await controller.pages.items("main", 0, 10) == Page("main", 0)
    assert await controller.pages.turns("main", 1, 5) == ()
    controller.close()
