"""The contract of a writer: many requests in, several candidate texts for each out."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Role = Literal["system", "user", "assistant"]


@dataclass(frozen=True, kw_only=True)
class Message:
    """One turn of a chat, as every chat model takes it."""

    role: Role
    content: str


@dataclass(frozen=True, kw_only=True)
class Sampling:
    """How to draw tokens. `temperature` 0 is greedy. `max_tokens` counts new tokens."""

    max_tokens: int = 80
    temperature: float = 0.7
    top_p: float = 0.9
    top_k: int = 40
    repetition_penalty: float = 1.1
    stop: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class WriteRequest:
    """One text to write.

    `messages` begin with the part that a persona's requests of one kind share (system prompt and samples), so that
    a local model can keep its keys and values; the last message is from the user. `seed` fixes the draw: candidate
    i is drawn with a seed derived from (seed, i), whatever else is in the batch. `instead` is what a fall-back writer
    is asked, where it wants to be asked otherwise.
    """

    id: str
    messages: tuple[Message, ...]
    seed: int
    candidates: int = 1
    sampling: Sampling = Sampling()
    instead: tuple[Message, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """One text. `logprob` is the mean natural log-probability of its tokens, None where the model hides it."""

    text: str
    tokens: int = 0
    logprob: float | None = None
    finish: Literal["stop", "length"] = "stop"


@dataclass(frozen=True, kw_only=True)
class Usage:
    """What the calls of one request have used: tokens as the server counted them, and calls of which it told nothing.

    A call that the server surely did not work on is in neither.
    """

    prompt: int = 0
    text: int = 0
    untold: int = 0

    def __add__(self, other: Usage) -> Usage:
        return Usage(prompt=self.prompt + other.prompt, text=self.text + other.text, untold=self.untold + other.untold)


Fault = Literal["", "passing", "overflow", "budget"]
"""The kind of an error: `passing` ones may be gone in a while, `overflow` asks for a shorter prompt, `budget` waits
for the next day, and all others stay."""


@dataclass(frozen=True, kw_only=True)
class Written:
    """What came of one request: its candidates in order, or the error that it alone met.

    `wait` is for how many seconds the server asked to be left alone. `model` says who wrote, where it was not the
    writer that was asked.
    """

    id: str
    candidates: tuple[Candidate, ...] = ()
    error: str = ""
    fault: Fault = ""
    wait: float = 0.0
    usage: Usage = Usage()
    model: str = ""


class Writer(ABC):
    """Writes. `name` identifies model and settings, for the trace."""

    name: str

    @abstractmethod
    def write(self, requests: Sequence[WriteRequest]) -> list[Written]:
        """Return one answer per request, in order. A request that fails does not fail the others."""
