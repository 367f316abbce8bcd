"""Commands for the runs of the agent."""

from __future__ import annotations

from tui.commands.context import Explorer
from tui.commands.registry import Target, command


@command(
    "session.new",
    keys="S",
    title="New session",
    help="Begin a session: write its first message",
    on=(Target.SESSION, Target.OPEN_SESSION),
    synonyms=("create session", "start", "conversation"),
    needs_agent=True,
    writes=True,
    holds_keys=True,
)
async def begin_session(explorer: Explorer) -> None:
    if explorer.agent is not None:
        await explorer.agent.prepare_session()


@command(
    "run.again",
    keys="r",
    title="Run again",
    help="Ask this turn again on new branches, as often as you say",
    on=(Target.TURN,),
    footer=True,
    synonyms=("rerun", "retry", "regenerate", "repeat"),
    needs_agent=True,
    writes=True,
    holds_keys=True,
)
async def run_again(explorer: Explorer) -> None:
    if explorer.agent is not None:
        await explorer.agent.ask_for_rerun()


@command(
    "run.answer",
    keys="w",
    title="Approve",
    help="Approve or reject the pending tool call",
    synonyms=("approval", "allow", "deny", "answer"),
    needs_agent=True,
    holds_keys=True,
)
async def answer_tool_call(explorer: Explorer) -> None:
    if explorer.agent is not None and not explorer.agent.ask_for_approval():
        explorer.show_notice("No tool call needs approval.")


@command(
    "run.details",
    keys="e",
    title="Error",
    help="Details of the last run's error",
    synonyms=("failure", "traceback"),
    needs_agent=True,
    holds_keys=True,
)
async def show_error(explorer: Explorer) -> None:
    if explorer.agent is not None:
        explorer.agent.show_error()
