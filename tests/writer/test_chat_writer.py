"""Remote models over real HTTP: what is sent, what comes back, and what each failure is."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any, ClassVar

import pytest

from persona.errors import ModelNotFound, SecretMissing
from persona.log import REDACTED
from persona.testing import ChatServer, Reply
from persona.writer import Writer, WriteRequest, Written, open_writer
from persona.writer.calls import Overrun, call_all
from persona.writer.contract import Usage
from persona.writer.failure import failure_of
from tests.writer.asking import ask, settings_for


def write(server: ChatServer, *requests: WriteRequest, **values: Any) -> list[Written]:
    return open_writer(settings_for(server, **values)).write(requests)


def test_what_is_asked_is_what_the_request_says(chat_server: ChatServer) -> None:
    [answer] = write(chat_server, ask(candidates=3, max_tokens=33, temperature=0.4, top_p=0.8, stop=("a", "b")))
    assert [c.text for c in answer.candidates] == ["You s"] * 3  # cut at the first of "a" and "b"
    assert answer.usage == Usage(prompt=30, text=15)
    assert [c.tokens for c in answer.candidates] == [5, 5, 5]
    bodies = chat_server.asked
    assert len({body["seed"] for body in bodies}) == 3
    for body in bodies:
        assert (body["model"], body["max_completion_tokens"], body["temperature"]) == ("test", 33, 0.4)
        assert (body["top_p"], body["stop"]) == (0.8, ["a", "b"])
        assert body["messages"] == [{"role": "user", "content": "Write about rye."}]
    before = sorted(body["seed"] for body in bodies)
    write(chat_server, ask(candidates=3))
    assert sorted(body["seed"] for body in bodies[3:]) == before


def test_only_four_stop_strings_are_sent_and_all_are_obeyed(chat_server: ChatServer) -> None:
    chat_server.script.append(Reply(text="one two five six"))
    [answer] = write(chat_server, ask(stop=("1", "2", "3", "4", "five")))
    assert chat_server.asked[0]["stop"] == ["1", "2", "3", "4"]
    assert answer.candidates[0].text == "one two"


def test_a_server_without_a_key_is_not_given_the_key_of_another(
    chat_server: ChatServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "the-key-for-openai")
    monkeypatch.setenv("ITS_KEY", "the-key-for-this")
    write(chat_server, ask())
    write(chat_server, ask(), api_key="env:ITS_KEY")
    assert chat_server.keys == ["Bearer not-needed", "Bearer the-key-for-this"]
    monkeypatch.delenv("ITS_KEY")
    with pytest.raises(SecretMissing, match="ITS_KEY"):
        open_writer(settings_for(chat_server, api_key="env:ITS_KEY"))


def test_ollama_is_asked_in_its_own_words(chat_server: ChatServer) -> None:
    chat_server.script.append(Reply(text="Rye."))
    values = {"model": "ollama:tiny", "base_url": chat_server.ollama_url}
    [answer] = write(chat_server, ask(max_tokens=21, repetition_penalty=1.3, top_k=7, stop=("x",)), **values)
    assert (answer.candidates[0].text, answer.usage) == ("Rye.", Usage(prompt=10, text=5))
    options = chat_server.asked[0]["options"]
    assert (options["num_predict"], options["repeat_penalty"], options["top_k"]) == (21, 1.3, 7)
    assert options["stop"] == ["x"]
    assert options["seed"] > 0
    chat_server.script.append(Reply(delay=30))
    began = time.monotonic()
    [late] = write(chat_server, ask(), timeout="1s", **values)
    assert (late.fault, late.candidates) == ("passing", ())
    assert time.monotonic() - began < 25


def test_options_reach_the_server(chat_server: ChatServer) -> None:
    write(chat_server, ask(), options={"reasoning_effort": "minimal", "extra_body": {"top_k": 5}})
    assert chat_server.asked[0]["reasoning_effort"] == "minimal"
    assert chat_server.asked[0]["top_k"] == 5


@pytest.mark.parametrize(
    ("reply", "gone"),
    [
        (
            Reply(status=400, error="Unsupported parameter: 'stop' is not supported here.", param="stop"),
            "stop",
        ),
        (Reply(status=400, error="Unsupported value: 'temperature' does not support 0.7."), "temperature"),
        (Reply(status=422, error="property seed is not allowed"), "seed"),
        (Reply(status=400, error="`temperature` and `top_p` cannot both be specified for this model."), "top_p"),
    ],
)
def test_a_setting_that_a_server_refuses_is_left_out_from_then_on(
    reply: Reply, gone: str, chat_server: ChatServer, caplog: pytest.LogCaptureFixture
) -> None:
    chat_server.script.append(reply)
    writer = open_writer(settings_for(chat_server))
    for _ in range(2):
        [answer] = writer.write([ask(stop=("zz",))])
        assert answer.candidates
    assert [gone in body for body in chat_server.asked] == [True, False, False]
    assert f"does not take {gone}" in caplog.text


def test_a_limit_on_length_is_never_left_out(chat_server: ChatServer) -> None:
    chat_server.script.append(Reply(status=400, error="'max_tokens' is too large", param="max_tokens"))
    [answer] = write(chat_server, ask())
    assert "max_tokens" in answer.error
    assert len(chat_server.asked) == 1


@pytest.mark.parametrize(
    ("reply", "fault", "untold", "words"),
    [
        (Reply(status=429, error="slow down"), "passing", 0, "slow down"),
        (Reply(status=429, error="all used up", code="insufficient_quota"), "", 0, "used up"),
        (Reply(status=500), "passing", 1, "told to fail"),
        (Reply(status=503), "passing", 0, "told to fail"),
        (Reply(status=408), "passing", 0, "told to fail"),
        (Reply(status=400), "", 0, "told to fail"),
        (Reply(status=401, error="no key"), "", 0, "no key"),
        (Reply(status=404, error="no such model"), "", 0, "no such model"),
        (Reply(status=400, code="context_length_exceeded"), "overflow", 0, ""),
        (Reply(status=400, error="This model's maximum context length is 512 tokens."), "overflow", 0, ""),
        (Reply(status=400, error="the request exceeds the available context size"), "overflow", 0, ""),
        (Reply(hang_up=True), "passing", 1, ""),
        (Reply(delay=30), "passing", 1, ""),
        (Reply(body=b"<html>it is down</html>"), "", 1, ""),
        (Reply(body=b"{}"), "", 1, ""),
        (Reply(body=b'{"choices": []}'), "", 1, ""),
        (Reply(body=b"[1, 2"), "", 1, ""),
    ],
)
def test_each_failure_is_what_it_is(reply: Reply, fault: str, untold: int, words: str, chat_server: ChatServer) -> None:
    chat_server.script.append(reply)
    [answer] = write(chat_server, ask(), timeout="1s" if reply.delay else "60s")
    assert answer.error
    assert words in answer.error
    assert (answer.fault, answer.usage.untold, answer.candidates) == (fault, untold, ())
    assert len(chat_server.asked) == 1, "the client made retries of its own"


def test_a_server_that_is_not_there_may_come_back_and_billed_nothing() -> None:
    with ChatServer() as gone:
        settings = settings_for(gone)
    [answer] = open_writer(settings).write([ask()])
    assert (answer.fault, answer.usage) == ("passing", Usage())


@pytest.mark.parametrize(
    ("headers", "wait"),
    [
        ({"Retry-After": "7"}, 7.0),
        ({"retry-after-ms": "1500"}, 1.5),
        ({"Retry-After": "soon"}, 0.0),
        ({}, 0.0),
    ],
)
def test_how_long_a_server_asks_to_wait(headers: dict[str, str], wait: float, chat_server: ChatServer) -> None:
    chat_server.script.append(Reply(status=429, headers=headers))
    [answer] = write(chat_server, ask())
    assert answer.wait == wait


def test_a_server_may_name_the_instant_to_wait_for(chat_server: ChatServer) -> None:
    for seconds in (600, -600):
        then = format_datetime(datetime.now(UTC) + timedelta(seconds=seconds), usegmt=True)
        chat_server.script.append(Reply(status=429, headers={"Retry-After": then}))
        [answer] = write(chat_server, ask())
        assert max(seconds - 120, 0) <= answer.wait <= max(seconds, 0)


def test_a_call_that_trickles_is_left_behind_and_the_others_go_on(chat_server: ChatServer) -> None:
    chat_server.script += [Reply(text="slow", trickle=0.3)] * 2
    began = time.monotonic()
    answers = write(chat_server, *(ask(f"Write {i}.") for i in range(12)), timeout="4s")
    assert time.monotonic() - began < 45  # each byte by itself comes in time; all of them would take 90 s
    assert sorted(answer.fault for answer in answers) == [""] * 10 + ["passing"] * 2
    assert sum(len(answer.candidates) for answer in answers) == 10
    assert all("no answer within" in answer.error for answer in answers if answer.error)


def test_one_candidate_is_enough(chat_server: ChatServer) -> None:
    chat_server.script += [Reply(status=500), Reply(text="Rye.")]
    [answer] = write(chat_server, ask(candidates=2))
    assert [c.text for c in answer.candidates] == ["Rye."]
    assert (answer.error, answer.fault) == ("", "")
    assert answer.usage == Usage(prompt=10, text=5, untold=1)


def test_thoughts_are_no_text_and_a_text_of_thoughts_alone_says_so(chat_server: ChatServer) -> None:
    chat_server.script += [
        Reply(text="<think>Rye or wheat?\n</think>\n\nRye."),
        Reply(text="<think>Rye or", finish="length"),
        Reply(text="", finish="length"),
        Reply(text="Rye and", finish="length"),
    ]
    first, second, third, fourth = (write(chat_server, ask())[0] for _ in range(4))
    assert first.candidates[0].text == "Rye."
    assert "raise writer.max_tokens" in second.error
    assert "raise writer.max_tokens" in third.error
    assert (fourth.candidates[0].text, fourth.candidates[0].finish) == ("Rye and", "length")


def test_what_a_server_keeps_to_itself_is_untold(chat_server: ChatServer) -> None:
    chat_server.script.append(Reply(text="Rye.", usage=None))
    [answer] = write(chat_server, ask())
    assert answer.usage == Usage(untold=1)


def test_calls_a_minute_are_limited_for_all_personas_together(chat_server: ChatServer) -> None:
    cache: dict[str, Writer] = {}
    settings = settings_for(chat_server, requests_per_minute=300)
    for _ in range(2):
        open_writer(settings, cache=cache).write([ask(candidates=4)])
    gaps = [later - earlier for earlier, later in zip(chat_server.at, chat_server.at[1:], strict=False)]
    assert len(chat_server.at) == 8
    assert chat_server.at[-1] - chat_server.at[0] >= 7 * 0.2 * 0.9
    assert min(gaps) > 0.05


def test_not_more_calls_at_once_than_allowed(chat_server: ChatServer) -> None:
    chat_server.script += [Reply(text="Rye.", delay=0.3)] * 20
    write(chat_server, ask(candidates=20))
    assert 1 < chat_server.most_at_once <= 8


def test_errors_are_short_and_hold_no_secret(chat_server: ChatServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ITS_KEY", "hush-this-is-one")
    chat_server.script.append(Reply(status=401, error="bad key hush-this-is-one\n" + "why " * 400))
    [answer] = write(chat_server, ask(), api_key="env:ITS_KEY")
    assert "hush" not in answer.error
    assert REDACTED in answer.error
    assert len(answer.error) < 400
    assert "\n" not in answer.error


@pytest.mark.parametrize(
    ("model", "cure"),
    [("openai:test", "OPENAI_API_KEY"), ("anthropic:x", "pip install langchain-anthropic"), ("nosuch:x", "nosuch")],
)
def test_a_model_that_cannot_be_opened_says_why(model: str, cure: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from persona.definition.writing import WriterSettings

    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    with pytest.raises(ModelNotFound, match=cure):
        open_writer(WriterSettings(model=model))


def test_calls_that_raise_and_calls_that_hang() -> None:
    def fails() -> str:
        raise KeyError("x")

    def hangs() -> str:
        time.sleep(30)
        return "b"

    answers = call_all([fails, hangs, lambda: "c"], workers=1, seconds=1.0)
    assert isinstance(answers[0], KeyError)
    assert isinstance(answers[1], Overrun)
    assert answers[2] == "c"
    assert call_all([], workers=3, seconds=1) == []
    [broken] = call_all([lambda: "d"], workers=1, seconds=1, before=lambda: 1 / 0)
    assert isinstance(broken, ZeroDivisionError)
    waited = call_all([lambda: "e"], workers=1, seconds=1.0, before=lambda: time.sleep(1.3))
    assert waited == ["e"]


def test_errors_of_other_clients_are_read_by_what_they_carry() -> None:
    class Answer:
        status_code = 429
        headers: ClassVar = {"retry-after": "3"}

    class TheirError(Exception):
        response = Answer()

    class GoogleError(Exception):
        code = 503

    assert (failure_of(TheirError("busy")).fault, failure_of(TheirError("busy")).wait) == ("passing", 3.0)
    assert failure_of(GoogleError("busy")).fault == "passing"
    assert failure_of(ConnectionResetError("gone")).fault == "passing"
    assert failure_of(ValueError("odd")).fault == ""
