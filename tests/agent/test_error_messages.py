"""What goes wrong on the way to an answer: one clear sentence, and a branch that holds exactly what was said."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.agent.recording_hooks import Watch
from tests.agent.server import Answer, Breaks, Call, Calls, CutsOff, Refuses, Says, ScriptedServer, Silent
from tests.conversations import open_sdk, turn
from tui.agent import AgentRunner
from tui.items.text import item_text
from tui.items.types import message_type
from tui.model import Outcome
from tui.session import AdvancedSQLiteSession

MakeRunner = Callable[..., AgentRunner]


@pytest.fixture(params=["responses", "chat"])
def plain(request: pytest.FixtureRequest, runner: MakeRunner, server: ScriptedServer) -> AgentRunner:
    return runner(model="tiny", base_url=server.url, api=request.param)


async def stored(session: AdvancedSQLiteSession) -> list[tuple[str, str]]:
    return [(message_type(item), item_text(item)) for item in await session.get_items()]


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (Refuses(401, "Incorrect API key provided: sk-abcdefgh12345678"), "key"),
        (Refuses(403, "not yours"), "may not use"),
        (Refuses(404, "The model 'tiny' does not exist"), "does not know the model"),
        (Refuses(429, "slow down"), "fewer requests"),
        (Refuses(429, "pay", "insufficient_quota"), "credit"),
        (Refuses(500, "upstream fell over"), "upstream fell over"),
        (Refuses(400, "This model's maximum context length is 8 tokens", "context_length_exceeded"), "too long"),
        (Refuses(400, "flagged", "content_filter"), "content filter"),
        (Refuses(400, "temperature is not supported"), "temperature is not supported"),
        (Breaks(), "broke"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_a_failure_before_the_answer_leaves_the_branch_as_it_was(
    plain: AgentRunner, server: ScriptedServer, session: AdvancedSQLiteSession, answer: Answer, says: str
) -> None:
    await session.add_items(turn("Before"))
    before = await session.get_items()
    server.will(answer)
    result = await plain.run(session, "Now", Watch())

    assert result.outcome is Outcome.FAILED
    assert result.error is not None
    assert says in result.error
    assert result.hint
    assert "\n" not in result.error + result.hint
    assert (result.kept, result.usage) == (False, None)
    assert await session.get_items() == before

    server.will(Says("Now it works."))
    again = await plain.run(session, "Now", Watch())
    assert again.outcome is Outcome.DONE
    assert (await stored(session))[-2:] == [("user", "Now"), ("assistant", "Now it works.")]
    assert len(await session.get_conversation_turns()) == 2


@pytest.mark.parametrize(
    ("api", "says"),
    [("responses", "The server broke off in the middle of its answer."), ("chat", "The model gave no answer.")],
)
async def test_an_answer_with_nothing_in_it(
    runner: MakeRunner, server: ScriptedServer, session: AdvancedSQLiteSession, api: str, says: str
) -> None:
    server.will(CutsOff("", clean=True))
    result = await runner(model="tiny", base_url=server.url, api=api).run(session, "Hello", Watch())

    assert (result.outcome, result.error, result.kept) == (Outcome.FAILED, says, False)
    assert await session.get_items() == []


async def test_a_server_that_is_away(runner: MakeRunner, session: AdvancedSQLiteSession) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    result = await runner(model="tiny", base_url=f"http://127.0.0.1:{port}/v1").run(session, "Hello", Watch())

    assert result.outcome is Outcome.FAILED
    assert result.error is not None
    assert "127.0.0.1 cannot be reached" in result.error
    assert not result.kept


@pytest.mark.parametrize("answer", [CutsOff("It is raining"), CutsOff("It is raining", True), Breaks("It is raining")])
async def test_what_had_arrived_of_a_broken_answer_is_kept(
    plain: AgentRunner, server: ScriptedServer, session: AdvancedSQLiteSession, path: Path, answer: Answer
) -> None:
    server.will(answer)
    result = await plain.run(session, "Weather?", Watch())

    # A chat stream that simply ends is a whole answer to the SDK's client.
    if result.outcome is Outcome.FAILED:
        assert result.error is not None
        assert "broke" in result.error
        assert (await session.get_items())[-1].get("status") == "incomplete"
    assert result.kept
    assert await stored(session) == [("user", "Weather?"), ("assistant", "It is raining")]

    server.will(Says("As I said: rain."))
    await plain.run(session, "Go on", Watch())
    sdk = open_sdk(path, "talk")
    assert [message_type(item) for item in await sdk.get_items()] == ["user", "assistant", "user", "assistant"]
    sdk.close()


async def test_half_a_call_was_never_made(
    plain: AgentRunner, server: ScriptedServer, session: AdvancedSQLiteSession
) -> None:
    server.will(CutsOff("I look", call=Call("look", {"where": "everywhere"})))
    watch = Watch()
    result = await plain.run(session, "Look", watch)

    assert result.outcome is Outcome.FAILED
    assert any("where" in text for text in watch.grown("function_call"))
    assert await stored(session) == [("user", "Look"), ("assistant", "I look")]


async def test_a_server_killed_in_mid_stream(
    runner: MakeRunner, server: ScriptedServer, session: AdvancedSQLiteSession
) -> None:
    server.will(Says("It is raining", pause=threading.Event()))
    watch = Watch()
    running = asyncio.create_task(runner(model="tiny", base_url=server.url).run(session, "Weather?", watch))
    await watch.until_live("It")
    server.kill()
    result = await running

    assert result.outcome is Outcome.FAILED
    assert result.error is not None
    assert "broke off" in result.error
    assert await stored(session) == [("user", "Weather?"), ("assistant", "It")]


async def test_a_model_that_takes_too_long(
    runner: MakeRunner, server: ScriptedServer, session: AdvancedSQLiteSession, tmp_path: Path
) -> None:
    (tmp_path / "hurried.py").write_text(
        "from agents import Agent, ModelSettings\n"
        "agent = Agent(name='Hurried', model_settings=ModelSettings(timeout=0.05))\n",
        encoding="utf-8",
    )
    gate = threading.Event()
    server.will(Silent(gate))
    hurried = runner(agent=f"{tmp_path / 'hurried.py'}:agent", model="tiny", base_url=server.url)
    result = await hurried.run(session, "Hello", Watch())
    gate.set()

    assert result.outcome is Outcome.FAILED
    assert result.error is not None
    assert "within 0.05 seconds" in result.error
    assert not result.kept


AGENTS = """
from agents import (
    Agent, GuardrailFunctionOutput, function_tool, input_guardrail, output_guardrail,
)

