"""Calls to channels: one at a time for each account, and one that hangs holds up no other.

In a rehearsal a call is made where it stands, so that all happens in one order. Live, each account on a channel has a
thread of its own; what has not returned after the patience of a tick is taken up by a later one.
"""

from __future__ import annotations

import queue
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass, field
from typing import Any, Literal

Account = tuple[str, str]
"""(handle, channel name)"""
HANGS = 300.0
"""Seconds after which a call that has not returned is told of."""


@dataclass(kw_only=True)
class Call:
    """A call on its way or done. `done` keeps what came of it, in the thread that collects it, and counts it."""

    account: Account
    done: Callable[[Future[Any]], int]
    future: Future[Any] = field(default_factory=Future)
    row_id: int | None = None
    what: Literal["send", "poll"] = "send"
    began: float = field(default_factory=time.monotonic)
    told: bool = False


class Calls(ABC):
    """Makes calls. All methods are used by the thread of the tick only."""

    @abstractmethod
    def start(self, call: Call, function: Callable[[], Any]) -> None:
        """Make the call. The account must not be busy."""

    @abstractmethod
    def sending(self, row_id: int) -> bool:
        """Tell whether that row of the outbox is on its way in this process."""

    @property
    @abstractmethod
    def running(self) -> frozenset[Account]:
        """The accounts whose call has not been collected yet."""

    @abstractmethod
    def collect(self, seconds: float) -> list[Call]:
        """Wait up to `seconds` for a call to return; return those that have, in the order of their beginning."""

    def hanging(self) -> list[Call]:
        """Return the calls that have not returned within HANGS seconds and have not been told of."""
        return []

    def close(self) -> None:  # noqa: B027 - direct calls hold nothing
        """Start no call any more. One that hangs is left alone."""


class DirectCalls(Calls):
    """Makes each call at once, in the thread of the tick."""

    def __init__(self) -> None:
        self._done: list[Call] = []

    def start(self, call: Call, function: Callable[[], Any]) -> None:
        _carry_out(call.future, function)
        self._done.append(call)

    @property
    def running(self) -> frozenset[Account]:
        return frozenset(call.account for call in self._done)

    def sending(self, row_id: int) -> bool:
        return any(call.row_id == row_id for call in self._done)

    def collect(self, seconds: float) -> list[Call]:
        done, self._done = self._done, []
        return done


class ThreadedCalls(Calls):
    """Makes calls in threads, one for each account that has called."""

    def __init__(self) -> None:
        self._running: dict[Account, Call] = {}
        self._threads: dict[Account, queue.SimpleQueue[tuple[Call, Callable[[], Any]] | None]] = {}

    def start(self, call: Call, function: Callable[[], Any]) -> None:
        inbox = self._threads.get(call.account)
        if inbox is None:
            inbox = self._threads[call.account] = queue.SimpleQueue()
            name = "channel " + "/".join(call.account)
            # A daemon: a call that never returns must not keep the process from ending.
            threading.Thread(target=_serve, args=(inbox,), name=name, daemon=True).start()
        self._running[call.account] = call
        inbox.put((call, function))

    @property
    def running(self) -> frozenset[Account]:
        return frozenset(self._running)

    def sending(self, row_id: int) -> bool:
        return any(call.row_id == row_id for call in self._running.values())

    def collect(self, seconds: float) -> list[Call]:
        futures: Iterable[Future[Any]] = [call.future for call in self._running.values()]
        wait(futures, timeout=max(seconds, 0.0), return_when=FIRST_COMPLETED)
        done = [call for call in self._running.values() if call.future.done()]
        for call in done:
            del self._running[call.account]
        return done

    def hanging(self) -> list[Call]:
        late = [c for c in self._running.values() if not c.told and time.monotonic() - c.began > HANGS]
        for call in late:
            call.told = True
        return late

    def close(self) -> None:
        for inbox in self._threads.values():
            inbox.put(None)
        self._threads.clear()


def _serve(inbox: queue.SimpleQueue[tuple[Call, Callable[[], Any]] | None]) -> None:
    while (given := inbox.get()) is not None:
        call, function = given
        try:
            _carry_out(call.future, function)
        except BaseException as error:
            # In a thread nobody else would hear of it.
            call.future.set_exception(RuntimeError(f"the channel raised {type(error).__name__}"))
        del call, given


def _carry_out(future: Future[Any], function: Callable[[], Any]) -> None:
    try:
        future.set_result(function())
    except Exception as error:
        future.set_exception(error)
