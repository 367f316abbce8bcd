"""Messages for the exceptions of a run: what went wrong, and what to do about it."""

from __future__ import annotations

import json
import re
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
from tui.storage.open import is_database_error
from tui.words import shorten

__all__ = ["EmptyAnswerError", "ErrorMessage", "describe"]

_MAX_QUOTE: Final = 300
"""Characters of the message of a server or a tool that are quoted; the details have the entire message."""

_LIBRARY_FOLDERS: Final = tuple(str(Path(module.__file__ or "").parent) for module in (agents, openai))

_TOOL_FAILED: Final = re.compile(r"Error running tool (?P<tool>[^:]+): (?P<reason>.*)", re.DOTALL)
_CONTEXT_LENGTH: Final = re.compile(
    r"context_length_exceeded|maximum context length|context (?:window|length|size)|prompt is too long|too many tokens",
    re.IGNORECASE,
)
_CONTENT_FILTER: Final = re.compile(r"content_filter|content_policy|content management policy", re.IGNORECASE)
_RATE_LIMIT: Final = re.compile(r"rate_limit", re.IGNORECASE)
_INCOMPLETE: Final = re.compile(r"did not produce a final response|stream ended without", re.IGNORECASE)


class ErrorMessage(NamedTuple):
    """A message about a failed run.

    Attributes:
        text: The error, one sentence.
        hint: Advice on it.
        details: The server's answer or a traceback.
        refused: Whether a guardrail refused the message or the answer; what it refused is not stored.
    """

    text: str
    hint: str
    details: str = ""
    refused: bool = False


_CONTEXT_EXCEEDED: Final = ErrorMessage(
    "The conversation is too long for the model.",
    "Fork from an earlier turn, or use a model with a larger context window.",
)
_FILTERED: Final = ErrorMessage("The server's content filter refused the request.", "Reword the message.")
_RATE_LIMITED: Final = ErrorMessage("The server's rate limit is reached.", "Wait a little, then send again.")
_CONNECTION_LOST: Final = ErrorMessage(
    "The server broke off in the middle of its answer.", "Send again; the part that arrived is kept."
)


class EmptyAnswerError(Exception):
    """The model's answer is empty."""


def describe(error: Exception) -> ErrorMessage:
    """Return the message for an exception of a run, without secrets."""
    message = _message(error)
    return ErrorMessage(redact(message.text), redact(message.hint), redact(_details(error)), message.refused)


def _message(error: Exception) -> ErrorMessage:
    match error:
        case ConvoError():
            return ErrorMessage(str(error), error.hint)
        case EmptyAnswerError():
            return ErrorMessage("The model gave no answer.", "Send again; if that does not help, check the server.")
        case openai.OpenAIError():
            return _client_error(error)
        case AgentsException():
            return _sdk_error(error)
        case json.JSONDecodeError() | UnicodeDecodeError():
            return ErrorMessage(
                "The server's answer is broken: it is not JSON.", "Send again; if that does not help, check the server."
            )
        case _ if is_database_error(error):
            return ErrorMessage(
                f"The file could not be written: {error}.", "Check whether another program holds it, then send again."
            )
        case ImportError():
            return ErrorMessage(
                f"The agent needs a package that is not installed: {error}.", "Install it, then send again."
            )
        case TimeoutError():
            return ErrorMessage("The answer did not arrive in time.", "Send again.")
    if type(error).__module__.partition(".")[0] in ("httpx", "httpx2", "httpcore", "httpcore2"):
        return _CONNECTION_LOST
    reason = _quote(str(error))
    return ErrorMessage(f"The run failed: {type(error).__name__}{f': {reason}' if reason else ''}.", "See the details.")


def _client_error(error: openai.OpenAIError) -> ErrorMessage:
    body = f"{error} {getattr(error, 'code', None) or ''}"
    if _CONTEXT_LENGTH.search(body):
        return _CONTEXT_EXCEEDED
    if _CONTENT_FILTER.search(body) or isinstance(error, openai.ContentFilterFinishReasonError):
        return _FILTERED
    match error:
        case openai.APITimeoutError():
            return ErrorMessage(
                "The server did not answer in time.", "Send again, or check whether the server is busy."
            )
        case openai.APIConnectionError():
            return _connection_error(error)
        case openai.AuthenticationError():
            return ErrorMessage(
                "The server refuses the key (401).", "Check the key in the environment or in the --env-file."
            )
        case openai.PermissionDeniedError():
            return ErrorMessage("The key may not use this model (403).", "Use another model, or a key that may use it.")
        case openai.NotFoundError():
            return ErrorMessage(
                f"The server does not know the model or the address (404): {_server_message(error)}.",
                "Check --model, --base-url and --api; a base URL often ends in /v1.",
            )
        case openai.RateLimitError():
            if error.code == "insufficient_quota":
                return ErrorMessage("The account has no credit left (429).", "Add credit, or use another key.")
            return _RATE_LIMITED._replace(text="The server's rate limit is reached (429).")
        case openai.InternalServerError():
            return ErrorMessage(
                f"The server failed ({error.status_code}): {_server_message(error)}.", "Send again in a while."
            )
        case openai.APIStatusError():
            return ErrorMessage(
                f"The server refused the request ({error.status_code}): {_server_message(error)}.", "See the details."
            )
        case openai.APIError() if _RATE_LIMIT.search(body):
            return _RATE_LIMITED
        case openai.APIError():
            return ErrorMessage(f"The server broke off: {_server_message(error)}.", "Send again.")
    if "api_key" in str(error) or "credentials" in str(error).lower():
        return ErrorMessage(
            "There is no key for the model.",
            "Set OPENAI_API_KEY in the environment or in a file given with --env-file, or use --model offline.",
        )
    return ErrorMessage(f"The model's server cannot be called: {_quote(str(error))}.", "See the details.")


