"""A model inside this program, for demos and tests, which echoes messages and calls tools that they name."""

from __future__ import annotations

import asyncio
import hashlib
import json
import re
from collections.abc import AsyncIterator, Callable, Sequence
from itertools import count
from typing import TYPE_CHECKING, Any, Final

from agents import FunctionTool, Model, ModelResponse, ModelSettings, ModelTracing, Usage, function_tool
from agents.testing import ModelStep, ScriptedModel, assistant_message, function_call
from openai.types.responses import (
    ResponseFunctionCallArgumentsDeltaEvent,
    ResponseReasoningItem,
    ResponseReasoningSummaryTextDeltaEvent,
    ResponseTextDeltaEvent,
)
from openai.types.responses.response_reasoning_item import Summary
from typing_extensions import override

from tui.agent.settings import OFFLINE
from tui.items.text import item_text
from tui.items.types import is_user_message
from tui.words import shorten

if TYPE_CHECKING:
    from agents import AgentOutputSchemaBase, Handoff, Tool, TResponseInputItem, TResponseOutputItem
    from agents.items import TResponseStreamEvent
    from openai.types.responses.response_prompt_param import ResponsePromptParam

__all__ = ["OfflineModel", "stream_output", "word_count"]

_CHARACTERS_PER_TOKEN: Final = 4
_MAX_ECHO: Final = 240
_WORD: Final = re.compile(r"\s*\S+|\s+$")

_DELTA_EVENTS: Final = (
    ResponseTextDeltaEvent,
    ResponseReasoningSummaryTextDeltaEvent,
    ResponseFunctionCallArgumentsDeltaEvent,
)

_MARKDOWN: Final = """\
Here is a **Markdown sample**, made up *offline*:

1. a list with `code`
2. and a [link](https://example.com)

> A quotation.

| part | share |
|---|---:|
| input | 80 % |
| output | 20 % |

```python
def greet(name: str) -> str:
    return f"Hello, {name}!"
```
"""


@function_tool
def word_count(text: str) -> str:
    """Count the words and characters of a text.

    Args:
        text: The text.
    """
    return f"{len(text.split())} words, {len(text)} characters"


class OfflineModel(Model):
    """Answers from the input alone, without a network; the same input always gets the same answer.

    If a message names a tool, the model calls it with the text after the name: a JSON object of arguments, or the value
    of each string parameter. A message with the word `markdown` gets a sample of Markdown. All other messages are
    echoed. Token counts are estimates.

    Attributes:
        delay: Seconds before each word of a streamed answer.
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
        """Answer in one piece."""
        output, usage = _respond(system_instructions, input, tools, handoffs)
        return ModelResponse(output, usage, response_id=None)

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
    ) -> AsyncIterator[TResponseStreamEvent]:
        """Answer word by word."""
        output, usage = _respond(system_instructions, input, tools, handoffs)
        async for event in stream_output(output, usage, self.delay):
            yield event


async def stream_output(
    output: Sequence[TResponseOutputItem],
    usage: Usage,
    delay: float,
    split: Callable[[str], list[str]] = _WORD.findall,
) -> AsyncIterator[TResponseStreamEvent]:
    """Stream a response as a server does.

    Args:
        output: The items of the response.
        usage: The usage of the response.
        delay: Seconds before each piece of a text.
        split: Splits a text into its pieces.
    """
    # The input is empty, as the scripted model would copy it.
    events = ScriptedModel([ModelStep(output, usage)]).stream_response(
        None,
        [],
        ModelSettings(),
        [],
        None,
        [],
        ModelTracing.DISABLED,
        previous_response_id=None,
        conversation_id=None,
        prompt=None,
    )
    number = count()
    async for event in events:
        if isinstance(event, _DELTA_EVENTS):
            for piece in split(event.delta):
                await asyncio.sleep(delay)
                yield event.model_copy(update={"delta": piece, "sequence_number": next(number)})
        else:
            yield event.model_copy(update={"sequence_number": next(number)})


def _respond(
    system_instructions: str | None,
    message: str | list[TResponseInputItem],
    tools: Sequence[Tool],
    handoffs: Sequence[Handoff],
) -> tuple[list[TResponseOutputItem], Usage]:
    items: list[Any] = [{"role": "user", "content": message}] if isinstance(message, str) else list(message)
    request = json.dumps([system_instructions, items], default=str, sort_keys=True)
    key = hashlib.sha256(request.encode()).hexdigest()[:16]
    schemas = {tool.name: tool.params_json_schema for tool in tools if isinstance(tool, FunctionTool)}
    schemas |= {handoff.tool_name: handoff.input_json_schema for handoff in handoffs}
    output = _answer(items, schemas, key)
    input_tokens = _estimate_tokens(request)
    output_tokens = sum(_estimate_tokens(item.model_dump_json()) for item in output)
    return output, Usage(1, input_tokens, output_tokens=output_tokens, total_tokens=input_tokens + output_tokens)


def _answer(items: Sequence[Any], schemas: dict[str, dict[str, Any]], key: str) -> list[TResponseOutputItem]:
    last = max((index for index, item in enumerate(items) if is_user_message(item)), default=-1)
    text = item_text(items[last]).strip() if last >= 0 else ""
    since = items[last + 1 :]
    outputs = [item_text(item) for item in since if item.get("type") == "function_call_output"]
    if outputs:
        return [assistant_message(f"The tool returned: {shorten(' '.join(outputs), _MAX_ECHO)}", item_id=f"msg_{key}")]
    for name, schema in schemas.items():
        if found := re.search(rf"(?<!\w){re.escape(name)}(?!\w)", text):
            arguments = _arguments(text[found.end() :].strip() or text, schema)
            return [function_call(name, arguments, call_id=f"call_{key}")]
    if re.search(r"\bmarkdown\b", text, re.IGNORECASE):
        summary = [Summary(type="summary_text", text="The message asks for Markdown, and the sample shows most of it.")]
        reasoning = ResponseReasoningItem(id=f"rs_{key}", type="reasoning", summary=summary)
        return [reasoning, assistant_message(_MARKDOWN, item_id=f"msg_{key}")]
    tools = f", or name a tool and I call it: `{next(iter(schemas))} one two three`" if schemas else ""
    echo = (
        f"I am the **offline** model: no server was asked. You wrote: “{shorten(text, _MAX_ECHO)}”\n\n"
        f"Ask me for a *Markdown sample*{tools}."
    )
    return [assistant_message(echo, item_id=f"msg_{key}")]


def _arguments(text: str, schema: dict[str, Any]) -> dict[str, Any]:
    """Return the arguments that a text holds as a JSON object; else give each string parameter the text."""
    try:
        arguments = json.loads(text)
    except ValueError:
        arguments = None
    if isinstance(arguments, dict):
        return arguments
    properties = schema.get("properties", {})
    return {name: text for name, parameter in properties.items() if parameter.get("type") == "string"}


def _estimate_tokens(text: str) -> int:
    return -(-len(text) // _CHARACTERS_PER_TOKEN)
