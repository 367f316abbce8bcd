"""From what the user chose to an agent that can run: theirs, from a module or a file, or a plain assistant."""

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
from typing import Any, Final, NamedTuple

from agents import Agent, Model, ModelProvider, MultiProvider, OpenAIProvider, RunConfig, UserError
from agents.models import get_default_model
from openai import AsyncOpenAI, OpenAIError

from tui.agent.env import redact
from tui.agent.errors import AgentError
from tui.agent.offline import OfflineModel
from tui.agent.sample_tools import current_time, word_count
from tui.agent.settings import OFFLINE, AgentSettings, read_instructions

__all__ = ["Loaded", "load"]

_NO_KEY: Final = "none"
"""What a server on one's own computer is sent for a key: most want none, and the client wants one."""

_PLAIN: Final = "You are a helpful assistant."
_OFFLINE_PLAIN: Final = "You are the offline model of a terminal program."


class Loaded(NamedTuple):
    """An agent that can run.

    Attributes:
        agent: The agent that a run starts with.
        config: How it is run.
        max_turns: How many times the model may be asked in a run; None for the SDK's default.
        client: Our connection to the model's server, where we made one.
    """

    agent: Agent[Any]
    config: RunConfig
    max_turns: int | None = None
    client: AsyncOpenAI | None = None

    def model_name(self, agent: Agent[Any]) -> str:
        """The name of the model that an agent of the run is answered by."""
        model = self._model(agent)
        return model if isinstance(model, str) else str(getattr(model, "model", type(model).__name__))

    def estimates(self, agent: Agent[Any]) -> bool:
        """Whether an agent's token counts are estimates and no provider's."""
        return isinstance(self._model(agent), OfflineModel)

    async def close(self) -> None:
        """Close the connections to the model's server."""
        if self.client is not None:
            await self.client.close()

    def _model(self, agent: Agent[Any]) -> str | Model:
        return self.config.model or agent.model or get_default_model()


async def load(choice: AgentSettings) -> Loaded:
    """Load the agent, or make the plain assistant; everything the first request needs is there afterwards.

    Raises:
        ConfigError: There is no such file, module, attribute, model or key, the user's code fails, or what it gives is
            no agent.
    """
    client = _client(choice)
    provider = _provider(choice, client)
    model = None if choice.model is None else _model(choice.model, provider)
    config = RunConfig(model=model, model_provider=provider, tracing_disabled=not choice.tracing)
    agent = _assistant(choice, model) if choice.agent is None else await _load_agent(choice)
    if model is None and not isinstance(agent.model, Model):
        _model(agent.model, provider)
    return Loaded(agent, config, choice.max_turns, client)


def _assistant(choice: AgentSettings, model: Model | None) -> Agent[Any]:
    offline = choice.model == OFFLINE
    plain = _OFFLINE_PLAIN if offline else _PLAIN
    instructions = plain if choice.instructions is None else read_instructions(choice.instructions)
    return Agent(
        name="Assistant",
        instructions=instructions,
        model=model,
        tools=[current_time, word_count] if offline else [],
    )


def _client(choice: AgentSettings) -> AsyncOpenAI | None:
    if choice.base_url is None or choice.model == OFFLINE:
        return None
    return AsyncOpenAI(base_url=choice.base_url, api_key=os.environ.get("OPENAI_API_KEY") or _NO_KEY)


def _provider(choice: AgentSettings, client: AsyncOpenAI | None) -> ModelProvider:
    responses = None if choice.api is None else choice.api == "responses"
    if client is None:
        return MultiProvider(openai_use_responses=responses)
    # Names with a slash are common on such servers, and mean no other provider.
    return OpenAIProvider(openai_client=client, use_responses=bool(responses))


