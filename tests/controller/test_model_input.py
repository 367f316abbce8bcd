"""The input of the model in each request of a turn."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.controller.samples import BOOKED, write_trip
from tests.conversations import assistant_message, open_sdk
from tui.controller import SessionController
from tui.model.model_input import ItemRange, request_ends
from tui.storage.store import Store


@pytest.fixture
async def path(tmp_path: Path) -> Path:
    return await write_trip(tmp_path)


@pytest.fixture
async def controller(path: Path) -> AsyncIterator[SessionController]:
    controller = SessionController(Store(path))
    await controller.open("trip", "main")
    yield controller
    controller.close()


async def test_the_model_input_is_the_list_that_the_sdk_returns(controller: SessionController, path: Path) -> None:
    model_input = await controller.model_input.load(3)
    # The model was asked after the user's message, after two outputs, and after the last output.
    assert [stop - model_input.requests[0] for stop in model_input.requests] == [0, 5, 7]
    assert model_input.answered
    sdk = open_sdk(path, "trip")
    everything = await sdk.get_items(branch_id="main")
    for stop in model_input.requests:
        assert await controller.model_input.items(model_input, ItemRange("main", 0, stop)) == everything[:stop]
    assert everything[model_input.requests[0] - 1] == BOOKED[0]
    new_items = ItemRange("main", model_input.before, model_input.requests[0])
    assert await controller.model_input.items(model_input, new_items) == [assistant_message("Yes."), BOOKED[0]]
    sdk.close()


async def test_the_input_of_the_sibling(controller: SessionController) -> None:
    model_input = await controller.model_input.load(4)
    assert model_input.sibling is not None
    branch_id, shared, stop = model_input.sibling
    assert branch_id == "alt"
    theirs = await controller.model_input.items(model_input, ItemRange(branch_id, shared, stop))
    assert [item["content"] for item in theirs if isinstance(item, dict) and item.get("role") == "user"] == [
        "Is there a hostel?",
        "Book the second one, please",
    ]
    assert (await controller.model_input.load(2)).sibling is None


async def test_items_that_cannot_be_decoded_are_not_sent(controller: SessionController, path: Path) -> None:
    model_input = await controller.model_input.load(2)
    before = await controller.model_input.size(model_input, ItemRange("main", 0, model_input.requests[0]))
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("UPDATE agent_messages SET message_data = '{broken' WHERE id = 2")
    after = await controller.model_input.size(model_input, ItemRange("main", 0, model_input.requests[0]))
    assert (before.items, after.items) == (3, 2)
    sdk = open_sdk(path, "trip")
    assert (
        await controller.model_input.items(model_input, ItemRange("main", 0, model_input.requests[0]))
        == (await sdk.get_items(branch_id="main"))[:2]
    )
    sdk.close()


def test_requests_of_a_turn() -> None:
    call, output = "function_call", "function_call_output"
    assert request_ends(10, ["user", "reasoning", call, output, "assistant"]) == ((11, 14), True)
    assert request_ends(10, ["user", call, call, output, output]) == ((11, 15), False)
    assert request_ends(10, ["user", "web_search_call", "assistant"]) == ((11,), True)
    assert request_ends(10, ["user"]) == ((11,), False)
    assert request_ends(10, ["user", "mcp_approval_request", "mcp_approval_response", "mcp_call", "assistant"]) == (
        (11, 13),
        True,
    )
