"""RetryingWriter: asks again where the error may pass."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace

from persona.digest import rng_of

from .contract import Writer, WriteRequest, Written


class RetryingWriter(Writer):
    """Asks `inner` up to `retries` times more for requests that met a passing error; all others keep their answer.

    Before turn n it waits between 0 and `first` * 2^n seconds, at most `longest` (exponential backoff with full
    jitter: Brooker, "Exponential Backoff And Jitter", 2015), on top of what the server asked for in Retry-After. A
    server that asks for more than `longest` is not asked again: the request gets its error, and whoever wanted the
    text comes back later.
    """

    def __init__(
        self,
        inner: Writer,
        *,
        retries: int = 3,
        first: float = 1.0,
        longest: float = 30.0,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        self.inner, self.name = inner, inner.name
        self._retries, self._first, self._longest, self._sleep = retries, first, longest, sleep

    def write(self, requests: Sequence[WriteRequest]) -> list[Written]:
        """Return one answer per request, in order."""
        answers = self.inner.write(requests)
        for turn in range(self._retries):
            again = [i for i, each in enumerate(answers) if each.fault == "passing" and each.wait <= self._longest]
            if not again:
                break
            asked = max(answers[i].wait for i in again)
            self._sleep(asked + self._jitter([requests[i] for i in again], turn))
            for i, new in zip(again, self.inner.write([requests[i] for i in again]), strict=True):
                answers[i] = replace(new, usage=answers[i].usage + new.usage)
        return answers

    def _jitter(self, requests: Sequence[WriteRequest], turn: int) -> float:
        # Drawn from the requests, so that a run repeats; other personas and texts still come at other moments.
        draw = rng_of("retry", [request.id for request in requests], turn).random()
        return draw * min(self._first * 2.0**turn, self._longest)
