from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, select

from persona.approval import Approvals
from persona.errors import DraftAmbiguous, DraftNotFound, DraftNotHeld, EditRefused
from persona.explain import explain
from persona.guard import Finding, Verdict
from persona.store import InboxRow, LogRow, OutboxRow, TraceRow, open_store, reading, writing

NOW = datetime(2026, 3, 4, 9, 0, tzinfo=UTC)


def row(number: int, key: str, **more: object) -> OutboxRow:
    given: dict[str, object] = {
        "persona": "odile",
        "channel": "feed",
        "kind": "post",
        "due_at": NOW + timedelta(minutes=number),
        "state": "held",
        "body": "Bread.",
        "text": "Bread. #AI #ad",
        "labels": ["#AI", "#ad"],
        "reasons": ["facts: no"],
    }
    return OutboxRow(id=number, key=key, **(given | more))


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    made = open_store(tmp_path)
    with writing(made) as session:
        session.add(
            InboxRow(
                id=7, persona="odile", channel="feed", remote_id="e", kind="reply", author="ben", at=NOW, text="why?"
            )
        )
        session.add_all(
            [row(1, "aa11" * 8), row(2, "aa22" * 8, kind="reply", inbox_id=7), row(3, "cc33" * 8, state="sent")]
        )
        session.flush()
        session.get_one(OutboxRow, 3).remote_id = "000000000000000001"
    yield made
    made.dispose()


def stored(engine: Engine, number: int) -> OutboxRow:
    with reading(engine) as session:
        return session.get_one(OutboxRow, number)


def logged(engine: Engine) -> list[tuple[str, dict[str, object]]]:
    with reading(engine) as session:
        return [(entry.kind, entry.body) for entry in session.scalars(select(LogRow).order_by(LogRow.seq))]


def test_held_are_listed_by_due_time_with_what_they_answer(engine: Engine) -> None:
    approvals = Approvals(engine, limits={"feed": 20})
    first, second = approvals.held()
    assert (first.id, first.question, first.room) == (1, "", 12)
    assert (second.id, second.question, second.asked_by) == (2, "why?", "ben")
    assert approvals.count() == 2


def test_an_approved_draft_is_ready_and_keeps_its_time(engine: Engine) -> None:
    Approvals(engine).approve("1", "ann", NOW + timedelta(days=1))
    assert stored(engine, 1).state == "ready"
    assert stored(engine, 1).due_at == NOW + timedelta(minutes=1)
    assert logged(engine) == [("approved", {"key": "aa11" * 8, "by": "ann"})]


def test_a_rejected_draft_keeps_the_reason(engine: Engine) -> None:
    Approvals(engine).reject("aa2", "ann", NOW, reason=" not \n true ")
    assert stored(engine, 2).state == "rejected"
    assert stored(engine, 2).reasons == ["facts: no", "ann: not true"]
    assert logged(engine) == [("rejected", {"key": "aa22" * 8, "by": "ann", "reason": "not true"})]


@pytest.mark.parametrize(
    ("typed", "body"),
    [
        ("Bread, again.", "Bread, again."),
        ("  Bread, again. #AI #ad ", "Bread, again."),
        ("Bread, again.#ad", "Bread, again."),
        ("Bread,\r\nagain.\x07", "Bread,\nagain."),
        ("Bread, \u202eagain.\u200b", "Bread, again."),
    ],
)
def test_an_edit_gets_its_labels_back(engine: Engine, typed: str, body: str) -> None:
    edited = Approvals(engine).edit("1", typed, "ann", NOW)
    assert (edited.body, edited.text) == (body, f"{body} #AI #ad")
    assert stored(engine, 1).state == "ready"
    assert logged(engine) == [("edited", {"key": "aa11" * 8, "by": "ann", "text": f"{body} #AI #ad"})]


