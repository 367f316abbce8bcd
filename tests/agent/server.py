"""A scripted model server on the loopback, which streams the Responses and the Chat Completions API."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Protocol, Self

__all__ = [
    "Answer",
    "BrokenEvent",
    "Call",
    "Compaction",
    "CutOff",
    "ErrorResponse",
    "NoResponse",
    "ScriptedServer",
    "TextAnswer",
    "ToolCalls",
]

INPUT_TOKENS = 12
OUTPUT_TOKENS = 5
COMPACTION_TOKENS = 40


class Answer(Protocol):
    """The answer to one request."""

    def send(self, handler: Handler) -> None: ...


@dataclass
class TextAnswer:
    """A text, word by word; after the first word the server waits for `pause`, if there is one.

    A request of the Responses API that asks for no stream gets the text in one piece.
    """

    text: str
    reasoning: str = ""
    usage: bool = True
    pause: threading.Event | None = None

    def send(self, handler: Handler) -> None:
        if not handler.request_body.get("stream"):
            handler.send_json(list(ResponsesStream().text_answer(self))[-1]["response"])
            return
        handler.start_stream()
        stream = handler.event_stream()
        for index, event in enumerate(stream.text_answer(self)):
            handler.send_event(event)
            if self.pause is not None and index == stream.first_word_index(self):
                self.pause.wait(30)
        handler.end_stream()


@dataclass(frozen=True)
class Call:
    """A tool call."""

    name: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    call_id: str = "call_1"


@dataclass
class ToolCalls:
    """Tool calls, after a text if there is one; in one piece for a Responses request that asks for no stream."""

    calls: Sequence[Call]
    text: str = ""

    def send(self, handler: Handler) -> None:
        if not handler.request_body.get("stream"):
            handler.send_json(list(ResponsesStream().tool_calls(self))[-1]["response"])
            return
        handler.start_stream()
        for event in handler.event_stream().tool_calls(self):
            handler.send_event(event)
        handler.end_stream()


@dataclass
class CutOff:
    """Some words and the beginning of a call, then the end of the connection; `clean` ends the HTTP response first."""

    text: str
    clean: bool = False
    call: Call | None = None

    def send(self, handler: Handler) -> None:
        handler.start_stream()
        stream = handler.event_stream()
        for event in stream.start_text(self.text):
            handler.send_event(event)
        if self.call is not None:
            for event in stream.start_call(self.call):
                handler.send_event(event)
        if self.clean:
            handler.send_last_chunk()
        handler.disconnect()


@dataclass
class BrokenEvent:
    """Some words, then an event that is not JSON."""

    text: str = ""

    def send(self, handler: Handler) -> None:
        handler.start_stream()
        if self.text:
            for event in handler.event_stream().start_text(self.text):
                handler.send_event(event)
        handler.send_chunk(b'data: {"type": "response.outp\n\n')
        handler.end_stream()


@dataclass
class ErrorResponse:
    """An error status; a header asks the client to retry soon."""

    status: int
    message: str = "no"
    code: str | None = None

    def send(self, handler: Handler) -> None:
        error = {"message": self.message, "type": "error", "code": self.code, "param": None}
        handler.send_json({"error": error}, self.status, **{"retry-after-ms": "1"})


@dataclass
class Compaction:
    """The user's messages of the input, then one compaction item, as `POST /responses/compact` answers."""

    def send(self, handler: Handler) -> None:
        users = [
            {
                "id": f"msg_{number}",
                "type": "message",
                "role": "user",
                "status": "completed",
                "content": [{"type": "input_text", "text": item["content"]}],
            }
            for number, item in enumerate(handler.request_body.get("input", ()))
            if item.get("role") == "user"
        ]
        item = {"id": "cmp_1", "type": "compaction", "encrypted_content": "summary"}
        usage = {
            "input_tokens": COMPACTION_TOKENS,
            "output_tokens": 1,
            "total_tokens": COMPACTION_TOKENS + 1,
            "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
            "output_tokens_details": {"reasoning_tokens": 0},
        }
        handler.send_json(
            {
                "id": "resp_cmp",
                "object": "response.compaction",
                "created_at": 0,
                "output": [*users, item],
                "usage": usage,
            }
        )


@dataclass
class NoResponse:
    """Nothing until the event is set, then the end of the connection."""

    until: threading.Event

    def send(self, handler: Handler) -> None:
        self.until.wait(30)
        handler.disconnect()


