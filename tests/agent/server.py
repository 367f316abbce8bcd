"""A model's server on the loopback: speaks the streams of the Responses and the Chat Completions API as it is told."""

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

__all__ = ["Answer", "Breaks", "Call", "Calls", "CutsOff", "Refuses", "Says", "ScriptedServer", "Silent", "words"]

INPUT_TOKENS = 12
OUTPUT_TOKENS = 5


class Answer(Protocol):
    """What the server does with one request."""

    def send(self, to: Handler) -> None: ...


@dataclass
class Says:
    """A text, word by word; `pause` holds it back after the first word until it is set.

    It comes whole to a request that wants no stream, of the Responses API.
    """

    text: str
    reasoning: str = ""
    usage: bool = True
    pause: threading.Event | None = None
    model: str = "tiny"

    def send(self, to: Handler) -> None:
        if not to.scripted.asked[-1].get("stream"):
            to.whole(list(ResponsesStream().says(self))[-1]["response"])
            return
        to.stream()
        stream = to.events()
        for number, event in enumerate(stream.says(self)):
            to.event(event)
            # The event that carries the first word has gone out.
            if self.pause is not None and number == stream.first_word(self):
                self.pause.wait(30)
        to.end()


@dataclass(frozen=True)
class Call:
    """A tool call."""

    name: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    call_id: str = "call_1"


@dataclass
class Calls:
    """Tool calls, after a text if there is one; also for a request that wants no stream, of the Responses API."""

    calls: Sequence[Call]
    text: str = ""

    def send(self, to: Handler) -> None:
        if not to.scripted.asked[-1].get("stream"):
            to.whole(list(ResponsesStream().calls(self))[-1]["response"])
            return
        to.stream()
        for event in to.events().calls(self):
            to.event(event)
        to.end()


@dataclass
class CutsOff:
    """The connection ends after some words, or within a call; `clean` as a server does that thinks it is done."""

    text: str
    clean: bool = False
    call: Call | None = None

    def send(self, to: Handler) -> None:
        to.stream()
        stream = to.events()
        for event in stream.opens(self.text):
            to.event(event)
        if self.call is not None:
            for event in stream.begins(self.call):
                to.event(event)
        if self.clean:
            to.finish_chunks()
        to.hang_up()


@dataclass
class Breaks:
    """Some words, then an event that is no JSON."""

    text: str = ""

    def send(self, to: Handler) -> None:
        to.stream()
        if self.text:
            for event in to.events().opens(self.text):
                to.event(event)
        to.raw(b'data: {"type": "response.outp\n\n')
        to.end()


@dataclass
class Refuses:
    """An error status; the client is told not to wait long before it tries again."""

    status: int
    message: str = "no"
    code: str | None = None

    def send(self, to: Handler) -> None:
        error = {"message": self.message, "type": "error", "code": self.code, "param": None}
        to.whole({"error": error}, self.status, **{"retry-after-ms": "1"})


@dataclass
class Silent:
    """Nothing until the event is set."""

    until: threading.Event

    def send(self, to: Handler) -> None:
        self.until.wait(30)
        to.hang_up()