@input_guardrail
async def no_swearing(context, agent, said):
    return GuardrailFunctionOutput(output_info=None, tripwire_triggered="damn" in str(said))

@output_guardrail
async def no_secrets(context, agent, output):
    return GuardrailFunctionOutput(output_info=None, tripwire_triggered="secret" in str(output))

@function_tool(failure_error_function=None)
def explode(reason: str) -> str:
    raise ValueError(f"boom: {reason} sk-abcdefgh12345678")

@function_tool
def stumble() -> str:
    raise ValueError("tripped")

@function_tool
def look() -> str:
    return "seen"

guarded = Agent(name="Guarded", input_guardrails=[no_swearing], output_guardrails=[no_secrets], tools=[look])
bomb = Agent(name="Bomb", tools=[explode, stumble, look])
"""


@pytest.fixture
def own(tmp_path: Path, runner: MakeRunner, server: ScriptedServer) -> Callable[..., AgentRunner]:
    """An agent of the file above, with the server's model."""
    path = tmp_path / "failing_agents.py"
    path.write_text(AGENTS, encoding="utf-8")

    def make(name: str, **choice: object) -> AgentRunner:
        return runner(
            **{"agent": f"{path}:{name}", "model": "tiny", "base_url": server.url, "api": "responses", **choice}
        )

    return make


async def test_a_guardrail_that_refuses_the_message(
    own: MakeRunner, server: ScriptedServer, session: AdvancedSQLiteSession
) -> None:
    server.will(Says("Never mind."))
    result = await own("guarded").run(session, "damn", Watch())

    assert (result.outcome, result.kept) == (Outcome.FAILED, False)
    assert result.error == "The guardrail 'no_swearing' refused the message."
    assert await session.get_items() == []


