"""Stopping, failing, memory and devices of local writing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from persona.errors import DeviceMissing
from persona.writer import LocalChatModel, LocalWriter, Message, Sampling, WriteRequest, Written


def ask(number: int, *, words: int = 3, candidates: int = 2, max_tokens: int = 12) -> WriteRequest:
    messages = (Message(role="system", content="Be brief."), Message(role="user", content=f"{number} " + "go " * words))
    sampling = Sampling(max_tokens=max_tokens, temperature=0.9)
    return WriteRequest(id=f"r{number}", messages=messages, seed=number, candidates=candidates, sampling=sampling)


def after(count: int) -> Callable[[], bool]:
    """Return a callable that says stop from its `count`-th call on."""
    calls = 0

    def cancelled() -> bool:
        nonlocal calls
        calls += 1
        return calls > count

    return cancelled


def test_a_cancelled_write_ends_at_once_and_keeps_what_is_done(tiny: LocalChatModel) -> None:
    requests = [ask(1, max_tokens=2), ask(2, max_tokens=12)]
    whole = tiny.write(requests)
    asked = 0

    def cancelled() -> bool:
        nonlocal asked
        asked += 1
        return asked > 3

    first, second = LocalWriter(tiny).write(requests, cancelled=cancelled)
    assert first == whole[0]
    assert second == Written(id="r2", error="cancelled")
    assert asked == 4
    assert [answer.error for answer in tiny.write(requests, cancelled=after(0))] == ["cancelled", "cancelled"]
    assert tiny.write(requests, cancelled=lambda: False) == whole


def test_a_cancelled_stream_ends(tiny: LocalChatModel) -> None:
    [whole] = tiny.write([ask(3, candidates=1)])
    pieces = list(tiny._decoder.stream(ask(3, candidates=1)))
    assert "".join(pieces) == whole.candidates[0].text
    some = list(tiny._decoder.stream(ask(3, candidates=1), cancelled=after(5)))
    assert some == pieces[: len(some)]
    assert 0 < len(some) < len(pieces)
    chunks = [chunk.content for chunk in tiny.stream("Write.", cancelled=after(5))]
    assert "".join(map(str, chunks)) in str(tiny.invoke("Write.").content)


class Failing:
    """A model that fails on one prompt, and on batches that are too wide."""

    def __init__(self, inner: Any, token: int, most: int) -> None:
        self.inner, self.token, self.most = inner, token, most

    def prefix(self, tokens: Any) -> Any:
        return self.inner.prefix(tokens)

    def start(self, prompts: Any, room: int) -> Any:
        if any(self.token in own for _, own in prompts):
            raise IndexError("a token that the model does not have")
        if len(prompts) > self.most:
            raise RuntimeError("not enough memory")
        return self.inner.start(prompts, room)


def test_a_request_that_fails_does_not_fail_the_others(tiny: LocalChatModel, monkeypatch: pytest.MonkeyPatch) -> None:
    requests = [ask(i) for i in range(4)]
    requests[2] = replace(requests[2], messages=(Message(role="user", content="Ω"),))
    whole = tiny.write(requests)
    token = tiny._decoder._tokenizer.encode("Ω", add_special_tokens=False).ids[0]
    monkeypatch.setattr(tiny._decoder, "_model", Failing(tiny._decoder._model, token, most=2))
    found = tiny.write(requests)
    assert [answer.error for answer in found] == ["", "", "IndexError: a token that the model does not have", ""]
    assert [found[i] for i in (0, 1, 3)] == [whole[i] for i in (0, 1, 3)]


def test_a_batch_takes_no_more_memory_than_allowed(tiny: LocalChatModel, tiny_folder: Path) -> None:
    requests = [ask(i, candidates=3) for i in range(5)]
    token_bytes = tiny._decoder._token_bytes
    assert token_bytes == 2 * 2 * 2 * 16 * 4  # layers, keys and values, key heads, head size, bytes
    small = LocalChatModel(folder=str(tiny_folder), precision="float32", batch_bytes=80 * token_bytes)
    batches = []
    inner = small._decoder._model.start

    def start(prompts: Any, room: int) -> Any:
        batches.append([len(own) for _, own in prompts])
        return inner(prompts, room)

    small._decoder._model.start = start
    assert small.write(requests) == tiny.write(requests)
    assert len(batches) > 1
    assert all(sum(lengths) + 3 * 12 * len(lengths) <= 80 for lengths in batches)
    batches.clear()
    [one] = small.write([ask(1, candidates=9)])
    assert len(one.candidates) == 9
    assert len(batches) > 1


def test_short_and_long_prompts_together_change_nothing(tiny: LocalChatModel) -> None:
    """Prompts of more than 256 tokens of their own are padded to another size than short ones."""
    requests = [ask(i, words=words, candidates=1 + i % 3) for i, words in enumerate((2, 300, 40, 280, 9))]
    together = tiny.write(requests)
    assert not [answer.error for answer in together if answer.error]
    own = [len(tiny._decoder._template.prompt(request.messages, room=500).own) for request in requests]
    assert max(own) > 256 > min(own)
    for request, answer in zip(requests, together, strict=True):
        assert tiny.write([request]) == [answer]
    assert tiny.write(requests[::-1]) == together[::-1]


@pytest.mark.parametrize("precision", ["float32", "bfloat16", "int8"])
def test_logprobs_of_a_given_text_are_those_of_writing_it(tiny_folder: Path, precision: Any) -> None:
    model = LocalChatModel(folder=str(tiny_folder), precision=precision)
    decoder, forward = model._decoder, model._decoder._model
    prompt = decoder._template.prompt(ask(5).messages, room=400)
    [row] = decoder.rows([decoder._row(0, 0, ask(5), prompt)], lambda: False)
    with torch.inference_mode():
        prefix = forward.prefix(prompt.prefix)
        parts = forward.logprobs(prefix, [*prompt.own, *row.tokens])[-len(row.tokens) :]
        at_once = forward.logprobs(None, [*prompt.prefix, *prompt.own, *row.tokens])[-len(row.tokens) :]
    assert float(parts.sum()) == pytest.approx(row.logprob, abs=1e-4 if precision == "float32" else 0.3)
    assert float(at_once.sum()) == pytest.approx(row.logprob, abs=1e-4 if precision == "float32" else 0.3)


def test_a_device_that_is_not_there_is_refused(tiny_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(DeviceMissing):
        LocalChatModel(folder=str(tiny_folder), device="cuda")
    model = LocalChatModel(folder=str(tiny_folder), device="cpu")
    assert model.resolved_device == "cpu"


def test_what_was_kept_of_prompts_can_be_dropped(tiny_folder: Path) -> None:
    model = LocalChatModel(folder=str(tiny_folder), precision="float32")
    before = model.write([ask(1)])
    assert model._decoder.prefixes.nbytes > 0
    model.forget()
    assert model._decoder.prefixes.nbytes == len(model._decoder.prefixes) == 0
    assert model.write([ask(1)]) == before
