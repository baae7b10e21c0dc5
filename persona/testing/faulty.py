"""A small posting network on loopback that fails on demand, over real HTTP, and the channel to it."""

from __future__ import annotations

import json
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any, Literal, get_args
from urllib.parse import parse_qs, urlsplit

from .loopback import Loopback

FaultKind = Literal[
    "ok",
    "hang",
    "hang_after",
    "reset_before",
    "reset_after",
    "broken_json",
    "throttle",
    "throttle_date",
    "error",
    "error_after",
    "refuse_text",
    "late",
]
FAULTS: tuple[FaultKind, ...] = tuple(kind for kind in get_args(FaultKind) if kind not in ("ok", "refuse_text"))
"""All kinds after which a post can still go out."""
_POSTED = ("ok", "hang_after", "reset_after", "broken_json", "error_after", "late")


@dataclass(frozen=True, kw_only=True)
class NetworkFault:
    """What the network does with one `POST /posts`.

    hang: no answer within `seconds`, and no post (hang_after: a post). reset_before, reset_after: the connection is
    cut before or after the post is kept. broken_json: kept, and answered with 200 and torn JSON. throttle: 429 with
    Retry-After in `seconds` (throttle_date: as a date). error, error_after: 500, not kept or kept. refuse_text: 422.
    late: kept and answered well, but not on the timeline before `seconds`.
    """

    kind: FaultKind = "ok"
    seconds: float = 1.0


@dataclass(frozen=True, kw_only=True)
class Kept:
    """A post that is out. `at` is when it was kept, `visible_at` when the timeline begins to show it, in seconds."""

    id: str
    account: str
    key: str
    text: str
    in_reply_to: str | None
    labels: tuple[str, ...]
    at: float
    visible_at: float


@dataclass(frozen=True, kw_only=True)
class Call:
    """One request: when it came, in seconds of the network's clock, from which account, and what became of it."""

    at: float
    account: str
    method: str
    path: str
    key: str = ""
    fault: str = "ok"
    status: int = 0


@dataclass
class _Account:
    free_at: float = 0.0
    keys: dict[str, tuple[str, float]] = field(default_factory=dict)
    """of each Idempotency-Key: the post's id, and from when the network knows it"""


