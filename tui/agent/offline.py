"""A model inside this program: deterministic, no network, and plainly no intelligence."""

from __future__ import annotations

import asyncio
import hashlib
import json
import math
import re
from collections.abc import AsyncIterator, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final

from agents import FunctionTool, Model, ModelResponse
from agents import Usage as SDKUsage
from openai.types.responses import (
    Response,
    ResponseCompletedEvent,
    ResponseContentPartAddedEvent,
    ResponseContentPartDoneEvent,
    ResponseCreatedEvent,
    ResponseFunctionCallArgumentsDeltaEvent,
    ResponseFunctionCallArgumentsDoneEvent,
    ResponseFunctionToolCall,
    ResponseOutputItem,
    ResponseOutputItemAddedEvent,
    ResponseOutputItemDoneEvent,
    ResponseOutputMessage,
    ResponseOutputText,
    ResponseReasoningItem,
    ResponseReasoningSummaryTextDeltaEvent,
    ResponseStreamEvent,
    ResponseTextDeltaEvent,
    ResponseTextDoneEvent,
    ResponseUsage,
)
from openai.types.responses.response_reasoning_item import Summary
from openai.types.responses.response_usage import InputTokensDetails, OutputTokensDetails
from typing_extensions import override

from tui.agent.offline_replies import Offered, Reply, reply
from tui.agent.settings import OFFLINE

if TYPE_CHECKING:
    from agents import (
        AgentOutputSchemaBase,
        Handoff,
        ModelSettings,
        ModelTracing,
        Tool,
        TResponseInputItem,
    )
    from openai.types.responses.response_prompt_param import ResponsePromptParam

__all__ = ["OfflineModel", "every_event"]

_CHARACTERS_PER_TOKEN: Final = 4
_WORD: Final = re.compile(r"\s*\S+|\s+$")


class OfflineModel(Model):
    """Answers from the input alone: repeats and counts what was said, calls the tools that are named.

    The same input gives the same answer, ids included. Its token counts are estimates, four characters to a token.

    Attributes:
        delay: Seconds between two words, so that an answer is seen to stream.
    """

    def __init__(self, delay: float = 0.015) -> None:
        self.model = OFFLINE
        self.delay = delay

    @override
    async def get_response(
        self,
        system_instructions: str | None,
        input: str | list[TResponseInputItem],
        model_settings: ModelSettings,
        tools: list[Tool],
        output_schema: AgentOutputSchemaBase | None,
        handoffs: list[Handoff],
        tracing: ModelTracing,
        *,
        previous_response_id: str | None,
        conversation_id: str | None,
        prompt: ResponsePromptParam | None,
    ) -> ModelResponse:
        """Answer at once."""
        response = _response(system_instructions, input, tools, output_schema, handoffs)
        usage = response.usage
        return ModelResponse(
            output=response.output,
            usage=SDKUsage()
            if usage is None
            else SDKUsage(
                requests=1,
                input_tokens=usage.input_tokens,
                output_tokens=usage.output_tokens,
                total_tokens=usage.total_tokens,
            ),
            response_id=response.id,
        )

    @override
    async def stream_response(
        self,
        system_instructions: str | None,
        input: str | list[TResponseInputItem],
        model_settings: ModelSettings,
        tools: list[Tool],
        output_schema: AgentOutputSchemaBase | None,
        handoffs: list[Handoff],
        tracing: ModelTracing,
        *,
        previous_response_id: str | None = None,
        conversation_id: str | None = None,
        prompt: ResponsePromptParam | None = None,
    ) -> AsyncIterator[ResponseStreamEvent]:
        """Answer word by word."""
        response = _response(system_instructions, input, tools, output_schema, handoffs)
        for sequence_number, event in enumerate(_events(response)):
            event.sequence_number = sequence_number
            if event.type.endswith(".delta"):
                await asyncio.sleep(self.delay)
            yield event


def every_event() -> Iterator[ResponseStreamEvent]:
    """The events of a response with one of everything."""
    return _events(_giving(Reply("Said.", (("tool", {}),), "Thought."), "anything"))


def _response(
    system_instructions: str | None,
    said: str | list[TResponseInputItem],
    tools: Sequence[Tool],
    output_schema: AgentOutputSchemaBase | None,
    handoffs: Sequence[Handoff],
) -> Response:
    items: list[Any] = [{"role": "user", "content": said}] if isinstance(said, str) else list(said)
    answer = reply(
        items,
        [Offered(tool.name, (), tool.params_json_schema) for tool in tools if isinstance(tool, FunctionTool)]
        + [Offered(handoff.tool_name, (handoff.agent_name,), handoff.input_json_schema) for handoff in handoffs],
        None if output_schema is None or output_schema.is_plain_text() else output_schema.json_schema(),
    )
    return _giving(answer, json.dumps([system_instructions, items], default=str, sort_keys=True))


