"""Answering messages with the OpenAI Agents SDK, which is imported when the first run is prepared, and never before.

Public names: `AgentChoice`, who is to answer; `AgentRunner`, which lets them; `redact`, which keeps secrets secret.
"""

from tui.agent.choice import OFFLINE, AgentChoice, Api
from tui.agent.env import redact
from tui.agent.running import AgentRunner

__all__ = ["OFFLINE", "AgentChoice", "AgentRunner", "Api", "redact"]
