"""Writing many requests at once: shared prefixes, prompts prefilled once for all candidates, rows that leave early."""

from __future__ import annotations

import logging
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

import torch
from torch import Tensor

from .contract import Candidate, Sampling, WriteRequest, Written
from .growing import GrowingText, cut, decoded
from .prompt import Prompt, PromptTooLong, Template
from .sampler import Sampler, row_seed

log = logging.getLogger(__name__)

_CANCELLED = "cancelled"

Cancelled = Callable[[str], bool]
"""Asked before each token, with a request's id, whether that request is wanted no more; from the writing thread."""


class Prefilled(Protocol):
    """The keys and values of a shared beginning."""

    @property
    def nbytes(self) -> int: ...


class Batch(Protocol):
    """Rows in mid-text."""

    def pick(self, rows: Sequence[int]) -> None: ...

    def step(self, tokens: Tensor) -> Tensor: ...


class Forward(Protocol):
    """What runs a model: `LlamaForward`, or `TransformersForward` for every other architecture."""

    def prefix(self, tokens: Sequence[int]) -> Any: ...

    def start(self, prompts: Sequence[tuple[Any, Sequence[int]]], room: int) -> tuple[Any, Tensor]: ...


class PrefixCache:
    """The most recently used prefixes, bounded by bytes. Safe under threads."""

    def __init__(self, model: Forward, limit: int) -> None:
        self._model, self._limit = model, limit
        self._kept: OrderedDict[tuple[int, ...], Any] = OrderedDict()
        self._lock = threading.Lock()
        self.nbytes = 0

    def __len__(self) -> int:
        return len(self._kept)

    def clear(self) -> None:
        """Keep nothing."""
        with self._lock:
            self._kept.clear()
            self.nbytes = 0

    def get(self, tokens: tuple[int, ...]) -> Any:
        """Return the prefix of `tokens`, computed if need be; None for no tokens."""
        if not tokens:
            return None
        with self._lock:
            found = self._kept.get(tokens)
            if found is None:
                found = self._model.prefix(tokens)
                self._kept[tokens] = found
                self.nbytes += found.nbytes
                while self.nbytes > self._limit and self._kept:
                    self.nbytes -= self._kept.popitem(last=False)[1].nbytes
            else:
                self._kept.move_to_end(tokens)
            return found


@dataclass(kw_only=True)
class Row:
    """One candidate while it is written. `growing` is its text so far, where somebody looks at it before its end."""

    request: int
    name: str
    candidate: int
    prompt: Prompt
    sampling: Sampling
    seed: int
    tokens: list[int] = field(default_factory=list)
    logprob: float = 0.0
    growing: GrowingText | None = None
    text: str = ""
    finish: str = ""


