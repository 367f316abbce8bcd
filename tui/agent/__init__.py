"""Answer messages with the OpenAI Agents SDK, which is imported when the first run is prepared, not with this package.

`AgentSettings` names the agent and its model, `AgentRunner` runs them, `redact` removes secrets from a text.
"""

from tui.agent.env import redact
from tui.agent.runner import AgentRunner
from tui.agent.settings import OFFLINE, AgentSettings, Api

__all__ = ["OFFLINE", "AgentRunner", "AgentSettings", "Api", "redact"]
