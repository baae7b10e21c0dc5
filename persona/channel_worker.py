"""The process that a guarded channel lives in: `python -m persona.channel_worker`, one line of JSON a call.

See `persona.guarded_channel`. What an adapter prints goes to standard error, so that it cannot forge an answer.
"""

from __future__ import annotations

import json
import os
import resource
import sys
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO

from .channel import Channel, Outgoing, Seat
from .clock import Clock
from .errors import ChannelError, SendUncertain
from .plugins import PluginRegistry


class _Told(Clock):
    """Reads what the last call said."""

    def __init__(self) -> None:
        self.at = ""

    def now(self) -> datetime:
        return datetime.fromisoformat(self.at)


def main() -> int:
    """Open the channel that the first line names, then answer call by call until there are no more."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    calls, clock = sys.stdin.buffer, _Told()
    first = json.loads(calls.readline())
    try:
        channel = _opened(first, clock)
    except BaseException as error:
        _say(answers, {"error": _told(error)})
        return 1
    promise = channel.promise
    window = promise.window.total_seconds()
    _say(answers, {"ok": {"promise": {"kind": promise.kind, "window": window}}})
    for line in calls:
        call = json.loads(line)
        clock.at = call["now"]
        try:
            _say(answers, {"ok": _carried_out(channel, call)})
        except Exception as error:
            _say(answers, {"error": _told(error)})
    return 0


def _opened(first: dict[str, Any], clock: _Told) -> Channel:
    seat = first["seat"]
    clock.at = seat.pop("now")
    kind = PluginRegistry(Path(first["project"])).channel(first["channel"])
    seat |= {"folder": Path(seat["folder"]), "labels": tuple(seat["labels"]), "clock": clock}
    resource.setrlimit(resource.RLIMIT_AS, (first["memory"], first["memory"]))
    return kind(Seat(**seat))


def _carried_out(channel: Channel, call: dict[str, Any]) -> Any:
    what = call["call"]
    if what == "send":
        post = call["post"]
        return asdict(channel.send(Outgoing(**{**post, "labels": tuple(post["labels"])})))
    if what == "find":
        found = channel.find(call["key"])
        return None if found is None else asdict(found)
    if what == "poll":
        poll = channel.poll(call["cursor"], datetime.fromisoformat(call["until"]))
        return {"events": [asdict(event) for event in poll.events], "cursor": poll.cursor}
    return asdict(channel.standing())


def _told(error: BaseException) -> dict[str, Any]:
    told: dict[str, Any] = {"kind": type(error).__name__, "cause": str(error)}
    if isinstance(error, ChannelError):
        wait = error.retry_after
        told |= {"cause": str(error.values.get("cause_text", error)), "retry_after": wait and wait.total_seconds()}
    if isinstance(error, SendUncertain):
        told["key"] = error.values.get("key")
    return told


def _say(answers: BinaryIO, answer: dict[str, Any]) -> None:
    answers.write(json.dumps(answer, default=_plain).encode() + b"\n")
    answers.flush()


def _plain(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)


if __name__ == "__main__":
    sys.exit(main())
