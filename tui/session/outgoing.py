"""The request that the SDK is about to send to a model.

The SDK's hook before a request gets the instructions and the input, but neither the tools nor the settings. These
depend on the run's configuration, which no hook gets, and asking the agent for its tools would ask each MCP server once
more. So they are read where they are: in the variables of the SDK's function that calls the hook. Another version of
the SDK may name them otherwise; then they are not known, and a test fails.
"""

from __future__ import annotations

from contextlib import suppress
from types import FrameType
from typing import Any, Final, NamedTuple

from agents import AgentOutputSchemaBase, Handoff, Model, ModelSettings, RunResultStreaming, Tool
from agents.models.openai_responses import Converter
from pydantic import TypeAdapter
from pydantic_core import to_jsonable_python

__all__ = ["Outgoing", "as_json"]

_HIDDEN: Final = "•••"

_SECRET_SETTINGS: Final = ("extra_headers", "extra_query")
_SECRET_TOOL_FIELDS: Final = ("authorization", "headers")
"""Their values may be keys."""


class Outgoing(NamedTuple):
    """The parts of a request that no hook gets, as the SDK hands them to the model.

    Attributes:
        result: The result of the run, if that is streamed.
    """

    model: Model
    settings: ModelSettings
    tools: list[Tool]
    handoffs: list[Handoff[Any, Any]]
    output_schema: AgentOutputSchemaBase | None
    prompt: Any
    result: RunResultStreaming | None

    @classmethod
    def read(cls, frame: FrameType | None) -> Outgoing | None:
        """Return what the SDK's function that runs in a frame is about to send; None if it is another function."""
        found: dict[str, Any] = {} if frame is None else frame.f_locals
        model, settings = found.get("model"), found.get("model_settings")
        tools, handoffs = found.get("all_tools"), found.get("handoffs")
        if not (isinstance(model, Model) and isinstance(settings, ModelSettings)):
            return None
        if not (isinstance(tools, list) and isinstance(handoffs, list)):
            return None
        # The key is added after the hook. The SDK makes it once, so to ask for it now changes nothing.
        with suppress(AttributeError, KeyError, TypeError):
            key = found["prompt_cache_key_resolver"].resolve(
                settings,
                model=model,
                conversation_id=None,
                session=found["session"],
                group_id=found["run_config"].group_id,
            )
            if key is not None:
                settings = settings.resolve(ModelSettings(extra_args={"prompt_cache_key": key}))
        result = found.get("streamed_result")
        return cls(
            model,
            settings,
            tools,
            handoffs,
            found.get("output_schema"),
            found.get("prompt_config"),
            result if isinstance(result, RunResultStreaming) else None,
        )

    @property
    def model_name(self) -> str:
        """The name of the model; that of its class if it has none."""
        name = getattr(self.model, "model", None)
        return name if isinstance(name, str) else type(self.model).__name__

    def tools_as_json(self) -> list[dict[str, Any]]:
        """Return the tools and handoffs as the Responses API takes them, without keys."""
        converted = Converter.convert_tools(self.tools, self.handoffs, allow_opaque_tool_search_surface=True)
        tools: list[dict[str, Any]] = as_json(converted.tools)
        for tool in tools:
            if tool.get("type") == "mcp":
                tool.update((name, _HIDDEN) for name in _SECRET_TOOL_FIELDS if tool.get(name))
        return tools

    def settings_as_json(self) -> dict[str, Any]:
        """Return the settings that are set, with the format of the answer and the prompt; without keys."""
        # As `to_json_dict`, and of `reasoning`, too, a client sends only what is set.
        known: dict[str, Any] = TypeAdapter(ModelSettings).dump_python(self.settings, mode="json", exclude_unset=True)
        settings = {name: value for name, value in known.items() if value is not None}
        for name in _SECRET_SETTINGS:
            if name in settings:
                settings[name] = dict.fromkeys(settings[name], _HIDDEN)
        schema = self.output_schema
        if schema is not None and not schema.is_plain_text():
            settings["response_format"] = {
                "type": "json_schema",
                "name": schema.name(),
                "schema": schema.json_schema(),
                "strict": schema.is_strict_json_schema(),
            }
        if self.prompt is not None:
            settings["prompt"] = self.prompt
        checked: dict[str, Any] = as_json(settings)
        return checked


def as_json(value: object) -> Any:
    """Return a copy of a value that consists of JSON values alone."""
    return to_jsonable_python(value, fallback=str)
