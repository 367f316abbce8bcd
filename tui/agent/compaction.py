"""Compaction of a branch by the server of the agent's model, with the SDK's own `OpenAIResponsesCompactionSession`."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, cast

from agents import RunContextWrapper
from agents.memory import OpenAIResponsesCompactionSession
from agents.memory.openai_responses_compaction_session import DEFAULT_COMPACTION_THRESHOLD, is_openai_model_name
from openai import NotFoundError, OpenAIError
from typing_extensions import override

from tui.agent.error_messages import describe
from tui.agent.model_input import fit_items
from tui.agent.settings import AgentError
from tui.errors import ConvoError
from tui.model.requests import SentRequest
from tui.storage.queries.usage_columns import request_usage

if TYPE_CHECKING:
    from agents import OpenAIResponsesCompactionArgs, SessionSettings, TResponseInputItem
    from openai import AsyncOpenAI

    from tui.agent.loaded_agent import LoadedAgent
    from tui.agent.recording_session import RecordingSession
    from tui.agent.settings import Compaction
    from tui.session.advanced import AdvancedSession
    from tui.session.compaction import CompactionSnapshot

__all__ = ["AutomaticCompaction", "compact_branch", "compaction_model", "compaction_target"]

_DEFAULT_MODEL: Final = "gpt-4.1"
"""The model of a compaction if the agent's is none of OpenAI's, as the SDK has it."""

_ALL_ITEMS: Final = (1 << 31) - 1


class AutomaticCompaction(OpenAIResponsesCompactionSession):
    """The session of a run that is compacted after an answer once it is long enough.

    A failure of the server does not make the run fail, as its answer is stored.

    Attributes:
        failure: Reason why the branch was not compacted; empty if nothing failed.
    """

    def __init__(self, loaded: LoadedAgent, settings: Compaction, session: RecordingSession) -> None:
        client, model = compaction_target(loaded, settings)
        threshold = settings.after or DEFAULT_COMPACTION_THRESHOLD
        super().__init__(
            session.session_id,
            cast(Any, session),
            client=client,
            model=model,
            # A branch that was forked is no chain of responses.
            compaction_mode="input",
            should_trigger_compaction=lambda context: len(context["compaction_candidate_items"]) >= threshold,
        )
        self.failure = ""

    @override
    async def run_compaction(
        self, args: OpenAIResponsesCompactionArgs | None = None, *, wrapper: RunContextWrapper[Any] | None = None
    ) -> None:
        try:
            await super().run_compaction(args, wrapper=wrapper)
        except OpenAIError as error:
            self.failure = str(_explain(error))


class _Snapshot:
    """The items of a branch as the SDK's wrapper reads and replaces them, unless the branch has changed since."""

    session_settings: SessionSettings | None = None

    def __init__(self, session_id: str, snapshot: CompactionSnapshot, model: str) -> None:
        """Begin the compaction of a snapshot by a model.

        `context` is the context of the request, with what it used.
        """
        self.session_id = session_id
        self.context = RunContextWrapper(None)
        self._snapshot = snapshot
        self._request = SentRequest(model=model, started_at=datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S"))
        self._start = time.monotonic()
        self._items = fit_items(snapshot.items, chat=False).items

    async def get_items(self, limit: int | None = None) -> list[TResponseInputItem]:  # noqa: ARG002 it is all or nothing
        return cast("list[TResponseInputItem]", list(self._items))

    async def _atomic_replace_items(self, items: list[TResponseInputItem]) -> bool:
        request, used = None, self.context.usage
        if used.total_tokens:
            seconds = time.monotonic() - self._start
            request = self._request._replace(usage=request_usage(used), seconds=seconds)
        if not await self._snapshot.replace_suffix(0, items, request):
            raise ConvoError("The branch has changed while it was compacted.", "Nothing was replaced; try again.")
        return True


def compaction_target(loaded: LoadedAgent, settings: Compaction) -> tuple[AsyncOpenAI, str]:
    """Return the client and the model with which the branches of an agent are compacted.

    Raises:
        ConfigError: The agent's model is on no server with the Responses API.
    """
    client = loaded.responses_client(loaded.agent)
    if client is None:
        raise AgentError(
            f"The model '{loaded.model_name(loaded.agent)}' cannot compact a conversation.",
            "Use a model on a server with OpenAI's Responses API (--api responses).",
        )
    name = settings.model or loaded.model_name(loaded.agent)
    if is_openai_model_name(name):
        return client, name
    if settings.model is not None:
        raise AgentError(f"The SDK compacts with no model '{name}'.", "Set compact_model to a model of OpenAI's.")
    return client, _DEFAULT_MODEL


def compaction_model(loaded: LoadedAgent, settings: Compaction) -> str:
    """Return the name of the model that compacts.

    Raises:
        ConfigError: The agent's model is on no server with the Responses API.
    """
    return compaction_target(loaded, settings)[1]


async def compact_branch(loaded: LoadedAgent, settings: Compaction, session: AdvancedSession) -> None:
    """Compact the session's current branch now.

    Raises:
        ConvoError: The server cannot compact it, or the branch has changed meanwhile; nothing is replaced.
    """
    client, model = compaction_target(loaded, settings)
    snapshot = await session._get_compaction_snapshot(_ALL_ITEMS)  # noqa: SLF001 named by the SDK
    if snapshot is None:
        raise ConvoError("The branch has an item that cannot be decoded.", "Fork before it, and compact the fork.")
    source = _Snapshot(session.session_id, snapshot, model)
    compacting = OpenAIResponsesCompactionSession(session.session_id, cast(Any, source), client=client, model=model)
    try:
        await compacting.run_compaction({"force": True, "compaction_mode": "input"}, wrapper=source.context)
    except OpenAIError as error:
        raise _explain(error) from error


def _explain(error: OpenAIError) -> ConvoError:
    if isinstance(error, NotFoundError):
        return ConvoError(
            "The server cannot compact a conversation (404).",
            "Use a server with OpenAI's Responses API; compact_model in a profile names another model.",
        )
    message = describe(error)
    return AgentError(message.text, message.hint, message.details)
