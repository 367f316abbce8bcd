"""What went wrong in a run, told in one sentence, with what to do about it."""

from __future__ import annotations

import json
import re
import sqlite3
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

import agents
import openai
from agents import (
    AgentsException,
    InputGuardrailTripwireTriggered,
    MaxTurnsExceeded,
    ModelBehaviorError,
    ModelRefusalError,
    ModelTimeoutError,
    OutputGuardrailTripwireTriggered,
    ToolInputGuardrailTripwireTriggered,
    ToolOutputGuardrailTripwireTriggered,
    ToolTimeoutError,
    UserError,
)

from tui.agent.env import redact
from tui.errors import ConvoError

__all__ = ["EmptyAnswerError", "Failure", "explain"]

_LONGEST: Final = 300
"""Characters of a server's or a tool's own words in our sentence; the details have all of them."""

_OURS: Final = tuple(str(Path(module.__file__ or "").parent) for module in (agents, openai))

_TOOL_FAILED: Final = re.compile(r"Error running tool (?P<tool>[^:]+): (?P<what>.*)", re.DOTALL)
_TOO_LONG: Final = re.compile(
    r"context_length_exceeded|maximum context length|context (?:window|length|size)|prompt is too long|too many tokens",
    re.IGNORECASE,
)
_FILTERED: Final = re.compile(r"content_filter|content_policy|content management policy", re.IGNORECASE)
_LIMITED: Final = re.compile(r"rate_limit", re.IGNORECASE)
_BROKEN: Final = re.compile(r"did not produce a final response|stream ended without", re.IGNORECASE)


class Failure(NamedTuple):
    """Why a run failed; secrets are removed from all of it.

    Attributes:
        sentence: What went wrong.
        hint: What to do about it.
        details: The server's answer or a traceback.
        refused: Whether a guardrail refused what was said, so that nothing of it is to be stored.
    """

    sentence: str
    hint: str
    details: str
    refused: bool = False


class EmptyAnswerError(Exception):
    """The model answered with nothing at all."""


class _Told(NamedTuple):
    sentence: str
    hint: str
    refused: bool = False


def explain(error: Exception) -> Failure:
    """Tell an exception of a run to a person."""
    told = _tell(error)
    return Failure(redact(told.sentence), redact(told.hint), redact(_details(error)), told.refused)


def _tell(error: Exception) -> _Told:
    match error:
        case ConvoError():
            return _Told(str(error), error.hint)
        case EmptyAnswerError():
            return _Told("The model gave no answer.", "Send again; if it stays so, look at the server.")
        case openai.OpenAIError():
            return _tell_client(error)
        case AgentsException():
            return _tell_sdk(error)
        case json.JSONDecodeError() | UnicodeDecodeError():
            return _Told(
                "The server's answer is broken: it is no JSON.", "Send again; if it stays so, look at the server."
            )
        case sqlite3.Error():
            return _Told(
                f"The file could not be written: {error}.", "See whether another program holds it, and send again."
            )
        case ImportError():
            return _Told(f"Something that the agent needs is not installed: {error}.", "Install it and send again.")
        case TimeoutError():
            return _Told("The answer did not come in time.", "Send again.")
    if type(error).__module__.partition(".")[0] in ("httpx", "httpx2", "httpcore", "httpcore2"):
        return _cut_off()
    what = _short(str(error))
    kind = type(error).__name__
    return _Told(f"The run failed: {kind}{f': {what}' if what else ''}.", "The details say where.")


def _tell_client(error: openai.OpenAIError) -> _Told:
    """What the client of the model's server says."""
    body = f"{error} {getattr(error, 'code', None) or ''}"
    if _TOO_LONG.search(body):
        return _too_long()
    if _FILTERED.search(body) or isinstance(error, openai.ContentFilterFinishReasonError):
        return _filtered()
    match error:
        case openai.APITimeoutError():
            return _Told("The server did not answer in time.", "Send again, or see whether the server is busy.")
        case openai.APIConnectionError():
            return _tell_connection(error)
        case openai.AuthenticationError():
            return _Told("The server refuses the key (401).", "Check the key in the environment or in the --env-file.")
        case openai.PermissionDeniedError():
            return _Told("The key may not use this model (403).", "Take another model, or a key that may use it.")
        case openai.NotFoundError():
            return _Told(
                f"The server does not know the model or the address (404): {_said(error)}.",
                "Check --model, --base-url and --api; a base URL often ends in /v1.",
            )
        case openai.RateLimitError():
            if error.code == "insufficient_quota":
                return _Told("The account has no credit left (429).", "Add credit, or take another key.")
            return _Told("The server wants fewer requests (429, rate limit).", "Wait a little and send again.")
        case openai.InternalServerError():
            return _Told(f"The server failed ({error.status_code}): {_said(error)}.", "Send again in a while.")
        case openai.APIStatusError():
            return _Told(
                f"The server refused the request ({error.status_code}): {_said(error)}.", "The details say why."
            )
        case openai.APIError() if _LIMITED.search(body):
            return _Told("The server wants fewer requests (rate limit).", "Wait a little and send again.")
        case openai.APIError():
            return _Told(f"The server broke off: {_said(error)}.", "Send again.")
    if "api_key" in str(error) or "credentials" in str(error).lower():
        return _Told(
            "There is no key for the model.",
            "Set OPENAI_API_KEY in the environment or in a file given with --env-file, or take --model offline.",
        )
    return _Told(f"The model's server cannot be asked: {_short(str(error))}.", "The details say why.")