def _giving(answer: Reply, asked: str) -> Response:
    key = hashlib.sha256(asked.encode()).hexdigest()[:16]
    output = list(_output(answer, key))
    spent_in = _tokens(asked)
    spent_out = sum(_tokens(item.model_dump_json()) for item in output)
    return Response(
        id=f"resp_{key}",
        created_at=0,
        model=OFFLINE,
        object="response",
        output=output,
        parallel_tool_calls=True,
        tool_choice="auto",
        tools=[],
        status="completed",
        usage=ResponseUsage(
            input_tokens=spent_in,
            input_tokens_details=InputTokensDetails(cached_tokens=0, cache_write_tokens=0),
            output_tokens=spent_out,
            output_tokens_details=OutputTokensDetails(reasoning_tokens=_tokens(answer.thought)),
            total_tokens=spent_in + spent_out,
        ),
    )


def _tokens(text: str) -> int:
    return math.ceil(len(text) / _CHARACTERS_PER_TOKEN)


def _output(answer: Reply, key: str) -> Iterator[ResponseOutputItem]:
    if answer.thought:
        summary = [Summary(type="summary_text", text=answer.thought)]
        yield ResponseReasoningItem(id=f"rs_{key}", type="reasoning", summary=summary)
    if answer.text:
        text = ResponseOutputText(type="output_text", text=answer.text, annotations=[])
        yield ResponseOutputMessage(
            id=f"msg_{key}", type="message", role="assistant", status="completed", content=[text]
        )
    for number, (name, arguments) in enumerate(answer.calls):
        yield ResponseFunctionToolCall(
            id=f"fc_{key}_{number}",
            call_id=f"call_{key}_{number}",
            type="function_call",
            name=name,
            arguments=json.dumps(arguments, ensure_ascii=False),
            status="completed",
        )


def _words(text: str) -> list[str]:
    return _WORD.findall(text)


def _events(response: Response) -> Iterator[ResponseStreamEvent]:
    """The events that stream a response; their sequence numbers are set by who sends them."""
    begun = response.model_copy(update={"output": [], "status": "in_progress", "usage": None})
    yield ResponseCreatedEvent(type="response.created", response=begun, sequence_number=0)
    for index, item in enumerate(response.output):
        yield from _item_events(index, item)
    yield ResponseCompletedEvent(type="response.completed", response=response, sequence_number=0)


def _item_events(index: int, item: ResponseOutputItem) -> Iterator[ResponseStreamEvent]:
    match item:
        case ResponseReasoningItem():
            yield _added(index, item.model_copy(update={"summary": []}))
            for part, summary in enumerate(item.summary):
                for delta in _words(summary.text):
                    yield ResponseReasoningSummaryTextDeltaEvent(
                        type="response.reasoning_summary_text.delta",
                        item_id=item.id,
                        output_index=index,
                        summary_index=part,
                        delta=delta,
                        sequence_number=0,
                    )
        case ResponseOutputMessage():
            yield _added(index, item.model_copy(update={"content": [], "status": "in_progress"}))
            for part, content in enumerate(item.content):
                if isinstance(content, ResponseOutputText):
                    yield from _text_events(index, item.id, part, content)
        case ResponseFunctionToolCall(id=str(item_id)):
            yield _added(index, item.model_copy(update={"arguments": "", "status": "in_progress"}))
            for delta in _words(item.arguments):
                yield ResponseFunctionCallArgumentsDeltaEvent(
                    type="response.function_call_arguments.delta",
                    item_id=item_id,
                    output_index=index,
                    delta=delta,
                    sequence_number=0,
                )
            yield ResponseFunctionCallArgumentsDoneEvent(
                type="response.function_call_arguments.done",
                item_id=item_id,
                output_index=index,
                arguments=item.arguments,
                sequence_number=0,
            )
    yield ResponseOutputItemDoneEvent(
        type="response.output_item.done", output_index=index, item=item, sequence_number=0
    )


def _added(index: int, item: ResponseOutputItem) -> ResponseOutputItemAddedEvent:
    return ResponseOutputItemAddedEvent(
        type="response.output_item.added", output_index=index, item=item, sequence_number=0
    )


def _text_events(index: int, item_id: str, part: int, content: ResponseOutputText) -> Iterator[ResponseStreamEvent]:
    empty = content.model_copy(update={"text": ""})
    yield ResponseContentPartAddedEvent(
        type="response.content_part.added",
        item_id=item_id,
        output_index=index,
        content_index=part,
        part=empty,
        sequence_number=0,
    )
    for delta in _words(content.text):
        yield ResponseTextDeltaEvent(
            type="response.output_text.delta",
            item_id=item_id,
            output_index=index,
            content_index=part,
            delta=delta,
            logprobs=[],
            sequence_number=0,
        )
    yield ResponseTextDoneEvent(
        type="response.output_text.done",
        item_id=item_id,
        output_index=index,
        content_index=part,
        text=content.text,
        logprobs=[],
        sequence_number=0,
    )
    yield ResponseContentPartDoneEvent(
        type="response.content_part.done",
        item_id=item_id,
        output_index=index,
        content_index=part,
        part=content,
        sequence_number=0,
    )
