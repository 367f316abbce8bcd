"""Load the agent that the settings name from a module or a file, or create the plain assistant."""

from __future__ import annotations

import asyncio
import importlib
import importlib.util
import inspect
import os
import sys
import traceback
from collections.abc import Awaitable, Callable
from pathlib import Path
from types import ModuleType
from typing import Any, Final

from agents import Agent, Model, ModelProvider, MultiProvider, OpenAIProvider, RunConfig, Usage, UserError
from agents.models import get_default_model
from agents.testing import assistant_message, function_call
from agents.tracing import get_trace_provider
from openai import AsyncOpenAI, OpenAIError
from openai.types.responses import ResponseReasoningItem
from openai.types.responses.response_reasoning_item import Summary

from tui.agent.env import redact
from tui.agent.loaded_agent import LoadedAgent
from tui.agent.offline import OfflineModel, stream_output, word_count
from tui.agent.settings import OFFLINE, AgentError, AgentSettings, read_instructions

__all__ = ["load_agent", "warm_up"]

_NO_KEY: Final = "none"
"""The key if none is set: most servers on one's own computer need none, but the client requires one."""

_INSTRUCTIONS: Final = "You are a helpful assistant."


async def load_agent(settings: AgentSettings) -> LoadedAgent:
    """Load the user's agent, or create the plain assistant.

    Raises:
        ConfigError: A file, module, attribute, model or key is missing, or the user's code fails or returns no agent.
    """
    client = _client(settings)
    provider = _provider(settings, client)
    model = None if settings.model is None else _model(settings.model, provider)
    config = RunConfig(model=model, model_provider=provider, tracing_disabled=not settings.tracing)
    agent = _assistant(settings, model) if settings.agent is None else await _users_agent(settings)
    if model is None and not isinstance(agent.model, Model):
        # A missing key is reported now, not by the first run.
        _model(agent.model, provider)
    loaded = LoadedAgent(agent, config, settings.max_turns, client, settings.compaction)
    if settings.compact:
        # Only then, as it takes longer to import.
        from tui.agent.compaction import compaction_target

        compaction_target(loaded, loaded.compaction)
    return loaded


def warm_up() -> None:
    """Let the SDK load its certificates and build the types of a stream's events, which would block the first run."""

    async def stream_all_events() -> None:
        summary = [Summary(type="summary_text", text="Reasoning.")]
        output = [
            ResponseReasoningItem(id="reasoning", type="reasoning", summary=summary),
            assistant_message("Text."),
            function_call("tool", {}, call_id="call"),
        ]
        async for _ in stream_output(output, Usage(), delay=0):
            pass

    get_trace_provider()
    asyncio.run(stream_all_events())


def _assistant(settings: AgentSettings, model: Model | None) -> Agent[Any]:
    instructions = _INSTRUCTIONS if settings.instructions is None else read_instructions(settings.instructions)
    tools = [word_count] if settings.model == OFFLINE else []
    return Agent(name="Assistant", instructions=instructions, model=model, tools=[*tools])


def _client(settings: AgentSettings) -> AsyncOpenAI | None:
    if settings.base_url is None or settings.model == OFFLINE:
        return None
    return AsyncOpenAI(base_url=settings.base_url, api_key=os.environ.get("OPENAI_API_KEY") or _NO_KEY)


def _provider(settings: AgentSettings, client: AsyncOpenAI | None) -> ModelProvider:
    use_responses = None if settings.api is None else settings.api == "responses"
    if client is None:
        return MultiProvider(openai_use_responses=use_responses)
    # The SDK's default provider would take the part of a model's name before a slash for another provider.
    return OpenAIProvider(openai_client=client, use_responses=bool(use_responses))


