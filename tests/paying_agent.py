"""An agent whose tool needs approval and writes down what it did, for tests of runs that wait for approval."""

from __future__ import annotations

import asyncio
from pathlib import Path

from tui.agent.runner import AgentRunner
from tui.agent.settings import AgentSettings
from tui.controller import SessionController
from tui.storage.store import Store

__all__ = ["paid", "pause_run", "write_agent"]

_SOURCE = '''
from pathlib import Path

from agents import Agent, GuardrailFunctionOutput, Usage, function_tool, output_guardrail
from agents.testing import ModelStep, ScriptedModel, assistant_message, function_call

PAID = Path(__file__).with_name("paid.txt")

@function_tool(needs_approval=True)
def pay(amount: int) -> str:
    """Pay an amount."""
    with PAID.open("a") as file:
        print(amount, file=file)
    return f"paid {amount}"

def answer(call):
    """Answer `Pay 1 2 then 3` with calls for 1 and 2, then for 3, then with the outputs."""
    items = [{"role": "user", "content": call.input}] if isinstance(call.input, str) else call.input
    begin = max(index for index, item in enumerate(items) if item.get("role") == "user")
    words = items[begin]["content"].removeprefix("Pay ")
    results = [item for item in items[begin:] if item.get("type") == "function_call_output"]
    outputs = [item["output"] for item in results if item["call_id"] != "handoff"]
    if any(tool.name == "ask_clerk" for tool in call.tools) and not outputs:
        return [function_call("ask_clerk", {"input": f"Pay {words}"}, call_id="ask")]
    made = len(outputs)
    for step in words.split(" then ") if words[0].isdigit() else ():
        amounts = step.split()
        if made < len(amounts):
            return [function_call("pay", {"amount": int(amount)}, call_id=f"call-{amount}") for amount in amounts]
        made -= len(amounts)
    return [assistant_message("; ".join(outputs) or "Hello.")]

@output_guardrail
async def accept_all(context, agent, output):
    return GuardrailFunctionOutput(output_info=None, tripwire_triggered=False)

USAGE = Usage(requests=1, input_tokens=10, output_tokens=5, total_tokens=15)
model = ScriptedModel([ModelStep.respond(lambda call: ModelStep(answer(call), USAGE))] * 100)
clerk = Agent(name="Clerk", model=model, tools=[pay])
guarded = Agent(name="Guarded", model=model, tools=[pay], output_guardrails=[accept_all])
to_clerk = [function_call("transfer_to_clerk", {}, call_id="handoff")]
desk = Agent(name="Desk", model=ScriptedModel([ModelStep(to_clerk, USAGE)] * 100), handoffs=[clerk])
boss = Agent(name="Boss", model=model, tools=[clerk.as_tool("ask_clerk", "Ask the clerk.")])
'''


def write_agent(folder: Path, *changes: tuple[str, str], name: str = "paying.py") -> Path:
    """Write the agents to a file, with each text of `changes` replaced by its second one."""
    source = _SOURCE
    for old, new in changes:
        assert old in source
        source = source.replace(old, new)
    path = folder / name
    path.write_text(source, "utf-8")
    return path


def paid(folder: Path) -> list[str]:
    """Return the amounts that were paid, in order."""
    path = folder / "paid.txt"
    return path.read_text("utf-8").split() if path.exists() else []


async def pause_run(path: Path | str, agent: Path, text: str) -> None:
    """Send a message to the clerk, and quit while the run waits for approval."""
    controller = SessionController(Store(path), AgentRunner(AgentSettings(agent=f"{agent}:clerk")))
    waits = asyncio.Event()
    controller.subscribe(lambda view: waits.set() if any(run.approvals for run in view.runs.values()) else None)
    await controller.open()
    assert controller.agent is not None
    await controller.agent.send(text)
    async with asyncio.timeout(60):
        await waits.wait()
    await controller.agent.stop_all()
    controller.close()
