"""A chat model's server for tests: real HTTP on loopback, OpenAI's and Ollama's paths, and every way to fail."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any

from .loopback import Loopback


@dataclass(frozen=True, kw_only=True)
class Reply:
    """What the server does with one request.

    It waits `delay` seconds and answers with `status`. A status of 200 carries `text`, with its `usage` (prompt and
    text tokens; None: the server keeps it to itself); any other carries OpenAI's form of an error, with `error` as
    message, `code` and `param`. `body` replaces all of that. With `trickle`, one byte follows the other after so many
    seconds. With `hang_up`, the connection is closed without an answer.
    """

    text: str = ""
    status: int = 200
    finish: str = "stop"
    usage: tuple[int, int] | None = (10, 5)
    error: str = "told to fail"
    code: str | None = None
    param: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None
    delay: float = 0.0
    trickle: float = 0.0
    hang_up: bool = False


class ChatServer(Loopback):
    """Answers chat requests while it is entered. `url` is what `base_url` takes (`ollama_url` for Ollama's client).

    The replies of `script` are used up one by one; after them, and without one, every request is answered with what
    its last message ends in. `asked` holds the JSON bodies of all chat requests, `at` the instants (`time.monotonic`)
    of their coming, `keys` what each came with as authorization.
    """

    def __init__(self, script: Iterable[Reply] = ()) -> None:
        self.script: deque[Reply] = deque(script)
        self.asked: list[dict[str, Any]] = []
        self.at: list[float] = []
        self.keys: list[str] = []
        self.most_at_once = 0
        self._at_once = 0
        self._lock = threading.Lock()
        super().__init__(_handler_of(self))

    @property
    def ollama_url(self) -> str:
        """Return the address for Ollama's client."""
        return self._address

    @property
    def url(self) -> str:
        """Return the address for OpenAI's clients."""
        return f"{self.ollama_url}/v1"

    def _took(self, body: dict[str, Any], key: str) -> Reply:
        with self._lock:
            self.asked.append(body)
            self.at.append(time.monotonic())
            self.keys.append(key)
            self._at_once += 1
            self.most_at_once = max(self.most_at_once, self._at_once)
            return self.script.popleft() if self.script else Reply(text=f"You said: {_last(body)[-60:]}")

    def _gave(self) -> None:
        with self._lock:
            self._at_once -= 1

    def _wait(self, seconds: float) -> None:
        self._closing.wait(seconds)


def _last(body: Mapping[str, Any]) -> str:
    messages = body.get("messages") or [{"content": ""}]
    return str(messages[-1]["content"])


def _handler_of(server: ChatServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing: a test's output is the test's."""

        def do_GET(self) -> None:
            models = {"object": "list", "data": [{"id": "test", "object": "model", "created": 0, "owned_by": "test"}]}
            self._send(200, json.dumps(models).encode(), {}, 0.0)

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            reply = server._took(body, self.headers.get("Authorization") or "")
            try:
                server._wait(reply.delay)
                if reply.hang_up:
                    self.close_connection = True
                    self.connection.shutdown(socket.SHUT_RDWR)
                    return
                made = reply.body if reply.body is not None else self._body(reply, str(body.get("model")))
                self._send(reply.status, made, reply.headers, reply.trickle)
            except OSError:
                # The client has gone, which is what many tests are about.
                self.close_connection = True
            finally:
                server._gave()

        def _body(self, reply: Reply, model: str) -> bytes:
            if reply.status != 200:
                error = {"message": reply.error, "type": "error", "code": reply.code, "param": reply.param}
                return json.dumps({"error": reply.error if self._ollama else error}).encode()
            made = _ollama(reply, model) if self._ollama else _openai(reply, model)
            return json.dumps(made).encode() + b"\n"

        @property
        def _ollama(self) -> bool:
            return self.path.startswith("/api/")

        def _send(self, status: int, body: bytes, headers: Mapping[str, str], trickle: float) -> None:
            self.send_response(status)
            given = {"Content-Type": "application/json", "Content-Length": str(len(body)), **headers}
            for name, value in given.items():
                self.send_header(name, value)
            self.end_headers()
            for piece in (body,) if not trickle else (body[i : i + 1] for i in range(len(body))):
                if trickle and server._closing.is_set():
                    return
                server._wait(trickle)
                self.wfile.write(piece)
                self.wfile.flush()

    return Handler


def _openai(reply: Reply, model: str) -> dict[str, Any]:
    message = {"role": "assistant", "content": reply.text}
    made: dict[str, Any] = {
        "id": "chat-1",
        "object": "chat.completion",
        "created": 0,
        "model": model,
        "choices": [{"index": 0, "finish_reason": reply.finish, "message": message}],
    }
    if reply.usage:
        prompt, text = reply.usage
        made["usage"] = {"prompt_tokens": prompt, "completion_tokens": text, "total_tokens": prompt + text}
    return made


def _ollama(reply: Reply, model: str) -> dict[str, Any]:
    made: dict[str, Any] = {
        "model": model,
        "created_at": "2026-01-01T00:00:00Z",
        "message": {"role": "assistant", "content": reply.text},
        "done": True,
        "done_reason": reply.finish,
    }
    if reply.usage:
        made |= {"prompt_eval_count": reply.usage[0], "eval_count": reply.usage[1]}
    return made
