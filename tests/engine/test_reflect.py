"""Once a day: posts are measured, insights drawn, and the next subjects follow them a little."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from random import Random

import pytest

from persona.channel import Event, Limits
from persona.compose.prompt import messages_for
from persona.cue import Cue
from persona.definition import Definition
from persona.memory import Record
from persona.parts import Parts
from persona.plan import Subject, choose_subject
from persona.reflect import reflect_due
from persona.rehearsal import START
from persona.runner import Runner
from persona.store import get_setting, log_digest, reading
from persona.store.log import rows as log_rows
from persona.testing.channels import RecordingChannel, make_seat

OpenTwo = Callable[..., Parts]
WHO = "tamsin_specs"
CABLE = "why charging cables break at the neck"


def lived(parts: Parts, days: int) -> RecordingChannel:
    """Let Tamsin live so long; four people ask about one angle, and every post gets two likes."""
    channel = RecordingChannel(make_seat(handle=WHO))
    parts.channels = {(WHO, "recording"): channel}
    runner, now = Runner(parts), START
    runner.start(now)
    for i in range(4):
        at = START + timedelta(hours=2, minutes=i)
        channel.hear(Event(id=f"q{i}", kind="reply", author=f"ann{i}", at=at, text=f"{CABLE.capitalize()}?"))
    while now <= START + timedelta(days=days):
        runner.tick(now)
        for post in channel.sent:
            for fan in ("kim", "ravi"):
                like = Event(id=f"l-{fan}-{post.key}", kind="like", author=fan, at=now, about_id=_id(channel, post.key))
                if all(event.id != like.id for event in channel.inbox):
                    channel.hear(like)
        now += timedelta(minutes=30)
    return channel


def _id(channel: RecordingChannel, key: str) -> str:
    sent = channel.find(key)
    assert sent is not None
    return sent.id


def test_posts_are_measured_after_a_day(open_two: OpenTwo) -> None:
    parts = open_two()
    channel = lived(parts, 3)
    done = parts.memory.list(WHO, kind="performance")
    posts = [post for post in channel.sent if not post.in_reply_to]
    assert 0 < len(done) < len(posts)
    assert {record.extra["likes"] for record in done} == {"2"}
    assert all("got 2 likes and " in record.text for record in done)
    own = {record.id for record in parts.memory.list(WHO, kind="post")}
    assert {source for record in done for source in record.rests_on} <= own
    assert len({record.source for record in done}) == len(done)


def test_what_several_people_asked_becomes_an_insight_and_a_subject(open_two: OpenTwo) -> None:
    parts = open_two()
    lived(parts, 4)
    [insight] = [r for r in parts.memory.list(WHO, kind="insight", state="all") if r.extra.get("subject") == CABLE]
    assert insight.text == f"Several followers asked about “{CABLE}” (4 comments by 4 people since 2 March)."
    assert len(insight.rests_on) == 4
    assert [row.body["id"] for row in log_rows(parts.store) if row.kind == "insight"].count(insight.id) == 1


def test_reflection_is_daily_and_repeatable(open_two: OpenTwo, monkeypatch: pytest.MonkeyPatch) -> None:
    digests = set()
    for name in ("one", "two"):
        parts = open_two(folder=open_two().folder / name)
        lived(parts, 3)
        digests.add(log_digest(parts.store))
        with reading(parts.store) as session:
            assert get_setting(session, "reflected") == {"at": (START + timedelta(days=3)).isoformat()}
    assert len(digests) == 1
    before = log_digest(parts.store)
    assert reflect_due(parts, START + timedelta(days=3, hours=1)) == 0
    assert reflect_due(parts, START + timedelta(days=4, hours=1)) == 0, "nothing new was said"
    assert log_digest(parts.store)[0] == before[0]


def test_a_reflection_that_is_cut_off_is_done_again(open_two: OpenTwo, monkeypatch: pytest.MonkeyPatch) -> None:
    parts = open_two()
    lived(parts, 1)
    reflect = parts.memory.reflect
    failed: list[bool] = []

    def failing(persona: str, **more: object) -> object:
        if persona == "tova_slow" and not failed:
            failed.append(True)
            raise RuntimeError("killed")
        return reflect(persona, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(parts.memory, "reflect", failing)
    with pytest.raises(RuntimeError):
        reflect_due(parts, START + timedelta(days=2))
    with reading(parts.store) as session:
        assert get_setting(session, "reflected") == {"at": (START + timedelta(days=1)).isoformat()}
    reflect_due(parts, START + timedelta(days=2))
    with reading(parts.store) as session:
        assert get_setting(session, "reflected") == {"at": (START + timedelta(days=2)).isoformat()}


def insight(**extra: str) -> Record:
    return Record(
        id="i1", persona=WHO, kind="insight", text="Several followers asked.", at=START, author=WHO, source="s",
        extra={"people": "4", "last": START.isoformat(), **extra},
    )  # fmt: skip


def chosen(two: Definition, insights: list[Record], history: tuple[tuple[object, Subject], ...] = ()) -> list[Subject]:
    persona = two.persona(WHO).model_copy(update={"promos_per_week": 0})
    return [
        choose_subject(
            persona, now=START, history=history, promises=(), told=(), products=(), random=Random(i),  # type: ignore[arg-type]
            insights=insights,
        )
        for i in range(200)
    ]  # fmt: skip


def test_what_was_asked_is_taken_up_until_it_was_written_about(two: Definition) -> None:
    asked = [s for s in chosen(two, [insight(subject=CABLE)]) if s.insight]
    assert 40 < len(asked) < 100
    assert {s.angle for s in asked} == {CABLE}
    assert Subject.from_json(asked[0].as_json()) == asked[0]
    done = ((START + timedelta(hours=1), asked[0]),)
    assert not any(s.insight for s in chosen(two, [insight(subject=CABLE)], done))


def test_an_insight_widens_no_subject(two: Definition) -> None:
    assert not any(s.insight for s in chosen(two, [insight(subject="my shop"), insight(subject="")]))


def test_a_topic_that_does_well_comes_up_more_often_within_bounds(two: Definition) -> None:
    plain = Counter(s.topic for s in chosen(two, []))
    better = Counter(s.topic for s in chosen(two, [insight(topic="cables", factor="9.0")]))
    assert plain["cables"] < better["cables"] < 150


def test_a_larger_model_reads_what_moved_the_choice(two: Definition) -> None:
    [subject, *_] = [s for s in chosen(two, [insight(subject=CABLE)]) if s.insight]
    writer = two.persona(WHO).writer.model_copy(update={"reads": "chat"})
    persona = two.persona(WHO).model_copy(update={"writer": writer})
    cue = Cue(key="k", persona=persona, kind="post", due_at=START, subject=subject, channel="feed", limits=Limits())
    assert "You noticed: Several followers asked." in messages_for(cue, [], None)[-1].content
