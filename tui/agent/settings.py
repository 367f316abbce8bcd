"""Who is to answer, as the user says it on the command line or in the configuration file; no SDK is needed for that."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, TypeAlias

from tui.errors import ConfigError

__all__ = ["OFFLINE", "AgentSettings", "Api", "read_instructions"]

Api: TypeAlias = Literal["responses", "chat"]

OFFLINE: Final = "offline"
"""The name of the model inside this program."""


@dataclass(frozen=True, slots=True)
class AgentSettings:
    """An agent of the user's own, or a plain assistant with a model.

    With both an agent and a model, the agent runs with that model in place of its own.

    Attributes:
        agent: `module:attribute` or `path/file.py:attribute`: an `Agent`, or a function, plain or async, returning one.
        model: `offline`, or any name that the SDK resolves, such as `gpt-5` or `litellm/anthropic/claude-sonnet-4-5`.
        instructions: What the plain assistant is told, or `@file` that holds it.
        base_url: Address of an OpenAI-compatible server.
        api: The API that is spoken there: by default `chat` with a `base_url`, else the SDK's choice.
        env_file: File of environment variables, keys among them; the real environment goes first.
        tracing: Whether the SDK may send traces to OpenAI.
        max_turns: How many times the model may be asked in one run; None for the SDK's default.

    Raises:
        ConfigError: What is said cannot be done.
    """

    agent: str | None = None
    model: str | None = None
    instructions: str | None = None
    base_url: str | None = None
    api: Api | None = None
    env_file: Path | None = None
    tracing: bool = False
    max_turns: int | None = None

    def __post_init__(self) -> None:
        if self.agent is None and self.model is None:
            raise ConfigError(
                "Neither an agent nor a model is named.", "Give --agent module:attribute or --model NAME."
            )
        if self.agent is not None and not all(part.strip() for part in self.place):
            raise ConfigError(
                f"'{self.agent}' does not say where the agent is.",
                "Write module:attribute or path/file.py:attribute, as in agents/travel.py:agent.",
            )
        if self.agent is not None and self.instructions is not None:
            raise ConfigError(
                "An agent of your own has its own instructions.", "Leave out either --agent or --instructions."
            )
        if self.base_url is not None and not self.base_url.startswith(("http://", "https://")):
            raise ConfigError(
                f"'{self.base_url}' is no address of a server.", "Write it with its scheme: http://localhost:11434/v1."
            )
        if self.api not in (None, "responses", "chat"):
            raise ConfigError(f"There is no API '{self.api}'.", "Choose responses or chat.")
        if self.max_turns is not None and self.max_turns < 1:
            raise ConfigError(f"An agent cannot do with {self.max_turns} turns.", "Give max_turns 1 or more.")

    @property
    def place(self) -> tuple[str, str]:
        """Module or file, and attribute, of `agent`; empty where that does not name both."""
        where, _, attribute = (self.agent or "").rpartition(":")
        return where, attribute

    @property
    def label(self) -> str:
        """What it is called on the screen: the agent's or the model's name, `offline` where no model is asked."""
        if self.agent is None:
            return self.model or ""
        where, attribute = self.place
        path = Path(where)
        name = f"{path.stem if path.suffix == '.py' else where}:{attribute}"
        return name if self.model is None else f"{name} · {self.model}"


def read_instructions(instructions: str) -> str:
    """The text of instructions: themselves, or the content of the file after an `@`.

    Raises:
        ConfigError: The file cannot be read.
    """
    if not instructions.startswith("@"):
        return instructions
    path = Path(instructions[1:]).expanduser()
    try:
        return path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise ConfigError(
            f"The instructions in {path} cannot be read: {reason}.", "Name a text file after the @."
        ) from error
