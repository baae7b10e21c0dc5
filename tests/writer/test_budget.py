"""Budgets: reserved before use, settled afterwards, kept across restarts, and never exceeded."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sqlite3
import threading
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from persona.testing import ChatServer, Reply, SettableClock
from persona.writer import Candidate, Message, Writer, WriteRequest, Written, open_writer
from persona.writer.budget import Account, BudgetedWriter, Tariff, estimated_tokens
from persona.writer.contract import Usage
from persona.writer.ledger import FILE, Amount, Ledger
from tests.writer.asking import ask, settings_for, turns

DAY = date(2026, 3, 2)


class Spends(Writer):
    """Uses what it is told to, a request."""

    name = "spends"

    def __init__(self, *usages: Usage) -> None:
        self.usages = list(usages)
        self.asked: list[WriteRequest] = []

    def write(self, requests: Sequence[WriteRequest]) -> list[Written]:
        self.asked += requests
        text = (Candidate(text="Rye."),)
        return [Written(id=r.id, candidates=text, usage=self.usages.pop(0)) for r in requests]


def account_in(folder: Path, clock: SettableClock, **values: Any) -> Account:
    given = {"persona": "ana", "time_zone": "Europe/Lisbon", **values}
    return Account(ledger=Ledger(folder / FILE), clock=clock, **given)


@pytest.fixture
def account(tmp_path: Path, settable_clock: SettableClock) -> Account:
    settable_clock.set(datetime(2026, 3, 2, 12, tzinfo=UTC))
    return account_in(tmp_path, settable_clock)


def used(account: Account, day: date = DAY) -> Amount:
    return account.ledger.used(account.persona, account.place, day)


NEED = estimated_tokens(ask().messages) + 50


def small(**values: Any) -> WriteRequest:
    return ask(max_tokens=50, **values)


def test_what_was_used_takes_the_place_of_what_was_reserved(account: Account) -> None:
    seen = []

    class Looks(Spends):
        def write(self, requests: Sequence[WriteRequest]) -> list[Written]:
            seen.append(used(account).tokens)
            return super().write(requests)

    writer = BudgetedWriter(Looks(Usage(prompt=9, text=4)), account=account, tariff=Tariff(tokens=1000))
    [answer] = writer.write([small(candidates=3)])
    assert answer.candidates
    assert seen == [3 * NEED]
    assert used(account).tokens == 13
    assert writer.name == "spends"


def test_the_budget_is_a_hard_stop_that_names_itself(account: Account) -> None:
    inner = Spends(*[Usage(prompt=NEED - 5, text=5)] * 2)
    writer = BudgetedWriter(inner, account=account, tariff=Tariff(tokens=2 * NEED + 1))
    answers = writer.write([small(seed=i) for i in range(3)])
    assert [answer.fault for answer in answers] == ["", "", "budget"]
    assert len(inner.asked) == 2
    assert answers[2].error == (
        "the budget of @ana's writer for 2026-03-02 in Europe/Lisbon does not allow it: "
        f"{2 * NEED:,} of {2 * NEED + 1:,} tokens used, this needs up to {NEED:,}"
    )


def test_money_is_counted_by_the_price(account: Account) -> None:
    tariff = Tariff(money=0.001, input=2.0, output=10.0)
    writer = BudgetedWriter(Spends(Usage(prompt=100, text=30)), account=account, tariff=tariff)
    assert writer.write([small()])[0].candidates
    assert used(account).money == 100 * 2000 + 30 * 10000
    [refused] = writer.write([small()])
    assert refused.fault == "budget"
    assert "0.0005 of 0.001 spent, this needs up to 0.0005" in refused.error


def test_what_nobody_told_stays_counted_as_reserved(account: Account) -> None:
    inner = Spends(Usage(untold=3), Usage(prompt=9, text=1, untold=1), Usage())
    writer = BudgetedWriter(inner, account=account, tariff=Tariff(tokens=10**6))
    writer.write([small(candidates=3)])
    assert used(account).tokens == 3 * NEED
    writer.write([small(candidates=2)])
    assert used(account).tokens == 3 * NEED + 10 + NEED
    writer.write([small(candidates=2)])  # turned away before it cost anything
    assert used(account).tokens == 3 * NEED + 10 + NEED


def test_each_retry_is_reserved_anew(tmp_path: Path, account: Account, chat_server: ChatServer) -> None:
    chat_server.script += [Reply(status=500)] * 5
    budget = {"tokens": 2 * NEED + 1}
    writer = open_writer(settings_for(chat_server, retries=5, budget=budget), account=account)
    [answer] = writer.write([small()])
    assert answer.fault == "budget"
    assert len(chat_server.asked) == 2
    assert used(account).tokens == 2 * NEED


def test_days_are_the_personas_own(tmp_path: Path, settable_clock: SettableClock) -> None:
    settable_clock.set(datetime(2026, 3, 2, 10, 30, tzinfo=UTC))
    tariff = Tariff(tokens=NEED)
    usages = [Usage(prompt=NEED)] * 4
    writers = {}
    for handle, zone in (("ana", "Pacific/Auckland"), ("ben", "America/Los_Angeles")):
        account = account_in(tmp_path, settable_clock, persona=handle, time_zone=zone)
        writers[handle] = BudgetedWriter(Spends(*usages), account=account, tariff=tariff)
        assert writers[handle].write([small()])[0].candidates
        assert writers[handle].write([small()])[0].fault == "budget"
    settable_clock.set(datetime(2026, 3, 2, 11, 1, tzinfo=UTC))  # midnight has passed in Auckland (UTC+13)
    assert writers["ana"].write([small()])[0].candidates
    assert writers["ben"].write([small()])[0].fault == "budget"
    settable_clock.set(datetime(2026, 3, 3, 8, 1, tzinfo=UTC))  # and now in Los Angeles (UTC-8)
    assert writers["ben"].write([small()])[0].candidates


def test_a_restart_does_not_reset_it(tmp_path: Path, account: Account, settable_clock: SettableClock) -> None:
    for turn in range(3):
        again = account_in(tmp_path, settable_clock)
        writer = BudgetedWriter(Spends(Usage(prompt=NEED)), account=again, tariff=Tariff(tokens=2 * NEED))
        assert writer.write([small()])[0].fault == ("budget" if turn == 2 else "")


def _reserve_and_die(file: str) -> None:
    ledger = Ledger(Path(file))
    most = Amount(tokens=1000)
    assert ledger.reserve("ana", "writer", DAY, Amount(tokens=600), most) is None
    os.kill(os.getpid(), signal.SIGKILL)


def test_what_a_killed_process_had_reserved_is_used(account: Account, tmp_path: Path) -> None:
    process = multiprocessing.get_context("spawn").Process(target=_reserve_and_die, args=(str(tmp_path / FILE),))
    process.start()
    process.join(60)
    assert process.exitcode == -signal.SIGKILL
    assert used(account).tokens == 600
    most = Amount(tokens=1000)
    assert account.ledger.reserve("ana", "writer", DAY, Amount(tokens=401), most) == Amount(tokens=600)


def _reserve_often(file: str, granted: Any) -> None:
    ledger = Ledger(Path(file))
    for _ in range(40):
        if ledger.reserve("ana", "writer", DAY, Amount(tokens=1, money=1), Amount(tokens=100)) is None:
            with granted.get_lock():
                granted.value += 1


def test_no_thread_and_no_process_gets_past_the_limit(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    granted = context.Value("i", 0)
    file = str(tmp_path / "sub" / FILE)
    processes = [context.Process(target=_reserve_often, args=(file, granted)) for _ in range(2)]
    threads = [threading.Thread(target=_reserve_often, args=(file, granted)) for _ in range(2)]
    workers: list[Any] = [*processes, *threads]
    for each in workers:
        each.start()
    for each in workers:
        each.join(120)
    assert granted.value == 100
    assert Ledger(Path(file)).used("ana", "writer", DAY) == Amount(tokens=100, money=100)


def test_without_a_record_nothing_is_spent(account: Account, tmp_path: Path) -> None:
    (tmp_path / FILE).write_bytes(b"this is no database, and long enough to be seen as none" * 40)
    inner = Spends(Usage())
    [answer] = BudgetedWriter(inner, account=account, tariff=Tariff(tokens=1000)).write([small()])
    assert answer.fault == "budget"
    assert "cannot be kept" in answer.error
    assert inner.asked == []


def test_a_record_lost_in_between_loses_no_text(account: Account, tmp_path: Path) -> None:
    class Breaks(Spends):
        def write(self, requests: Sequence[WriteRequest]) -> list[Written]:
            (tmp_path / FILE).write_bytes(b"this is no database, and long enough to be seen as none" * 40)
            return super().write(requests)

    writer = BudgetedWriter(Breaks(Usage()), account=account, tariff=Tariff(tokens=1000))
    assert writer.write([small()])[0].candidates


def test_writer_and_fall_back_have_budgets_of_their_own(chat_server: ChatServer, account: Account) -> None:
    chat_server.script += [Reply(text=text, usage=(NEED, 0)) for text in ("first", "second")]
    other = {"model": "openai:other", "base_url": chat_server.url, "budget": {"tokens": NEED}}
    settings = settings_for(chat_server, budget={"tokens": NEED}, fallback=other)
    writer = open_writer(settings, account=account)
    answers = [writer.write([small()])[0] for _ in range(3)]
    assert [answer.model for answer in answers] == ["", "openai:other instead of openai:test", ""]
    assert [body["model"] for body in chat_server.asked] == ["test", "other"]
    assert "@ana's writer" in answers[2].error
    assert "fall-back: the budget of @ana's fallback" in answers[2].error


def test_one_model_serves_several_budgets(chat_server: ChatServer, tmp_path: Path, settable_clock: Any) -> None:
    cache: dict[str, Writer] = {}
    settings = settings_for(chat_server, budget={"tokens": 500})
    ana, ben = (
        open_writer(settings, cache=cache, account=account_in(tmp_path, settable_clock, persona=handle))
        for handle in ("ana", "ben")
    )
    assert len(cache) == 1
    assert ana is not ben
    for writer in (ana, ben):
        assert writer.write([ask()])[0].candidates
    with pytest.raises(ValueError, match="needs an account"):
        open_writer(settings, cache=cache)


def test_prompts_are_estimated_by_their_bytes() -> None:
    assert estimated_tokens(()) == 0
    assert estimated_tokens(turns("a" * 300)) > estimated_tokens(turns("a" * 200)) > 200 / 4
    for text in ("麦の香り" * 20, "ржаной хлеб " * 20, "🥖🍞" * 20):
        [message] = [Message(role="user", content=text)]
        assert estimated_tokens([message]) >= len(text.replace(" ", ""))


@pytest.mark.model
def test_no_prompt_of_the_project_is_estimated_too_low() -> None:
    from tokenizers import Tokenizer

    from persona.definition.loader import load
    from persona.writer.pocket import base_folder

    tokenizer = Tokenizer.from_file(str(base_folder() / "tokenizer.json"))
    for persona in load(Path(__file__).parents[2] / "personas.yaml").personas:
        said = [text for reply in persona.samples.replies for text in (reply.comment, reply.text)]
        messages = turns(*said, *persona.samples.posts, system=" ".join([persona.bio, *persona.canon, *persona.style]))
        # Four tokens a turn, and three before the answer: what ChatML takes.
        real = sum(len(tokenizer.encode(m.content, add_special_tokens=False).ids) + 4 for m in messages) + 3
        assert real <= estimated_tokens(messages) <= 2 * real


def test_a_day_has_its_own_row_and_is_never_below_nothing(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / FILE)
    ledger.settle("ana", "writer", DAY, Amount(tokens=9, money=9), Amount(tokens=1))
    assert ledger.used("ana", "writer", DAY) == Amount()
    assert ledger.reserve("ana", "writer", DAY, Amount(tokens=5), Amount()) is None
    assert ledger.used("ana", "writer", DAY + timedelta(days=1)) == Amount()
    assert ledger.used("ana", "fallback", DAY) == Amount()
    with sqlite3.connect(tmp_path / FILE) as db:
        assert db.execute("SELECT COUNT(*) FROM spending").fetchone() == (1,)
    db.close()
