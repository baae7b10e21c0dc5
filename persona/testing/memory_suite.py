"""What every memory must do. Subclass `MemorySuite` in a test file, name it Test…, and give it a `memory` fixture.

    class TestMine(MemorySuite):
        @pytest.fixture
        def memory(self) -> Iterator[Memory]: ...

Override `keep` and `within` if the memory needs a real database session.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from random import Random
from typing import TypeVar

import numpy as np

from persona.errors import ForgetsNothing
from persona.memory import Memory, Query, Record, RecordKind, record_id
from persona.testing.memory import RamMemory

T = TypeVar("T")
NOW = datetime(2026, 3, 20, 12, 0, tzinfo=UTC)


def note(
    text: str,
    *,
    persona: str = "ida",
    kind: RecordKind = "post",
    author: str = "ida",
    source: str = "s1",
    age: timedelta = timedelta(days=1),
    importance: float = 0.5,
    trust: float = 1.0,
) -> Record:
    """Return a record as the engine would make it, `age` before `NOW`."""
    return Record(
        id=record_id(persona=persona, kind=kind, author=author, text=text, source=source),
        persona=persona, kind=kind, text=text, at=NOW - age, author=author, source=source,
        importance=importance, trust=trust,
    )  # fmt: skip


def ask(text: str, persona: str = "ida", limit: int = 4, now: datetime = NOW) -> Query:
    """Return a query at `NOW`."""
    return Query(persona=persona, text=text, now=now, limit=limit)


class MemorySuite:
    """The conformance suite of memories."""

    def keep(self, memory: Memory, records: Sequence[Record]) -> int:
        """Remember and make it lasting, as the engine's transaction would."""
        return memory.remember(records, None)

    def within(self, memory: Memory, change: Callable[[object], T]) -> T:
        """Make a change lasting, as the engine's transaction would."""
        return change(None)

    def test_embeds_to_unit_vectors(self, memory: Memory) -> None:
        vectors = memory.embed(["sourdough at dawn", "a canal walk", ""])
        assert vectors.dtype == np.float32
        assert vectors.shape[0] == 3
        assert np.allclose(np.linalg.norm(vectors, axis=1), 1.0, atol=1e-4)
        assert memory.embed([]).shape[0] == 0

    def test_finds_what_is_alike(self, memory: Memory) -> None:
        self.keep(memory, [note("I baked sourdough bread today"), note("The canal was frozen this morning")])
        best = memory.recall([ask("sourdough bread baking")])[0][0]
        assert best.record.text == "I baked sourdough bread today"
        assert 0 <= best.score <= 1
        parts = ["relevance", "words", "neighbours", "time", "recency", "importance", "trust"]
        assert list(best.parts) == parts
        assert best.reason.startswith("relevance 0.")

    def test_gives_back_all_of_a_record(self, memory: Memory) -> None:
        record = Record(
            id="r1", persona="ida", kind="told", text="My dog is called Pim", at=NOW, author="ravi", source="e1",
            channel="feed", importance=0.75, trust=0.5, language="nl", extra={"thread": "t1"},
        )  # fmt: skip
        self.keep(memory, [record])
        assert memory.recall([ask("dog")])[0][0].record == record
        assert memory.list("ida") == [record]

    def test_told_twice_is_one_record(self, memory: Memory) -> None:
        first = note("Where is the shop?", kind="told", author="ravi", source="e1")
        again = note("Where is the shop?", kind="told", author="ravi", source="e2")
        other = note("Where is the shop?", kind="told", author="kim", source="e3")
        assert self.keep(memory, [first]) == 1
        assert self.keep(memory, [again, other, other]) == 1
        assert memory.count("ida") == 2

    def test_the_same_words_posted_twice_are_two_records(self, memory: Memory) -> None:
        assert self.keep(memory, [note("Good morning", source="k1"), note("Good morning", source="k2")]) == 2

    def test_does_not_repeat_itself(self, memory: Memory) -> None:
        self.keep(memory, [note("Good morning", source=f"k{i}") for i in range(5)] + [note("Rye bread is ready")])
        assert sorted(r.record.text for r in memory.recall([ask("good morning")])[0]) == [
            "Good morning",
            "Rye bread is ready",
        ]

    def test_the_newer_of_two_alike_comes_first(self, memory: Memory) -> None:
        old = note("The rye is ready", source="k1", age=timedelta(days=60))
        new = note("The rye is ready", source="k2", age=timedelta(hours=1))
        self.keep(memory, [old, new])
        assert [r.record.id for r in memory.recall([ask("rye")])[0]] == [new.id]

    def test_importance_and_trust_count(self, memory: Memory) -> None:
        light = note("Rye on Friday", source="k1", importance=0.1)
        heavy = note("Rye on Friday", source="k2", importance=0.9)
        doubtful = note("Rye on Friday", source="k3", importance=1.0, trust=0.3)
        self.keep(memory, [light, heavy, doubtful])
        assert memory.recall([ask("rye friday")])[0][0].record.id == heavy.id

    def test_equal_scores_go_by_id(self, memory: Memory) -> None:
        same = [note("Rye on Friday", source=f"k{i}") for i in range(6)]
        self.keep(memory, same)
        assert memory.recall([ask("rye")])[0][0].record.id == min(r.id for r in same)

    def test_finds_names_and_codes(self, memory: Memory) -> None:
        parts = [note(f"The part of order QX-{i} came by post", source=f"k{i}") for i in range(40, 80)]
        told = [note("It came by post", kind="told", author=who) for who in ("ravi", "kim_of_delft", "bo", "an", "jo")]
        self.keep(memory, [*parts, *told])
        by_name = Query(persona="ida", text="What did Kim of Delft say?", now=NOW, kinds=("told",))
        code, joined, name = memory.recall([ask("order QX-57"), ask("qx57"), by_name])
        assert code[0].record.source == joined[0].record.source == "k57"
        assert code[0].parts["words"] > code[-1].parts["words"]
        assert name[0].record == told[1]

    def test_the_time_that_is_asked_about_counts(self, memory: Memory) -> None:
        days = [note(f"Rye bread again, loaf {i}", source=f"k{i}", age=timedelta(days=i)) for i in range(1, 60)]
        self.keep(memory, days)
        found = memory.recall([ask("Which rye bread was it two weeks ago?"), ask("rye bread on 10 March")])
        assert all(10 <= (NOW - r.record.at).days <= 18 for r in found[0])
        assert found[1][0].record.source == "k10"
        assert found[1][0].parts["time"] == 1

    def test_a_turn_of_a_conversation_lifts_its_neighbours(self, memory: Memory) -> None:
        turns = ["How was the concert in Utrecht?", "Loud, and the third song made me cry", "Same for me"]
        talk = [
            replace(note(text, kind="told", author="kim", source=f"t{i}", age=timedelta(hours=9 - i)),
                    extra={"thread": "t"}, channel="feed")
            for i, text in enumerate(turns)
        ]  # fmt: skip
        alone = [
            note(f"A note on {word}", source=word) for word in ("soup", "chairs", "a film", "moss", "tiles", "ink")
        ]
        self.keep(memory, [*talk, *alone])
        found = memory.recall([ask("concert in Utrecht", limit=3)])[0]
        assert [r.record.source for r in found[:2]] == ["t0", "t1"]
        assert found[1].parts["neighbours"] > 0

    def test_keeps_to_a_budget_of_tokens(self, memory: Memory) -> None:
        long, short = note("rye bread " * 40, source="k1"), note("Rye bread, twice a week", source="k2")
        self.keep(memory, [long, short])
        wide, narrow, none = (replace(ask("rye bread"), tokens=tokens) for tokens in (200, 20, 2))
        texts = [{r.record.source for r in found} for found in memory.recall([wide, narrow, none])]
        assert texts == [{"k1", "k2"}, {"k2"}, set()]

    def test_others_do_not_shift_what_is_found(self, memory: Memory) -> None:
        posts = [note(f"{word} at the market", source=word) for word in ("rye", "leek", "moss", "ink", "clay")]
        self.keep(memory, posts)
        of_posts = Query(persona="ida", text="leek, rye and rare clay", now=NOW, kinds=("post",))
        before = memory.recall([of_posts])
        self.keep(memory, [note(f"leek clay {i}", kind="told", author=f"a{i}", source=f"e{i}") for i in range(30)])
        assert memory.recall([of_posts]) == before

    def test_what_is_not_yet_is_not_recalled(self, memory: Memory) -> None:
        self.keep(memory, [note("Tomorrow's bread", age=timedelta(days=-1)), note("Bread of now", age=timedelta(0))])
        assert [r.record.text for r in memory.recall([ask("bread")])[0]] == ["Bread of now"]

    def test_narrows_by_kind_author_and_source(self, memory: Memory) -> None:
        self.keep(
            memory,
            [note(f"I like bread number {i}", source=f"k{i}") for i in range(200)]
            + [
                note("Ravi likes bread", kind="told", author="ravi", source="e1"),
                note("Kim likes bread", kind="told", author="kim", source="e2"),
                note("I will bring bread", kind="promise", source="e3"),
            ],
        )
        told = Query(persona="ida", text="bread", now=NOW, kinds=("told",))
        ravi = Query(persona="ida", text="bread", now=NOW, author="ravi")
        nobody = Query(persona="ida", text="bread", now=NOW, author="nobody")
        others = Query(persona="ida", text="bread", now=NOW, kinds=("told", "promise"), exclude_sources=("e2",))
        answers = [sorted(r.record.source for r in found) for found in memory.recall([told, ravi, nobody, others])]
        assert answers == [["e1", "e2"], ["e1"], [], ["e1", "e3"]]

    def test_personas_are_strangers_to_each_other(self, memory: Memory) -> None:
        self.keep(memory, [note("bread of Ida"), note("bread of Bo", persona="bo", author="bo")])
        ida, bo, nobody = memory.recall([ask("bread"), ask("bread", persona="bo"), ask("bread", persona="cy")])
        assert [r.record.text for r in ida] == ["bread of Ida"]
        assert [r.record.text for r in bo] == ["bread of Bo"]
        assert nobody == []
        assert memory.count("cy") == 0

    def test_a_batch_answers_as_one_by_one(self, memory: Memory) -> None:
        self.keep(memory, [note(f"day {i}: rye, canal and {i * 7} bicycles", source=f"k{i}") for i in range(120)])
        queries = [ask(f"rye and {i} bicycles", limit=i % 5) for i in range(12)]
        together = memory.recall(queries)
        assert together == [memory.recall([query])[0] for query in queries]
        assert [len(found) for found in together] == [
            min(q.limit, len(f)) for q, f in zip(queries, together, strict=True)
        ]
        assert memory.recall([]) == []

    def test_lists_newest_first(self, memory: Memory) -> None:
        notes = [note(f"day {i}", age=timedelta(days=i), kind="post" if i % 2 else "reply") for i in range(6)]
        self.keep(memory, notes[::-1])
        assert [r.text for r in memory.list("ida", limit=3)] == ["day 0", "day 1", "day 2"]
        assert [r.text for r in memory.list("ida", kind="post")] == ["day 1", "day 3", "day 5"]

    def test_keeps_state_and_sources(self, memory: Memory) -> None:
        dog, cat = note("Ravi has a dog", source="k1"), note("Ravi has a cat", source="k2")
        kept = replace(
            note("Ravi has pets", kind="insight", source="g1"),
            rests_on=(dog.id, cat.id), valid_until=NOW + timedelta(days=1), superseded_by="later",
        )  # fmt: skip
        hidden = replace(note("Ravi has a plan", kind="told", author="ravi"), quarantined="it gives orders")
        self.keep(memory, [dog, kept, hidden])
        assert memory.list("ida", kind="insight", state="all") == [kept]
        assert memory.list("ida", state="quarantined") == [hidden]
        assert memory.recall([ask("pets")])[0][0].record == kept

    def test_what_is_superseded_is_kept_and_not_recalled(self, memory: Memory) -> None:
        old, new = note("Kim lives in Porto", source="k1"), note("Kim lives in Faro now", source="k2")
        self.keep(memory, [old, new])
        ended = NOW - timedelta(hours=2)
        assert self.within(memory, lambda session: memory.supersede({old.id: new.id, "no": ""}, ended, session)) == 1
        assert self.within(memory, lambda session: memory.supersede({old.id: ""}, NOW, session)) == 0
        assert [r.record.id for r in memory.recall([ask("Kim lives")])[0]] == [new.id]
        before = ask("Kim lives in Porto", now=NOW - timedelta(hours=3))
        assert memory.recall([before])[0][0].record.id == old.id
        assert [r.id for r in memory.list("ida")] == [new.id]
        [found] = memory.list("ida", state="ended")
        assert (found.id, found.superseded_by, found.valid_until) == (old.id, new.id, ended)
        assert memory.count("ida") == len(memory.list("ida", state="all")) == 2
        assert self.keep(memory, [old]) == 0
        assert [r.id for r in memory.list("ida", state="ended")] == [old.id]
        assert self.within(memory, lambda session: memory.restore([old.id, new.id], session)) == 1
        assert {r.record.id for r in memory.recall([ask("Kim lives")])[0]} == {old.id, new.id}

    def test_what_is_quarantined_is_recalled_once_it_is_restored(self, memory: Memory) -> None:
        told = replace(note("Kim says hello", kind="told", author="kim"), quarantined="it looks like an order")
        self.keep(memory, [told, *(note(f"Hello number {i}", source=f"k{i}") for i in range(30))])
        of_kim = Query(persona="ida", text="hello", now=NOW, author="kim")
        assert memory.recall([of_kim]) == [[]]
        assert told.id not in {r.record.id for r in memory.recall([ask("Kim says hello", limit=31)])[0]}
        assert self.keep(memory, [replace(told, quarantined="")]) == 0
        assert memory.recall([of_kim]) == [[]]
        assert self.within(memory, lambda session: memory.restore([told.id], session)) == 1
        assert [r.record.id for r in memory.recall([of_kim])[0]] == [told.id]
        assert memory.list("ida", state="quarantined") == []

    def test_counts_what_was_told_again_and_used(self, memory: Memory) -> None:
        told, other = note("Where is the shop?", kind="told", author="ravi"), note("On Mill Lane", source="k2")
        self.keep(memory, [told, told])
        self.keep(memory, [told, other])
        for at in (NOW - timedelta(hours=1), NOW):
            self.within(memory, partial(memory.used, [told.id, told.id, "no"], at))
        found = {r.id: (r.count, r.recalled, r.recalled_at) for r in memory.list("ida")}
        assert found == {told.id: (3, 2, NOW), other.id: (1, 0, None)}

    def test_what_was_derived_is_forgotten_with_its_source(self, memory: Memory) -> None:
        told = [note(f"I bake {word}", kind="told", author=word) for word in ("rye", "spelt")]
        liked = replace(note("Rye posts do well", kind="performance", source="p1"), rests_on=(told[0].id,))
        insight = replace(note("People bake", kind="insight", source="g1"), rests_on=(liked.id, told[1].id))
        apart = replace(note("People walk", kind="insight", source="g2"), rests_on=("elsewhere",))
        self.keep(memory, [*told, liked, insight, apart])
        assert memory.forget(author="rye") == 3
        assert {r.id for r in memory.list("ida")} == {told[1].id, apart.id}

    def reflect(self, memory: Memory, now: datetime = NOW) -> list[Record]:
        subjects = {"rye": "how to bake rye bread: sour dough", "canal": "walks along the frozen canal"}
        return [*self.within(memory, lambda s: memory.reflect("ida", subjects=subjects, now=now, session=s))]

    def test_concludes_from_several_people_and_cites_them(self, memory: Memory) -> None:
        asked = [
            note("How to bake rye bread from sour dough?", kind="told", author=author, source=f"e{author}{i}")
            for author, times in (("kim", 5), ("ravi", 1), ("bo", 1))
            for i in range(times)
        ]
        self.keep(memory, asked[:6])
        assert self.reflect(memory) == [], "two people are not several"
        self.keep(memory, [*asked[6:], note("Walks along the frozen canal?", kind="told", author="ravi")])
        [insight] = self.reflect(memory)
        assert insight.text == "Several followers asked about “rye” (5 comments by 3 people since 19 March)."
        assert (insight.kind, insight.author, insight.trust_class) == ("insight", "ida", "derived")
        assert set(insight.rests_on) == {r.id for r in asked}
        assert [r.id for r in memory.list("ida", kind="insight")] == [insight.id]
        assert self.reflect(memory) == [], "the same journal says the same"

    def test_what_does_not_follow_any_more_ends_with_its_successor(self, memory: Memory) -> None:
        asked = [note("Bake rye bread from sour dough?", kind="told", author=f"a{i}") for i in range(5)]
        self.keep(memory, asked[:3])
        [first] = self.reflect(memory)
        self.keep(memory, asked[3:])
        [second] = self.reflect(memory)
        assert "5 comments by 5 people" in second.text
        [ended] = memory.list("ida", kind="insight", state="ended")
        assert (ended.id, ended.superseded_by, ended.valid_until) == (first.id, second.id, NOW)
        assert memory.forget(author="a4") == 2, "the comment, and the insight that rests on it"
        [third] = self.reflect(memory)
        assert "4 comments by 4 people" in third.text
        memory.forget(author="a0")
        memory.forget(author="a1")
        assert self.reflect(memory) == []
        assert memory.list("ida", kind="insight") == []
        assert self.reflect(memory, NOW + timedelta(days=40)) == []

    def test_reflecting_often_is_reflecting_once(self, memory: Memory) -> None:
        texts = [f"Where to buy {what} {word}?" for what in ("a red bicycle", "old maps") for word in ("now", "here")]
        rng = Random(3)
        told = [note(rng.choice(texts), kind="told", author=f"a{i}", source=f"e{i}") for i in range(40)]
        once = RamMemory()
        once.remember(told)
        wanted = once.reflect("ida", subjects={"rye": "rye bread"}, now=NOW)
        for start in range(0, 40, 7):
            self.keep(memory, told[start : start + 7])
            self.within(memory, lambda s: memory.reflect("ida", subjects={"rye": "rye bread"}, now=NOW, session=s))
        held = memory.list("ida", kind="insight")
        assert {r.text for r in wanted}, "there is something to conclude"
        assert {(r.text, r.rests_on) for r in held} == {(r.text, r.rests_on) for r in wanted}

    def test_nothing_is_concluded_from_quarantine(self, memory: Memory) -> None:
        asked = [note("How to bake rye bread from sour dough?", kind="told", author=f"a{i}") for i in range(3)]
        self.keep(memory, [*asked[:2], replace(asked[2], quarantined="it gives orders")])
        assert self.reflect(memory) == []
        self.within(memory, lambda session: memory.restore([asked[2].id], session))
        assert len(self.reflect(memory)) == 1

    def test_forgets(self, memory: Memory) -> None:
        ravi = [note(f"Ravi says {i}", kind="told", author="ravi") for i in range(3)]
        kim = note("Kim says hello", kind="told", author="kim")
        bo = note("Ravi to Bo", kind="told", author="ravi", persona="bo")
        self.keep(memory, [*ravi, kim, bo])
        assert memory.forget(author="ravi", persona="ida") == 3
        assert [r.record.text for r in memory.recall([ask("Ravi says")])[0]] == ["Kim says hello"]
        assert memory.forget(record_id=kim.id) == 1
        assert memory.forget(record_id=kim.id) == 0
        assert memory.recall([ask("hello")]) == [[]]
        assert memory.count("bo") == 1
        assert memory.forget(persona="bo") == 1
        assert memory.count("bo") == 0

    def test_learns_again_after_forgetting(self, memory: Memory) -> None:
        record = note("Kim says hello", kind="told", author="kim")
        for _ in range(2):
            assert self.keep(memory, [record]) == 1
            assert len(memory.recall([ask("hello")])[0]) == 1
            assert memory.forget(author="kim") == 1
            assert memory.recall([ask("hello")]) == [[]]

    def test_forgets_nothing_unasked(self, memory: Memory) -> None:
        self.keep(memory, [note("bread")])
        try:
            memory.forget()
        except ForgetsNothing:
            assert memory.count("ida") == 1
        else:
            raise AssertionError("forget() without a criterion must be refused")

    def test_reindexes_and_is_well(self, memory: Memory) -> None:
        self.keep(memory, [note("bread"), note("canal"), note("bread", persona="bo")])
        memory.sync()
        memory.sync()
        before = memory.recall([ask("bread")])
        assert memory.reindex() == 3
        assert memory.reindex("ida") == 2
        assert memory.recall([ask("bread")]) == before
        assert [(h.persona, h.journal, h.index, h.ok) for h in memory.health()] == [
            ("bo", 1, 1, True),
            ("ida", 2, 2, True),
        ]

    def test_closes_twice(self, memory: Memory) -> None:
        memory.close()
        memory.close()
