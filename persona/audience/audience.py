"""A small audience: it reads, likes, boosts, follows and comments, all of it decided by seed and network state."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from persona.clock import as_utc
from persona.definition import Persona, Product
from persona.digest import seed_of
from persona.network import Action, Network, Status, StepReport
from persona.writer import Writer

from .bank import CommentBank, Intent, said
from .people import Person, make_people
from .pick import Picker, subject_of, typed
from .rates import Rates
from .scene import READ_FOR, Scene, look
from .words import nouns, overlap, stems
from .written import may_write, request, tidy

Floats = NDArray[np.float64]

_DAY = np.array([2, 1, 1, 1, 1, 3, 9, 16, 17, 13, 12, 13, 17, 15, 11, 11, 13, 16, 18, 21, 24, 23, 16, 7], np.float64)
_DAY /= _DAY.mean()
_INTENTS: dict[Intent, float] = {
    "praise": 0.21, "question": 0.22, "story": 0.19, "wish": 0.09, "complaint": 0.06, "chat": 0.14,
    "identity": 0.045, "hostile": 0.025, "spam": 0.02,
}  # fmt: skip
_PROMO_INTENTS: dict[Intent, float] = {
    "praise": 0.17, "question": 0.43, "story": 0.0, "wish": 0.13, "complaint": 0.11, "chat": 0.09,
    "identity": 0.02, "hostile": 0.03, "spam": 0.02,
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class _Wish:
    """Someone wants to write under `target`, in the thread of `head`."""

    person: Person
    persona: Persona
    head: Status
    target: Status
    at: datetime
    intent: Intent
    past: tuple[str, ...] = ()
    text: str = ""


class Audience:
    """Simulated followers of some personas on a simulated network.

    The same seed, personas and network state give the same step, byte for byte; a step that is done is not decided
    again. With a `writer`, `writer_share` of the kindly comments are in its words.
    """

    def __init__(
        self,
        network: Network,
        *,
        seed: int,
        personas: Sequence[Persona],
        size: int = 150,
        comments: CommentBank | None = None,
        writer: Writer | None = None,
        writer_share: float = 0.25,
        products: Sequence[Product] = (),
        rates: Rates | None = None,
    ) -> None:
        self.network, self.seed, self.rates = network, seed, rates or Rates()
        self.personas = {p.handle: p for p in sorted(personas, key=lambda p: p.handle)}
        self.bank = comments or CommentBank.load()
        self._writer, self._writer_share, self._products = writer, writer_share, products
        topics = [[t.name for t in p.topics] for p in self.personas.values()]
        self.people = make_people(seed, size, topics, self.personas)
        self._handles = frozenset(p.handle for p in self.people)
        self._activity = np.array([p.activity for p in self.people])
        self._interests = [tuple(stems(i) for i in p.account.interests) for p in self.people]
        self._match = lru_cache(maxsize=512)(self._matching)
        self._likes_author = {
            handle: np.array([overlap(p.account.interests, about) for p in self.people])
            for handle, persona in self.personas.items()
            for about in [stems(" ".join(t.name for t in persona.topics))]
        }

    def populate(self, at: datetime) -> None:
        """Register everyone who is not there yet."""
        known = {a.handle for a in self.network.accounts(bot=False)}
        if missing := [p.account for p in self.people if p.handle not in known]:
            self.network.register(missing, at)

    @staticmethod
    def key(until: datetime) -> str:
        """Return the key of the step that ends at `until`."""
        return f"audience:{as_utc(until).isoformat()}"

    def step(self, start: datetime, until: datetime) -> StepReport:
        """Let the audience live from `start` to `until`; done already, return the report it gave then."""
        start, until = as_utc(start), as_utc(until)
        key = self.key(until)
        if (done := self.network.step(key)) is not None:
            return done
        if not self.people or not self.personas:
            return self.network.act(key, [])
        rng = np.random.Generator(np.random.PCG64(seed_of(self.seed, key)))
        scene = look(self.network, start, until, personas=self.personas.keys(), people=self._handles, bank=self.bank)
        follows = self._follows()
        awake = self._awake(start + (until - start) / 2)
        actions: list[Action] = []
        wishes: list[_Wish] = []
        for post in scene.posts:
            weights = self._weights(post, awake, follows[post.author.handle])
            share = self._share(post, scene) * self._appeal(post) * float(np.average(awake, weights=weights / awake))
            actions += self._like(rng, post, scene, share, weights, follows[post.author.handle])
            wishes += self._comment(rng, post, scene, share, weights)
        wishes += self._answer_back(rng, scene, awake)
        actions += self._unfollow(rng, scene, follows)
        actions += self._speak(wishes, scene, key)
        return self.network.act(key, sorted(actions, key=lambda a: (a.at, a.actor, a.kind, a.target)))

    def _follows(self) -> dict[str, NDArray[np.bool_]]:
        found = self.network.following([p.handle for p in self.people])
        return {h: np.array([h in found[p.handle] for p in self.people], np.bool_) for h in self.personas}

    def _awake(self, middle: datetime) -> Floats:
        hours = {z: middle.astimezone(ZoneInfo(z)).hour for z in sorted({p.account.time_zone for p in self.people})}
        return np.array([_DAY[(hours[p.account.time_zone] + p.shift) % 24] for p in self.people])

    def _weights(self, post: Status, awake: Floats, follows: NDArray[np.bool_]) -> Floats:
        found: Floats = self._activity * awake * (0.1 + self._likes_author[post.author.handle] + self._match(post.text))
        return np.where(follows, 3.0 * found, found)

    def _matching(self, text: str) -> Floats:
        """Return 1 for everyone with an interest that `text` speaks of, 0 for the others."""
        about = stems(text)
        return np.array([any(i & about for i in interests) for interests in self._interests], np.float64)

    def _share(self, post: Status, scene: Scene) -> float:
        """Return how much of all the attention a post gets falls into this step."""
        tau = self.rates.reach_hours * 3600
        born = max(0.0, (scene.start - post.at).total_seconds())
        dies = min((scene.until - post.at).total_seconds(), READ_FOR.total_seconds())
        return float(max(0.0, np.exp(-born / tau) - np.exp(-dies / tau)))

    def _appeal(self, post: Status) -> float:
        draw: float = np.random.Generator(np.random.PCG64(seed_of(self.seed, "appeal", post.id))).gamma(5.0, 0.2)
        return draw

    def _when(self, rng: np.random.Generator, scene: Scene, after: datetime) -> datetime | None:
        """Return a second between `after` and the step's end, not before its start; None if there is none."""
        first = max(scene.start, after.replace(microsecond=0) + timedelta(seconds=1))
        seconds = int((scene.until - first).total_seconds())
        place = float(rng.random())
        return None if seconds <= 0 else first + timedelta(seconds=int(place * seconds))

    def _choose(self, rng: np.random.Generator, mean: float, weights: Floats) -> list[int]:
        """Return a Poisson number of people, drawn by weight without putting back."""
        number = min(int(rng.poisson(mean)), int(np.count_nonzero(weights)))
        with np.errstate(divide="ignore"):
            keys = np.log(weights) + rng.gumbel(size=len(weights))
        return [int(i) for i in np.argsort(-keys, kind="stable")[:number]]

    def _like(
        self,
        rng: np.random.Generator,
        post: Status,
        scene: Scene,
        share: float,
        weights: Floats,
        follows: NDArray[np.bool_],
    ) -> list[Action]:
        actions: list[Action] = []
        for i in self._choose(rng, self.rates.likes_per_post * share, weights):
            at = self._when(rng, scene, post.at + timedelta(seconds=20))
            follow, boost = rng.random(2)
            if at is None:
                continue
            actor = self.people[i].handle
            actions.append(Action(kind="like", actor=actor, target=post.id, at=at))
            if boost < self.rates.boost_after_like:
                actions.append(Action(kind="boost", actor=actor, target=post.id, at=at))
            if follow < self.rates.follow_after_like and not follows[i]:
                actions.append(Action(kind="follow", actor=actor, target=post.author.handle, at=at))
        return actions

    def _comment(
        self, rng: np.random.Generator, post: Status, scene: Scene, share: float, weights: Floats
    ) -> list[_Wish]:
        persona = self.personas[post.author.handle]
        spoken = scene.commenters.get(post.id, frozenset())
        # Who has spoken to a persona speaks to it again sooner than a stranger does.
        heard = [scene.said.get((p.handle, persona.handle), ()) for p in self.people]
        ties = np.array(
            [0.0 if p.handle in spoken else 5.0 if h else 1.0 for p, h in zip(self.people, heard, strict=True)]
        )
        promo = subject_of(post, persona, self._products, ()).promo
        odds = _PROMO_INTENTS if promo else _INTENTS
        wishes: list[_Wish] = []
        for i in self._choose(rng, self.rates.comments_per_post * share, weights * ties):
            at = self._when(rng, scene, post.at + timedelta(seconds=60))
            back = float(rng.random()) < self.rates.come_back
            intent = list(odds)[int(rng.choice(len(odds), p=np.array(list(odds.values())) / sum(odds.values())))]
            if at is None:
                continue
            wish = _Wish(person=self.people[i], persona=persona, head=post, target=post, at=at, intent=intent)
            earlier = [s for s in heard[i] if s.at < post.at and s.thread_id != post.id]
            wishes.append(self._returning(wish, earlier, scene) if back and earlier else wish)
        return wishes

    def _returning(self, wish: _Wish, earlier: Sequence[Status], scene: Scene) -> _Wish:
        """Make the wish take up what was said earlier: a story goes on, or its noun comes back."""
        told = {said(s.text) for s in earlier}
        for status in reversed(earlier):
            place = self.bank.line_of(status.text)
            if place is not None and (later := self.bank.lines[place].later):
                head = scene.heads.get(status.thread_id or "")
                word = next(iter([*nouns(status.text), *nouns(head.text if head else ""), "thing"]))
                topic = wish.persona.topics[0].name
                text = typed(later.replace("{word}", word).replace("{topic}", topic), wish.person)
                if said(text) not in told:
                    return replace(wish, intent="returning", text=text)
        past = self._past(earlier[-1], scene)
        return replace(wish, intent="returning", past=past) if past else wish

    def _past(self, status: Status, scene: Scene) -> tuple[str, ...]:
        """Return the noun a comment was about, from its post if it has none that is there too."""
        head = scene.heads.get(status.thread_id or "")
        asked = nouns(head.text) if head is not None else []
        return tuple([n for n in nouns(status.text) if n in asked] or asked)[:1]

    def _answer_back(self, rng: np.random.Generator, scene: Scene, awake: Floats) -> list[_Wish]:
        places = {p.handle: i for i, p in enumerate(self.people)}
        wishes: list[_Wish] = []
        for answer, comment in scene.answers:
            head = scene.heads.get(answer.thread_id or "")
            draw = float(rng.random())
            at = self._when(rng, scene, answer.at + timedelta(seconds=45))
            if head is None or at is None or head.author.handle not in self.personas:
                continue
            handle = comment.author.handle
            turns = sum(s.thread_id == head.id for s in scene.said.get((handle, head.author.handle), ()))
            chance = self.rates.answer_back * self._share(answer, scene) * min(2.0, float(awake[places[handle]]))
            if turns >= 3 or draw >= chance:
                continue
            wishes.append(
                _Wish(
                    person=self.people[places[handle]],
                    persona=self.personas[answer.author.handle],
                    head=head,
                    target=answer,
                    at=at,
                    intent="followup",
                    past=self._past(comment, scene),
                )
            )
        return wishes

    def _unfollow(self, rng: np.random.Generator, scene: Scene, follows: dict[str, NDArray[np.bool_]]) -> list[Action]:
        chance = self.rates.unfollow_per_day * (scene.until - scene.start) / timedelta(days=1)
        actions: list[Action] = []
        for handle, followers in follows.items():
            leaves = followers & (rng.random(len(followers)) < chance)
            for i in np.flatnonzero(leaves):
                at = self._when(rng, scene, scene.start)
                if at is not None:
                    actions.append(Action(kind="unfollow", actor=self.people[int(i)].handle, target=handle, at=at))
        return actions

    def _speak(self, wishes: Sequence[_Wish], scene: Scene, key: str) -> list[Action]:
        """Put words to the wishes: from the bank first, so that a model that fails changes nothing else."""
        picker = Picker(self.bank, scene.uses, f"{self.seed}:{key}")
        taken = {head: set(texts) for head, texts in scene.texts.items()}
        spoken: list[tuple[_Wish, str]] = []
        for wish in sorted(wishes, key=lambda w: (w.at, w.person.handle, w.target.id)):
            used = taken.setdefault(wish.head.id, set())
            text = wish.text if wish.text and said(wish.text) not in used else ""
            if not text:
                others = [h for h in self.personas if h != wish.persona.handle]
                subject = subject_of(wish.target, wish.persona, self._products, others)
                text = picker.pick(wish.intent, wish.person, subject, taken=used, past=wish.past)
            if text:
                used.add(said(text))
                spoken.append((wish, text))
        texts = self._rewritten(spoken, taken, key)
        return [
            Action(kind="comment", actor=wish.person.handle, target=wish.target.id, at=wish.at, text=texts.get(n, text))
            for n, (wish, text) in enumerate(spoken)
        ]

    def _rewritten(self, spoken: Sequence[tuple[_Wish, str]], taken: dict[str, set[str]], key: str) -> dict[int, str]:
        """Return the comments that the writer says instead, by their place."""
        if self._writer is None:
            return {}
        asked: dict[str, int] = {}
        requests = []
        for n, (wish, _) in enumerate(spoken):
            seed = seed_of(self.seed, key, "written", wish.person.handle, wish.target.id)
            if may_write(wish.intent) and wish.target is wish.head and seed % 10_000 < self._writer_share * 10_000:
                name = f"{key}:{wish.person.handle}:{wish.target.id}"
                asked[name] = n
                requests.append(request(name, seed, wish.persona, wish.head, wish.intent))
        found: dict[int, str] = {}
        used = set().union(*taken.values())
        for answer in self._writer.write(requests) if requests else ():
            wish = spoken[asked[answer.id]][0]
            texts = () if answer.error else [tidy(c.text, wish.head.text) for c in answer.candidates]
            text = next((t for t in texts if t and said(t) not in used), "")
            if text:
                used.add(said(text))
                found[asked[answer.id]] = typed(text, wish.person)
        return found
