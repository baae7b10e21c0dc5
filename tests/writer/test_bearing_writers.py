"""Retrying, shortening and falling back, over real HTTP and over writers that do as they are told."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from persona.definition.writing import WriterSettings
from persona.errors import ModelNotFound
from persona.testing import ChatServer, Reply
from persona.writer import Candidate, Message, Writer, WriteRequest, Written, open_writer
from persona.writer.contract import Fault, Usage
from persona.writer.fallback import FallbackWriter
from persona.writer.retrying import RetryingWriter
from persona.writer.shortening import ShorteningWriter
from persona.writer.turns import without_oldest, without_system
from tests.writer.asking import ask, settings_for, turns


class Told(Writer):
    """Gives the scripted answers to each request in turn, and writes once they are used up."""

    def __init__(self, *script: tuple[Fault, float] | str, name: str = "told") -> None:
        self.name, self.script = name, list(script)
        self.asked: list[list[WriteRequest]] = []

    def write(self, requests: Sequence[WriteRequest]) -> list[Written]:
        self.asked.append(list(requests))
        return [self._one(request) for request in requests]

    def _one(self, request: WriteRequest) -> Written:
        usage = Usage(prompt=1)
        if not self.script:
            return Written(id=request.id, candidates=(Candidate(text=self.name),), usage=usage)
        told = self.script.pop(0)
        fault, wait = told if isinstance(told, tuple) else ("", 0.0)
        return Written(id=request.id, error=f"failed {fault or told}", fault=fault, wait=wait, usage=usage)


PASSING: tuple[Fault, float] = ("passing", 0.0)


def test_only_what_may_pass_is_asked_again_and_usage_adds_up() -> None:
    inner = Told(PASSING, "for good", ("budget", 0.0), ("overflow", 0.0))
    slept: list[float] = []
    writer = RetryingWriter(inner, retries=3, sleep=slept.append)
    answers = writer.write([ask(text) for text in "abcd"])
    assert [answer.error for answer in answers] == ["", "failed for good", "failed budget", "failed overflow"]
    assert [[request.id for request in asked] for asked in inner.asked] == [list("abcd"), ["a"]]
    assert answers[0].usage == Usage(prompt=2)
    assert len(slept) == 1
    assert writer.name == "told"


def test_waits_grow_are_drawn_and_are_bounded() -> None:
    slept: list[float] = []
    requests = [ask(f"r{i}") for i in range(40)]
    for request in requests:
        writer = RetryingWriter(Told(*[PASSING] * 9), retries=6, first=1.0, longest=8.0, sleep=slept.append)
        [answer] = writer.write([request])
        assert answer.error
    turns_of = [slept[turn::6] for turn in range(6)]
    for turn, waits in enumerate(turns_of):
        top = min(2.0**turn, 8.0)
        assert 0 <= min(waits) < top * 0.2
        assert top * 0.8 < max(waits) <= top
    again: list[float] = []
    RetryingWriter(Told(*[PASSING] * 9), retries=6, longest=8.0, sleep=again.append).write(requests[:1])
    assert again == slept[:6]


def test_the_server_says_how_long_to_wait_and_too_long_is_not_waited_for() -> None:
    slept: list[float] = []
    RetryingWriter(Told(("passing", 5.0)), sleep=slept.append).write([ask()])
    assert 5.0 <= slept[0] <= 6.0
    inner = Told(("passing", 31.0))
    [answer] = RetryingWriter(inner, longest=30.0, sleep=slept.append).write([ask()])
    assert (answer.fault, len(inner.asked), len(slept)) == ("passing", 1, 1)


def test_retries_over_http(chat_server: ChatServer) -> None:
    chat_server.script += [Reply(status=429, headers={"Retry-After": "1"}), Reply(status=503), Reply(text="Rye.")]
    [answer] = open_writer(settings_for(chat_server, retries=2)).write([ask()])
    assert answer.candidates[0].text == "Rye."
    assert chat_server.at[1] - chat_server.at[0] >= 1.0
    chat_server.script += [Reply(status=503)] * 9
    [answer] = open_writer(settings_for(chat_server, retries=1)).write([ask()])
    assert answer.fault == "passing"
    assert len(chat_server.asked) == 5
    chat_server.script.clear()
    chat_server.script.append(Reply(status=400))
    [answer] = open_writer(settings_for(chat_server, retries=5)).write([ask()])
    assert answer.error
    assert len(chat_server.asked) == 6


def test_the_oldest_turns_go_first_and_system_and_last_message_stay() -> None:
    messages = turns("q1", "a1", "q2", "a2", "last")
    shorter = without_oldest(messages)
    assert shorter == (messages[0], *messages[3:])
    assert shorter is not None
    assert without_oldest(shorter) == (messages[0], messages[-1])
    assert without_oldest((messages[0], messages[-1])) is None
    assert without_oldest(messages[1:]) == messages[3:]
    assert without_oldest(messages[-1:]) is None
    assert without_oldest(()) is None
    odd = (messages[0], messages[2], messages[3], messages[4], messages[5])
    assert without_oldest(odd) == (messages[0], *messages[3:])
    many = turns(*[f"t{i}" for i in range(11)])
    assert without_oldest(many, half=True) == (many[0], *many[7:])


def test_a_remote_prompt_is_shortened_until_it_fits(chat_server: ChatServer) -> None:
    full = Reply(status=400, error="maximum context length is 512 tokens", code="context_length_exceeded")
    chat_server.script += [full, full, full, Reply(text="Rye.")]
    request = replace(ask(), messages=turns(*[f"t{i}" for i in range(12)], "last"))
    [answer] = open_writer(settings_for(chat_server)).write([request])
    assert answer.candidates[0].text == "Rye."
    sizes = [len(body["messages"]) for body in chat_server.asked]
    assert sizes == [14, 8, 4, 2]
    for body in chat_server.asked:
        assert body["messages"][0] == {"role": "system", "content": "You are Ada."}
        assert body["messages"][-1]["content"] == "last"
    chat_server.script += [full] * 9
    [answer] = open_writer(settings_for(chat_server)).write([request])
    assert answer.fault == "overflow"
    assert len(chat_server.asked) == 8


def test_shortening_leaves_the_others_alone() -> None:
    inner = Told(("overflow", 0.0), PASSING)
    long = replace(ask("long"), messages=turns("q", "a", "last"))
    answers = ShorteningWriter(inner).write([long, ask("short")])
    assert [answer.error for answer in answers] == ["", "failed passing"]
    assert [len(request.messages) for request in inner.asked[1]] == [2]


def test_a_system_message_goes_before_what_the_user_says_first() -> None:
    assert without_system(turns("q", "a", "last"))[0] == Message(role="user", content="You are Ada.\n\nq")
    assert [m.role for m in without_system(turns("q", "a", "last"))] == ["user", "assistant", "user"]
    assert without_system(turns()) == (Message(role="user", content="You are Ada."),)
    said = Message(role="assistant", content="hm")
    assert without_system((*turns(), said)) == (Message(role="user", content="You are Ada."), said)
    assert without_system(turns("q")[1:]) == turns("q")[1:]


def test_the_second_writes_what_the_first_cannot_and_is_named(caplog: pytest.LogCaptureFixture) -> None:
    opened = []
    second = Told(name="second")

    def open_second() -> Writer:
        opened.append(1)
        return second

    writer = FallbackWriter(Told(name="first"), open_second)
    assert writer.write([ask()])[0].model == ""
    assert opened == []
    writer = FallbackWriter(Told("down", name="first"), open_second)
    instead = (Message(role="user", content="In plain words."),)
    first, other = writer.write([replace(ask("a"), instead=instead), ask("b")])
    assert (first.candidates[0].text, first.model) == ("second", "second instead of first")
    assert (other.candidates[0].text, other.model) == ("first", "")
    assert second.asked[0][0].messages == instead
    assert "second writes 1 texts instead of first: failed down" in caplog.text
    writer.write([ask()])
    assert len(opened) == 1


def test_where_both_fail_both_errors_are_told() -> None:
    [answer] = FallbackWriter(Told("down"), lambda: Told("broken")).write([ask()])
    assert answer.error == "failed down; fall-back: failed broken"

    def missing() -> Writer:
        raise ModelNotFound(file_text="x.gguf", cure_text="Check the path.")

    [answer] = FallbackWriter(Told("down"), missing).write([ask()])
    assert answer.error.startswith("failed down; no fall-back: The model file x.gguf is not there.")


def test_a_local_model_falls_in_for_a_server_that_is_down(tiny_folder: Path, chat_server: ChatServer) -> None:
    chat_server.script += [Reply(status=500)] * 2
    settings = settings_for(chat_server, retries=1, fallback=str(tiny_folder))
    began = time.monotonic()
    [answer] = open_writer(settings).write([ask(candidates=1)])
    assert time.monotonic() - began < 30
    assert answer.candidates
    assert answer.model.startswith("tiny/")
    assert answer.model.endswith(" instead of openai:test")
    [alone] = open_writer(WriterSettings(model=str(tiny_folder))).write([ask(candidates=1)])
    assert alone.candidates == answer.candidates
