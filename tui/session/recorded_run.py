"""A run that is recorded: its requests under way, and the usage that no hook of the SDK reports."""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, TypeVar

from agents import Usage
from agents.tool_context import ToolContext

from tui.model.requests import RequestUsage, SentRequest
from tui.session.item_session import ItemSession, RunWrites
from tui.session.outgoing import Outgoing, as_json
from tui.session.sdk_settings import log_failure
from tui.storage.queries.requests import TurnKey
from tui.storage.queries.usage_columns import request_usage

if TYPE_CHECKING:
    from agents import Agent, RunContextWrapper, RunResultStreaming
    from agents.usage import RequestUsage as SDKRequestUsage

__all__ = ["PendingRequest", "RecordedRun", "logged"]

T = TypeVar("T")

_logger: Final = logging.getLogger("tui.session.recorder")


@contextmanager
def logged() -> Iterator[None]:
    """Log a failure to record, and go on after the block."""
    try:
        yield
    except Exception as error:
        _log(error)


def _log(error: Exception) -> None:
    log_failure(_logger, "Failed to record a run", error, "MODEL", "TOOL")


class RecordedRun:
    """A run, with those that its tools make: they count in the same object.

    Attributes:
        usage: The usage so far.
        agent: The agent that answers; None while only runs that tools make are known.
        is_new: Whether nothing is stored of it.
        last: The request that was sent last.
        branch_id: The branch that it runs on.
        recorded_turn: Its turn, once a request is stored of it.
        writes: The turn of its message, once that is stored; None if the run does not read the session.
        result: Its result, if it is streamed.
        unanswered: The requests under way.
        tools: The tools under way.
    """

    def __init__(self, usage: Usage, branch_id: str) -> None:
        self.usage = usage
        self.branch_id = branch_id
        self.recorded_turn: TurnKey | None = None
        self.writes: RunWrites | None = None
        self.result: RunResultStreaming | None = None
        self.agent: Agent[Any] | None = None
        self.started_at, self.start = _now(), time.monotonic()
        # A run that goes on after an approval has the usage so far.
        self.is_new = not usage.requests
        self.last: PendingRequest | None = None
        self.unanswered: list[PendingRequest] = []
        self.tools = 0
        self._streamed: deque[PendingRequest] = deque()
        self._reported = _counts(usage)
        self._entries = len(usage.request_usage_entries)
        self._reported_entries: list[RequestUsage] = []

    @property
    def turn(self) -> TurnKey | None:
        """Its turn; None if that is the last of its branch."""
        return self.recorded_turn or (None if self.writes is None else self.writes.turn)

    @property
    def has_no_turn(self) -> bool:
        """True if the run ended before it had a turn: it stored neither its message nor a request."""
        return self.is_new and self.writes is not None and self.turn is None

    @property
    def is_paused(self) -> bool:
        """True if the run waits for an approval; only a streamed run tells."""
        return self.result is not None and bool(self.result.interruptions)

    def find_writes(self, session: ItemSession) -> None:
        """Find the turn that the run writes to; called in the context of the run."""
        if self.writes is None or self.writes.turn is None:
            self.writes = RunWrites.of(session) or self.writes

    def begin(self, sending: PendingRequest) -> None:
        """Begin a request."""
        self.last = sending
        self.unanswered.append(sending)
        if not sending.is_nested:
            self._streamed.append(sending)
            if sending.outgoing is not None:
                self.result = sending.outgoing.result

    def end(self, context: RunContextWrapper[Any], usage: Usage) -> tuple[PendingRequest | None, list[RequestUsage]]:
        """End the request of a context, and return it with its usage."""
        self._reported = tuple(map(sum, zip(self._reported, _counts(usage), strict=True)))
        requests, *total = _counts(usage)
        entries = [_request_usage(entry) for entry in usage.request_usage_entries]
        usages = _divide(requests, RequestUsage(*total), entries)
        self._reported_entries += entries or usages
        sending = next((sending for sending in self.unanswered if sending.context is context), None)
        if sending is not None:
            self.unanswered.remove(sending)
        return sending, usages

    def note_stream_event(self, kind: str) -> None:
        """Note when the first token came; the event may be read after the request has ended."""
        if not self._streamed:
            return
        if kind == "response.completed":
            self._streamed.popleft()
        elif kind.endswith(".delta") or kind == "response.output_item.done":
            self._streamed[0].note_first_token()

    def take_unanswered(self) -> list[PendingRequest]:
        """Return the requests that were not answered, and forget them."""
        unanswered, self.unanswered = self.unanswered, []
        for sending in unanswered:
            if sending in self._streamed:
                self._streamed.remove(sending)
        return unanswered

    def take_unreported(self) -> list[RequestUsage]:
        """Return the usage of requests that were not reported since the last time."""
        if self.agent is None:
            # It may be that of the run that calls the tool.
            return []
        counts = _counts(self.usage)
        requests, *total = (now - before for now, before in zip(counts, self._reported, strict=True))
        entries = [_request_usage(entry) for entry in self.usage.request_usage_entries[self._entries :]]
        for reported in self._reported_entries:
            if reported in entries:
                entries.remove(reported)
        self._reported, self._entries = counts, len(self.usage.request_usage_entries)
        self._reported_entries = []
        return _divide(requests, RequestUsage(*total), entries)


