"""Writing many requests at once: shared prefixes, prompts prefilled once for all candidates, rows that leave early."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import torch
from torch import Tensor

from .contract import Candidate, Sampling, WriteRequest, Written
from .prompt import Prompt, PromptTooLong, Template
from .sampler import Sampler, row_seed


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
    """One candidate while it is written."""

    request: int
    candidate: int
    prompt: Prompt
    sampling: Sampling
    seed: int
    tokens: list[int] = field(default_factory=list)
    logprob: float = 0.0
    text: str = ""
    finish: str = ""


class Decoder:
    """Writes requests in batches of at most `max_rows` candidates and about `max_prompt` own prompt tokens.

    The split into batches depends on the requests' ids and prefixes, not on their order. The same request gives the
    same bytes on the same machine. Its random draws never depend on what else is in its batch, and with `LlamaForward`
    over oneDNN its logits do not either; with `TransformersForward` they may, in their last bits.
    """

    def __init__(
        self,
        *,
        model: Forward,
        tokenizer: Any,
        template: Template,
        stops: frozenset[int],
        context: int,
        max_rows: int = 24,
        max_prompt: int = 8192,
        prefix_bytes: int = 512 * 2**20,
    ) -> None:
        self._model, self._tokenizer, self._template = model, tokenizer, template
        self._stops, self._context = stops, context
        self._max_rows, self._max_prompt = max_rows, max_prompt
        self.prefixes = PrefixCache(model, prefix_bytes)

    def write(self, requests: Sequence[WriteRequest]) -> list[Written]:
        """Return one answer per request, in order."""
        prompts, errors = self._prompts(requests)
        done: dict[tuple[int, int], Row] = {}
        for rows in self._split(requests, prompts):
            try:
                for row in self.rows(rows):
                    done[row.request, row.candidate] = row
            except RuntimeError as error:
                # Such as no memory left: those that were in this batch fail, the others are written.
                errors.update({row.request: f"{type(error).__name__}: {error}" for row in rows})
        answers = []
        for index, request in enumerate(requests):
            if index in errors:
                answers.append(Written(id=request.id, error=errors[index]))
            else:
                made = tuple(candidate_of(done[index, i]) for i in range(request.candidates))
                answers.append(Written(id=request.id, candidates=made))
        return answers

    def stream(self, request: WriteRequest) -> Iterator[str]:
        """Yield the text of one candidate, piece by piece. Raises PromptTooLong."""
        room = self._context - request.sampling.max_tokens
        row = self._row(0, 0, request, self._template.prompt(request.messages, room=room))
        # What may still turn out to be the start of a stop string is held back.
        held = max((len(stop) for stop in request.sampling.stop), default=1) - 1
        sent = ""
        for _ in self._steps([row]):
            text = row.text.lstrip()
            ready = text[: max(len(text) - held, 0)].rstrip("\ufffd").rstrip()
            if row.finish:
                ready = candidate_of(row).text
            if len(ready) > len(sent) and ready.startswith(sent):
                yield ready[len(sent) :]
                sent = ready

    def rows(self, rows: list[Row]) -> Iterator[Row]:
        """Write `rows` together, at most `max_rows`; yield each when it is done."""
        seen: set[int] = set()
        for _ in self._steps(rows):
            for index, row in enumerate(rows):
                if row.finish and index not in seen:
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
        seed = row_seed(request.seed, candidate)
        return Row(request=index, candidate=candidate, prompt=prompt, sampling=request.sampling, seed=seed)

    def _split(self, requests: Sequence[WriteRequest], prompts: dict[int, Prompt]) -> Iterator[list[Row]]:
        order = sorted(prompts, key=lambda i: (prompts[i].prefix, requests[i].id, requests[i].seed))
        rows: list[Row] = []
        size = 0
        for index in order:
            request, prompt = requests[index], prompts[index]
            new = [self._row(index, i, request, prompt) for i in range(request.candidates)]
            full = len(rows) + len(new) > self._max_rows or size + len(prompt.own) > self._max_prompt
            if rows and full:
                yield rows
                rows, size = [], 0
            while len(new) > self._max_rows:
                yield new[: self._max_rows]
                new = new[self._max_rows :]
            rows += new
            size += len(prompt.own)
        if rows:
            yield rows

    def _steps(self, rows: list[Row]) -> Iterator[None]:
        """Write `rows`, yielding after each token."""
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
                logits = logits[torch.tensor(source)]
            sampler = Sampler([(row.sampling, row.seed) for row in rows])
            live = list(rows)
        while True:
            with torch.inference_mode():
                tokens, logprobs = sampler.draw(logits)
                for row, token, logprob in zip(live, tokens.tolist(), logprobs, strict=True):
                    if not row.finish:
                        self._add(row, token, logprob)
            yield
            with torch.inference_mode():
                keep = [index for index, row in enumerate(live) if not row.finish]
                if not keep:
                    return
                # Copying keys and values to drop one row costs more than carrying it on for some steps.
                if len(keep) * 4 <= len(live) * 3:
                    batch.pick(keep)
                    sampler.pick(keep)
                    live = [live[index] for index in keep]
                    tokens = tokens[torch.tensor(keep)]
                logits = batch.step(tokens)

    def _add(self, row: Row, token: int, logprob: float) -> None:
        row.logprob += logprob
        if token in self._stops:
            # The end is the model's choice as any token is, so it counts in the mean, but it is no text.
            row.finish = "stop"
            row.tokens.append(token)
        else:
            row.tokens.append(token)
            row.text = self._tokenizer.decode(row.tokens, skip_special_tokens=True)
            ends = [at for at in (row.text.find(stop) for stop in row.sampling.stop if stop) if at >= 0]
            if ends:
                row.text, row.finish = row.text[: min(ends)], "stop"
            elif len(row.tokens) >= row.sampling.max_tokens:
                row.finish = "length"


def candidate_of(row: Row) -> Candidate:
    """Return the finished candidate, without blank ends and without half a character at a cut."""
    return Candidate(
        text=row.text.rstrip("\ufffd").strip(),
        tokens=len(row.tokens),
        logprob=row.logprob / max(len(row.tokens), 1),
        finish="length" if row.finish == "length" else "stop",
    )