async def test_a_guardrail_that_refuses_the_answer(
    own: MakeRunner, server: ScriptedServer, session: AdvancedSQLiteSession
) -> None:
    server.will(Says("The secret is out."))
    result = await own("guarded").run(session, "Tell me", Watch())

    assert (result.outcome, result.kept) == (Outcome.FAILED, False)
    assert result.error == "The guardrail 'no_secrets' refused the answer."
    assert await session.get_items() == []


async def test_a_refused_answer_after_a_tool_leaves_the_call_but_not_the_answer(
    own: MakeRunner, server: ScriptedServer, session: AdvancedSQLiteSession
) -> None:
    server.will(Calls([Call("look")]), Says("The secret is out."))
    result = await own("guarded").run(session, "Look", Watch())

    assert (result.outcome, result.kept) == (Outcome.FAILED, True)
    assert [kind for kind, _ in await stored(session)] == ["user", "function_call", "function_call_output"]
    assert result.usage is not None


async def test_a_tool_that_raises(own: MakeRunner, server: ScriptedServer, session: AdvancedSQLiteSession) -> None:
    server.will(Calls([Call("look", {}, "c1"), Call("explode", {"reason": "heat"}, "c2")]), Says("Oh."))
    result = await own("bomb").run(session, "Explode", Watch())

    assert result.outcome is Outcome.FAILED
    assert result.error is not None
    assert result.error.startswith("The tool 'explode' failed: boom: heat")
    assert "failing_agents.py" in result.details
    assert "sk-abcdefgh" not in result.error + result.hint + result.details
    outputs = {item["call_id"]: item["output"] for item in await items(session) if "output" in item}
    assert outputs == {"c1": "seen", "c2": "The run failed before this call finished."}

    server.will(Says("Better now."))
    assert (await own("bomb").run(session, "Go on", Watch())).outcome is Outcome.DONE


async def test_a_tool_whose_failure_the_model_is_told_of_is_no_failure_of_the_run(
    own: MakeRunner, server: ScriptedServer, session: AdvancedSQLiteSession
) -> None:
    server.will(Calls([Call("stumble")]), Says("It tripped."))
    result = await own("bomb").run(session, "Walk", Watch())
    assert result.outcome is Outcome.DONE


async def test_a_tool_that_does_not_exist(
    own: MakeRunner, server: ScriptedServer, session: AdvancedSQLiteSession
) -> None:
    server.will(Calls([Call("fly")]))
    result = await own("bomb").run(session, "Fly", Watch())

    assert result.outcome is Outcome.FAILED
    assert result.error is not None
    assert "fly" in result.error
    assert [kind for kind, _ in await stored(session)] == ["user", "function_call", "function_call_output"]


async def test_too_many_turns(own: MakeRunner, server: ScriptedServer, session: AdvancedSQLiteSession) -> None:
    server.will(*(Calls([Call("look", {}, f"c{number}")]) for number in range(3)))
    result = await own("bomb", max_turns=2).run(session, "Look", Watch())

    assert result.outcome is Outcome.FAILED
    assert result.error is not None
    assert "(2)" in result.error
    assert [kind for kind, _ in await stored(session)].count("function_call_output") == 2
    assert result.usage is not None


async def test_secrets_are_told_to_nobody(
    plain: AgentRunner, server: ScriptedServer, session: AdvancedSQLiteSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "the-real-key-of-mine")
    server.will(Refuses(400, "bad header Authorization: Bearer the-real-key-of-mine, token sk-proj-1234567890abcdef"))
    result = await plain.run(session, "Hello", Watch())

    assert server.headers["authorization"] == "Bearer the-real-key-of-mine"
    told = f"{result.error}{result.hint}{result.details}"
    assert "the-real-key-of-mine" not in told
    assert "sk-proj" not in told
    assert "bad header" in told


async def test_a_branch_that_another_deletes_meanwhile(
    own: MakeRunner, server: ScriptedServer, session: AdvancedSQLiteSession, path: Path
) -> None:
    await session.add_items(turn("One"))
    branch = await session.fork(2, name="gone")
    other = AdvancedSQLiteSession(session_id="talk", db_path=path)
    await other.delete_branch(branch)
    other.close()
    server.will(Says("Too late."))
    result = await own("bomb").run(session, "Two", Watch())

    assert result.outcome is Outcome.FAILED
    assert not result.kept


async def items(session: AdvancedSQLiteSession) -> list[dict[str, object]]:
    return [dict(item) for item in await session.get_items()]
