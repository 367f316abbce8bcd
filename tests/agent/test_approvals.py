"""Tools that need the user's leave, and agents that hand over to each other."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.agent.recording_hooks import Watch
from tests.agent.server import Call, Calls, Says, ScriptedServer
from tui.agent import AgentRunner
from tui.items.text import item_text
from tui.items.types import message_type
from tui.model import Approval, Decision, Outcome
from tui.session import AdvancedSQLiteSession

MakeRunner = Callable[..., AgentRunner]

AGENTS = """
from agents import Agent, GuardrailFunctionOutput, function_tool, output_guardrail

made = []

@function_tool(needs_approval=True)
def pay(amount: int) -> str:
    made.append(amount)
    return f"paid {amount}"

@function_tool
def look() -> str:
    return "seen"

@output_guardrail
async def calm(context, agent, output):
    return GuardrailFunctionOutput(output_info=None, tripwire_triggered=False)

clerk = Agent(name="Clerk", tools=[pay, look])
guarded = Agent(name="Guarded", tools=[pay, look], output_guardrails=[calm])
desk = Agent(name="Desk", handoffs=[clerk])
boss = Agent(name="Boss", tools=[clerk.as_tool("ask_clerk", "Ask the clerk.")])
"""

YES, NO = Decision(approved=True), Decision(approved=False)


@pytest.fixture(params=["responses", "chat"])
def own(request: pytest.FixtureRequest, tmp_path: Path, runner: MakeRunner, server: ScriptedServer) -> MakeRunner:
    path = tmp_path / "office.py"
    path.write_text(AGENTS, encoding="utf-8")

    def make(name: str, api: str = request.param) -> AgentRunner:
        return runner(agent=f"{path}:{name}", model="tiny", base_url=server.url, api=api)

    return make


async def stored(session: AdvancedSQLiteSession) -> list[tuple[str, str]]:
    return [(message_type(item), item_text(item)) for item in await session.get_items()]


def pays(amount: int, call_id: str = "c1") -> Call:
    return Call("pay", {"amount": amount}, call_id)


@pytest.mark.parametrize("agent", ["clerk", "guarded"])
async def test_an_approved_call_is_made(
    own: MakeRunner, server: ScriptedServer, session: AdvancedSQLiteSession, agent: str
) -> None:
    server.will(Calls([pays(5)], text="One moment."), Says("Paid."))
    watch = Watch(YES)
    result = await own(agent).run(session, "Pay 5", watch)

    assert (result.outcome, result.error) == (Outcome.DONE, None)
    assert watch.asked == [(Approval("c1", "pay", '{"amount": 5}', agent.capitalize()),)]
    assert await stored(session) == [
        ("user", "Pay 5"),
        ("assistant", "One moment."),
        ("function_call", '{"amount": 5}'),
        ("function_call_output", "paid 5"),
        ("assistant", "Paid."),
    ]
    assert watch.last.live == ()
    assert watch.last.usage is not None
    assert (watch.last.usage.requests, watch.last.usage.total_tokens) == (2, 34)


async def test_a_rejected_call_is_not_made_and_the_model_hears_why(
    own: MakeRunner, server: ScriptedServer, session: AdvancedSQLiteSession
) -> None:
    server.will(Calls([pays(5)]), Says("Then not."))
    await own("clerk").run(session, "Pay 5", Watch(Decision(approved=False, reason="Too much for me.")))

    assert (await stored(session))[2:] == [("function_call_output", "Too much for me."), ("assistant", "Then not.")]


async def test_a_rejection_without_a_reason_says_so_in_the_words_of_the_sdk(
    own: MakeRunner, server: ScriptedServer, session: AdvancedSQLiteSession
) -> None:
    server.will(Calls([pays(5)]), Says("Then not."))
    await own("clerk").run(session, "Pay 5", Watch(NO))

    assert (await stored(session))[2][1] == "Tool execution was not approved."


async def test_calls_of_one_answer_are_decided_one_by_one(
    own: MakeRunner, server: ScriptedServer, session: AdvancedSQLiteSession
) -> None:
    server.will(Calls([pays(1, "c1"), Call("look", {}, "c2"), pays(2, "c3")]), Says("Done."))
    watch = Watch((YES, NO))
    result = await own("clerk").run(session, "Pay 1 and 2", watch)

    assert result.outcome is Outcome.DONE
    assert [approval.call_id for approval in watch.asked[0]] == ["c1", "c3"]
    outputs = {item.get("call_id"): item.get("output") for item in await session.get_items() if "output" in item}
    assert outputs == {"c1": "paid 1", "c2": "seen", "c3": "Tool execution was not approved."}
    kinds = [kind for kind, _ in await stored(session)]
    assert kinds.count("function_call") == 3
    assert kinds.count("user") == 1


async def test_always_holds_for_the_rest_of_the_run(
    own: MakeRunner, server: ScriptedServer, session: AdvancedSQLiteSession
) -> None:
    clerk = own("clerk")
    server.will(Calls([pays(1, "c1")]), Calls([pays(2, "c2")]), Says("Done."), Calls([pays(3, "c3")]), Says("Again."))
    watch = Watch(Decision(approved=True, always=True))
    await clerk.run(session, "Pay", watch)
    assert len(watch.asked) == 1
    assert ("function_call_output", "paid 2") in await stored(session)

    later = Watch(NO)
    await clerk.run(session, "Pay more", later)
    assert len(later.asked) == 1


async def test_an_agent_used_as_a_tool_asks_too(
    own: MakeRunner, server: ScriptedServer, session: AdvancedSQLiteSession
) -> None:
    server.will(Calls([Call("ask_clerk", {"input": "pay 5"}, "outer")]), Calls([pays(5, "inner")]), Says("Paid."))
    watch = Watch(YES)
    result = await own("boss", api="responses").run(session, "Let him pay", watch)

    assert (result.outcome, result.error) == (Outcome.DONE, None)
    assert [(approval.tool_name, approval.agent) for approval in watch.asked[0]] == [("pay", "Clerk")]
    assert [kind for kind, _ in await stored(session)] == ["user", "function_call", "function_call_output", "assistant"]


async def test_a_handoff(own: MakeRunner, server: ScriptedServer, session: AdvancedSQLiteSession) -> None:
    server.will(Calls([Call("transfer_to_clerk", {}, "h1")]), Says("Clerk here."))
    watch = Watch()
    result = await own("desk").run(session, "I want to pay", watch)

    assert (result.outcome, result.agent) == (Outcome.DONE, "Clerk")
    assert [kind for kind, _ in await stored(session)] == ["user", "function_call", "function_call_output", "assistant"]
    assert "handing over to Clerk" in {progress.doing for progress in watch.told}
    assert watch.last.live == ()
