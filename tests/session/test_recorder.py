"""Recorded runs: what was sent, byte for byte as the model got it, and what it used."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack, closing, nullcontext, suppress
from dataclasses import replace
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import pytest
from agents import (
    Agent,
    AgentsException,
    GuardrailFunctionOutput,
    HostedMCPTool,
    ModelRetrySettings,
    ModelSettings,
    RunConfig,
    RunContextWrapper,
    RunHooks,
    Runner,
    SQLiteSession,
    Usage,
    function_tool,
    handoff,
    output_guardrail,
    retry_policies,
)
from agents.extensions.memory import EncryptedSession
from agents.handoffs import HandoffInputData
from agents.memory import OpenAIResponsesCompactionSession
from agents.retry import ModelRetryAdvice
from agents.run_config import CallModelData, ModelInputData
from agents.testing import ModelStep, ScriptedModel, assistant_message, function_call
from agents.testing.model import ModelCall
from agents.usage import RequestUsage as SDKRequestUsage
from hypothesis import example, given, settings
from hypothesis import strategies as st
from openai.types.responses.response_usage import InputTokensDetails, OutputTokensDetails
from openai.types.shared import Reasoning
from pydantic import BaseModel

from tests.conftest import OpenOurs
from tests.databases import Place
from tests.fork_server import fork_server
from tests.recorded import as_recorded, as_sent, assert_sums, read_recorded
from tui.items.sealed import KEY_VARIABLE
from tui.model import Outcome
from tui.session import AdvancedSQLiteSession, record
from tui.session import EncryptedSession as OurEncryptedSession
from tui.session.recorder import RunRecorder

QUIET = RunConfig(tracing_disabled=True)


def used(tokens: int, cached: int = 0) -> Usage:
    """Return the usage of a request whose output is a tenth of its input."""
    return Usage(
        requests=1,
        input_tokens=tokens,
        output_tokens=tokens // 10,
        total_tokens=tokens + tokens // 10,
        input_tokens_details=InputTokensDetails(cached_tokens=cached, cache_write_tokens=0),
        output_tokens_details=OutputTokensDetails(reasoning_tokens=tokens // 100),
    )


def says(text: str, tokens: int, cached: int = 0) -> ModelStep:
    return ModelStep([assistant_message(text)], used(tokens, cached), f"resp_{tokens}")


def calls(*names: str, tokens: int, arguments: dict[str, Any] | None = None) -> ModelStep:
    """Return a response that calls tools at the same time."""
    output = [
        function_call(name, arguments or {}, call_id=f"call_{tokens}_{number}") for number, name in enumerate(names)
    ]
    return ModelStep(output, used(tokens), f"resp_{tokens}")


async def run(
    agent: Agent[Any],
    text: Any,
    session: Any,
    hooks: Any,
    *,
    stream: bool,
    config: RunConfig = QUIET,
    max_turns: int = 10,
    on_start: Callable[[Any], object] | None = None,
) -> Any:
    """Run an agent to its end; `on_start` gets the result of a streamed run when it begins."""
    if not stream:
        return await Runner.run(agent, text, session=session, hooks=hooks, run_config=config, max_turns=max_turns)
    result = Runner.run_streamed(agent, text, session=session, hooks=hooks, run_config=config, max_turns=max_turns)
    if on_start is not None:
        on_start(result)
    events = hooks.stream_events(result) if isinstance(hooks, RunRecorder) else result.stream_events()
    async for _ in events:
        pass
    return result


@function_tool
def find_flight(city: str, day: int = 1) -> str:
    """Look up a flight.

    Args:
        city: The destination, in any script: 京都.
    """
    return f"240 € to {city} on day {day}"


@function_tool(strict_mode=False)
async def weather(places: dict[str, str]) -> str:
    """Look up the weather."""
    return json.dumps(places)


class Plan(BaseModel):
    city: str
    days: int


def travel_agents(model: ScriptedModel) -> Agent[Any]:
    """Return an agent that hands over to another, with all that makes a request."""

    def brief(data: HandoffInputData) -> HandoffInputData:
        history = data.input_history
        assert isinstance(history, tuple)
        return data.clone(input_history=history[-1:])

    def instructions(context: RunContextWrapper[Any], agent: Agent[Any]) -> str:
        return f"You are {agent.name}: “plan”."

    planner = Agent(
        name="Planner", instructions=instructions, model=model, output_type=Plan, tools=[weather],
        model_settings=ModelSettings(temperature=0.25, reasoning=Reasoning(effort="low"), extra_args={"seed": 7}),
    )  # fmt: skip
    return Agent(
        name="Triage", instructions=instructions, model=model, tools=[find_flight, weather],
        handoffs=[handoff(planner, input_filter=brief, tool_description_override="Hand over to the planner.")],
        model_settings=ModelSettings(tool_choice="required", parallel_tool_calls=True),
    )  # fmt: skip


def add_note(data: CallModelData[Any]) -> ModelInputData:
    """Change what is sent, and not what is stored."""
    items: list[Any] = [*data.model_data.input, {"role": "developer", "content": "Be brief — s’il vous plaît."}]
    return ModelInputData(input=items, instructions=f"{data.model_data.instructions}\nToday is Monday.")


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("filtered", [False, True])
async def test_each_request_is_recorded_as_the_model_got_it(
    ours: OpenOurs, place: Place, stream: bool, filtered: bool
) -> None:
    model = ScriptedModel(
        [
            calls("find_flight", "find_flight", tokens=100, arguments={"city": "Kyōto 京都"}),
            calls("transfer_to_planner", tokens=200),
            calls("weather", tokens=300, arguments={"places": {"a": "b"}}),
            says('{"city":"Kyoto","days":3}', 400, cached=128),
            says("You are welcome.", 500, cached=256),
        ]
    )
    # To such models the SDK sends a key of its own.
    model._supports_default_prompt_cache_key = lambda: filtered  # type: ignore[attr-defined]
    config = RunConfig(
        tracing_disabled=True,
        model_settings=ModelSettings(max_tokens=50),
        call_model_input_filter=add_note if filtered else None,
    )
    agent, session = travel_agents(model), ours()
    for text in ("Plan a trip", "Thanks"):
        result = await run(agent, text, session, record(session), stream=stream, config=config)
        found = await read_recorded(place)
        await session.store_run_usage(result)
        assert await read_recorded(place) == found

    assert [as_recorded(sent) for sent in found.inputs] == [as_sent(call) for call in model.calls]
    assert all(("prompt_cache_key" in part) == filtered for part in (as_recorded(sent)[2] for sent in found.inputs))
    requests = found.requests
    assert [(request.turn, request.number, request.agent, request.response_id) for request in requests] == [
        (1, 1, "Triage", "resp_100"),
        (1, 2, "Triage", "resp_200"),
        (1, 3, "Planner", "resp_300"),
        (1, 4, "Planner", "resp_400"),
        (2, 1, "Triage", "resp_500"),
    ]
    await assert_sums(session, requests)
    for request in requests:
        assert request.seconds is not None
        if stream:
            assert request.first_token_seconds is not None
            assert request.first_token_seconds <= request.seconds
        else:
            assert request.first_token_seconds is None
    assert [(run.outcome, run.agent, run.model) for run in found.runs] == [
        (Outcome.DONE, "Planner", "ScriptedModel"),
        (Outcome.DONE, "Triage", "ScriptedModel"),
    ]


async def test_runs_of_agents_that_are_tools_count_in_the_turn_that_called_them(ours: OpenOurs, place: Place) -> None:
    session, other = ours(), ours(session_id="other")
    helper = ScriptedModel([says("Four.", 10), says("Five.", 20), calls("clock", tokens=30), says("Noon.", 40)])

    @function_tool
    def clock() -> str:
        """Tell the time."""
        return "noon"

    outer = record(session)
    unseen = Agent(name="Unseen", model=helper).as_tool("unseen", "Not recorded.")
    seen = Agent(name="Seen", model=helper).as_tool("seen", "Recorded with the rest.", hooks=outer)
    own = Agent(name="Own", model=helper, tools=[clock]).as_tool(
        "own", "In a session of its own.", hooks=record(other), session=other
    )
    model = ScriptedModel(
        [
            calls("unseen", tokens=100, arguments={"input": "2 + 2"}),
            calls("seen", tokens=200, arguments={"input": "2 + 3"}),
            calls("own", tokens=300, arguments={"input": "The time?"}),
            says("Done.", 400),
        ]
    )
    result = await run(Agent(name="Boss", model=model, tools=[unseen, seen, own]), "Go", session, outer, stream=False)

    found = await read_recorded(place)
    assert [(request.agent, request.usage and request.usage.input_tokens) for request in found.requests] == [
        ("Boss", 100), (None, 10), ("Boss", 200), ("Seen", 20), ("Boss", 300), (None, 30), (None, 40), ("Boss", 400),
    ]  # fmt: skip
    assert found.inputs[3].items == [{"content": "2 + 3", "role": "user"}]
    await assert_sums(session, found.requests)
    usage = await session.get_turn_usage(1)
    assert isinstance(usage, dict)
    assert usage["total_tokens"] == result.context_wrapper.usage.total_tokens
    assert [(run.outcome, run.agent) for run in found.runs] == [(Outcome.DONE, "Boss")]

    found = await read_recorded(place, "other")
    assert [(request.agent, request.turn, request.number) for request in found.requests] == [
        ("Own", 1, 1),
        ("Own", 1, 2),
    ]
    await assert_sums(other, found.requests)
    assert [(run.outcome, run.agent) for run in found.runs] == [(Outcome.DONE, "Own")]


async def test_runs_on_two_sessions_at_once_are_kept_apart(ours: OpenOurs, place: Place) -> None:
    both = asyncio.Barrier(2)

    async def together(call: ModelCall) -> ModelStep:
        await both.wait()
        return says("Yes.", 100 * len(call.input))

    agents = [Agent(name=name, model=ScriptedModel([ModelStep.respond(together)] * 2)) for name in ("One", "Two")]
    sessions = [ours(session_id=name) for name in ("one", "two")]
    for _ in range(2):
        await asyncio.gather(
            *(
                run(agent, f"I am {agent.name}", session, record(session), stream=agent.name == "One")
                for agent, session in zip(agents, sessions, strict=True)
            )
        )
    for agent, session in zip(agents, sessions, strict=True):
        found = await read_recorded(place, session.session_id)
        assert isinstance(agent.model, ScriptedModel)
        assert [as_recorded(sent) for sent in found.inputs] == [as_sent(call) for call in agent.model.calls]
        assert {request.agent for request in found.requests} == {agent.name}
        await assert_sums(session, found.requests)


async def fail(call: ModelCall) -> Any:
    raise ConnectionError("key sk-1234567890abcdef refused")


async def hang(call: ModelCall) -> Any:
    await asyncio.get_running_loop().create_future()


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(("step", "outcome", "error"), [(fail, "failed", "ConnectionError"), (hang, "stopped", None)])
async def test_a_run_that_fails_or_is_cancelled_keeps_its_requests(
    ours: OpenOurs,
    place: Place,
    stream: bool,
    step: Callable[[ModelCall], Awaitable[Any]],
    outcome: str,
    error: str | None,
) -> None:
    model = ScriptedModel([calls("find_flight", tokens=100, arguments={"city": "Oslo"}), ModelStep.respond(step)])
    session, agent = ours(), Agent(name="Guide", model=model, tools=[find_flight])

    async def recorded_run() -> None:
        async with record(session) as hooks:
            await run(agent, "Go", session, hooks, stream=stream)

    task = asyncio.create_task(recorded_run())
    while len(model.calls) < 2:
        await asyncio.sleep(0)
    if step is hang:
        task.cancel()
    with pytest.raises((ConnectionError, asyncio.CancelledError)):
        await task

    found = await read_recorded(place)
    assert [as_recorded(sent) for sent in found.inputs] == [as_sent(call) for call in model.calls]
    assert [request.usage is None for request in found.requests] == [False, True]
    await assert_sums(session, found.requests)
    assert [(run.outcome, run.error) for run in found.runs] == [(outcome, error)]


async def test_without_a_context_manager_the_answered_requests_of_a_failed_run_are_kept(
    ours: OpenOurs, place: Place
) -> None:
    model = ScriptedModel([calls("find_flight", tokens=100, arguments={"city": "Oslo"}), ConnectionError()])
    session, agent = ours(), Agent(name="Guide", model=model, tools=[find_flight])
    hooks = record(session)
    with pytest.raises(ConnectionError):
        await run(agent, "Go", session, hooks, stream=False)
    model.extend([says("Here.", 200)])
    await run(agent, "Again", session, hooks, stream=False)

    found = await read_recorded(place)
    assert [(request.turn, request.usage and request.usage.input_tokens) for request in found.requests] == [
        (1, 100),
        (2, 200),
    ]
    assert [run.turn for run in found.runs] == [2]


async def test_a_repeated_request_counts_each_time(ours: OpenOurs, place: Place) -> None:
    error = ConnectionError("try again")
    advice = ModelRetryAdvice(suggested=True, replay_safety="safe")
    model = ScriptedModel([ModelStep.raise_error(error, retry_advice=advice), says("Yes.", 100)])
    settings = ModelSettings(retry=ModelRetrySettings(max_retries=1, policy=retry_policies.provider_suggested()))
    session = ours()
    result = await run(
        Agent(name="Guide", model=model, model_settings=settings), "Go", session, record(session), stream=False
    )

    found = await read_recorded(place)
    assert [request.usage and request.usage.input_tokens for request in found.requests] == [0, 100]
    assert [sent.items for sent in found.inputs] == [call.input for call in model.calls]
    await assert_sums(session, found.requests)
    await session.store_run_usage(result)
    assert (await read_recorded(place)).inputs == found.inputs


async def test_a_run_goes_on_after_an_approval(ours: OpenOurs, place: Place) -> None:
    helper = Agent(name="Helper", model=ScriptedModel([says("Paid.", 10)]))
    pay = helper.as_tool("pay", "Pay.", needs_approval=True)
    model = ScriptedModel([calls("pay", tokens=100, arguments={"input": "5 €"}), says("Done.", 200)])
    session, agent = ours(), Agent(name="Guide", model=model, tools=[pay])
    result = await run(agent, "Go", session, record(session), stream=False)
    assert (await read_recorded(place)).runs == []
    state = result.to_state()
    state.approve(result.interruptions[0])
    result = await run(agent, state, session, record(session), stream=False)

    found = await read_recorded(place)
    assert [request.usage and request.usage.input_tokens for request in found.requests] == [100, 10, 200]
    await assert_sums(session, found.requests)
    assert [run.outcome for run in found.runs] == [Outcome.DONE]
    await session.store_run_usage(result)
    assert (await read_recorded(place)).inputs == found.inputs


async def test_tokens_that_nobody_reported_do_not_count(ours: OpenOurs, place: Place) -> None:
    model = ScriptedModel([[assistant_message("Yes.")]])
    session = ours()
    await run(Agent(name="Guide", model=model), "Go", session, record(session), stream=True)

    found = await read_recorded(place)
    assert [request.usage for request in found.requests] == [None]
    assert [as_recorded(sent) for sent in found.inputs] == [as_sent(call) for call in model.calls]
    assert await session.get_turn_usage() == []


async def test_the_hooks_of_the_author_are_called_as_well(ours: OpenOurs, place: Place) -> None:
    called = []

    class Hooks(RunHooks[Any]):
        async def on_llm_start(self, context: Any, agent: Any, system_prompt: Any, input_items: Any) -> None:
            called.append("on_llm_start")
            # What is sent is this list.
            input_items.append({"role": "developer", "content": "Added."})

    for name in ("on_llm_end", "on_agent_start", "on_agent_end", "on_handoff", "on_tool_start", "on_tool_end"):

        async def hook(self: Any, *arguments: Any, name: str = name) -> None:
            called.append(name)

        setattr(Hooks, name, hook)

    model = ScriptedModel(
        [
            calls("weather", tokens=100, arguments={"places": {}}),
            calls("transfer_to_planner", tokens=200),
            says('{"city":"Kyoto","days":3}', 300),
        ]
    )
    session = ours()
    await run(travel_agents(model), "Go", session, record(session, hooks=Hooks()), stream=True)

    request = ["on_llm_start", "on_llm_end"]
    assert called == [
        "on_agent_start", *request, "on_tool_start", "on_tool_end", *request, "on_handoff", "on_agent_start", *request,
        "on_agent_end",
    ]  # fmt: skip
    found = await read_recorded(place)
    assert [as_recorded(sent) for sent in found.inputs] == [as_sent(call) for call in model.calls]


async def test_keys_are_not_stored(ours: OpenOurs, path: Path) -> None:
    server = HostedMCPTool(
        {
            "type": "mcp", "server_label": "maps", "server_url": "https://maps.example",
            "authorization": "key-1", "headers": {"X-Key": "key-2"},
        }
    )  # fmt: skip
    settings = ModelSettings(extra_headers={"X-Api-Key": "key-3"}, extra_query={"key": "key-4"})
    model = ScriptedModel([says("Yes.", 100)])
    session = ours()
    agent = Agent(name="Guide", model=model, tools=[server], model_settings=settings)
    await run(agent, "Go", session, record(session), stream=False)

    (sent,) = (await read_recorded(path)).inputs
    assert sent.tools == [
        {
            "type": "mcp", "server_label": "maps", "server_url": "https://maps.example",
            "authorization": "•••", "headers": "•••",
        }
    ]  # fmt: skip
    assert sent.settings == {"extra_headers": {"X-Api-Key": "•••"}, "extra_query": {"key": "•••"}}
    assert b"key-" not in path.read_bytes()


async def test_a_session_in_a_wrapper_is_recorded(ours: OpenOurs, place: Place) -> None:
    session = ours()
    wrapped = OpenAIResponsesCompactionSession("chat", session, client=None, should_trigger_compaction=lambda _: False)
    model = ScriptedModel([says("Yes.", 100)])
    await run(Agent(name="Guide", model=model), "Go", wrapped, record(wrapped), stream=False)
    found = await read_recorded(place)
    assert [as_recorded(sent) for sent in found.inputs] == [as_sent(call) for call in model.calls]


@pytest.mark.parametrize("wrapper", [EncryptedSession, OurEncryptedSession])
async def test_an_encrypted_session_keeps_its_secrets(
    ours: OpenOurs, path: Path, wrapper: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = ours()
    encrypted = wrapper("chat", session, "key")
    model = ScriptedModel([says("The secret answer.", 100)])
    agent = Agent(name="Guide", instructions="Keep the secret.", model=model)
    await run(agent, "A secret question", encrypted, record(encrypted), stream=False)
    session.close()
    assert b"secret" not in path.read_bytes()
    with closing(sqlite3.connect(path)) as db:
        assert db.execute("SELECT agent, input_tokens FROM convo_requests").fetchall() == [("Guide", 100)]
    if wrapper is OurEncryptedSession:
        monkeypatch.setenv(KEY_VARIABLE, "key")
        (sent,) = (await read_recorded(path)).inputs
        assert as_recorded(sent) == as_sent(model.calls[0])


def test_other_sessions_are_refused_at_once(ours: OpenOurs) -> None:
    refused = pytest.raises(
        TypeError, match=r"record\(\) cannot store requests in a SQLiteSession\. Pass it the Advanced"
    )
    with closing(SQLiteSession("chat")) as session, refused:
        record(session)


async def test_a_file_that_refuses_to_record_does_not_make_the_run_fail(
    ours: OpenOurs, path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = ScriptedModel([says("Yes.", 100), says("Yes.", 200), says("Yes.", 300)])
    agent, session = Agent(name="Guide", model=model), ours()
    await run(agent, "One", session, record(session), stream=False)
    with closing(sqlite3.connect(path)) as db:
        for table in ("convo_requests", "convo_runs"):
            db.execute(
                f"CREATE TRIGGER {table}_full BEFORE INSERT ON {table} BEGIN SELECT RAISE(ABORT, 'no room'); END"
            )
    assert (await run(agent, "Two", session, record(session), stream=False)).final_output == "Yes."
    assert [entry.getMessage() for entry in caplog.records] == ["Failed to record a run"] * 2

    caplog.clear()
    for kind in ("MODEL", "TOOL"):
        monkeypatch.setenv(f"OPENAI_AGENTS_DONT_LOG_{kind}_DATA", "0")
    await run(agent, "Three", session, record(session), stream=True)
    assert [entry.getMessage() for entry in caplog.records] == ["Failed to record a run: no room"] * 2


KILLED = """
import asyncio, os, sys
from agents import Agent, RunConfig, Runner, Usage
from agents.testing import ModelStep, ScriptedModel, function_call
from tui.session import AdvancedSQLiteSession, record
from tui.session import EncryptedSession as OurEncryptedSession

