"""Stopping, failing, memory and devices of local writing."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from persona.errors import DeviceMissing
from persona.writer import LocalChatModel, LocalWriter, Message, Sampling, WriteRequest, Written
from persona.writer.sampler import Sampler


def ask(number: int, *, words: int = 3, candidates: int = 2, max_tokens: int = 12) -> WriteRequest:
    messages = (Message(role="system", content="Be brief."), Message(role="user", content=f"{number} " + "go " * words))
    sampling = Sampling(max_tokens=max_tokens, temperature=0.9)
    return WriteRequest(id=f"r{number}", messages=messages, seed=number, candidates=candidates, sampling=sampling)


def after(count: int) -> Callable[[str], bool]:
    """Return a callable that says stop from its `count`-th call on."""
    calls = 0

    def cancelled(name: str) -> bool:
        nonlocal calls
        calls += 1
        return calls > count

    return cancelled


@pytest.fixture
def draws(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many rows each draw of tokens was for."""
    found: list[int] = []
    draw = Sampler.draw

    def counted(self: Sampler, logits: torch.Tensor) -> Any:
        found.append(len(logits))
        return draw(self, logits)

    monkeypatch.setattr(Sampler, "draw", counted)
    return found


def test_a_cancelled_write_ends_at_once_and_keeps_what_is_done(tiny: LocalChatModel, draws: list[int]) -> None:
    requests = [ask(1, max_tokens=2), ask(2, max_tokens=12)]
    whole = tiny.write(requests)
    draws.clear()
    first, second = LocalWriter(tiny).write(requests, cancelled=lambda name: len(draws) >= 3)
    assert first == whole[0]
    assert second == Written(id="r2", error="cancelled")
    assert draws == [4, 4, 2]
    draws.clear()
    assert [answer.error for answer in tiny.write(requests, cancelled=after(0))] == ["cancelled", "cancelled"]
    assert draws == []
    assert tiny.write(requests, cancelled=lambda name: False) == whole


def test_one_request_is_cancelled_from_another_thread_and_the_others_stay_the_same(tiny: LocalChatModel) -> None:
    requests = [ask(i, max_tokens=12) for i in range(4)]
    whole = tiny.write(requests)
    unwanted: set[str] = set()
    under_way, set_aside = threading.Event(), threading.Event()

    def cancelled(name: str) -> bool:
        under_way.set()
        assert set_aside.wait(10)
        return name in unwanted

    def other() -> None:
        assert under_way.wait(10)
        unwanted.add("r1")
        set_aside.set()

    thread = threading.Thread(target=other)
    thread.start()
    found = tiny.write(requests, cancelled=cancelled)
    thread.join()
    assert found == [whole[0], Written(id="r1", error="cancelled"), *whole[2:]]


def test_a_row_that_is_cancelled_leaves_the_batch_before_the_next_token(tiny: LocalChatModel, draws: list[int]) -> None:
    requests = [ask(i, max_tokens=8, candidates=4) for i in range(2)]
    whole = tiny.write(requests)
    assert draws[0] == 8
    draws.clear()
    first, second = tiny.write(requests, cancelled=lambda name: name == "r1" and len(draws) >= 2)
    assert (first, second.error) == (whole[0], "cancelled")
    assert draws[:2] == [8, 8]
    assert set(draws[2:]) == {4}


def test_cancelling_the_task_that_waits_stops_the_writing(tiny: LocalChatModel, draws: list[int]) -> None:
    async def streamed() -> None:
        async for _ in tiny.astream("Write.", max_tokens=400):
            pass

    async def cancel(make: Callable[[], Any]) -> int:
        draws.clear()
        task = asyncio.ensure_future(make())
        while not draws:
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        seen = len(draws)
        # What was under way when the task ended may still be counted.
        await asyncio.sleep(0.2)
        assert len(draws) <= seen + 2
        return len(draws)

    for make in (
        lambda: tiny.ainvoke("Write.", max_tokens=400),
        lambda: tiny.abatch(["Write.", "More."], max_tokens=400),
        streamed,
    ):
        assert 0 < asyncio.run(cancel(make)) < 300


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
    [row] = decoder.rows([decoder._row(0, 0, ask(5), prompt)], lambda name: False)
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
