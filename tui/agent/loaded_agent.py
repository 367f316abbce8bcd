"""An agent that is ready to run, its model and its server."""

from __future__ import annotations

from typing import Any, NamedTuple

from agents import Agent, Model, RunConfig
from agents.models import get_default_model
from agents.models.openai_chatcompletions import OpenAIChatCompletionsModel
from agents.models.openai_responses import OpenAIResponsesModel
from openai import AsyncOpenAI

from tui.agent.offline import OfflineModel
from tui.agent.settings import Compaction

__all__ = ["LoadedAgent"]


class LoadedAgent(NamedTuple):
    """An agent that is ready to run.

    Attributes:
        agent: The agent that a run starts with.
        max_turns: Number of times that the model may be called in a run; None for the SDK's default.
        client: The client of the model's server; None if the SDK or the user's code made it.
        compaction: Settings for the compaction of branches.
    """

    agent: Agent[Any]
    config: RunConfig
    max_turns: int | None = None
    client: AsyncOpenAI | None = None
    compaction: Compaction = Compaction()

    def model_name(self, agent: Agent[Any]) -> str:
        """Return the name of the model that an agent of the run uses."""
        model = self._model(agent)
        return model if isinstance(model, str) else str(getattr(model, "model", type(model).__name__))

    def takes_all_items(self, agent: Agent[Any]) -> bool:
        """Return whether the model of an agent takes every item of the Responses API, and not chat messages alone."""
        model = self._resolved_model(agent)
        # The SDK's models for other providers convert items as its model for Chat Completions does.
        is_other_provider = type(model).__module__.startswith("agents.extensions.models")
        return not (is_other_provider or isinstance(model, OpenAIChatCompletionsModel))

    def responses_client(self, agent: Agent[Any]) -> AsyncOpenAI | None:
        """Return the client of an agent's server if that has the Responses API."""
        model = self._resolved_model(agent)
        if not isinstance(model, OpenAIResponsesModel):
            return None
        return self.client or getattr(model, "_client", None)

    def estimates_usage(self, agent: Agent[Any]) -> bool:
        """Return whether the token counts of an agent are estimates."""
        return isinstance(self._model(agent), OfflineModel)

    async def close(self) -> None:
        """Close the connection to the model's server."""
        if self.client is not None:
            await self.client.close()

    def _resolved_model(self, agent: Agent[Any]) -> Model:
        model = self._model(agent)
        return self.config.model_provider.get_model(model) if isinstance(model, str) else model

    def _model(self, agent: Agent[Any]) -> str | Model:
        return self.config.model or agent.model or get_default_model()
