"""Tools that need approval, and agents that hand over to each other."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.agent.conftest import MakeAgent
from tests.agent.recording_hooks import RecordingHooks, stored_texts
from tests.agent.server import Call, ScriptedServer, TextAnswer, ToolCalls
from tui.agent import AgentRunner, Api
from tui.model import Approval, ApprovalDecision, Outcome
from tui.session import AdvancedSQLiteSession

AGENTS = """
from agents import Agent, GuardrailFunctionOutput, function_tool, output_guardrail

@function_tool(needs_approval=True)
def pay(amount: int) -> str:
    return f"paid {amount}"

@function_tool
def look() -> str:
    return "seen"

@output_guardrail
async def accept_all(context, agent, output):
    return GuardrailFunctionOutput(output_info=None, tripwire_triggered=False)

clerk = Agent(name="Clerk", tools=[pay, look])
guarded = Agent(name="Guarded", tools=[pay, look], output_guardrails=[accept_all])
desk = Agent(name="Desk", handoffs=[clerk])
boss = Agent(name="Boss", tools=[clerk.as_tool("ask_clerk", "Ask the clerk.")])
"""

APPROVE, REJECT = ApprovalDecision(approved=True), ApprovalDecision(approved=False)

MakeOffice = Callable[[str], AgentRunner]


@pytest.fixture
def office(make_agent: MakeAgent, api: Api) -> MakeOffice:
    return lambda name: make_agent(AGENTS, name, api=api)


def pay(amount: int, call_id: str = "c1") -> Call:
    return Call("pay", {"amount": amount}, call_id)


@pytest.mark.parametrize("agent", ["clerk", "guarded"])
async def test_an_approved_call_is_made(
    office: MakeOffice, server: ScriptedServer, session: AdvancedSQLiteSession, agent: str
) -> None:
    server.script(ToolCalls([pay(5)], text="One moment."), TextAnswer("Paid."))
    hooks = RecordingHooks(APPROVE)
    result = await office(agent).run(session, "Pay 5", hooks)

    assert (result.outcome, result.error) == (Outcome.DONE, None)
    assert hooks.approvals == [(Approval("c1", "pay", '{"amount": 5}', agent.capitalize()),)]
    assert await stored_texts(session) == [
        ("user", "Pay 5"),
        ("assistant", "One moment."),
        ("function_call", '{"amount": 5}'),
        ("function_call_output", "paid 5"),
        ("assistant", "Paid."),
    ]
    assert hooks.last.live == ()
    assert hooks.last.usage is not None
    assert (hooks.last.usage.requests, hooks.last.usage.total_tokens) == (2, 34)


async def test_a_rejected_call_is_not_made_and_the_model_gets_the_reason(
    office: MakeOffice, server: ScriptedServer, session: AdvancedSQLiteSession
) -> None:
    server.script(ToolCalls([pay(5)]), TextAnswer("Then not."))
    hooks = RecordingHooks(ApprovalDecision(approved=False, reason="Too much for me."))
    await office("clerk").run(session, "Pay 5", hooks)

    assert (await stored_texts(session))[2:] == [
        ("function_call_output", "Too much for me."),
        ("assistant", "Then not."),
    ]


async def test_a_rejection_without_a_reason_has_the_sdks_text(
    office: MakeOffice, server: ScriptedServer, session: AdvancedSQLiteSession
) -> None:
    server.script(ToolCalls([pay(5)]), TextAnswer("Then not."))
    await office("clerk").run(session, "Pay 5", RecordingHooks(REJECT))

    assert (await stored_texts(session))[2][1] == "Tool execution was not approved."


async def test_each_call_of_an_answer_has_its_own_decision(
    office: MakeOffice, server: ScriptedServer, session: AdvancedSQLiteSession
) -> None:
    server.script(ToolCalls([pay(1, "c1"), Call("look", {}, "c2"), pay(2, "c3")]), TextAnswer("Done."))
    hooks = RecordingHooks((APPROVE, REJECT))
    result = await office("clerk").run(session, "Pay 1 and 2", hooks)

    assert result.outcome is Outcome.DONE
    assert [approval.call_id for approval in hooks.approvals[0]] == ["c1", "c3"]
    outputs = {item.get("call_id"): item.get("output") for item in await session.get_items() if "output" in item}
    assert outputs == {"c1": "paid 1", "c2": "seen", "c3": "Tool execution was not approved."}
    kinds = [kind for kind, _ in await stored_texts(session)]
    assert kinds.count("function_call") == 3
    assert kinds.count("user") == 1


async def test_always_applies_to_the_rest_of_the_run(
    office: MakeOffice, server: ScriptedServer, session: AdvancedSQLiteSession
) -> None:
    clerk = office("clerk")
    server.script(
        ToolCalls([pay(1, "c1")]),
        ToolCalls([pay(2, "c2")]),
        TextAnswer("Done."),
        ToolCalls([pay(3, "c3")]),
        TextAnswer("Again."),
    )
    hooks = RecordingHooks(ApprovalDecision(approved=True, always=True))
    await clerk.run(session, "Pay", hooks)
    assert len(hooks.approvals) == 1
    assert ("function_call_output", "paid 2") in await stored_texts(session)

    later_hooks = RecordingHooks(REJECT)
    await clerk.run(session, "Pay more", later_hooks)
    assert len(later_hooks.approvals) == 1


@pytest.mark.parametrize("api", ["responses"])
async def test_an_agent_used_as_a_tool_needs_approval_too(
    office: MakeOffice, server: ScriptedServer, session: AdvancedSQLiteSession
) -> None:
    server.script(
        ToolCalls([Call("ask_clerk", {"input": "pay 5"}, "outer")]), ToolCalls([pay(5, "inner")]), TextAnswer("Paid.")
    )
    hooks = RecordingHooks(APPROVE)
    result = await office("boss").run(session, "Let him pay", hooks)

    assert (result.outcome, result.error) == (Outcome.DONE, None)
    assert [(approval.tool_name, approval.agent) for approval in hooks.approvals[0]] == [("pay", "Clerk")]
    assert [kind for kind, _ in await stored_texts(session)] == [
        "user", "function_call", "function_call_output", "assistant",
    ]  # fmt: skip


async def test_a_handoff(office: MakeOffice, server: ScriptedServer, session: AdvancedSQLiteSession) -> None:
    server.script(ToolCalls([Call("transfer_to_clerk", {}, "h1")]), TextAnswer("Clerk here."))
    hooks = RecordingHooks()
    result = await office("desk").run(session, "I want to pay", hooks)

    assert (result.outcome, result.agent) == (Outcome.DONE, "Clerk")
    assert [kind for kind, _ in await stored_texts(session)] == [
        "user", "function_call", "function_call_output", "assistant",
    ]  # fmt: skip
    assert "handing over to Clerk" in {progress.activity for progress in hooks.progresses}
    assert hooks.last.live == ()
