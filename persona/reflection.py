"""Reflection: what many records say together, put by code into sentences that cite them.

Comments are grouped: under the nearest thing that the persona itself writes about, else with the first comment that
was alike. A group speaks once several people are in it, in the persona's own words for the subject, or in words that
several of them used; how much one person wrote does not count. Leader clustering: Hartigan, "Clustering Algorithms",
1975, chapter 3. A comment's group depends on what came before it, never on when reflection ran.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from .digest import digest
from .memory import Record, record_id
from .recall import cosine
from .text import stem

PEOPLE = 3
"""So many people must have spoken, and so many posts must have been measured, before anything is concluded."""
WINDOW = timedelta(days=28)
NEAR = 0.45
"""A comment at this cosine (MiniLM) of what the persona writes about is about that."""
ALIKE = 0.6
"""A comment at this cosine of the first of a group belongs to it."""
BETTER, WORSE = 1.5, 0.6
_PER_PERSON = 3
_WORDS = 3
_PLAIN_WORDS = """about again always another because been before being best could does doing done even ever every from
good great have having here just know like little long look looks love made make many more most much need never nice
next only other over please really same should some such sure take than thank thanks that their them then there these
they thing things think this those time today very want well were what when where which while will with work would
your yours"""
_PLAIN = frozenset(_PLAIN_WORDS.split())

Vectors = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Groups:
    """The keys of groups. `mark` names the subjects and the model that they were made with."""

    mark: str

    @classmethod
    def of(cls, subjects: Mapping[str, str], model: str) -> Groups:
        """Return the groups of these subjects (what each is called: a text of it), by vectors of `model`."""
        return cls(mark=digest(sorted(subjects.items()), model, size=4))

    def subject(self, name: str) -> str:
        return f"{self.mark}:s:{digest(name)}"

    def like(self, leader: str) -> str:
        return f"{self.mark}:r:{leader}"

    def leader_of(self, key: str) -> str:
        """Return the id of the record that a group began with; empty for the group of a subject."""
        return key.removeprefix(f"{self.mark}:r:") if key.startswith(f"{self.mark}:r:") else ""


def assign(
    groups: Groups,
    ids: Sequence[str],
    vectors: Vectors,
    subjects: Sequence[str],
    near: Vectors,
    leaders: dict[str, NDArray[np.float64]],
) -> list[str]:
    """Return the key of each record's group, in order. `leaders` is extended by the records that begin one.

    All vectors are on the grid of `persona.recall`; `near` has a row for each of `subjects`.
    """
    keys = []
    for one, vector in zip(ids, vectors, strict=True):
        best = cosine(near, vector) if len(near) else np.zeros(0)
        if best.size and best.max() >= NEAR:
            keys.append(groups.subject(subjects[int(best.argmax())]))
            continue
        if leaders:
            names = list(leaders)
            alike = cosine(np.array([leaders[name] for name in names]), vector)
            if alike.max() >= ALIKE:
                keys.append(groups.like(names[int(alike.argmax())]))
                continue
        leaders[one] = vector
        keys.append(groups.like(one))
    return keys


def conclude(
    persona: str,
    said: Iterable[tuple[str, Record]],
    performances: Sequence[Record],
    *,
    subjects: Sequence[str],
    groups: Groups,
    now: datetime,
) -> list[Record]:
    """Return the insights of one persona: `said` are (group, comment), both of the last `WINDOW`."""
    names = {groups.subject(name): name for name in subjects}
    by_group: dict[str, list[Record]] = defaultdict(list)
    for key, record in said:
        by_group[key].append(record)
    found = [
        _asked(persona, key, names.get(key, ""), sorted(records, key=lambda r: (r.at, r.id)), now)
        for key, records in sorted(by_group.items())
    ]
    return [insight for insight in found if insight] + _compared(persona, performances, now)


def changes(wanted: Sequence[Record], held: Sequence[Record]) -> tuple[list[Record], dict[str, str]]:
    """Return the insights that are new against those held, and by what, if anything, each of the others is replaced."""
    known, now = {r.id for r in held}, {r.extra["group"]: r.id for r in wanted}
    kept = {r.id for r in wanted}
    gone = {r.id: now.get(r.extra.get("group", ""), "") for r in held if r.id not in kept}
    return [r for r in wanted if r.id not in known], gone


def _asked(persona: str, key: str, subject: str, records: Sequence[Record], now: datetime) -> Record | None:
    asking = [r for r in records if "?" in r.text]
    people = {r.author for r in asking}
    if len(people) < PEOPLE:
        return None
    words = "" if subject else ", ".join(shared_words(asking))
    if not subject and not words:
        return None
    times = Counter(r.author for r in asking for _ in range(r.count))
    counted = sum(min(count, _PER_PERSON) for count in times.values())
    what = f"“{subject}”" if subject else f"something it has not written about, with the words {words}"
    how_many = f"{counted} comments by {len(people)} people since {_day(asking[0].at)}"
    return _insight(
        persona,
        f"Several followers asked about {what} ({how_many}).",
        asking,
        now,
        group=key,
        importance=min(0.5 + len(people) / 40, 0.9),
        extra={"subject": subject, "people": str(len(people)), "last": asking[-1].at.isoformat()},
    )


def shared_words(records: Sequence[Record]) -> list[str]:
    """Return up to three words that at least `PEOPLE` authors used, the commonest first."""
    users: dict[str, set[str]] = defaultdict(set)
    forms: dict[str, Counter[str]] = defaultdict(Counter)
    for record in records:
        for word in "".join(c if c.isalpha() else " " for c in record.text.casefold()).split():
            if 4 <= len(word) <= 20 and word not in _PLAIN:
                users[stem(word)].add(record.author)
                forms[stem(word)][word] += 1
    common = sorted((name for name in users if len(users[name]) >= PEOPLE), key=lambda name: (-len(users[name]), name))
    return [min(forms[name], key=lambda form: (-forms[name][form], form)) for name in common[:_WORDS]]


def _compared(persona: str, performances: Sequence[Record], now: datetime) -> list[Record]:
    """Return which topics did better or worse than the rest."""
    by_topic: dict[str, list[Record]] = defaultdict(list)
    for record in performances:
        by_topic[record.extra.get("topic", "")].append(record)
    found = []
    for topic, own in sorted(by_topic.items()):
        others = [r for name, records in by_topic.items() if name != topic for r in records]
        if not topic or len(own) < PEOPLE or len(others) < PEOPLE:
            continue
        here, there = _mean(own), _mean(others)
        factor = (here + 1.0) / (there + 1.0)
        if WORSE < factor < BETTER:
            continue
        own = sorted(own, key=lambda r: (r.at, r.id))
        found.append(
            _insight(
                persona,
                f"Posts about “{topic}” got {'more' if factor > 1 else 'fewer'} likes and replies than others "
                f"({here:.1f} a post against {there:.1f}, {len(own)} posts since {_day(own[0].at)}).",
                own,
                now,
                group=f"topic:{topic}",
                importance=0.6,
                extra={"topic": topic, "factor": f"{factor:.2f}"},
            )
        )
    return found


def _mean(records: Sequence[Record]) -> float:
    return sum(int(r.extra.get("likes", "0")) + int(r.extra.get("people", "0")) for r in records) / len(records)


def _insight(
    persona: str,
    text: str,
    rests_on: Sequence[Record],
    now: datetime,
    *,
    group: str,
    importance: float,
    extra: Mapping[str, str],
) -> Record:
    ids = tuple(sorted(r.id for r in rests_on))
    source = f"reflection:{digest(group, ids)}"
    return Record(
        id=record_id(persona=persona, kind="insight", author=persona, text=text, source=source),
        persona=persona,
        kind="insight",
        text=text,
        at=now,
        author=persona,
        source=source,
        importance=round(importance, 3),
        trust=0.8,
        extra={"group": group, **extra},
        rests_on=ids,
    )


def _day(at: datetime) -> str:
    return f"{at.day} {at:%B}"
