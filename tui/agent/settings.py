"""The agent and model that the user chose on the command line or in the configuration file; imports no SDK."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, NamedTuple, TypeAlias

from tui.errors import ConfigError

__all__ = ["OFFLINE", "AgentError", "AgentSettings", "Api", "Compaction", "read_instructions"]

Api: TypeAlias = Literal["responses", "chat"]

OFFLINE: Final = "offline"
"""Name of the model inside this program."""


class AgentError(ConfigError):
    """The agent or its model cannot be loaded.

    Attributes:
        details: A traceback or the server's answer, without secrets.
    """

    def __init__(self, message: str, hint: str = "", details: str = "") -> None:
        super().__init__(message, hint)
        self.details = details


class Compaction(NamedTuple):
    """Settings for the compaction of branches.

    Attributes:
        automatic: Whether the branch of a run is compacted after an answer.
        model: The model that compacts; by default the agent's if it is one of OpenAI's.
        after: The number of items, without the user's messages, from which on that is done; None for the SDK's default.
    """

    automatic: bool = False
    model: str | None = None
    after: int | None = None


@dataclass(frozen=True, slots=True)
class AgentSettings:
    """An agent of the user's own, or a plain assistant on a model.

    With both an agent and a model, the agent runs on that model in place of its own.

    Attributes:
        agent: `module:attribute` or `path/file.py:attribute`: an `Agent`, or a function, also async, that returns one.
        model: `offline`, or any name that the SDK resolves, such as `gpt-5` or `litellm/anthropic/claude-sonnet-4-5`.
        instructions: Instructions of the plain assistant, or `@` and the file that holds them.
        base_url: Address of an OpenAI-compatible server.
        api: The API of that server: by default `chat` with a `base_url`, else the SDK's default.
        env_file: File of environment variables such as keys; variables that are already set take precedence.
        tracing: Whether the SDK sends traces to OpenAI.
        max_turns: Number of times that the model may be called in one run; None for the SDK's default.
        compact: Whether the branch of a run is compacted after an answer once it is long enough.
        compact_model: The model that compacts; by default the agent's if it is one of OpenAI's.
        compact_after: The number of items, without the user's messages, from which on a branch is compacted; None for
            the SDK's default.

    Raises:
        ConfigError: A setting is invalid, or two settings exclude each other.
    """

    agent: str | None = None
    model: str | None = None
    instructions: str | None = None
    base_url: str | None = None
    api: Api | None = None
    env_file: Path | None = None
    tracing: bool = False
    max_turns: int | None = None
    compact: bool = False
    compact_model: str | None = None
    compact_after: int | None = None

    def __post_init__(self) -> None:
        if self.agent is None and self.model is None:
            raise ConfigError(
                "Neither an agent nor a model is given.", "Give --agent module:attribute or --model NAME."
            )
        if self.agent is not None and not all(part.strip() for part in self.location):
            raise ConfigError(
                f"'{self.agent}' is not the location of an agent.",
                "Write module:attribute or path/file.py:attribute, as in agents/travel.py:agent.",
            )
        if self.agent is not None and self.instructions is not None:
            raise ConfigError(
                "An agent of your own has its own instructions.", "Omit either --agent or --instructions."
            )
        if self.base_url is not None and not self.base_url.startswith(("http://", "https://")):
            raise ConfigError(
                f"'{self.base_url}' is not the address of a server.",
                "Write it with its scheme: http://localhost:11434/v1.",
            )
        if self.api not in (None, "responses", "chat"):
            raise ConfigError(f"There is no API '{self.api}'.", "Choose responses or chat.")
        if self.max_turns is not None and self.max_turns < 1:
            raise ConfigError(f"max_turns is {self.max_turns}.", "Set it to 1 or more.")
        if self.compact_after is not None and self.compact_after < 1:
            raise ConfigError(f"compact_after is {self.compact_after}.", "Set it to 1 or more.")

    @property
    def compaction(self) -> Compaction:
        """Settings for the compaction of branches."""
        return Compaction(self.compact, self.compact_model, self.compact_after)

    @property
    def location(self) -> tuple[str, str]:
        """The module or file of `agent`, and the attribute in it; empty if missing."""
        module, _, attribute = (self.agent or "").rpartition(":")
        return module, attribute

    @property
    def label(self) -> str:
        """The agent's or the model's name, as the screen shows it."""
        if self.agent is None:
            return self.model or ""
        module, attribute = self.location
        path = Path(module)
        name = f"{path.stem if path.suffix == '.py' else module}:{attribute}"
        return name if self.model is None else f"{name} · {self.model}"


def read_instructions(instructions: str) -> str:
    """Return instructions, or the content of the file that they name after an `@`.

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