def _tell_connection(error: openai.APIConnectionError) -> _Told:
    names = {type(cause).__name__ for cause in _causes(error)}
    if names & {"RemoteProtocolError", "ReadError", "IncompleteRead"} and "ConnectError" not in names:
        return _cut_off()
    return _Told(
        f"The server at {error.request.url.host} cannot be reached.",
        "See whether it runs, and check --base-url and network.",
    )


def _tell_sdk(error: AgentsException) -> _Told:
    """What the SDK says."""
    match error:
        case InputGuardrailTripwireTriggered():
            name = error.guardrail_result.guardrail.get_name()
            return _Told(f"The guardrail '{name}' refused the message.", "Say it in other words.", refused=True)
        case OutputGuardrailTripwireTriggered():
            name = error.guardrail_result.guardrail.get_name()
            return _Told(f"The guardrail '{name}' refused the answer.", "Ask in other words.", refused=True)
        case ToolInputGuardrailTripwireTriggered() | ToolOutputGuardrailTripwireTriggered():
            name = error.guardrail.get_name()
            return _Told(f"The guardrail '{name}' stopped a tool.", "Ask for something else.", refused=True)
        case MaxTurnsExceeded():
            return _Told(
                f"The agent was not done after the most turns it may take: {_short(str(error))}.",
                "Send 'go on' to let it continue, or give it more with --max-turns.",
            )
        case ModelTimeoutError():
            return _Told(f"The model did not answer within {error.timeout_seconds:g} seconds.", "Send again.")
        case ToolTimeoutError():
            return _Told(
                f"The tool '{error.tool_name}' took longer than {error.timeout_seconds:g} seconds.", "Send again."
            )
        case ModelRefusalError():
            return _Told(f"The model refused: {_short(error.refusal)}.", "Ask in other words.")
        case ModelBehaviorError():
            return _tell_behaviour(error.message)
        case UserError() if found := _TOOL_FAILED.match(error.message):
            return _Told(
                f"The tool '{found['tool']}' failed: {_short(found['what']) or 'no reason given'}.",
                "Mend the tool, or ask for something else; the details say where.",
            )
        case UserError():
            return _Told(f"The agent is not set up right: {_short(error.message)}.", "Mend the agent and send again.")
    return _Told(f"The run failed: {_short(str(error))}.", "The details say where.")


def _tell_behaviour(message: str) -> _Told:
    if _TOO_LONG.search(message):
        return _too_long()
    if _FILTERED.search(message):
        return _filtered()
    if _LIMITED.search(message):
        return _Told("The server wants fewer requests (rate limit).", "Wait a little and send again.")
    if _BROKEN.search(message):
        return _cut_off()
    if "max_output_tokens" in message:
        return _Told(
            "The answer reached the most tokens it may have.", "Send 'go on', or let the agent answer at length."
        )
    if "response.failed" in message or "terminal event `error`" in message:
        return _Told(f"The server broke off: {_short(message)}.", "Send again.")
    return _Told(f"The model did what it may not: {_short(message)}.", "Send again, or take another model.")


def _too_long() -> _Told:
    return _Told(
        "The conversation is too long for the model.",
        "Fork from an earlier turn, or take a model with a larger context.",
    )


def _filtered() -> _Told:
    return _Told("The server's content filter refused this.", "Say it in other words.")


def _cut_off() -> _Told:
    return _Told("The server broke off in the middle of its answer.", "Send again; what had come is kept.")


def _said(error: openai.APIError) -> str:
    """The server's own words."""
    body: Any = error.body
    if isinstance(body, dict):
        body = body.get("error", body)
    if isinstance(body, dict):
        body = body.get("message")
    return _short(body if isinstance(body, str) and body else error.message)


def _short(text: str) -> str:
    text = " ".join(text.split()).rstrip(".")
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _details(error: Exception) -> str:
    """The server's answer where there is one, else where in whose code it happened."""
    if isinstance(error, ConvoError):
        return str(getattr(error, "details", ""))
    if isinstance(error, openai.APIStatusError):
        request = error.request_id
        lines = [
            f"{error.request.method} {error.request.url}",
            f"{error.status_code}{f' {request}' if request else ''}",
        ]
        return "\n".join([*lines, error.response.text])
    told: list[str] = []
    for cause in reversed(list(_causes(error))):
        frames = traceback.extract_tb(cause.__traceback__)
        theirs = [frame for frame in frames if not frame.filename.startswith(_OURS)]
        told += [*traceback.format_list(theirs), *traceback.format_exception_only(cause)]
    return "".join(told).strip()
