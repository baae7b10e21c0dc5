"""Many calls at once, none longer than it may: a call that hangs is left behind, and the others go on."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar, cast

Answer = TypeVar("Answer")

_LOOK_AGAIN = 0.05


class Overrun(TimeoutError):
    """A call took longer than it may."""


class _Call(Generic[Answer]):
    def __init__(self, function: Callable[[], Answer]) -> None:
        self.function = function
        self.begun: float | None = None
        self.done = threading.Event()
        self.answer: Answer | BaseException | None = None
        self.late = False


def call_all(
    functions: Sequence[Callable[[], Answer]],
    *,
    workers: int,
    seconds: float,
    before: Callable[[], object] = lambda: None,
) -> list[Answer | BaseException]:
    """Call each function, at most `workers` at once; return what they returned or raised, in order.

    `before` is called before each, and may block; the time it takes is not counted. After `seconds` of its own a call
    is answered with Overrun. Its thread cannot be stopped, so it is left to end by itself, and does not keep the
    process alive.
    """
    calls = [_Call(function) for function in functions]
    waiting = iter(calls)
    lock = threading.Lock()

    def work() -> None:
        while True:
            with lock:
                call = next(waiting, None)
            if call is None:
                return
            try:
                before()
                call.begun = time.monotonic()
                call.answer = call.function()
            except BaseException as error:
                call.answer = error
            call.done.set()
            if call.late:
                return

    def start() -> None:
        threading.Thread(target=work, name="persona-call", daemon=True).start()

    for _ in range(min(workers, len(calls))):
        start()
    answers: list[Answer | BaseException] = []
    for call in calls:
        while not call.done.wait(_LOOK_AGAIN):
            if call.begun is not None and time.monotonic() - call.begun > seconds:
                call.late = True
                start()
                break
        if call.late:
            answers.append(Overrun(f"no answer within {seconds:g} s"))
        else:
            answers.append(cast("Answer | BaseException", call.answer))
    return answers