class FaultyNetwork(Loopback):
    """Takes posts while it is entered, at `url`.

    `POST /posts` (Authorization: Bearer ACCOUNT, Idempotency-Key, JSON with text, in_reply_to, labels) answers with id
    and url; `GET /posts?before=ID` gives the account's own timeline, newest first, `page` at a time; `GET
    /events?after=N` gives what `hear` was told. A bearer token that is in `revoked` gets 401 for everything.

    Each post uses up one fault of `script`; once it is empty, `draw` is asked (None: no fault). Keys are honoured if
    `honours_keys`, for `ttl` seconds, and only from `key_delay` seconds after the post, as where a network stores the
    key after the post. `visible_after` delays the timeline. `clock` gives seconds since 1970 (the system's by default).

    What happened: `posts` in order, `calls` in order, `early` (calls that came before the Retry-After they had been
    given) and `while_revoked`. With `log`, each call and post is also one JSON line of that file, for an auditor.
    """

    def __init__(
        self,
        *,
        script: Iterable[NetworkFault] = (),
        draw: Callable[[], NetworkFault | None] | None = None,
        honours_keys: bool = True,
        ttl: float = 86400.0,
        key_delay: float = 0.0,
        visible_after: float = 0.0,
        page: int = 20,
        clock: Callable[[], float] = time.time,
        log: Path | None = None,
    ) -> None:
        self.script: deque[NetworkFault] = deque(script)
        self.draw = draw
        self.honours_keys, self.ttl, self.key_delay = honours_keys, ttl, key_delay
        self.visible_after, self.page, self.clock = visible_after, page, clock
        self.posts: list[Kept] = []
        self.calls: list[Call] = []
        self.early: list[Call] = []
        self.while_revoked: list[Call] = []
        self.revoked: set[str] = set()
        self._events: list[dict[str, Any]] = []
        self._accounts: dict[str, _Account] = {}
        self._log = log
        self._lock = threading.Lock()
        super().__init__(_handler_of(self))
        self.url = self._address

    @property
    def doubled(self) -> dict[tuple[str, str], int]:
        """Return how often each (account, key) stands on the network that stands there more than once."""
        counts: dict[tuple[str, str], int] = {}
        for post in self.posts:
            counts[post.account, post.key] = counts.get((post.account, post.key), 0) + 1
        return {name: count for name, count in counts.items() if count > 1}

    def hear(self, account: str, **event: Any) -> None:
        """Put one event into an account's inbox: kind, author, text, and what else `persona.Event` takes but `at`."""
        with self._lock:
            number = len(self._events) + 1
            self._events.append({"n": number, "account": account, "at": self.clock(), "id": f"e{number}", **event})

    def _take(self, account: str, method: str, path: str, key: str) -> tuple[int, dict[str, str], NetworkFault]:
        """Note a call; return 0 and what to do with it, or the status it is refused with."""
        now = self.clock()
        fault = NetworkFault()
        status, headers = 0, {"Date": _http_date(now)}
        with self._lock:
            state = self._accounts.setdefault(account, _Account())
            early = now < state.free_at
            if account in self.revoked or not account:
                status = 401
            elif early:
                status, headers = 429, {**headers, "Retry-After": str(int(state.free_at - now) + 1)}
            elif method == "POST":
                drawn = self.script.popleft() if self.script else (self.draw() if self.draw else None)
                fault = drawn or fault
                if fault.kind in ("throttle", "throttle_date"):
                    status, state.free_at = 429, now + fault.seconds
                    asked = str(int(-(-fault.seconds // 1)))
                    headers["Retry-After"] = asked if fault.kind == "throttle" else _http_date(state.free_at + 1)
            call = Call(
                at=now, account=account, method=method, path=path, key=key, fault=fault.kind, status=status or 200
            )
            self.calls.append(call)
            if early:
                self.early.append(call)
            if status == 401:
                self.while_revoked.append(call)
            self._note({"call": call.__dict__})
        return status, headers, fault

    def _keep(self, account: str, key: str, body: Mapping[str, Any], fault: NetworkFault) -> dict[str, str]:
        now = self.clock()
        with self._lock:
            keys = self._accounts.setdefault(account, _Account()).keys
            known = keys.get(key) if self.honours_keys and key else None
            if known and known[1] <= now < known[1] + self.ttl:
                return {"id": known[0], "url": f"{self.url}/posts/{known[0]}"}
            late = fault.seconds if fault.kind == "late" else 0.0
            post = Kept(
                id=str(len(self.posts) + 1),
                account=account,
                key=key,
                text=str(body.get("text", "")),
                in_reply_to=body.get("in_reply_to"),
                labels=tuple(body.get("labels", ())),
                at=now,
                visible_at=now + max(self.visible_after, late),
            )
            self.posts.append(post)
            keys.setdefault(key, (post.id, now + self.key_delay))
            self._note({"post": post.__dict__})
        return {"id": post.id, "url": f"{self.url}/posts/{post.id}"}

    def _timeline(self, account: str, before: int) -> list[dict[str, Any]]:
        with self._lock:
            now = self.clock()
            own = [
                post
                for post in reversed(self.posts)
                if post.account == account and post.visible_at <= now and (not before or int(post.id) < before)
            ]
        return [
            {"id": post.id, "key": post.key, "text": post.text, "url": f"{self.url}/posts/{post.id}"}
            for post in own[: self.page]
        ]

    def _heard(self, account: str, after: int) -> list[dict[str, Any]]:
        with self._lock:
            return [event for event in self._events if event["account"] == account and event["n"] > after]

    def _note(self, line: Mapping[str, Any]) -> None:
        if self._log is not None:
            with self._log.open("a", encoding="utf-8") as file:
                file.write(json.dumps(line, ensure_ascii=False) + "\n")


def _http_date(seconds: float) -> str:
    return format_datetime(datetime.fromtimestamp(int(seconds), UTC), usegmt=True)


def _handler_of(network: FaultyNetwork) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing: a test's output is the test's."""

        def do_GET(self) -> None:
            asked = urlsplit(self.path)
            account = self._account()
            status, headers, _ = network._take(account, "GET", asked.path, "")
            query = {name: values[0] for name, values in parse_qs(asked.query).items()}
            if status:
                self._send(status, b"{}", headers)
            elif asked.path == "/posts":
                self._send(200, json.dumps(network._timeline(account, int(query.get("before", 0)))).encode(), headers)
            elif asked.path == "/events":
                self._send(200, json.dumps(network._heard(account, int(query.get("after", 0)))).encode(), headers)
            else:
                self._send(404, b"{}", headers)

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            account, key = self._account(), self.headers.get("Idempotency-Key") or ""
            status, headers, fault = network._take(account, "POST", self.path, key)
            if status:
                self._send(status, b"{}", headers)
                return
            answer = network._keep(account, key, body, fault) if fault.kind in _POSTED else {}
            if fault.kind in ("hang", "hang_after"):
                network._closing.wait(fault.seconds)
                self.close_connection = True
            elif fault.kind in ("reset_before", "reset_after"):
                self._cut()
            elif fault.kind == "broken_json":
                self._send(200, json.dumps(answer).encode()[:-5], headers)
            elif fault.kind in ("error", "error_after"):
                self._send(500, b'{"error": "told to fail"}', headers)
            elif fault.kind == "refuse_text":
                self._send(422, b'{"error": "told to refuse"}', headers)
            else:
                self._send(200, json.dumps(answer).encode(), headers)

        def _account(self) -> str:
            return (self.headers.get("Authorization") or "").removeprefix("Bearer ").strip()

        def _cut(self) -> None:
            import socket
            import struct

            # Linger of zero seconds: the client gets a reset instead of an orderly end.
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.close_connection = True

        def _send(self, status: int, body: bytes, headers: Mapping[str, str]) -> None:
            try:
                self.send_response_only(status)
                for name, value in {**headers, "Content-Length": str(len(body))}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)
            except OSError:
                self.close_connection = True

    return Handler