class PendingRequest:
    """A request that is under way."""

    def __init__(
        self,
        context: RunContextWrapper[Any],
        agent: Agent[Any],
        instructions: str | None,
        items: object,
        outgoing: Outgoing | None,
    ) -> None:
        self.context = context
        self.agent = agent.name
        self.model = None if outgoing is None else outgoing.model_name
        self.is_nested = isinstance(context, ToolContext)
        self._instructions = instructions
        self._items = items
        self.outgoing = outgoing
        self._started_at, self._start = _now(), time.monotonic()
        self._first_token_seconds: float | None = None

    def note_first_token(self) -> None:
        """Note that the answer has begun."""
        if self._first_token_seconds is None:
            self._first_token_seconds = time.monotonic() - self._start

    def sent(self, *, with_input: bool) -> SentRequest:
        """Return the request, which has ended now."""
        sent = SentRequest(
            agent=self.agent,
            model=self.model,
            started_at=self._started_at,
            seconds=time.monotonic() - self._start,
            first_token_seconds=self._first_token_seconds,
        )
        if not with_input:
            return sent
        outgoing = self.outgoing
        items = None
        if isinstance(self._items, list):
            # Not a copy, as there may be thousands. Hooks at the start of the request may have changed the list.
            items = [item if isinstance(item, dict) else as_json(item) for item in self._items]
        return sent._replace(
            instructions=self._instructions,
            tools=None if outgoing is None else _known(outgoing.tools_as_json),
            settings=None if outgoing is None else _known(outgoing.settings_as_json),
            items=items,
        )


def _known(read: Callable[[], T]) -> T | None:
    """Return what a function reads; None if it has no form as JSON."""
    try:
        return read()
    except Exception as error:
        _log(error)
        return None


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S")


def _request_usage(used: Usage | SDKRequestUsage) -> RequestUsage:
    return RequestUsage(*(number or 0 for number in request_usage(used)))


def _counts(usage: Usage) -> tuple[int, ...]:
    """Return the number of requests and of tokens."""
    return (usage.requests or 0, *(number or 0 for number in request_usage(usage)))


def _divide(requests: int, total: RequestUsage, entries: list[RequestUsage]) -> list[RequestUsage]:
    """Return the usage of each of some requests; one has the sum if no more is known. Nothing if none was reported."""
    if not any(total):
        return []
    if len(entries) > requests or tuple(map(sum, zip(*entries, strict=True))) != total:
        entries = [total]
    # Those without an entry failed before.
    return [RequestUsage(0, 0, 0, 0, 0)] * (requests - len(entries)) + entries