class ScriptedServer:
    """Answers requests in the order of its script, and records them.

    Attributes:
        requests: The decoded bodies of the requests, in order.
        headers: The headers of the last request, by their names in lower case.
        compactions: The decoded bodies of the requests for a compaction, which have an answer of their own.
        compaction: That answer; by default the server has no compaction, as one for Chat Completions.
    """

    def __init__(self) -> None:
        self.requests: list[dict[str, Any]] = []
        self.headers: dict[str, str] = {}
        self.compactions: list[dict[str, Any]] = []
        self.compaction: Answer = ErrorResponse(404, "Not Found")
        self._script: deque[Answer] = deque()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._server.scripted = self  # type: ignore[attr-defined]
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        self._handlers: list[Handler] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}/v1"

    def script(self, *answers: Answer) -> None:
        """Set the answers to the next requests; the last one is repeated."""
        self._script = deque(answers)

    def answer(self, handler: Handler, body: dict[str, Any]) -> None:
        """Record a request and send the next answer."""
        if handler.path.endswith("/responses/compact"):
            self.compactions.append(body)
            self.compaction.send(handler)
            return
        self.requests.append(body)
        self.headers = {name.lower(): value for name, value in handler.headers.items()}
        self._handlers.append(handler)
        answer = self._script.popleft() if len(self._script) > 1 else self._script[0]
        try:
            answer.send(handler)
        finally:
            self._handlers.remove(handler)

    def kill(self) -> None:
        """Refuse further requests, and break the open connections."""
        self._server.shutdown()
        self._server.server_close()
        for handler in self._handlers:
            handler.disconnect()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.kill()
        self._thread.join()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    request_body: dict[str, Any]

    def do_POST(self) -> None:
        scripted: ScriptedServer = self.server.scripted  # type: ignore[attr-defined]
        self.request_body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        try:
            scripted.answer(self, self.request_body)
        except OSError:
            # The client has disconnected.
            self.close_connection = True

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        pass

    def event_stream(self) -> ResponsesStream | ChatStream:
        return ResponsesStream() if self.path.endswith("/responses") else ChatStream()

    def send_json(self, data: Mapping[str, Any], status: int = 200, **headers: str) -> None:
        body = json.dumps(data).encode()
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", "Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def start_stream(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()

    def send_event(self, data: Mapping[str, Any]) -> None:
        name = f"event: {data['type']}\n" if "type" in data else ""
        self.send_chunk(f"{name}data: {json.dumps(data)}\n\n".encode())

    def send_chunk(self, chunk: bytes) -> None:
        self.wfile.write(b"%x\r\n%s\r\n" % (len(chunk), chunk))
        self.wfile.flush()

    def end_stream(self) -> None:
        if self.path.endswith("/completions"):
            self.send_chunk(b"data: [DONE]\n\n")
        self.send_last_chunk()

    def send_last_chunk(self) -> None:
        self.wfile.write(b"0\r\n\r\n")
        self.wfile.flush()

    def disconnect(self) -> None:
        self.close_connection = True
        with contextlib.suppress(OSError):
            self.connection.shutdown(socket.SHUT_RDWR)


def _words(text: str) -> list[str]:
    """Return the words of a text, each with the space before it."""
    first, *rest = text.split(" ")
    return [first, *(f" {word}" for word in rest)]


class ResponsesStream:
    """Events of the Responses API."""

    def __init__(self) -> None:
        self._output: list[dict[str, Any]] = []

    def first_word_index(self, answer: TextAnswer) -> int:
        return 2 + (2 + len(_words(answer.reasoning)) if answer.reasoning else 0)

    def text_answer(self, answer: TextAnswer) -> Iterator[dict[str, Any]]:
        yield self._response("response.created", [], answer)
        if answer.reasoning:
            yield from self._reasoning(answer.reasoning)
        yield from self._message(answer.text)
        yield self._response("response.completed", self._output, answer)

    def start_text(self, text: str) -> Iterator[dict[str, Any]]:
        yield self._response("response.created", [], None)
        yield from list(self._message(text))[:-1]

    def start_call(self, call: Call) -> Iterator[dict[str, Any]]:
        yield from list(self._call(call))[:-2]

    def tool_calls(self, answer: ToolCalls) -> Iterator[dict[str, Any]]:
        yield self._response("response.created", [], None)
        if answer.text:
            yield from self._message(answer.text)
        for call in answer.calls:
            yield from self._call(call)
        yield self._response("response.completed", self._output, TextAnswer(""))

    def _response(self, kind: str, output: Sequence[Any], answer: TextAnswer | None) -> dict[str, Any]:
        done = kind == "response.completed"
        usage = {
            "input_tokens": INPUT_TOKENS,
            "output_tokens": OUTPUT_TOKENS,
            "total_tokens": INPUT_TOKENS + OUTPUT_TOKENS,
            "input_tokens_details": {"cached_tokens": 4, "cache_write_tokens": 0},
            "output_tokens_details": {"reasoning_tokens": 2},
        }
        response = {
            "id": "resp_1",
            "object": "response",
            "created_at": 0,
            "model": "tiny",
            "status": "completed" if done else "in_progress",
            "output": list(output),
            "parallel_tool_calls": True,
            "tool_choice": "auto",
            "tools": [],
            "usage": usage if done and answer is not None and answer.usage else None,
        }
        return {"type": kind, "response": response, "sequence_number": 0}

    def _item(self, item: dict[str, Any], initial: dict[str, Any], events: Sequence[Any]) -> Iterator[dict[str, Any]]:
        index = len(self._output)
        shared = {"output_index": index, "sequence_number": 0}
        yield {"type": "response.output_item.added", "item": {**item, **initial}, **shared}
        for event in events:
            yield {**event, "item_id": item["id"], **shared}
        self._output.append(item)
        yield {"type": "response.output_item.done", "item": item, **shared}

    def _message(self, text: str) -> Iterator[dict[str, Any]]:
        part = {"type": "output_text", "text": text, "annotations": []}
        item = {"id": "msg_1", "type": "message", "role": "assistant", "status": "completed", "content": [part]}
        yield from self._item(
            item,
            {"content": [], "status": "in_progress"},
            [
                {"type": "response.output_text.delta", "content_index": 0, "delta": word, "logprobs": []}
                for word in _words(text)
            ],
        )

    def _reasoning(self, text: str) -> Iterator[dict[str, Any]]:
        item = {"id": "rs_1", "type": "reasoning", "summary": [{"type": "summary_text", "text": text}]}
        deltas = [
            {"type": "response.reasoning_summary_text.delta", "summary_index": 0, "delta": word}
            for word in _words(text)
        ]
        yield from self._item(item, {"summary": []}, deltas)

    def _call(self, call: Call) -> Iterator[dict[str, Any]]:
        arguments = json.dumps(call.arguments)
        item = {
            "id": f"fc_{call.call_id}",
            "type": "function_call",
            "call_id": call.call_id,
            "name": call.name,
            "arguments": arguments,
            "status": "completed",
        }
        half = len(arguments) // 2
        deltas = [
            {"type": "response.function_call_arguments.delta", "delta": part}
            for part in (arguments[:half], arguments[half:])
        ]
        yield from self._item(item, {"arguments": "", "status": "in_progress"}, deltas)


class ChatStream:
    """Chunks of the Chat Completions API."""

    def first_word_index(self, answer: TextAnswer) -> int:
        return 1 + (len(_words(answer.reasoning)) if answer.reasoning else 0)

    def text_answer(self, answer: TextAnswer) -> Iterator[dict[str, Any]]:
        yield self._chunk({"role": "assistant", "content": ""})
        for word in _words(answer.reasoning) if answer.reasoning else ():
            yield self._chunk({"reasoning_content": word})
        for word in _words(answer.text):
            yield self._chunk({"content": word})
        yield from self._ends("stop", usage=answer.usage)

    def start_text(self, text: str) -> Iterator[dict[str, Any]]:
        for word in _words(text):
            yield self._chunk({"content": word})

    def start_call(self, call: Call, index: int = 0) -> Iterator[dict[str, Any]]:
        arguments = json.dumps(call.arguments)
        function = {"name": call.name, "arguments": arguments[: len(arguments) // 2]}
        yield self._chunk(
            {"tool_calls": [{"index": index, "id": call.call_id, "type": "function", "function": function}]}
        )

    def tool_calls(self, answer: ToolCalls) -> Iterator[dict[str, Any]]:
        if answer.text:
            yield from self.start_text(answer.text)
        for index, call in enumerate(answer.calls):
            yield from self.start_call(call, index)
            arguments = json.dumps(call.arguments)
            rest = {"arguments": arguments[len(arguments) // 2 :]}
            yield self._chunk({"tool_calls": [{"index": index, "function": rest}]})
        yield from self._ends("tool_calls", usage=True)

    def _ends(self, reason: str, *, usage: bool) -> Iterator[dict[str, Any]]:
        yield self._chunk({}, reason)
        if usage:
            yield {
                **self._chunk({}),
                "choices": [],
                "usage": {
                    "prompt_tokens": INPUT_TOKENS,
                    "completion_tokens": OUTPUT_TOKENS,
                    "total_tokens": INPUT_TOKENS + OUTPUT_TOKENS,
                },
            }

    def _chunk(self, delta: Mapping[str, Any], reason: str | None = None) -> dict[str, Any]:
        choice = {"index": 0, "delta": dict(delta), "finish_reason": reason}
        shared = {"id": "chatcmpl_1", "object": "chat.completion.chunk", "created": 0, "model": "tiny"}
        return {**shared, "choices": [choice]}
