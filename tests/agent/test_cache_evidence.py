"""Evidence of a prompt cache: runs against a server that has one, with a planted cause for each miss."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from agents import Agent, ModelSettings, OpenAIResponsesModel, RunConfig, Runner, function_tool
from agents.run_config import CallModelData, ModelInputData
from openai import AsyncOpenAI

from tests.agent.prefix_cache import CachedAnswer, PrefixCache
from tests.agent.server import Call, ScriptedServer
from tui.model.cache_evidence import CacheEvidence, Change, Part, Unknown, Verdict
from tui.model.cache_judgement import CACHE_STEP, MIN_CACHED_TOKENS
from tui.model.requests import Request
from tui.session import AdvancedSQLiteSession, record
from tui.storage.store import Store

MANUAL = "Answer like a travel agent who knows all trains of Norway. " * 120


@function_tool
def find_train(city: str) -> str:
    """Find a train."""
    return f"08:25 to {city}; " * 150


@function_tool
def find_hotel(city: str) -> str:
    """Find a hotel."""
    return city


@function_tool(name_override="find_hotel")
def find_better_hotel(city: str, stars: int) -> str:
    """Find a hotel with stars."""
    return f"{city} {stars}"


class Conversation:
    """Turns with an agent on a server: each calls a tool and answers, so it has two requests."""

    def __init__(self, server: ScriptedServer, session: AdvancedSQLiteSession, cache: PrefixCache) -> None:
        self.server, self.session, self.cache = server, session, cache
        self.client = AsyncOpenAI(base_url=server.url, api_key="x")
        self.agent: Agent[Any] = Agent(
            name="Travel agent",
            instructions=MANUAL,
            tools=[find_train, find_hotel],
            model=self.model("big"),
        )

    def model(self, name: str) -> OpenAIResponsesModel:
        return OpenAIResponsesModel(name, self.client)

    async def turn(self, text: str, agent: Agent[Any] | None = None, config: RunConfig | None = None) -> None:
        calls = [Call("find_train", {"city": "Oslo"}, f"call_{text}")]
        self.server.script(CachedAnswer(self.cache, calls=calls), CachedAnswer(self.cache, f"Take the train: {text}."))
        config = config or RunConfig(tracing_disabled=True)
        await Runner.run(agent or self.agent, text, session=self.session, hooks=record(self.session), run_config=config)


async def read_evidence(path: Path, branch_id: str = "main") -> dict[int, tuple[Request, ...]]:
    store = Store(path)
    (session,) = await store.sessions()
    tree = await store.tree(session)
    turns = await store.turn_usages(session, tree, branch_id, 1, tree.branches[branch_id].turns)
    # Whichever turns are read, the evidence is the same.
    pages = [(await store.turn_usages(session, tree, branch_id, turn.turn, turn.turn))[0].requests for turn in turns]
    assert pages == [turn.requests for turn in turns]
    store.close()
    return {turn.turn: turn.requests for turn in turns}


def evidence(request: Request) -> CacheEvidence:
    assert request.cache is not None
    return request.cache


def forget_output(data: CallModelData[Any]) -> ModelInputData:
    """Cut the last output before the last user message, as agents do to save tokens."""
    items: list[Any] = [dict(item) for item in data.model_data.input]
    last_message = max(index for index, item in enumerate(items) if item.get("role") == "user")
    outputs = [item for item in items[:last_message] if item.get("type") == "function_call_output"]
    outputs[-1]["output"] = "cut"
    return ModelInputData(input=items, instructions=data.model_data.instructions)


def reword_first_message(data: CallModelData[Any]) -> ModelInputData:
    items: list[Any] = [{"role": "user", "content": "Good day!"}, *data.model_data.input[1:]]
    return ModelInputData(input=items, instructions=data.model_data.instructions)


FORGETFUL = RunConfig(tracing_disabled=True, call_model_input_filter=forget_output)


@pytest.fixture
def cache() -> PrefixCache:
    return PrefixCache()


@pytest.fixture
async def conversation(
    server: ScriptedServer, session: AdvancedSQLiteSession, cache: PrefixCache
) -> AsyncIterator[Conversation]:
    conversation = Conversation(server, session, cache)
    yield conversation
    await conversation.client.close()


async def test_the_same_prefix_is_a_hit(conversation: Conversation, path: Path) -> None:
    for text in ("one", "two", "three"):
        await conversation.turn(text)
    requests = await read_evidence(path)
    first, *others = [request for turn in requests.values() for request in turn]
    assert evidence(first) == CacheEvidence(Verdict.UNKNOWN, Unknown.FIRST_REQUEST)
    assert len(others) == 5
    for before, request in zip([first, *others], others, strict=False):
        found = evidence(request)
        assert (found.verdict, found.lost_tokens, found.changes) == (Verdict.HIT, 0, ())
        assert found.expected_tokens == before.prompt_tokens // CACHE_STEP * CACHE_STEP
        assert found.compared == (before.turn, before.number)


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"instructions": f"It is 08:25. {MANUAL}"}, (Change(Part.INSTRUCTIONS),)),
        ({"tools": [find_train, find_better_hotel]}, (Change(Part.TOOLS, "find_hotel"),)),
        ({"tools": [find_train]}, (Change(Part.TOOLS, "find_hotel"),)),
        ({"tools": [find_hotel, find_train]}, (Change(Part.TOOLS, "find_hotel"),)),
        ({"model": "small"}, (Change(Part.MODEL, "small"),)),
        (
            {"model": "small", "instructions": f"Be short. {MANUAL}"},
            (Change(Part.MODEL, "small"), Change(Part.INSTRUCTIONS)),
        ),
        ({"output_type": list[str]}, (Change(Part.SETTINGS, "response_format"),)),
    ],
)
async def test_a_change_is_named_with_what_it_cost(
    conversation: Conversation, path: Path, changed: dict[str, Any], expected: tuple[Change, ...]
) -> None:
    if "model" in changed:
        changed = {**changed, "model": conversation.model(changed["model"])}
    await conversation.turn("one")
    if "output_type" in changed:
        answer = CachedAnswer(conversation.cache, '{"response": []}')
        conversation.server.script(answer)
        agent = conversation.agent.clone(**changed)
        config = RunConfig(tracing_disabled=True)
        session = conversation.session
        await Runner.run(agent, "two", session=session, hooks=record(session), run_config=config)
    else:
        await conversation.turn("two", conversation.agent.clone(**changed))
    requests = await read_evidence(path)
    before, request = requests[1][-1], requests[2][0]
    assert request.usage is not None
    found = evidence(request)
    assert found.verdict is Verdict.PREFIX_CHANGED
    assert found.changes == expected
    assert found.expected_tokens == before.prompt_tokens // CACHE_STEP * CACHE_STEP
    assert found.lost_tokens == found.expected_tokens - (request.usage.cached_tokens or 0) > 0
    # The next request goes on from the changed one.
    assert [evidence(after).verdict for after in requests[2][1:]] == [Verdict.HIT] * (len(requests[2]) - 1)


async def test_an_early_item_that_changed_is_named(conversation: Conversation, path: Path) -> None:
    await conversation.turn("one")
    config = RunConfig(tracing_disabled=True, call_model_input_filter=reword_first_message)
    await conversation.turn("two", config=config)
    await conversation.turn("three")
    requests = await read_evidence(path)
    assert [evidence(request).verdict for request in requests[1]] == [Verdict.UNKNOWN, Verdict.HIT]
    # Reworded, and then as it was.
    for turn in (2, 3):
        changed, after = requests[turn]
        assert evidence(changed).verdict is Verdict.PREFIX_CHANGED
        assert evidence(changed).changes == (Change(Part.ITEMS, "user", 1),)
        assert evidence(changed).lost_tokens >= CACHE_STEP * 3
        assert evidence(after).verdict is Verdict.HIT
        # What is before the item was served.
        assert changed.usage is not None
        assert (changed.usage.cached_tokens or 0) >= MIN_CACHED_TOKENS


async def test_an_expired_prefix_is_not_a_change(conversation: Conversation, path: Path) -> None:
    await conversation.turn("one")
    conversation.cache.expire()
    # A setting that no prompt depends on.
    await conversation.turn("two", conversation.agent.clone(model_settings=ModelSettings(temperature=0.5)))
    conversation.cache.expire()
    # A late change does not explain why what is before it was not served.
    await conversation.turn("three", config=FORGETFUL)
    requests = await read_evidence(path)
    for before, request in ((requests[1][-1], requests[2][0]), (requests[2][0], requests[3][0])):
        found = evidence(request)
        assert found.verdict is Verdict.NOT_SERVED, found
        assert found.changes == ()
        assert found.lost_tokens == found.expected_tokens == before.prompt_tokens // CACHE_STEP * CACHE_STEP
        assert evidence(requests[request.turn][1]).verdict is Verdict.HIT


@pytest.mark.parametrize("cache", [PrefixCache(reports=False)])
async def test_there_is_no_verdict_without_evidence(conversation: Conversation, path: Path) -> None:
    # A server that says nothing of its cache, and a prompt that no cache holds.
    await conversation.turn("one")
    await conversation.turn("two", conversation.agent.clone(instructions="Be short.", tools=[find_train]))
    await conversation.turn("three", conversation.agent.clone(instructions="Be shorter.", tools=[find_train]))
    requests = await read_evidence(path)
    assert [evidence(request).unknown for request in requests[1]] == [Unknown.FIRST_REQUEST, Unknown.NO_CACHE_SEEN]
    # That the instructions changed is known in any case.
    assert evidence(requests[2][0]).verdict is Verdict.PREFIX_CHANGED
    # Requests that were not recorded, but counted.
    await conversation.session.add_items([{"role": "user", "content": "four"}])
    await conversation.turn("five")
    requests = await read_evidence(path)
    assert requests[4] == ()
    assert evidence(requests[5][0]).unknown is Unknown.NOT_RECORDED
