"""A real OpenAI-compatible server: what `transformers serve` writes with a tiny model is what its folder gives."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from persona.definition.writing import WriterSettings
from persona.testing import SettableClock
from persona.writer import LocalChatModel, Writer, WriteRequest, allow_generation, open_writer
from persona.writer.budget import Account
from persona.writer.ledger import FILE, Ledger
from persona.writer.pocket import base_folder
from tests.writer.asking import ask, turns

pytestmark = pytest.mark.slow

START = "import sys; from transformers.cli.transformers import main; sys.exit(main())"


class Served:
    """The server's process and address."""

    def __init__(self, folder: Path, home: Path) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.folder, self.url = folder, f"http://127.0.0.1:{port}"
        self.log = home / "serve.log"
        environment = {**os.environ, "HF_HUB_OFFLINE": "1", "HF_HOME": str(home), "OMP_WAIT_POLICY": "PASSIVE"}
        command = [sys.executable, "-c", START, "serve", str(folder), "--device", "cpu", "--dtype", "float32"]
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [*command, "--host", "127.0.0.1", "--port", str(port)], env=environment, stdout=log, stderr=log
            )

    def wait(self, seconds: float = 300.0) -> None:
        until = time.monotonic() + seconds
        while time.monotonic() < until and self.process.poll() is None:
            try:
                with urllib.request.urlopen(f"{self.url}/health", timeout=5) as answer:
                    if answer.status == 200:
                        return
            except (urllib.error.URLError, OSError):
                time.sleep(0.3)
        raise AssertionError(f"transformers serve did not come up: {self.log.read_text('utf-8')[-2000:]}")

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(60)


@pytest.fixture(scope="module")
def served(tiny_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    server = Served(tiny_folder, tmp_path_factory.mktemp("serve"))
    try:
        server.wait()
        yield server
    finally:
        server.stop()


def writer_for(served: Served, *, account: Account | None = None, **values: Any) -> Writer:
    given = {"model": f"openai:{served.folder}", "base_url": f"{served.url}/v1", "retries": 0, **values}
    return open_writer(WriterSettings.model_validate(given), account=account)


def greedy(text: str, **values: Any) -> WriteRequest:
    request = ask(text, temperature=0.0, repetition_penalty=1.0, **{"max_tokens": 12, **values})
    return replace(request, messages=turns("Write about coffee.", "Less coffee.", text))


def test_greedy_text_over_http_is_that_of_the_folder(served: Served, tiny: LocalChatModel) -> None:
    requests = [greedy(f"Write about topic {i}.") for i in range(4)]
    for remote, local in zip(writer_for(served).write(requests), tiny.write(requests), strict=True):
        assert not remote.error
        assert remote.candidates[0].text.rstrip("\ufffd").strip() == local.candidates[0].text
        assert remote.candidates[0].finish == local.candidates[0].finish


def test_a_budget_is_settled_with_what_the_server_counts(served: Served, tiny: LocalChatModel, tmp_path: Path) -> None:
    clock = SettableClock()
    clock.set(datetime(2026, 3, 2, 12, tzinfo=UTC))
    ledger = Ledger(tmp_path / FILE)
    account = Account(ledger=ledger, persona="ana", time_zone="UTC", clock=clock)
    request = greedy("Write about rye.")
    [answer] = writer_for(served, account=account, budget={"tokens": 5000}).write([request])
    prompt = tiny._decoder._template.prompt(request.messages, room=500)
    assert answer.usage.prompt == len(prompt.prefix) + len(prompt.own)
    assert 0 < answer.usage.text <= 12
    assert ledger.used("ana", "writer", account.day()).tokens == answer.usage.prompt + answer.usage.text


def test_a_stop_string_ends_the_text_though_the_server_leaves_it_in(served: Served) -> None:
    [free] = writer_for(served).write([greedy("Write about rye.")])
    text = free.candidates[0].text
    mark = next(text[i : i + 2] for i in range(2, len(text) - 2) if text[i : i + 2].isalpha())
    [cut] = writer_for(served).write([greedy("Write about rye.", stop=(mark,))])
    assert cut.candidates[0].text == text[: text.index(mark)].strip()


def test_options_make_the_server_draw(served: Served) -> None:
    drawn = {"extra_body": {"generation_config": json.dumps({"do_sample": True, "max_new_tokens": 12})}}
    request = replace(greedy("Write about rye.", candidates=3), sampling=ask(temperature=1.5, max_tokens=12).sampling)
    [answer] = writer_for(served, options=drawn).write([request])
    assert len({candidate.text for candidate in answer.candidates}) > 1


def test_when_the_server_dies_the_fall_back_writes(tiny_folder: Path, tmp_path: Path) -> None:
    server = Served(tiny_folder, tmp_path)
    try:
        server.wait()
        writer = writer_for(server, fallback=str(tiny_folder))
        [before] = writer.write([greedy("Write about rye.")])
        assert before.model == ""
    finally:
        server.stop()
    [after] = writer.write([greedy("Write about rye.")])
    assert after.model == f"{tiny_folder.name}/{after.model.split('/')[1].split(' ')[0]} instead of {writer.name}"
    assert after.candidates


@pytest.mark.model
def test_the_base_of_the_pocket_writer_over_http(tmp_path: Path) -> None:
    server = Served(base_folder(), tmp_path)
    try:
        server.wait()
        requests = [greedy(f"Write one short sentence about {topic}.", max_tokens=24) for topic in ("rye", "trams")]
        remote = writer_for(server).write(requests)
    finally:
        server.stop()
    with allow_generation():
        local = LocalChatModel(folder=str(base_folder()), precision="float32").write(requests)
    assert [answer.candidates[0].text for answer in remote] == [answer.candidates[0].text for answer in local]