class ScriptedServer:
    """Answers requests in the order of its script; what it was asked is kept.

    Attributes:
        script: The answers to come; the last one is given for good.
        asked: The decoded bodies of the requests, in order.
        headers: The headers of the last request, by their names in lower case.
    """

    def __init__(self) -> None:
        self.script: deque[Answer] = deque()
        self.asked: list[dict[str, Any]] = []
        self.headers: dict[str, str] = {}
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._server.scripted = self  # type: ignore[attr-defined]
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        self._open: list[Handler] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}/v1"

    def will(self, *answers: Answer) -> None:
        self.script = deque(answers)

    def next(self) -> Answer:
        return self.script.popleft() if len(self.script) > 1 else self.script[0]

    def kill(self) -> None:
        """Take no more requests, and break the connections that are open."""
        self._server.shutdown()
        self._server.server_close()
        for handler in self._open:
            handler.hang_up()

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

    @property
    def scripted(self) -> ScriptedServer:
        scripted: ScriptedServer = self.server.scripted  # type: ignore[attr-defined]
        return scripted

    def do_POST(self) -> None:
        scripted = self.scripted
        scripted._open.append(self)
        length = int(self.headers["Content-Length"])
        scripted.asked.append(json.loads(self.rfile.read(length)))
        scripted.headers = {name.lower(): value for name, value in self.headers.items()}
        try:
            scripted.next().send(self)
        except OSError:
            # The client has gone.
            self.close_connection = True
        finally:
            scripted._open.remove(self)

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        pass

    def events(self) -> ResponsesStream | ChatStream:
        return ResponsesStream() if self.path.endswith("/responses") else ChatStream()

    def whole(self, data: Mapping[str, Any], status: int = 200, **headers: str) -> None:
        body = json.dumps(data).encode()
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", "Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def stream(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()

    def event(self, data: Mapping[str, Any]) -> None:
        name = f"event: {data['type']}\n" if "type" in data else ""
        self.raw(f"{name}data: {json.dumps(data)}\n\n".encode())

    def raw(self, chunk: bytes) -> None:
        self.wfile.write(b"%x\r\n%s\r\n" % (len(chunk), chunk))
        self.wfile.flush()

    def end(self) -> None:
        if self.path.endswith("/completions"):
            self.raw(b"data: [DONE]\n\n")
        self.finish_chunks()

    def finish_chunks(self) -> None:
        self.wfile.write(b"0\r\n\r\n")
        self.wfile.flush()

    def hang_up(self) -> None:
        self.close_connection = True
        with contextlib.suppress(OSError):
            self.connection.shutdown(socket.SHUT_RDWR)


def words(text: str) -> list[str]:
    """The words of a text, each with the blank before it."""
    first, *rest = text.split(" ")
    return [first, *(f" {word}" for word in rest)]


class ResponsesStream:
    """Events of the Responses API."""

    def __init__(self) -> None:
        self._output: list[dict[str, Any]] = []

    def first_word(self, says: Says) -> int:
        return 2 + (2 + len(words(says.reasoning)) if says.reasoning else 0)

    def says(self, says: Says) -> Iterator[dict[str, Any]]:
        yield self._response("response.created", [], says)
        if says.reasoning:
            yield from self._reasons(says.reasoning)
        yield from self._message(says.text)
        yield self._response("response.completed", self._output, says)

    def opens(self, text: str) -> Iterator[dict[str, Any]]:
        yield self._response("response.created", [], None)
        yield from list(self._message(text))[:-1]

    def begins(self, call: Call) -> Iterator[dict[str, Any]]:
        yield from list(self._call(call))[:-2]

    def calls(self, calls: Calls) -> Iterator[dict[str, Any]]:
        yield self._response("response.created", [], None)
        if calls.text:
            yield from self._message(calls.text)
        for call in calls.calls:
            yield from self._call(call)
        yield self._response("response.completed", self._output, Says(""))

    def _response(self, kind: str, output: Sequence[Any], says: Says | None) -> dict[str, Any]:
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
            "usage": usage if done and says is not None and says.usage else None,
        }
        return {"type": kind, "response": response, "sequence_number": 0}

    def _item(self, item: dict[str, Any], begun: dict[str, Any], between: Sequence[Any]) -> Iterator[dict[str, Any]]:
        index = len(self._output)
        shared = {"output_index": index, "sequence_number": 0}
        yield {"type": "response.output_item.added", "item": {**item, **begun}, **shared}
        for event in between:
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
                for word in words(text)
            ],
        )

    def _reasons(self, text: str) -> Iterator[dict[str, Any]]:
        item = {"id": "rs_1", "type": "reasoning", "summary": [{"type": "summary_text", "text": text}]}
        deltas = [
            {"type": "response.reasoning_summary_text.delta", "summary_index": 0, "delta": word} for word in words(text)
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

    def first_word(self, says: Says) -> int:
        return 1 + (len(words(says.reasoning)) if says.reasoning else 0)

    def says(self, says: Says) -> Iterator[dict[str, Any]]:
        yield self._chunk({"role": "assistant", "content": ""})
        for word in words(says.reasoning) if says.reasoning else ():
            yield self._chunk({"reasoning_content": word})
        for word in words(says.text):
            yield self._chunk({"content": word})
        yield from self._ends("stop", usage=says.usage)

    def opens(self, text: str) -> Iterator[dict[str, Any]]:
        for word in words(text):
            yield self._chunk({"content": word})

    def begins(self, call: Call, index: int = 0) -> Iterator[dict[str, Any]]:
        arguments = json.dumps(call.arguments)
        function = {"name": call.name, "arguments": arguments[: len(arguments) // 2]}
        yield self._chunk(
            {"tool_calls": [{"index": index, "id": call.call_id, "type": "function", "function": function}]}
        )

    def calls(self, calls: Calls) -> Iterator[dict[str, Any]]:
        if calls.text:
            yield from self.opens(calls.text)
        for index, call in enumerate(calls.calls):
            yield from self.begins(call, index)
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
