"""What is written about, and what is answered."""

from __future__ import annotations

from datetime import timedelta
from random import Random
from zoneinfo import ZoneInfo

import pytest

from persona.channel import Event
from persona.definition import Definition
from persona.definition.schema import Angle
from persona.memory import Record
from persona.plan import Answered, Subject, choose_subject, consider
from persona.rehearsal import START

NONE = Answered(thread=0, author=0, day=0)


def record(kind: str, text: str, hours: float = 10, author: str = "ada") -> Record:
    at = START - timedelta(hours=hours)
    return Record(
        id=f"{kind}-{text}", persona="p", kind=kind, text=text, at=at, author=author, source="s",  # type: ignore[arg-type]
        extra={"topic": "cables"},
    )  # fmt: skip


def posts(two: Definition, count: int, **more: object) -> list[Subject]:
    persona = two.persona("tamsin_specs").model_copy(update=more)
    history: list[tuple[object, Subject]] = []
    for i in range(count):
        subject = choose_subject(
            persona,
            now=START + timedelta(hours=12 * i),
            history=history,  # type: ignore[arg-type]
            promises=(),
            told=(),
            products=two.products,
            random=Random(i),
        )
        history.insert(0, (START + timedelta(hours=12 * i), subject))
    return [subject for _, subject in reversed(history)]


def test_angles_rest_until_all_have_been_used(two: Definition) -> None:
    subjects = posts(two, 12, promos_per_week=0)
    for topic in ("cables", "batteries"):
        angles = [subject.angle for subject in subjects if subject.topic == topic]
        assert len(angles) > 3
        assert len(set(angles[:3])) == 3


def test_an_angle_brings_what_to_say_of_it(two: Definition) -> None:
    topics = tuple(
        topic.model_copy(update={"angles": (Angle(about=f"{topic.name} in winter", say=f"keep {topic.name} dry"),)})
        for topic in two.persona("tamsin_specs").topics
    )
    for subject in posts(two, 6, promos_per_week=0, topics=topics):
        assert subject.say == f"keep {subject.topic} dry"
        assert subject.say in subject.text
        assert Subject.from_json(subject.as_json()) == subject


@pytest.mark.parametrize("most", [0, 1, 3])
def test_promos_keep_to_their_number_a_week(two: Definition, most: int) -> None:
    subjects = posts(two, 60, promos_per_week=most)
    for start in range(60 - 13):
        assert sum(subject.mode == "promo" for subject in subjects[start : start + 14]) <= most
    assert (sum(subject.mode == "promo" for subject in subjects) > 0) == (most > 0)


def test_an_open_promise_comes_first_once_it_has_rested(two: Definition) -> None:
    persona = two.persona("tamsin_specs")
    promised = record("promise", "I will write about cables this week.")
    common = {"now": START, "told": (), "products": (), "random": Random(1)}
    subject = choose_subject(persona, history=(), promises=[promised], **common)  # type: ignore[arg-type]
    assert (subject.mode, subject.topic) == ("promise", "cables")
    again = choose_subject(persona, history=[(START, subject)], promises=[promised], **common)  # type: ignore[arg-type]
    assert again.mode != "promise"
    fresh = record("promise", "I will write about cables this week.", hours=1)
    assert choose_subject(persona, history=(), promises=[fresh], **common).mode != "promise"  # type: ignore[arg-type]


def test_a_comment_is_taken_up_once(two: Definition) -> None:
    persona = two.persona("tamsin_specs").model_copy(update={"promos_per_week": 0})
    told = [record("told", "my drawer of old cables is older than my children")]
    seen = []
    history: list[tuple[object, Subject]] = []
    for i in range(12):
        subject = choose_subject(
            persona, now=START, history=history, promises=(), told=told, products=(), random=Random(i)  # type: ignore[arg-type]
        )  # fmt: skip
        history.insert(0, (START, subject))
        seen.append(subject.mode)
    assert seen.count("callback") == 1


@pytest.mark.parametrize(
    ("text", "answered", "kind", "reason"),
    [
        ("lovely idea", NONE, "reply", ""),
        ("lovely idea", NONE, "like", "does not answer"),
        ("🔥🔥", NONE, "reply", "no words"),
        ("check my page for a free giveaway", NONE, "reply", "spam"),
        ("see https://x.example", NONE, "reply", "spam"),
        ("lovely idea", Answered(thread=3, author=0, day=0), "reply", "thread"),
        ("lovely idea", Answered(thread=0, author=3, day=0), "reply", "author"),
        ("lovely idea", Answered(thread=0, author=0, day=30), "reply", "today"),
    ],
)
def test_the_reply_policy(two: Definition, text: str, answered: Answered, kind: str, reason: str) -> None:
    event = Event(id="e", kind=kind, author="ada", at=START, text=text)  # type: ignore[arg-type]
    answer = consider(two.persona("tova_slow"), event, answered, Random(1))
    assert reason in answer.reason
    assert (answer.due_at is None) == bool(reason)


def test_an_answer_waits_for_the_end_of_quiet_hours(two: Definition) -> None:
    persona = two.persona("tova_slow")
    event = Event(id="e", kind="reply", author="ada", at=START, text="hello there you")
    answer = consider(persona, event, NONE, Random(1))
    assert answer.due_at is not None
    wall = answer.due_at.astimezone(ZoneInfo(persona.time_zone))
    assert (wall.hour, wall.minute) == (7, 0)