def _connection_error(error: openai.APIConnectionError) -> ErrorMessage:
    names = {type(cause).__name__ for cause in _causes(error)}
    if names & {"RemoteProtocolError", "ReadError", "IncompleteRead"} and "ConnectError" not in names:
        return _CONNECTION_LOST
    return ErrorMessage(
        f"The server at {error.request.url.host} cannot be reached.",
        "Check whether it runs, and check --base-url and network.",
    )


def _sdk_error(error: AgentsException) -> ErrorMessage:
    match error:
        case InputGuardrailTripwireTriggered() | OutputGuardrailTripwireTriggered():
            name = error.guardrail_result.guardrail.get_name()
            what = "message" if isinstance(error, InputGuardrailTripwireTriggered) else "answer"
            return ErrorMessage(f"The guardrail '{name}' refused the {what}.", "Reword the message.", refused=True)
        case ToolInputGuardrailTripwireTriggered() | ToolOutputGuardrailTripwireTriggered():
            name = error.guardrail.get_name()
            return ErrorMessage(f"The guardrail '{name}' stopped a tool.", "Ask for something else.", refused=True)
        case MaxTurnsExceeded():
            return ErrorMessage(
                f"The agent reached the limit of turns: {_quote(str(error))}.",
                "Send 'go on' to let it continue, or raise the limit with --max-turns.",
            )
        case ModelTimeoutError():
            return ErrorMessage(f"The model did not answer within {error.timeout_seconds:g} seconds.", "Send again.")
        case ToolTimeoutError():
            return ErrorMessage(
                f"The tool '{error.tool_name}' took longer than {error.timeout_seconds:g} seconds.", "Send again."
            )
        case ModelRefusalError():
            return ErrorMessage(f"The model refused: {_quote(error.refusal)}.", "Reword the message.")
        case ModelBehaviorError():
            return _model_behavior_error(error.message)
        case UserError() if match := _TOOL_FAILED.match(error.message):
            return ErrorMessage(
                f"The tool '{match['tool']}' failed: {_quote(match['reason']) or 'no reason given'}.",
                "Correct the tool, or ask for something else; the details show where it failed.",
            )
        case UserError():
            return ErrorMessage(
                f"The agent is not set up correctly: {_quote(error.message)}.", "Correct the agent, then send again."
            )
    return ErrorMessage(f"The run failed: {_quote(str(error))}.", "See the details.")


def _model_behavior_error(message: str) -> ErrorMessage:
    for pattern, known in (
        (_CONTEXT_LENGTH, _CONTEXT_EXCEEDED),
        (_CONTENT_FILTER, _FILTERED),
        (_RATE_LIMIT, _RATE_LIMITED),
        (_INCOMPLETE, _CONNECTION_LOST),
    ):
        if pattern.search(message):
            return known
    if "max_output_tokens" in message:
        return ErrorMessage(
            "The answer reached the limit of output tokens.", "Send 'go on', or raise the agent's max_tokens."
        )
    if "response.failed" in message or "terminal event `error`" in message:
        return ErrorMessage(f"The server broke off: {_quote(message)}.", "Send again.")
    return ErrorMessage(f"The model misbehaved: {_quote(message)}.", "Send again, or use another model.")


def _server_message(error: openai.APIError) -> str:
    body: Any = error.body
    if isinstance(body, dict):
        body = body.get("error", body)
    if isinstance(body, dict):
        body = body.get("message")
    return _quote(body if isinstance(body, str) and body else error.message)


def _quote(text: str) -> str:
    return shorten(text.rstrip(". \n"), _MAX_QUOTE)


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _details(error: Exception) -> str:
    """Return the server's answer if there is one, else a traceback without the frames of the SDK and its client."""
    if isinstance(error, ConvoError):
        return str(getattr(error, "details", ""))
    if isinstance(error, openai.APIStatusError):
        request_id = f" {error.request_id}" if error.request_id else ""
        request = f"{error.request.method} {error.request.url}"
        return f"{request}\n{error.status_code}{request_id}\n{error.response.text}"
    lines: list[str] = []
    for cause in reversed(list(_causes(error))):
        frames = traceback.extract_tb(cause.__traceback__)
        own_frames = [frame for frame in frames if not frame.filename.startswith(_LIBRARY_FOLDERS)]
        lines += [*traceback.format_list(own_frames), *traceback.format_exception_only(cause)]
    return "".join(lines).strip()
