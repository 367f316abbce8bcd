"""The estimated sizes of turns without usage."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.conversations import assistant_message
from tests.counting import watch_reads
from tests.databases import Place, open_other
from tui.model import Scope, TextSize
from tui.storage.store import Store


def question(characters: int) -> Any:
    return {"role": "user", "content": "?" * characters}


@pytest.fixture
async def place(place: Place) -> Place:
    """main has two turns; alt leaves it at turn 2 with a long question of its own."""
    sdk = open_other(place)
    items: list[Any] = [question(400), assistant_message("!" * 800), question(40), assistant_message("!")]
    await sdk.add_items(items)
    await sdk.create_branch_from_turn(2, "alt")
    await sdk.add_items([question(4_000_000)])
    sdk.close()
    return place


async def test_each_scope_counts_a_turn_once_and_no_item_is_read(place: Place) -> None:
    store = Store(place)
    (session,) = await store.sessions()
    tree = await store.tree(session)
    ran: list[str] = []
    if isinstance(place, Path):
        watch_reads(store._background, lambda db: db.set_trace_callback(ran.append))
    alt = await store.text_sizes(session, tree, "alt")
    assert len([sql for sql in ran if "FROM message_structure" in sql]) == (2 if isinstance(place, Path) else 0)
    main = await store.text_sizes(session, tree, "main")
    store.close()

    first, second = alt.turn(1), alt.turn(2)
    assert first == main.turn(1)
    assert first is not None
    assert second is not None
    # JSON around the text counts, too.
    assert 100 <= first.to_model <= 120
    assert 200 <= first.from_model <= 240
    assert 1_000_000 <= second.to_model <= 1_000_020
    assert (second.from_model, alt.turn(3)) == (0, None)
    assert alt.largest == second.total
    assert alt.totals[Scope.OWN] == second
    assert alt.totals[Scope.PATH] == TextSize(first.to_model + second.to_model, first.from_model)
    assert main.totals[Scope.OWN] == main.totals[Scope.PATH]
    everything = main.totals[Scope.PATH].total + second.total
    assert abs(alt.totals[Scope.ALL].total - everything) <= 3
    assert alt.totals[Scope.ALL] == main.totals[Scope.ALL]