def _model(name: str | None, provider: ModelProvider) -> Model:
    if name == OFFLINE:
        return OfflineModel()
    shown = name or get_default_model()
    try:
        return provider.get_model(name)
    except ImportError as error:
        extra = shown.partition("/")[0]
        raise AgentError(
            f"The model '{shown}' needs {extra}, which is not installed.", f"Run: pip install 'openai-agents[{extra}]'"
        ) from error
    except UserError as error:
        raise AgentError(
            f"There is no model '{shown}': {redact(str(error))}.",
            "Write a name of OpenAI's, litellm/provider/name, or give --base-url for a server of your own.",
        ) from error
    except OpenAIError as error:
        raise AgentError(
            f"There is no key for the model '{shown}'.",
            "Set OPENAI_API_KEY in the environment or in a file given with --env-file, or take --model offline.",
            redact(str(error)),
        ) from error


async def _load_agent(choice: AgentSettings) -> Agent[Any]:
    where, attribute = choice.place
    module = await asyncio.to_thread(_guarded, where, _import, where)
    found: Any = module
    for part in attribute.split("."):
        if not hasattr(found, part):
            raise AgentError(f"{where} has no '{attribute}'.", _offer(module))
        found = getattr(found, part)
    if not isinstance(found, Agent) and callable(found):
        found = await asyncio.to_thread(_guarded, where, found)
        if inspect.isawaitable(found):
            found = await _awaited(where, found)
    if not isinstance(found, Agent):
        raise AgentError(
            f"'{choice.agent}' is no Agent but {_kind(found)}.", "Name an agents.Agent, or a function that returns one."
        )
    return found


def _offer(module: ModuleType) -> str:
    agents = [name for name, value in vars(module).items() if isinstance(value, Agent) and not name.startswith("_")]
    return f"It has {', '.join(agents)}." if agents else "Name an agents.Agent of it, or a function that returns one."


def _kind(value: object) -> str:
    return "None" if value is None else f"of type {type(value).__name__}"


def _import(where: str) -> ModuleType:
    path = Path(where).expanduser()
    return _import_file(where) if path.suffix == ".py" or len(path.parts) > 1 else _import_module(where)


def _import_module(name: str) -> ModuleType:
    # As `python -m` does, for a program that was started as a script.
    folder = str(Path.cwd())
    if folder not in sys.path and "" not in sys.path:
        sys.path.insert(0, folder)
    return importlib.import_module(name)


def _import_file(where: str) -> ModuleType:
    path = Path(where).expanduser().resolve()
    if not path.is_file():
        raise AgentError(f"There is no file {where}.", "Write path/file.py:attribute, from the current folder.")
    # As Python does with a script; what stands beside it can be imported.
    if str(path.parent) not in sys.path:
        sys.path.insert(0, str(path.parent))
    # Its classes and tools look their annotations up by the module's name; no module that is there gives way to it.
    name = path.stem if path.stem not in sys.modules else f"{path.stem}_by_path"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise AgentError(f"{where} is no Python file.", "Write path/file.py:attribute.")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


def _guarded(where: str, call: Callable[..., Any], *arguments: str) -> Any:
    """Call something that runs the user's code."""
    try:
        return call(*arguments)
    # An agent file may well call sys.exit.
    except (Exception, SystemExit) as error:
        raise _failed(where, error) from error


async def _awaited(where: str, awaitable: Awaitable[Any]) -> Any:
    try:
        return await awaitable
    except (Exception, SystemExit) as error:
        raise _failed(where, error) from error


def _failed(where: str, error: BaseException) -> AgentError:
    if isinstance(error, AgentError):
        return error
    if (
        isinstance(error, ModuleNotFoundError)
        and error.name
        and where.split(".")[: error.name.count(".") + 1] == (error.name.split("."))
    ):
        return AgentError(
            f"There is no module '{error.name}'.",
            "Write module:attribute as Python imports it, or path/file.py:attribute.",
        )
    frames = traceback.extract_tb(error.__traceback__)
    ours = str(Path(__file__).parent)
    theirs = [frame for frame in frames if not frame.filename.startswith((ours, "<frozen"))]
    told = "".join([*traceback.format_list(theirs), *traceback.format_exception_only(error)])
    line = f", line {theirs[-1].lineno} of {Path(theirs[-1].filename).name}" if theirs else ""
    what = str(error).partition("\n")[0] or "no reason given"
    return AgentError(
        redact(f"{where} cannot be loaded: {type(error).__name__}: {what}{line}."),
        "Mend it so that Python can import it, then send again.",
        redact(told),
    )
