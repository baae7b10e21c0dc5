"""What an audience sees at the start of a step: the posts that are still read, and who has said what."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from persona.network import Network, Status

from .bank import CommentBank
from .bank import said as said_form

READ_FOR = timedelta(hours=24)
REMEMBERED = timedelta(days=7)
MOST = 20_000
"""How many statuses of the last week are looked at, the newest ones."""


@dataclass(frozen=True, kw_only=True)
class Scene:
    """All lists are in the order of time.

    `posts` are the personas' own posts of the last day. `said` holds what each person wrote to each persona, by
    (person, persona). `answers` are the personas' answers to people that nobody has come back to, each with the
    comment it answers. `heads` are all first posts of threads, by id; `texts` what stands in each thread, as
    `bank.said` gives it; `uses` how often each line of the bank was used.
    """

    start: datetime
    until: datetime
    posts: tuple[Status, ...]
    said: Mapping[tuple[str, str], tuple[Status, ...]]
    answers: tuple[tuple[Status, Status], ...]
    heads: Mapping[str, Status]
    texts: Mapping[str, frozenset[str]]
    commenters: Mapping[str, frozenset[str]]
    uses: Mapping[int, int]


def look(
    network: Network,
    start: datetime,
    until: datetime,
    *,
    personas: Collection[str],
    people: Collection[str],
    bank: CommentBank,
) -> Scene:
    """Return what is on the network before `until`."""
    recent = network.statuses(since=start - REMEMBERED, until=until, limit=MOST)[::-1]
    by_id = {s.id: s for s in recent}
    heads = {s.id: s for s in recent if s.in_reply_to is None}
    said: defaultdict[tuple[str, str], list[Status]] = defaultdict(list)
    texts: defaultdict[str, set[str]] = defaultdict(set)
    commenters: defaultdict[str, set[str]] = defaultdict(set)
    uses: Counter[int] = Counter()
    answers: dict[str, tuple[Status, Status]] = {}
    for status in recent:
        thread, author = status.thread_id or status.id, status.author.handle
        texts[thread].add(said_form(status.text))
        above = by_id.get(status.in_reply_to or "")
        if author in people:
            commenters[thread].add(author)
            if (head := heads.get(thread)) is not None and head.author.handle in personas:
                said[author, head.author.handle].append(status)
            if (place := bank.line_of(status.text)) is not None:
                uses[place] += 1
            answers.pop(status.in_reply_to or "", None)
        elif author in personas and above is not None and above.author.handle in people:
            answers[status.id] = (status, above)
    posts = [s for s in heads.values() if s.author.handle in personas and s.at >= start - READ_FOR]
    return Scene(
        start=start,
        until=until,
        posts=tuple(posts),
        said={k: tuple(v) for k, v in said.items()},
        answers=tuple(answers.values()),
        heads=heads,
        texts={k: frozenset(v) for k, v in texts.items()},
        commenters={k: frozenset(v) for k, v in commenters.items()},
        uses=uses,
    )