class Decoder:
    """Writes requests in batches of at most `max_rows` candidates, about `max_prompt` own prompt tokens, and, where the
    model says what a token takes, `batch_bytes` of keys and values.

    The split into batches depends on the requests, not on their order. The same request gives the same bytes on the
    same machine. Its random draws never depend on what else is in its batch, and with `LlamaForward` on a CPU with
    oneDNN its logits do not either; on a GPU and with `TransformersForward` they may, in their last bits.
    """

    def __init__(
        self,
        *,
        model: Forward,
        tokenizer: Any,
        template: Template,
        stops: frozenset[int],
        context: int,
        token_bytes: int = 0,
        max_rows: int = 48,
        max_prompt: int = 8192,
        prefix_bytes: int = 512 * 2**20,
        batch_bytes: int = 1024 * 2**20,
        device: str = "cpu",
    ) -> None:
        self._model, self._tokenizer, self._template = model, tokenizer, template
        self._stops, self._context, self._device = stops, context, device
        self._max_rows, self._max_prompt = max_rows, max_prompt
        self._token_bytes, self._batch_bytes = token_bytes, batch_bytes
        self.prefixes = PrefixCache(model, prefix_bytes)

    def write(self, requests: Sequence[WriteRequest], *, cancelled: Cancelled | None = None) -> list[Written]:
        """Return one answer per request, in order.

        Once `cancelled` says so, a request that is not done gets an error and leaves its batch before the next token;
        when none is left, the batch ends and its memory is free.
        """
        prompts, errors = self._prompts(requests)
        done: dict[tuple[int, int], Row] = {}
        for rows in self._split(requests, prompts):
            self._try(rows, done, errors, cancelled or _never)
        answers = []
        for index, request in enumerate(requests):
            found = [done.get((index, i)) for i in range(request.candidates)]
            if index in errors:
                answers.append(Written(id=request.id, error=errors[index]))
            elif None in found:
                answers.append(Written(id=request.id, error=_CANCELLED))
            else:
                made = tuple(candidate_of(row) for row in found if row is not None)
                answers.append(Written(id=request.id, candidates=made))
        return answers

    def _try(
        self, rows: list[Row], done: dict[tuple[int, int], Row], errors: dict[int, str], cancelled: Cancelled
    ) -> None:
        """Write `rows` together; if that fails (a bad request, or no memory left), each half of the requests apart."""
        rows = [row for row in rows if not cancelled(row.name)]
        try:
            for row in self.rows(rows, cancelled):
                done[row.request, row.candidate] = row
        except Exception as error:
            asked = list(dict.fromkeys(row.request for row in rows))
            if len(asked) == 1:
                log.warning("a request could not be written", exc_info=True)
                errors[asked[0]] = f"{type(error).__name__}: {error}"
                return
            for half in (set(asked[: len(asked) // 2]), set(asked[len(asked) // 2 :])):
                self._try([fresh(row) for row in rows if row.request in half], done, errors, cancelled)

    def stream(self, request: WriteRequest, *, cancelled: Cancelled | None = None) -> Iterator[str]:
        """Yield the text of one candidate, piece by piece. Raises PromptTooLong."""
        room = self._context - request.sampling.max_tokens
        row = self._row(0, 0, request, self._template.prompt(request.messages, room=room))
        row.growing = GrowingText(self._tokenizer)
        # What may still turn out to be the start of a stop string is held back.
        held = max((len(stop) for stop in request.sampling.stop), default=1) - 1
        sent = ""
        for _ in self._steps([row], cancelled or _never):
            text = row.growing.text.lstrip()
            ready = text[: max(len(text) - held, 0)].rstrip("\ufffd").rstrip()
            if row.finish:
                ready = candidate_of(row).text
            if len(ready) > len(sent) and ready.startswith(sent):
                yield ready[len(sent) :]
                sent = ready

    def rows(self, rows: list[Row], cancelled: Cancelled) -> Iterator[Row]:
        """Write `rows` together, at most `max_rows`; yield each when it is done."""
        seen: set[int] = set()
        for _ in self._steps(rows, cancelled):
            for index, row in enumerate(rows):
                if row.finish and row.finish != _CANCELLED and index not in seen:
                    seen.add(index)
                    yield row

    def _prompts(self, requests: Sequence[WriteRequest]) -> tuple[dict[int, Prompt], dict[int, str]]:
        prompts: dict[int, Prompt] = {}
        errors: dict[int, str] = {}
        for index, request in enumerate(requests):
            try:
                if not request.messages or request.sampling.max_tokens < 1:
                    raise ValueError("a request needs messages and room for at least one token")
                room = self._context - request.sampling.max_tokens
                prompts[index] = self._template.prompt(request.messages, room=room)
            except PromptTooLong as error:
                errors[index] = str(error)
            except Exception as error:
                errors[index] = f"{type(error).__name__}: {error}"
        return prompts, errors

    def _row(self, index: int, candidate: int, request: WriteRequest, prompt: Prompt) -> Row:
        row = Row(
            request=index,
            name=request.id,
            candidate=candidate,
            prompt=prompt,
            sampling=request.sampling,
            seed=row_seed(request.seed, candidate),
        )
        if request.sampling.stop:
            row.growing = GrowingText(self._tokenizer)
        return row

    def _split(self, requests: Sequence[WriteRequest], prompts: dict[int, Prompt]) -> Iterator[list[Row]]:
        """Yield batches: those with the same prefix stand together, and among these those of one length."""

        def place(index: int) -> tuple[tuple[int, ...], int, str, int]:
            request = requests[index]
            return prompts[index].prefix, request.sampling.max_tokens, request.id, request.seed

        rows: list[Row] = []
        size = room = 0
        for index in sorted(prompts, key=place):
            request, prompt = requests[index], prompts[index]
            new = [self._row(index, i, request, prompt) for i in range(request.candidates)]
            longest = max(room, request.sampling.max_tokens)
            if rows and not self._fits(len(rows) + len(new), size + len(prompt.own), longest):
                yield rows
                rows, size, longest = [], 0, request.sampling.max_tokens
            most = self._max_rows
            while most > 1 and not self._fits(most, len(prompt.own), longest):
                most -= 1
            while len(new) > most:
                yield new[:most]
                new = new[most:]
            rows += new
            size += len(prompt.own)
            room = longest
        if rows:
            yield rows

    def _fits(self, rows: int, prompt: int, room: int) -> bool:
        memory = (prompt + rows * room) * self._token_bytes
        return rows <= self._max_rows and prompt <= self._max_prompt and memory <= self._batch_bytes

    def _steps(self, rows: list[Row], cancelled: Cancelled) -> Iterator[None]:
        """Write `rows`, yielding after each token."""
        if not rows or all(cancelled(row.name) for row in rows):
            return
        with torch.inference_mode():
            prompts: list[Prompt] = []
            source = []
            for row in rows:
                if not prompts or row.prompt is not prompts[-1]:
                    prompts.append(row.prompt)
                source.append(len(prompts) - 1)
            room = max(row.sampling.max_tokens for row in rows)
            batch, logits = self._model.start(
                [(self.prefixes.get(prompt.prefix), prompt.own) for prompt in prompts], room
            )
            if len(source) > len(prompts):
                batch.pick(source)
                logits = logits[torch.tensor(source, device=logits.device)]
            sampler = Sampler([(row.sampling, row.seed) for row in rows], device=self._device)
            live = list(rows)
        while True:
            with torch.inference_mode():
                tokens, logprobs = sampler.draw(logits)
                for row, token, logprob in zip(live, tokens.tolist(), logprobs, strict=True):
                    if not row.finish:
                        self._add(row, token, logprob)
            yield
            for row in live:
                if not row.finish and cancelled(row.name):
                    row.finish = _CANCELLED
            with torch.inference_mode():
                keep = [index for index, row in enumerate(live) if not row.finish]
                if not keep:
                    return
                # Copying keys and values to drop one row costs more than carrying it on for some steps.
                gone = any(row.finish == _CANCELLED for row in live)
                if gone or len(keep) * 8 <= len(live) * 7:
                    batch.pick(keep)
                    sampler.pick(keep)
                    live = [live[index] for index in keep]
                    tokens = tokens[torch.tensor(keep, device=tokens.device)]
                logits = batch.step(tokens)

    def _add(self, row: Row, token: int, logprob: float) -> None:
        row.logprob += logprob
        row.tokens.append(token)
        if token in self._stops:
            # The end is the model's choice as any token is, so it counts in the mean, but it is no text.
            row.finish = "stop"
            row.text = decoded(self._tokenizer, row.tokens[:-1])
            return
        if row.growing is not None:
            read = len(row.growing.text)
            row.growing.add(token)
            before = cut(row.growing.text, row.sampling.stop, start=read)
            if before is not None:
                row.text, row.finish = before, "stop"
                return
        if len(row.tokens) >= row.sampling.max_tokens:
            row.text, row.finish = decoded(self._tokenizer, row.tokens), "length"


def fresh(row: Row) -> Row:
    """Return the row as it was before anything was written."""
    return replace(row, tokens=[], logprob=0.0, growing=row.growing and row.growing.fresh(), text="", finish="")


def candidate_of(row: Row) -> Candidate:
    """Return the finished candidate, without blank ends and without half a character at a cut."""
    return Candidate(
        text=row.text.rstrip("\ufffd").strip(),
        tokens=len(row.tokens),
        logprob=row.logprob / max(len(row.tokens), 1),
        finish="length" if row.finish == "length" else "stop",
    )


def _never(name: str) -> bool:
    return False