@pytest.mark.parametrize("typed", ["", "  ", "#AI #ad", "\u200b", "x" * 13])
def test_an_edit_that_is_empty_or_too_long_is_refused_and_stays_held(engine: Engine, typed: str) -> None:
    with pytest.raises(EditRefused, match="still held"):
        Approvals(engine, limits={"feed": 20}).edit("1", typed, "ann", NOW)
    assert stored(engine, 1).state == "held"
    assert logged(engine) == []
    assert Approvals(engine, limits={"feed": 20}).edit("1", "x" * 12, "ann", NOW).text == "x" * 12 + " #AI #ad"


@pytest.mark.parametrize("decision", ["publish", "hold", "block"])
def test_only_a_block_of_the_guards_refuses_an_edit(engine: Engine, decision: str) -> None:
    seen: list[str] = []

    def review(row: OutboxRow, body: str) -> Verdict:
        seen.append(f"{row.key[:4]} {body}")
        return Verdict(findings=(Finding(rule="banned", decision=decision, reason="says moist"),))  # type: ignore[arg-type]

    approvals = Approvals(engine, review=review)
    if decision == "block":
        with pytest.raises(EditRefused, match="banned: says moist"):
            approvals.edit("1", "Moist.", "ann", NOW)
        assert stored(engine, 1).state == "held"
    else:
        assert approvals.edit("1", "Moist.", "ann", NOW).text == "Moist. #AI #ad"
    assert seen == ["aa11 Moist."]


def test_what_is_decided_stays_decided(engine: Engine) -> None:
    approvals = Approvals(engine)
    approvals.reject("1", "ann", NOW)
    with pytest.raises(DraftNotHeld, match=r"it is rejected \(rejected by ann\)"):
        approvals.approve("1", "bob", NOW)
    with pytest.raises(DraftNotHeld):
        approvals.edit("1", "Hm.", "bob", NOW)
    with pytest.raises(DraftNotHeld, match="it is sent"):
        approvals.approve("3", "bob", NOW)
    assert stored(engine, 1).state == "rejected"
    assert len(logged(engine)) == 1


@pytest.mark.parametrize("ref", ["", "a", "9", "zz", "aa1%", "99999999999999999999999", "' OR 1=1 --", "\x00"])
def test_an_unknown_name_is_said_to_be_unknown(engine: Engine, ref: str) -> None:
    with pytest.raises(DraftNotFound):
        Approvals(engine).approve(ref, "ann", NOW)


def test_a_beginning_that_two_keys_share_is_refused(engine: Engine) -> None:
    with pytest.raises(DraftAmbiguous, match="aa11aa11aa11, aa22aa22aa22"):
        Approvals(engine).approve("aa", "ann", NOW)


def test_of_many_at_once_one_decides(engine: Engine) -> None:
    outcomes: list[str] = []

    def decide(number: int) -> None:
        try:
            decision = Approvals(engine).approve if number % 2 else Approvals(engine).reject
            decision("1", f"p{number}", NOW)
            outcomes.append("done")
        except DraftNotHeld:
            outcomes.append("late")

    threads = [threading.Thread(target=decide, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["done"] + ["late"] * 7
    assert len(logged(engine)) == 1


def test_an_explanation_is_there_for_any_row_and_any_name(engine: Engine) -> None:
    with writing(engine) as session:
        session.add(
            TraceRow(outbox_id=3, at=NOW, model="tiny", seed="5", body={"recalled": "odd", "cue": {"kind": "slot"}})
        )
    found = explain(engine, "000000000000000001")
    assert (found.id, found.model, found.cue, found.recalled, found.traced) == (3, "tiny", {"kind": "slot"}, [], True)
    Approvals(engine).approve("2", "ann", NOW)
    bare = explain(engine, "aa22")
    assert (bare.traced, bare.question, bare.asked_by) == (False, "why?", "ben")
    assert [(step.what, step.note) for step in bare.steps if step.what == "approved"] == [("approved", "ann")]
    assert bare.to_json()["steps"][0]["at"] == NOW.isoformat()
    with pytest.raises(DraftNotFound):
        explain(engine, "nope")
