"""The channel to `FaultyNetwork`, written as a channel to any network should be: by the standard library's HTTP."""

from __future__ import annotations

import http.client
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict

from persona.channel import Channel, Event, Limits, Outgoing, Poll, Promise, Rate, Seat, Sent
from persona.errors import ChannelError, ChannelRefused, PostRefused, SendUncertain
from persona.retry import retry_after


class FaultySettings(BaseModel):
    """`channels: {faulty: {url: …}}`. `window` is the promise's, `timeout` that of one call, both in seconds."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    url: str = "http://127.0.0.1:9"
    token: str = ""
    """whose account it is; the persona's handle if empty"""
    promise: Literal["idempotent", "readback", "at_most_once"] = "idempotent"
    window: float = 60.0
    timeout: float = 5.0
    calls: int = 0
    """the most calls in 5 minutes; 0: no limit"""


class FaultyChannel(Channel):
    """Posts to a `FaultyNetwork`; keeps no connection, and always sends its key."""

    name = "faulty"
    limits = Limits(max_chars=500)
    settings_model = FaultySettings

    def __init__(self, seat: Seat) -> None:
        super().__init__(seat)
        settings = FaultySettings.model_validate(dict(seat.settings))
        self._settings = settings
        self._token = settings.token or seat.handle
        window = timedelta(seconds=settings.window)
        # What a class says of all its accounts, this one is told by its settings.
        self.promise = Promise(kind=settings.promise, window=window)
        self.rate = Rate(calls=settings.calls, window=timedelta(minutes=5)) if settings.calls else None

    def send(self, post: Outgoing) -> Sent:
        if len(post.text) > self.limits.max_chars:
            raise PostRefused(channel=self.name, cause_text=f"it is longer than {self.limits.max_chars} characters")
        body = {"text": post.text, "in_reply_to": post.in_reply_to, "labels": list(post.labels)}
        answer = self._call("POST", "/posts", post.key, body)
        return Sent(id=str(answer["id"]), url=str(answer["url"]))

    def find(self, key: str) -> Sent | None:
        before = ""
        while page := self._call("GET", f"/posts?before={before}" if before else "/posts"):
            for status in page:
                if status["key"] == key:
                    return Sent(id=status["id"], url=status["url"])
            before = page[-1]["id"]
        return None

    def poll(self, cursor: str | None, until: datetime) -> Poll:
        found = self._call("GET", f"/events?after={cursor or 0}")
        events, last = [], cursor
        for each in found:
            at = datetime.fromtimestamp(each["at"], UTC)
            if at >= until:
                break
            last = str(each["n"])
            known = {name: each[name] for name in ("kind", "author", "text", "post_id", "about_id") if name in each}
            events.append(Event(id=each["id"], at=at, thread_id=each.get("thread_id"), **known))
        return Poll(events=events, cursor=last)

    def _call(self, method: str, path: str, key: str = "", body: Mapping[str, Any] | None = None) -> Any:
        address = urlsplit(self._settings.url)
        connection = http.client.HTTPConnection(
            address.hostname or "", address.port or 80, timeout=self._settings.timeout
        )
        try:
            try:
                connection.connect()
            except OSError as error:
                raise ChannelError(channel=self.name, cause_text=f"it cannot be reached ({error})") from error
            return self._ask(connection, method, path, key, body)
        finally:
            connection.close()

    def _ask(
        self, connection: http.client.HTTPConnection, method: str, path: str, key: str, body: Mapping[str, Any] | None
    ) -> Any:
        headers = {"Authorization": f"Bearer {self._token}", "Content-Type": "application/json"}
        if key:
            headers["Idempotency-Key"] = key
        try:
            connection.request(method, path, json.dumps(body) if body is not None else None, headers)
            answer = connection.getresponse()
            text = answer.read()
        except (OSError, http.client.HTTPException) as error:
            raise self._lost(key, f"{type(error).__name__}: {error}") from error
        wait = retry_after(answer.getheader("Retry-After"), date=answer.getheader("Date"))
        if answer.status in (401, 403):
            raise ChannelRefused(channel=self.name, cause_text=f"status {answer.status}")
        if answer.status == 429:
            raise ChannelError(channel=self.name, cause_text="too many calls (status 429)", retry_after=wait)
        if answer.status >= 500:
            # A network may have kept the post before it failed.
            raise self._lost(key, f"status {answer.status}", wait)
        if answer.status >= 400:
            raise PostRefused(channel=self.name, cause_text=f"status {answer.status}")
        try:
            return json.loads(text)
        except ValueError as error:
            raise self._lost(key, "the answer is no JSON") from error

    def _lost(self, key: str, cause: str, wait: timedelta | None = None) -> ChannelError:
        if key:
            return SendUncertain(channel=self.name, key=key, cause_text=cause, retry_after=wait)
        return ChannelError(channel=self.name, cause_text=cause, retry_after=wait)
