"""The tick: what is due goes out once, is labelled, is remembered, and is explained."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select

from persona.channel import Channel, Event, Outgoing, Promise, Sent
from persona.clock import VirtualClock
from persona.definition import Definition
from persona.definition.schema import Delay
from persona.engine import Engine
from persona.errors import ChannelError, SendUncertain
from persona.hearsay import FLOOD
from persona.listen import listen
from persona.parts import Parts
from persona.rehearsal import START
from persona.runner import Runner
from persona.store import InboxRow, OutboxRow, PostRow, TraceRow, reading, writing
from persona.testing.channels import FlakyChannel, RecordingChannel, make_seat
from persona.writer import Candidate, Writer, WriteRequest, Written

OpenTwo = Callable[..., Parts]
NIGHT = datetime(2026, 3, 3, 0, 0, tzinfo=UTC)


def live_through(runner: Runner, until: datetime, step: timedelta = timedelta(minutes=15)) -> None:
    clock = runner.parts.clock
    assert isinstance(clock, VirtualClock)
    runner.start(clock.now())
    runner.tick(clock.now())
    while clock.now() < until:
        clock.set(min(runner.next_due(clock.now(), clock.now() + step), until))
        runner.tick(clock.now())


def rows(parts: Parts, table: type[Any]) -> list[Any]:
    with reading(parts.store) as session:
        return list(session.scalars(select(table).order_by(table.id)))


def with_channel(parts: Parts, channel: Channel) -> Parts:
    parts.channels = {(p.handle, channel.name): channel for p in parts.personas[:1]}
    return parts


class Fixed(Writer):
    """Writes what it is told to."""

    name = "fixed"

    def __init__(self, *texts: str, error: str = "") -> None:
        self.texts, self.error = texts, error
        self.batches: list[int] = []

    def write(self, requests: list[WriteRequest]) -> list[Written]:  # type: ignore[override]
        self.batches.append(len(requests))
        candidates = tuple(Candidate(text=text) for text in self.texts)
        return [Written(id=r.id, candidates=candidates, error=self.error) for r in requests]


def test_a_day_of_two_personas(open_two: OpenTwo) -> None:
    parts = open_two()
    live_through(Runner(parts), NIGHT)
    posts = rows(parts, PostRow)
    by_persona = {p.handle: [post for post in posts if post.persona == p.handle] for p in parts.personas}
    assert {handle: len(found) for handle, found in by_persona.items()} == {"tamsin_specs": 2, "tova_slow": 2}
    for row, post in zip(rows(parts, OutboxRow), posts, strict=False):
        assert post.text.split()[-1] == "#AI"
        assert abs(post.at - row.due_at) <= timedelta(minutes=15)
    assert len(rows(parts, TraceRow)) >= len(posts)
    assert {post.text for post in posts} == {s.text for s in _network(parts)}
    told = [record.text for record in parts.memory.list("tova_slow", kind="post")]
    assert len(told) == 2


def _network(parts: Parts) -> list[Any]:
    from persona_feed import FeedNetwork

    network = FeedNetwork.open(parts.folder)
    try:
        return network.statuses(limit=100)
    finally:
        network.close()


def test_the_same_tick_twice_changes_nothing(open_two: OpenTwo) -> None:
    parts = open_two()
    runner = Runner(parts)
    live_through(runner, NIGHT)
    before = [(r.id, r.state, r.text) for r in rows(parts, OutboxRow)], len(rows(parts, PostRow))
    for _ in range(3):
        runner.tick(NIGHT)
    assert ([(r.id, r.state, r.text) for r in rows(parts, OutboxRow)], len(rows(parts, PostRow))) == before


def test_texts_of_one_tick_are_written_in_one_batch(open_two: OpenTwo) -> None:
    parts = open_two()
    writer = Fixed("Walking breaks are part of the plan, and cables break at the neck.")
    parts.open_writer = lambda persona: writer
    live_through(Runner(parts), START + timedelta(hours=60))
    # Posts within the lead of one another share a batch.
    assert max(writer.batches) >= 2


def test_a_comment_is_answered_once_under_the_right_post(open_two: OpenTwo) -> None:
    channel = RecordingChannel(make_seat(handle="tamsin_specs"))
    parts = with_channel(open_two(), channel)
    channel.hear(
        Event(
            id="e1",
            kind="reply",
            author="ned",
            at=START + timedelta(hours=1),
            text="Are you a real person?",
            post_id="77",
        ),
        Event(id="e2", kind="like", author="ned", at=START + timedelta(hours=1)),
        Event(
            id="e3",
            kind="reply",
            author="spam",
            at=START + timedelta(hours=1),
            text="free giveaway, check my page",
            post_id="78",
        ),
    )
    live_through(Runner(parts), START + timedelta(hours=6))
    replies = [post for post in channel.sent if post.in_reply_to]
    assert [post.in_reply_to for post in replies] == ["77"]
    answer = next(p for p in parts.personas if p.handle == "tamsin_specs").disclosure.answer
    assert replies[0].text == f"{answer} #AI"
    kept = {row.remote_id: (row.state, row.note) for row in rows(parts, InboxRow)}
    assert kept["e1"][0] == "taken"
    assert kept["e3"] == ("passed", "it looks like spam")
    assert "e2" not in kept


def test_a_promise_is_kept_by_a_later_post(open_two: OpenTwo, two: Definition) -> None:
    channel = RecordingChannel(make_seat(handle="tamsin_specs"))
    plain = tuple(persona.model_copy(update={"promos_per_week": 0}) for persona in two.personas)
    parts = with_channel(open_two(definition=two.model_copy(update={"personas": plain})), channel)
    runner = Runner(parts)
    live_through(runner, START + timedelta(hours=2))
    post = channel.sent[0]
    about = rows(parts, PostRow)[0].remote_id
    at = START + timedelta(hours=2)
    channel.hear(
        Event(id="w", kind="reply", author="ada", at=at, text="Could you write more about this please", post_id="9",
              about_id=about, thread_id=about)
    )  # fmt: skip
    live_through(runner, START + timedelta(days=2))
    reply = next(sent for sent in channel.sent if sent.in_reply_to == "9")
    promises = parts.memory.list("tamsin_specs", kind="promise")
    assert len(promises) == 1
    assert promises[0].text in reply.text
    kept = [sent.text for sent in channel.sent if "@ada" in sent.text and not sent.in_reply_to]
    assert len(kept) >= 1
    assert "promise" in kept[0].casefold() or "asked for this" in kept[0]
    assert post.text != kept[0]


@pytest.mark.parametrize(
    ("promise", "faults", "sent", "state"),
    [
        (Promise(kind="idempotent", window=timedelta(days=1)), ["uncertain_sent"], 1, "sent"),
        (Promise(kind="idempotent", window=timedelta(days=1)), ["uncertain_lost"], 1, "sent"),
        (Promise(kind="readback", window=timedelta(minutes=5)), ["uncertain_sent"], 1, "sent"),
        (Promise(kind="readback", window=timedelta(minutes=5)), ["uncertain_lost"], 1, "sent"),
        (Promise(kind="at_most_once"), ["uncertain_sent"], 1, "unknown"),
        (Promise(kind="at_most_once"), ["uncertain_lost"], 0, "unknown"),
        (Promise(kind="at_most_once"), ["refuse"], 1, "sent"),
        (Promise(kind="at_most_once"), ["refuse"] * 9, 1, "sent"),
    ],
)
def test_each_promise_is_kept(open_two: OpenTwo, promise: Promise, faults: list[Any], sent: int, state: str) -> None:
    channel = FlakyChannel(make_seat(handle="tamsin_specs"), faults=faults)
    channel.promise = promise
    parts = with_channel(open_two(), channel)
    live_through(Runner(parts), START + timedelta(hours=3), timedelta(minutes=1))
    first = rows(parts, OutboxRow)[0]
    assert first.state == state, first.reasons
    assert len([post for post in channel.sent if post.key == first.key]) == sent
    if state in ("unknown", "failed"):
        assert first.reasons


def test_errors_mean_what_the_contract_says() -> None:
    assert issubclass(SendUncertain, ChannelError)


def test_a_row_found_in_sending_after_a_restart_is_not_doubled(open_two: OpenTwo) -> None:
    parts = open_two()
    live_through(Runner(parts), START + timedelta(hours=2))
    with writing(parts.store) as session:
        row = session.scalars(select(OutboxRow).where(OutboxRow.state == "sent")).first()
        assert row is not None
        session.delete(session.scalars(select(PostRow).where(PostRow.outbox_id == row.id)).one())
        row.state, row.remote_id = "sending", None
    Runner(parts).tick(START + timedelta(hours=2))
    assert len(_network(parts)) == len(rows(parts, PostRow))


def test_a_writer_that_fails_lets_the_slot_wait_and_then_expire(open_two: OpenTwo) -> None:
    parts = open_two()
    parts.open_writer = lambda persona: Fixed(error="no answer")
    live_through(Runner(parts), NIGHT)
    states = {row.state for row in rows(parts, OutboxRow) if row.due_at < NIGHT - timedelta(hours=8)}
    assert states == {"expired"}
    assert rows(parts, PostRow) == []


def test_what_the_guards_dislike_waits_for_a_person(open_two: OpenTwo, two: Definition) -> None:
    # A writer that reads briefs would have code say what was to be said.
    personas = [p.model_copy(update={"writer": p.writer.model_copy(update={"reads": "chat"})}) for p in two.personas]
    parts = open_two(definition=two.model_copy(update={"personas": tuple(personas)}))
    parts.open_writer = lambda persona: Fixed("Cables and walking breaks cost only $99 for a battery today.")
    engine = Engine(parts)
    live_through(Runner(parts, engine), NIGHT)
    held = [row for row in rows(parts, OutboxRow) if row.state == "held"]
    assert held
    assert all(row.reasons for row in held)
    assert rows(parts, PostRow) == []


class Shout(Channel):
    """A live channel with short texts."""

    name = "shout"

    def send(self, post: Outgoing) -> Sent:
        raise AssertionError("a rehearsal must not reach a live channel")


def test_a_rehearsal_never_touches_a_live_channel(open_two: OpenTwo, two: Any, tmp_path: Any) -> None:
    plugins = tmp_path / "plugins"
    plugins.mkdir()
    (plugins / "shout.py").write_text(
        "from persona import Channel, Limits, Outgoing, Sent\n\n\nclass Shout(Channel):\n    name = 'shout'\n"
        "    limits = Limits(max_chars=60)\n\n    def send(self, post: Outgoing) -> Sent:\n"
        "        raise AssertionError\n"
    )
    personas = tuple(p.model_copy(update={"channels": {"shout": {}}}) for p in two.personas)
    parts = open_two(definition=two.model_copy(update={"personas": personas}), project=tmp_path)
    assert set(parts.stood_in) == {"shout"}
    live_through(Runner(parts), NIGHT)
    assert all(len(post.text) <= 60 for post in rows(parts, PostRow))


def test_the_daily_cap_counts_the_day_on_which_answers_go_out(open_two: OpenTwo, two: Definition) -> None:
    channel = RecordingChannel(make_seat(handle="tova_slow"))
    replies = two.personas[0].replies.model_copy(
        update={"per_day": 2, "delay": Delay(least=timedelta(minutes=60), most=timedelta(minutes=80))}
    )
    personas = tuple(p.model_copy(update={"replies": replies, "quiet_hours": None}) for p in two.personas)
    parts = open_two(definition=two.model_copy(update={"personas": personas}))
    parts.channels = {("tova_slow", "recording"): channel}
    zone = ZoneInfo("Europe/Stockholm")
    for number, at in enumerate(("2026-03-02T23:30", "2026-03-02T23:40", "2026-03-03T10:00", "2026-03-03T11:00")):
        channel.hear(
            Event(
                id=f"e{number}", kind="mention", author=f"fan{number}", post_id=f"p{number}",
                at=datetime.fromisoformat(at).replace(tzinfo=zone), text="Are you a real person, or not?",
            )
        )  # fmt: skip
    live_through(Runner(parts), datetime(2026, 3, 3, 20, tzinfo=UTC))
    days = [post.at.astimezone(zone).date() for post in rows(parts, PostRow) if post.kind == "reply"]
    assert days == [date(2026, 3, 3)] * 2


def test_the_cap_of_a_thread_holds_where_the_network_names_no_threads(open_two: OpenTwo) -> None:
    channel = RecordingChannel(make_seat(handle="tamsin_specs"))
    parts = with_channel(open_two(), channel)
    for number in range(6):
        channel.hear(
            Event(
                id=f"e{number}", kind="reply", author=f"fan{number}", post_id=f"p{number}", about_id="root",
                at=START + timedelta(hours=1, minutes=number), text="Are you a real person, or not?",
            )
        )  # fmt: skip
    live_through(Runner(parts), START + timedelta(hours=6))
    assert len([row for row in rows(parts, InboxRow) if row.state == "taken"]) == 3


def test_a_flood_is_kept_and_its_most_important_comments_are_remembered(open_two: OpenTwo) -> None:
    channel = RecordingChannel(make_seat(handle="tamsin_specs"))
    parts = with_channel(open_two(), channel)
    kinds = ("so nice", "Do you think that I could fold my own one at home, or would you rather not try it?")
    channel.hear(
        *(
            Event(id=f"e{n:04}", kind="reply", author=f"a{n}", at=START, text=f"{kinds[n % 4 == 0]} {n}", post_id="7")
            for n in range(FLOOD * 3)
        )
    )
    assert listen(parts, START + timedelta(minutes=1)) == FLOOD * 3
    assert len(rows(parts, InboxRow)) == FLOOD * 3
    told = [record.text for record in parts.memory.list("tamsin_specs", kind="told", limit=1000)]
    assert len(told) == FLOOD
    assert sum(text.startswith("Do you think") for text in told) == FLOOD * 3 // 4


def test_a_batch_is_bounded_and_takes_the_soonest_first(open_two: OpenTwo, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("persona.drafting.MOST", 1)
    parts = open_two()
    writer = Fixed("Walking breaks are part of the plan, and cables break at the neck.")
    parts.open_writer = lambda persona: writer
    live_through(Runner(parts), START + timedelta(hours=60))
    posts = [row for row in rows(parts, OutboxRow) if row.kind == "post" and row.due_at < START + timedelta(hours=48)]
    assert len(posts) > 4
    assert all(row.text for row in posts)
    assert set(writer.batches) == {1}
