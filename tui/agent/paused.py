"""The state of a run that waits for approval, stored so that another process can go on with it."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, NamedTuple, cast

from agents import Agent, FunctionTool, Handoff, RunContextWrapper, RunState, Tool

from tui.agent.env import redact
from tui.agent.settings import AgentError
from tui.items.codec import decode
from tui.model import Approval, PausedRun
from tui.words import shorten

if TYPE_CHECKING:
    from agents import ToolApprovalItem

    from tui.agent.live_items import ItemData
    from tui.agent.loaded_agent import LoadedAgent
    from tui.session.advanced import AdvancedSession

__all__ = ["RestoredRun", "approval_of", "dump_state", "restore_run"]

_DECISIONS: Final = ("function_tool_approvals", "hosted_mcp_approvals")
_MAX_REASON: Final = 300
_CHANGED_HINT: Final = "Answer it with the agent as it was, or stop the run, as `convo-tui reject --stop` does."


class RestoredRun(NamedTuple):
    """A paused run that can go on.

    Attributes:
        loaded: Its agent.
        state: The state of the SDK, without decisions.
        live_items: The items that had arrived and are not stored.
        written: The items that it has stored.
    """

    loaded: LoadedAgent
    state: RunState[Any]
    live_items: Sequence[ItemData]
    written: Sequence[ItemData]


def approval_of(item: ToolApprovalItem) -> Approval:
    """Return what the user is asked for a call of the SDK that needs approval."""
    return Approval(
        call_id=item.call_id or "",
        tool_name=item.qualified_name or item.name or "",
        arguments=item.arguments or "",
        agent=item.agent.name,
    )


async def dump_state(loaded: LoadedAgent, state: RunState[Any], asking: Sequence[Agent[Any]]) -> str | None:
    """Return the state of a run as JSON, with a description of its agents; None if the SDK cannot store it.

    `asking` are the agents whose calls need approval.
    """
    try:
        agents = _describe(loaded, _reachable(loaded.agent))
        asking_agents = await _describe_all_tools(loaded, asking)
        # The state has the items of the branch, which may be long.
        stored = await asyncio.to_thread(state.to_json)
        return json.dumps({"agents": agents, "asking": asking_agents, "state": stored})
    # The state holds objects of the user's tools and agents.
    except Exception:
        return None


async def restore_run(loaded: LoadedAgent, session: AdvancedSession, run: PausedRun, text: str) -> RestoredRun:
    """Return a paused run of a session's current branch, whose state `dump_state` stored as `text`.

    Earlier decisions are not restored, so that a file cannot approve calls for its reader.

    Raises:
        AgentError: The agent has changed since, or the state cannot be restored.
    """
    try:
        stored: Any = decode(text)
        agents, asking, state_json = stored["agents"], stored["asking"], stored["state"]
        _check_unchanged(agents, _describe(loaded, _reachable(loaded.agent)))
        _remove_decisions(state_json)
        state = await RunState.from_json(loaded.agent, state_json)
        calls = state.get_interruptions()
        _check_unchanged(asking, await _describe_all_tools(loaded, [call.agent for call in calls]))
        written = await session.get_items(run.items - run.checkpoint["items"])
    except AgentError:
        raise
    # The SDK raises many kinds of errors for a state that does not fit the agent.
    except Exception as error:
        reason = redact(shorten(str(error).rstrip(". \n") or type(error).__name__, _MAX_REASON))
        raise AgentError(f"The paused run cannot be restored: {reason}.", _CHANGED_HINT) from error
    if tuple(map(approval_of, calls)) != run.approvals:
        raise AgentError("The paused run is damaged: it asks for other calls than it shows.", _CHANGED_HINT)
    return RestoredRun(loaded, state, run.live_items, cast("list[ItemData]", written))


def _remove_decisions(value: object) -> None:
    """Remove the decisions on calls from a stored state, and from the states of agents that are its tools."""
    if isinstance(value, dict):
        if "tool_invocations" in value and "approvals" in value:
            value["approvals"] = {}
            for name in _DECISIONS:
                value.pop(name, None)
        for inner in value.values():
            _remove_decisions(inner)
    elif isinstance(value, list):
        for inner in value:
            _remove_decisions(inner)


def _reachable(agent: Agent[Any]) -> list[Agent[Any]]:
    """Return an agent and the agents to which it can hand over."""
    found = [agent]
    for known in found:
        found += (target for target in known.handoffs if isinstance(target, Agent) and target not in found)
    return found


def _describe(loaded: LoadedAgent, agents: Iterable[Agent[Any]]) -> dict[str, Any]:
    """Return the model and the tools of each agent, the tools with a hash of their parameters."""
    return {
        agent.name: {
            "model": loaded.model_name(agent),
            "tools": dict(_tool(tool) for tool in (*agent.tools, *agent.handoffs)),
        }
        for agent in agents
    }


async def _describe_all_tools(loaded: LoadedAgent, agents: Sequence[Agent[Any]]) -> dict[str, Any]:
    """Return the same as `_describe`, with the tools of the agents' MCP servers."""
    described = _describe(loaded, agents)
    for agent in agents:
        if agent.mcp_servers:
            described[agent.name]["tools"] |= map(_tool, await agent.get_mcp_tools(RunContextWrapper(None)))
    return described


def _tool(tool: Tool | Handoff[Any, Any] | Agent[Any]) -> tuple[str, str]:
    """Return the name of a tool or handoff, and a hash of its parameters."""
    match tool:
        case Agent():
            name, parameters = Handoff.default_tool_name(tool), {}
        case Handoff():
            name, parameters = tool.tool_name, tool.input_json_schema
        case FunctionTool():
            name, parameters = tool.qualified_name, tool.params_json_schema
        case _:
            name, parameters = tool.name, {}
    return name, hashlib.sha256(json.dumps(parameters, sort_keys=True, default=str).encode()).hexdigest()


def _check_unchanged(before: Mapping[str, Any], now: Mapping[str, Any]) -> None:
    """Raise AgentError, which says what has changed, unless two descriptions are the same."""
    changes = [f"there is no agent '{name}' any more" for name in before if name not in now]
    changes += (f"there is a new agent '{name}'" for name in now if name not in before)
    for name in before.keys() & now.keys():
        old, new = before[name], now[name]
        if old["model"] != new["model"]:
            changes.append(f"the model of '{name}' is {new['model']}, not {old['model']}")
        old_tools, new_tools = old["tools"], new["tools"]
        changes += (f"'{name}' has no tool '{tool}' any more" for tool in old_tools if tool not in new_tools)
        changes += (f"'{name}' has a new tool '{tool}'" for tool in new_tools if tool not in old_tools)
        changes += (
            f"the tool '{tool}' of '{name}' has other parameters"
            for tool in old_tools.keys() & new_tools.keys()
            if old_tools[tool] != new_tools[tool]
        )
    if changes:
        raise AgentError(f"The agent has changed since the run paused: {'; '.join(sorted(changes))}.", _CHANGED_HINT)