def _model(name: str | None, provider: ModelProvider) -> Model:
    if name == OFFLINE:
        return OfflineModel()
    label = name or get_default_model()
    try:
        return provider.get_model(name)
    except ImportError as error:
        extra = label.partition("/")[0]
        raise AgentError(
            f"The model '{label}' needs {extra}, which is not installed.", f"Run: pip install 'openai-agents[{extra}]'"
        ) from error
    except UserError as error:
        raise AgentError(
            f"There is no model '{label}': {redact(str(error))}.",
            "Use a name of OpenAI's, litellm/provider/name, or give --base-url for a server of your own.",
        ) from error
    except OpenAIError as error:
        raise AgentError(
            f"There is no key for the model '{label}'.",
            "Set OPENAI_API_KEY in the environment or in a file given with --env-file, or use --model offline.",
            redact(str(error)),
        ) from error


async def _users_agent(settings: AgentSettings) -> Agent[Any]:
    location, attribute = settings.location
    module = await asyncio.to_thread(_call_users_code, location, _import, location)
    value: Any = module
    for name in attribute.split("."):
        if not hasattr(value, name):
            raise AgentError(f"{location} has no '{attribute}'.", _list_agents(module))
        value = getattr(value, name)
    if not isinstance(value, Agent) and callable(value):
        value = await asyncio.to_thread(_call_users_code, location, value)
        if inspect.isawaitable(value):
            value = await _await_users_code(location, value)
    if not isinstance(value, Agent):
        kind = "None" if value is None else f"of type {type(value).__name__}"
        raise AgentError(
            f"'{settings.agent}' is no Agent but {kind}.", "Name an agents.Agent, or a function that returns one."
        )
    return value


def _list_agents(module: ModuleType) -> str:
    agents = [name for name, value in vars(module).items() if isinstance(value, Agent) and not name.startswith("_")]
    return f"It has {', '.join(agents)}." if agents else "Name an agents.Agent of it, or a function that returns one."


def _import(location: str) -> ModuleType:
    path = Path(location).expanduser()
    return _import_file(location) if path.suffix == ".py" or len(path.parts) > 1 else _import_module(location)


def _import_module(name: str) -> ModuleType:
    # `python -m` puts the current folder first on the path, an installed script does not.
    folder = str(Path.cwd())
    if folder not in sys.path and "" not in sys.path:
        sys.path.insert(0, folder)
    return importlib.import_module(name)


def _import_file(location: str) -> ModuleType:
    path = Path(location).expanduser().resolve()
    if not path.is_file():
        raise AgentError(f"There is no file {location}.", "Write path/file.py:attribute, from the current folder.")
    # As Python does for a script, so that the file can import its neighbours.
    if str(path.parent) not in sys.path:
        sys.path.insert(0, str(path.parent))
    # Annotations of classes and tools are resolved in the module that `sys.modules` has under its name.
    name = path.stem if path.stem not in sys.modules else f"{path.stem}_by_path"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise AgentError(f"{location} is no Python file.", "Write path/file.py:attribute.")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


def _call_users_code(location: str, function: Callable[..., Any], *arguments: str) -> Any:
    try:
        return function(*arguments)
    # An agent's file may call sys.exit.
    except (Exception, SystemExit) as error:
        raise _as_agent_error(location, error) from error


async def _await_users_code(location: str, awaitable: Awaitable[Any]) -> Any:
    try:
        return await awaitable
    except (Exception, SystemExit) as error:
        raise _as_agent_error(location, error) from error


def _as_agent_error(location: str, error: BaseException) -> AgentError:
    if isinstance(error, AgentError):
        return error
    if isinstance(error, ModuleNotFoundError) and error.name and f"{location}.".startswith(f"{error.name}."):
        return AgentError(
            f"There is no module '{error.name}'.",
            "Write module:attribute as Python imports it, or path/file.py:attribute.",
        )
    own_folder = str(Path(__file__).parent)
    frames = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if not frame.filename.startswith((own_folder, "<frozen"))
    ]
    line = f", line {frames[-1].lineno} of {Path(frames[-1].filename).name}" if frames else ""
    reason = str(error).partition("\n")[0] or "no reason given"
    return AgentError(
        redact(f"{location} cannot be loaded: {type(error).__name__}: {reason}{line}."),
        "Correct it so that Python can import it, then send again.",
        redact("".join([*traceback.format_list(frames), *traceback.format_exception_only(error)])),
    )
