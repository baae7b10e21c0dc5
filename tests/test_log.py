from __future__ import annotations

import json
import logging
import subprocess
import sys
from collections.abc import Iterator

import pytest

from persona import log
from persona.log import REDACTED, configure_logging, get_logger, redact, redacted, register_secret

SECRET = 'hunter2/"quoted" value'


@pytest.fixture(autouse=True)
def _clean_logging() -> Iterator[None]:
    root = logging.getLogger()
    before, level, secrets = list(root.handlers), root.level, dict(log._secrets)
    yield
    root.handlers[:] = before
    root.setLevel(level)
    log._secrets.clear()
    log._secrets.update(secrets)


def last_line(capsys: pytest.CaptureFixture[str]) -> dict[str, object]:
    out, err = capsys.readouterr()
    assert out == ""
    line: dict[str, object] = json.loads(err.splitlines()[-1])
    return line


def test_a_line_has_event_fields_level_logger_and_time(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("info", json=True)
    get_logger("persona.test").bind(persona="ana").info("post sent", key="abc", tries=2)
    line = last_line(capsys)
    assert line["event"] == "post sent"
    assert (line["persona"], line["key"], line["tries"]) == ("ana", "abc", 2)
    assert (line["level"], line["logger"]) == ("info", "persona.test")
    assert str(line["timestamp"]).endswith("Z")


def test_lines_for_people(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("warning", json=False)
    get_logger("persona.test").info("not shown")
    get_logger("persona.test").warning("slot missed", slot="morning", token="abc")
    err = capsys.readouterr().err
    assert "not shown" not in err
    assert "slot missed" in err
    assert "slot=morning" in err
    assert "abc" not in err


@pytest.mark.parametrize(
    "key", ["token", "password", "API_KEY", "apiKey", "authorization", "access_token", "client-secret", "cookie"]
)
def test_values_of_secret_keys_go(key: str) -> None:
    assert redacted({"settings": {key: ["a", {"b": 1}]}}) == {"settings": {key: REDACTED}}


def test_other_keys_stay() -> None:
    fields = {
        "tokens": 12,
        "max_tokens": 80,
        "author": "ana",
        "secretary": "bo",
        "ok": True,
        "none": None,
        "share": 0.5,
    }
    assert redacted(fields) == fields


@pytest.mark.parametrize(
    "text",
    [
        "sk-proj-abcdefghijklmnop1234",
        "ghp_abcdefghijklmnop1234567890",
        "xoxb-123456789012-abcdef",
        "hf_abcdefghijklmnopqrstuv",
        "AKIAIOSFODNN7EXAMPLE",
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abcDEF123",
        "123456789:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw1",
        "Xy7Kp2Lm9Qr4St6Uv8Wx0Yz1Ab3Cd5Ef7G",
        "-----BEGIN PRIVATE KEY-----\nMIIEvQ\n-----END PRIVATE KEY-----",
    ],
)
def test_what_looks_like_a_token_goes(text: str) -> None:
    assert redact(f"before {text} after") == f"before {REDACTED} after"


@pytest.mark.parametrize(
    ("text", "gone"),
    [
        ("Authorization: Bearer abc.def-123", "abc.def-123"),
        ("GET /x?access_token=s3cr3t&page=2", "s3cr3t"),
        ('{"password": "open sesame"}', "open sesame"),
        ("postgresql://ana:s3cr3t@db/persona", "s3cr3t"),
        ("api_key='s3cr3t value'", "s3cr3t value"),
    ],
)
def test_pairs_of_name_and_secret(text: str, gone: str) -> None:
    assert gone not in redact(text)
    assert REDACTED in redact(text)


@pytest.mark.parametrize(
    "text",
    [
        "the token bucket is full",
        "3f786850e387550fdab836ed7e6dc881de23001b53aa51172d142c89d9012cce",
        "basic recipe for bread",
        "wrote 70 tokens in 2.1 s to /data/.persona/persona.db",
        "https://example.org/@ana/109",
    ],
)
def test_plain_text_stays(text: str) -> None:
    assert redact(text) == text


def test_registered_secrets_go_in_every_form(capsys: pytest.CaptureFixture[str]) -> None:
    register_secret(SECRET)
    register_secret("abc")
    configure_logging("info", json=True)
    get_logger("persona.test").info(f"a {SECRET}", url="https://x/?q=hunter2%2F%22quoted%22%20value", listed=[SECRET])
    line = json.dumps(last_line(capsys))
    assert "hunter2" not in line
    assert redact("abc is too short to count") == "abc is too short to count"


def test_an_exception_shows_its_traceback_without_the_secret(capsys: pytest.CaptureFixture[str]) -> None:
    register_secret(SECRET)
    for as_json in (True, False):
        configure_logging("info", json=as_json)
        try:
            try:
                raise ValueError(f"cannot log in with {SECRET} and sk-abcdefghijklmnop123456")
            except ValueError as error:
                raise RuntimeError(f"gave up on {SECRET}") from error
        except RuntimeError:
            get_logger("persona.test").exception("login failed", channel="feed")
        err = capsys.readouterr().err
        assert "Traceback" in err
        assert "RuntimeError" in err
        assert "login failed" in err
        assert "hunter2" not in err
        assert "sk-abc" not in err


def test_library_lines_are_redacted_too(capsys: pytest.CaptureFixture[str]) -> None:
    register_secret("s3cr3t-of-mine")
    configure_logging("debug", json=True)
    logging.getLogger("some.library").warning("sent %s with %s", {"password": "x"}, "s3cr3t-of-mine")
    line = last_line(capsys)
    assert line["event"] == f"sent {{'password': {REDACTED}}} with {REDACTED}"


def test_a_line_that_cannot_be_written_does_not_show_its_arguments(capsys: pytest.CaptureFixture[str]) -> None:
    register_secret("s3cr3t-of-mine")
    configure_logging("info", json=True)
    broken = logging.LogRecord("some.library", logging.ERROR, "x.py", 1, "%d apples", ("s3cr3t-of-mine",), None)
    logging.getLogger().handlers[-1].handle(broken)
    err = capsys.readouterr().err
    assert "some.library" in err
    assert "s3cr3t" not in err


def test_configured_twice_it_writes_once(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("info", json=True)
    configure_logging("info", json=True)
    get_logger("persona.test").info("once")
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_a_field_does_not_hide_the_level(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("info", json=True)
    get_logger("persona.test").info("named", level="deep")
    line = last_line(capsys)
    assert (line["level"], line["level_"]) == ("info", "deep")


def test_an_unknown_level_is_refused() -> None:
    with pytest.raises(ValueError, match="no log level"):
        configure_logging("loud")


def test_a_logger_costs_no_import() -> None:
    heavy = "{'structlog', 'logging'}"
    code = f"import sys; from persona.log import get_logger; get_logger('x'); print({heavy} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