async def main():
    used = Usage(requests=1, input_tokens=100, output_tokens=10, total_tokens=110)
    calls = ModelStep([function_call("look", {}, call_id="c1")], used)
    model = ScriptedModel([calls, ModelStep.respond(lambda call: os._exit(9))])
    helper = Agent(name="Helper", model=ScriptedModel([calls]))
    agent = Agent(name="Guide", model=model, tools=[helper.as_tool("look", "Look.")])
    session = AdvancedSQLiteSession(session_id="chat", db_path=sys.argv[1], create_tables=True)
    await Runner.run(agent, "Go", session=session, hooks=record(session), run_config=RunConfig(tracing_disabled=True))

asyncio.run(main())
"""


async def test_a_killed_program_leaves_the_requests_that_were_answered(path: Path) -> None:
    assert fork_server().run(["-c", KILLED, str(path)]).returncode == 9
    found = await read_recorded(path)
    assert [(request.agent, request.usage and request.usage.input_tokens) for request in found.requests] == [
        ("Guide", 100)
    ]


class Planned(NamedTuple):
    """A run to make: its requests, and what happens before, in and after it."""

    steps: list[str]
    end: str
    stream: bool
    forks: str
    stores_usage: bool
    at_once: bool = False


STOPPED = ("cancelled", "stopped in tool", "stopped after turn")

PLANS = st.builds(
    Planned,
    steps=st.lists(st.sampled_from(["tool", "tools", "agent", "uncounted"]), max_size=3),
    end=st.sampled_from(["done", "done", "model error", "tool error", "max turns", "guardrail", *STOPPED]),
    stream=st.booleans(),
    forks=st.sampled_from(["", "", "after", "before"]),
    stores_usage=st.booleans(),
    at_once=st.booleans(),
)


@given(plans=st.lists(PLANS, min_size=1, max_size=4), tokens=st.randoms(use_true_random=False), shares=st.booleans())
@example(
    # What the first run sent is recorded after the second one.
    plans=[Planned([], "model error", False, "", False), Planned(["tool"], "done", True, "", False)],
    tokens=Random(0),
    shares=True,
)
@settings(max_examples=20)
def test_sums_and_inputs_of_random_runs(plans: list[Planned], tokens: Random, shares: bool) -> None:
    with TemporaryDirectory() as folder:
        asyncio.run(make_and_check(Path(folder) / "random.sqlite", plans, tokens, shares))


async def make_and_check(path: Path, plans: list[Planned], tokens: Random, shares: bool) -> None:
    """Make random runs on branches, and check what is recorded on each branch after each run, or runs at once.

    With `shares`, one recorder gets all runs, of which some fail, and the last branch is checked at the end.
    """
    expected: list[Made] = []
    async with AdvancedSQLiteSession(session_id="chat", db_path=path, create_tables=True) as session:
        async with AsyncExitStack() as stack:
            shared = await stack.enter_async_context(record(session)) if shares else None
            numbered = list(enumerate(plans))
            while numbered:
                together = [numbered.pop(0)]
                while numbered and numbered[0][1].at_once:
                    together.append(numbered.pop(0))
                if (forks := together[0][1].forks) and expected:
                    await session.fork(None if forks == "after" else len(expected))
                    del expected[len(expected) - (forks == "before") :]
                made = await asyncio.gather(
                    *(make_run(plan, tokens, number, session, shared, len(together)) for number, plan in together)
                )
                turns = [turn["content"] for turn in await session.get_conversation_turns()]
                expected += sorted(made, key=lambda run: turns.index(run.text))
                if not shares:
                    await check(session, path, expected, with_outcomes=True)
        await check(session, path, expected)


FAILURES = (ConnectionError, LookupError, AgentsException, asyncio.CancelledError)


class Made(NamedTuple):
    """A run that was made: its message, what it sent, and how it may have ended."""

    text: str
    sent: list[str]
    outcomes: set[str]


async def make_run(
    plan: Planned, tokens: Random, number: int, session: AdvancedSQLiteSession, shared: RunRecorder | None, at_once: int
) -> Made:
    """Make a planned run, one of some at once, and stop it if that is planned."""
    text = f"Message {number}"
    stops: list[Callable[[], object]] = []
    model, agent = random_agent(plan, tokens, number, stops)
    max_turns = len(plan.steps) if plan.end == "max turns" and plan.steps else 10

    async def recorded() -> None:
        async with nullcontext(shared) if shared is not None else record(session) as hooks:
            result = await run(
                agent,
                text,
                session,
                hooks,
                stream=plan.stream,
                max_turns=max_turns,
                on_start=lambda result: stops.append(
                    lambda: result.cancel("after_turn" if plan.end == "stopped after turn" else "immediate")
                ),
            )
        if plan.stores_usage and at_once == 1 and plan.end not in STOPPED:
            await session.store_run_usage(result)

    task = asyncio.ensure_future(recorded())
    if not plan.stream:
        stops.append(task.cancel)
    if plan.end == "cancelled":
        while len(model.calls) <= len(plan.steps):
            await asyncio.sleep(0)
        task.cancel()
    with suppress(*FAILURES):
        await task
    outcomes = {"done"} if plan.end == "done" else {"stopped"} if plan.end in STOPPED else {"failed"}
    if plan.end == "guardrail" or (plan.end == "max turns" and not plan.steps):
        outcomes = {"done", "failed"}
    return Made(text, [json.dumps(as_sent(call)) for call in model.calls], outcomes)


async def check(
    session: AdvancedSQLiteSession, path: Path, expected: list[Made], *, with_outcomes: bool = False
) -> None:
    """Check what is recorded of each turn of the current branch, and the sums."""
    (branch,) = (found for found in await session.list_branches() if found["is_current"])
    found = await read_recorded(path, branch_id=branch["branch_id"])
    of_turns: list[list[str]] = [[] for _ in expected]
    for sent in found.inputs:
        if sent.items is not None:
            of_turns[sent.request.turn - 1].append(json.dumps(as_recorded(sent)))
    assert of_turns == [run.sent for run in expected]
    if with_outcomes:
        outcomes = {run.turn: run.outcome for run in found.runs}
        assert len(outcomes) == len(found.runs) == len(expected)
        assert all(outcomes[turn] in run.outcomes for turn, run in enumerate(expected, start=1))
    await assert_sums(session, found.requests)


@output_guardrail
async def refuse(context: Any, agent: Any, output: Any) -> GuardrailFunctionOutput:
    return GuardrailFunctionOutput(output_info=None, tripwire_triggered=True)


@function_tool(failure_error_function=None)
def broken() -> str:
    """Fail."""
    raise LookupError


@pytest.mark.parametrize("shares", [False, True])
@pytest.mark.parametrize("streams", [(False, False), (True, True), (False, True)])
@pytest.mark.parametrize("texts", [("One", "Two"), ("Go", "Go")])
async def test_runs_at_once_on_one_session_stay_on_their_turns(
    ours: OpenOurs, place: Place, shares: bool, streams: tuple[bool, bool], texts: tuple[str, str]
) -> None:
    session = ours()
    await session.add_items([{"role": "user", "content": "Before"}, {"role": "assistant", "content": "Yes."}])
    both = [asyncio.Barrier(2) for _ in range(2)]

    def step(number: int, *, tool: bool) -> ModelStep:
        async def respond(call: ModelCall) -> ModelStep:
            await both[number].wait()
            return calls("find_flight", tokens=100, arguments={"city": "Oslo"}) if tool else says("Yes.", 200)

        return ModelStep.respond(respond)

    agents = [
        Agent(name=name, model=ScriptedModel([step(0, tool=True), step(1, tool=False)]), tools=[find_flight])
        for name in ("One", "Two")
    ]
    one = record(session)
    await asyncio.gather(
        *(
            run(agent, text, session, one if shares else record(session), stream=stream)
            for agent, text, stream in zip(agents, texts, streams, strict=True)
        )
    )
    found = await read_recorded(place)
    by_turn = sorted((request.turn, request.agent) for request in found.requests)
    order = [agent for _, agent in by_turn[::2]]
    assert sorted(str(agent) for agent in order) == ["One", "Two"]
    assert by_turn == [(turn, agent) for turn, agent in enumerate(order, start=2) for _ in range(2)]
    if texts == ("One", "Two"):
        assert [turn["content"] for turn in await session.get_conversation_turns()] == ["Before", *order]
    assert sorted((run.turn, run.agent, run.outcome) for run in found.runs) == [
        (turn, agent, Outcome.DONE) for turn, agent in enumerate(order, start=2)
    ]
    await assert_sums(session, found.requests)


async def test_a_run_that_fails_among_others_is_the_one_that_failed(ours: OpenOurs, place: Place) -> None:
    session = ours()
    hanging = ScriptedModel([ModelStep.respond(hang)])

    async def fail_then(call: ModelCall) -> Any:
        while not hanging.calls:
            await asyncio.sleep(0)
        raise ConnectionError

    failing = ScriptedModel([ModelStep.respond(fail_then)])
    with pytest.raises(ConnectionError):
        async with record(session) as hooks, asyncio.timeout(60):
            await asyncio.gather(
                *(
                    run(Agent(name=name, model=model), name, session, hooks, stream=False)
                    for name, model in (("Failing", failing), ("Hanging", hanging))
                )
            )
    found = await read_recorded(place)
    assert sorted((run.agent, run.outcome, run.error) for run in found.runs) == [
        ("Failing", Outcome.FAILED, "ConnectionError"),
        ("Hanging", Outcome.STOPPED, None),
    ]


async def test_a_paused_run_is_not_recorded_as_stopped(ours: OpenOurs, place: Place) -> None:
    @function_tool(needs_approval=True)
    def pay() -> str:
        """Pay."""
        return "Paid."

    for stream in (False, True):
        session = ours(session_id=f"chat {stream}")
        agent = Agent(name="Guide", model=ScriptedModel([calls("pay", tokens=100)]), tools=[pay])
        async with record(session) as hooks:
            assert (await run(agent, "Go", session, hooks, stream=stream)).interruptions
        assert (await read_recorded(place, session.session_id)).runs == []


def random_agent(
    plan: Planned, tokens: Random, number: int, stops: list[Callable[[], object]]
) -> tuple[ScriptedModel, Agent[Any]]:
    """Return an agent that makes a planned run, and its model; its tool `stop` calls the last of `stops`."""

    @function_tool
    async def stop() -> str:
        """Stop the run."""
        stops[-1]()
        if not (plan.stream and plan.end == "stopped after turn"):
            await asyncio.get_running_loop().create_future()
        return "Stopped."

    def some(step: ModelStep) -> ModelStep:
        return replace(step, usage=used(tokens.randint(10, 10_000)))

    steps: list[Any] = []
    for index, step in enumerate(plan.steps):
        names = {"tool": ["find_flight"], "tools": ["find_flight", "weather"], "agent": ["helper"]}.get(
            step, ["weather"]
        )
        calling = calls(*names, tokens=100 * number + index, arguments={"city": "Oslo", "places": {}, "input": "Go"})
        steps.append(replace(calling, usage=Usage()) if step == "uncounted" else some(calling))
    last: dict[str, Any] = {
        "model error": ConnectionError(),
        "tool error": some(calls("broken", tokens=100 * number + 99)),
        "cancelled": ModelStep.respond(hang),
        "stopped in tool": some(calls("stop", tokens=100 * number + 99)),
        "stopped after turn": some(calls("stop", tokens=100 * number + 99)),
    }
    steps.append(last.get(plan.end) or some(says("Done.", 1)))
    model = ScriptedModel(steps)
    helper = Agent(name="Helper", model=ScriptedModel([some(says("Yes.", 1)) for _ in plan.steps]))
    tools = [find_flight, weather, broken, stop, helper.as_tool("helper", "Help.")]
    guardrails = [refuse] if plan.end == "guardrail" else []
    return model, Agent(name="Guide", model=model, tools=[*tools], output_guardrails=guardrails)


def test_usage_without_entries_is_given_to_one_request() -> None:
    """An adapter may report several requests with one sum."""
    from tui.session.recorded_run import _divide, _request_usage

    total = _request_usage(used(100))
    entry = _request_usage(
        SDKRequestUsage(
            60,
            6,
            66,
            InputTokensDetails(cached_tokens=0, cache_write_tokens=0),
            OutputTokensDetails(reasoning_tokens=0),
        )
    )
    none = _request_usage(Usage())
    assert _divide(3, total, []) == [none, none, total]
    assert _divide(2, total, [entry]) == [none, total]
    assert _divide(2, none, []) == []
