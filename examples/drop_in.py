"""A script with this project's session class: only the import differs from one with the SDK's.

Run it, then open its file; without an OPENAI_API_KEY the offline model answers:

    python examples/drop_in.py
    convo-tui drop_in.sqlite
"""

from __future__ import annotations

import asyncio
import os

from agents import Agent, RunConfig, Runner

from tui.agent.offline import OfflineModel
from tui.session import AdvancedSQLiteSession  # instead of: from agents.extensions.memory import AdvancedSQLiteSession


async def main() -> None:
    online = "OPENAI_API_KEY" in os.environ
    agent = Agent(name="Guide", instructions="Answer in one sentence.", model=None if online else OfflineModel())
    config = RunConfig(tracing_disabled=True)

    async with AdvancedSQLiteSession(session_id="trip", db_path="drop_in.sqlite", create_tables=True) as session:
        for question in ("Where should I go in May?", "And what should I eat there?"):
            result = await Runner.run(agent, question, session=session, run_config=config)
            await session.store_run_usage(result)
            print(f"> {question}\n{result.final_output}\n")

        last = len(await session.get_conversation_turns())
        branch = await session.create_branch_from_turn(last)
        result = await Runner.run(agent, "And where should I sleep?", session=session, run_config=config)
        await session.store_run_usage(result)
        print(f"On {branch}:\n{result.final_output}\n")

        for branch_info in await session.list_branches():
            print(branch_info["branch_id"], branch_info["user_turns"], "turns", branch_info["message_count"], "items")


if __name__ == "__main__":
    asyncio.run(main())
