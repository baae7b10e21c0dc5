"""One turn: cues in, drafts with verdicts and traces out. Nothing is stored and nothing is sent here."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from .compose import labels_for, messages_for, sampling_for, with_labels
from .compose.asked import friendly
from .compose.build import as_sentences, build_body, by_code, facts_for, model_part, needs_model
from .compose.choose import Option, best_of, score_options
from .compose.exact import not_known
from .compose.knowledge import Knowledge
from .compose.moves import kind_of, points_for
from .compose.prompt import fallen_back, is_plain
from .compose.rank import subject_of
from .cue import Cue, Heard
from .digest import rng_of, seed_of
from .guard import Draft, Finding, Guard, Verdict
from .guards.review import builtin_guards, review
from .parts import Parts
from .work import Work, queries_of
from .writer import Message, Writer, WriteRequest, Written

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

log = logging.getLogger(__name__)

ROUNDS = 2
"""A cue whose candidates are all held is written once more before a person is asked."""
_RECENT = 40


@dataclass(frozen=True, kw_only=True)
class Drafted:
    """What came of one cue. `error` is set when no text could be written; the cue may be tried again."""

    cue: Cue
    body: str = ""
    text: str = ""
    labels: tuple[str, ...] = ()
    verdict: Verdict = field(default_factory=Verdict)
    trace: dict[str, Any] = field(default_factory=dict)
    model: str = ""
    seed: int = 0
    error: str = ""


class Engine:
    """Drafts texts for cues, in batches over all personas."""

    def __init__(self, parts: Parts, guards: Sequence[Guard] | None = None) -> None:
        self.parts = parts
        names = [product.name for product in parts.definition.products]
        self._own_guards = guards is not None
        self.guards = tuple(guards) if guards is not None else builtin_guards(product_names=names)
        self.seconds: dict[str, float] = {"writing": 0.0, "recall": 0.0, "choosing": 0.0}
        """Where the time went, in wall seconds; not part of the log."""
        self.spent: dict[str, float] = {}
        """Wall seconds of drafting by persona."""
        self._vectors: dict[str, NDArray[np.float32]] = {}
        self._knowledge = Knowledge(self.parts.memory.embed)

    def adopt(self) -> None:
        """Take up the definition that the parts have now."""
        names = [product.name for product in self.parts.definition.products]
        if not self._own_guards:
            self.guards = builtin_guards(product_names=names)
        self._knowledge = Knowledge(self.parts.memory.embed)

    def draft(self, cues: Sequence[Cue], now: datetime, recent: Mapping[str, Sequence[str]]) -> list[Drafted]:
        """Return one draft per cue, in order. `recent` are each persona's own latest texts, newest first."""
        began = time.perf_counter()
        work = self._recall(cues, now, recent)
        self._plan(work)
        self._write_by_code(work, now)
        for turn in range(ROUNDS):
            self._write_by_model([w for w in work if not (w.settled or w.said) and needs_model(w.cue)], now, turn)
        drafts = [self._finish(w) for w in work]
        for cue in cues:
            share = (time.perf_counter() - began) / len(cues)
            self.spent[cue.persona.handle] = self.spent.get(cue.persona.handle, 0.0) + share
        return drafts

    def _recall(self, cues: Sequence[Cue], now: datetime, recent: Mapping[str, Sequence[str]]) -> list[Work]:
        began = time.perf_counter()
        queries = [query for cue in cues for query in queries_of(cue, now)]
        answers = iter(self.parts.index.recall(queries) if queries else [])
        without_memory = self.parts.index.down
        work = []
        for cue in cues:
            recalled = [found for _ in queries_of(cue, now) for found in next(answers)]
            products = self.parts.products_of(cue.persona)
            product = next((p for p in products if p.id == cue.subject.product), None)
            labels, unlabelled = _labels(cue)
            work.append(
                Work(
                    cue=cue,
                    recalled=recalled,
                    product=product,
                    labels=labels,
                    unlabelled=unlabelled,
                    without_memory=without_memory,
                    facts=facts_for(cue, recalled, products),
                    recent=tuple(recent.get(cue.persona.handle, ()))[:_RECENT],
                )
            )
        self.seconds["recall"] += time.perf_counter() - began
        return work

    def _plan(self, work: Sequence[Work]) -> None:
        """Find what the texts shall say: what the persona knows of the subject, and moves for the kind of comment."""
        for w in work:
            if not needs_model(w.cue) or w.cue.subject.mode == "promo":
                continue
            if w.cue.heard:
                self._plan_answer(w, w.cue.heard)
            else:
                self._plan_post(w)

    def _plan_post(self, w: Work) -> None:
        subject = w.cue.subject
        if subject.mode == "callback" and subject.quote and is_plain(w.cue.persona):
            said = subject.quote
            [vector] = self._embed([said.text])
            random = rng_of("moves", self.parts.seed, w.cue.key)
            kind, author = kind_of(said.text, vector), friendly(said.author)
            moves = points_for(kind, author=author, knowledge="", random=random, recent=w.recent)
            w.opening = as_sentences(moves[:1])
        if not subject.say:
            [vector] = self._embed([subject.angle or subject.topic])
            knowledge = self._knowledge.nearest(w.cue.persona, vector)
            w.points = (knowledge,) if knowledge else ()
            w.facts = (*w.facts, *w.points)

    def _plan_answer(self, w: Work, heard: Heard) -> None:
        [vector] = self._embed([heard.text])
        kind = kind_of(heard.text, vector)
        # What the post says already is no news under it, but may be the only answer.
        knowledge = self._knowledge.nearest(w.cue.persona, vector, but=heard.about)
        if kind == "question" and not knowledge:
            knowledge = self._knowledge.nearest(w.cue.persona, vector)
        w.facts = (*w.facts, knowledge) if knowledge else w.facts
        random = rng_of("moves", self.parts.seed, w.cue.key)
        author = friendly(heard.author)
        w.points = points_for(kind, author=author, knowledge=knowledge, random=random, recent=w.recent)
        if not w.points and is_plain(w.cue.persona):
            # Asked for what it does not know, a small model makes something up.
            w.said = not_known(heard.author, random)

    def _write_by_code(self, work: Sequence[Work], now: datetime) -> None:
        for w in work:
            if w.said or not needs_model(w.cue):
                w.options.append(self._option(w, w.said, None, now, 0))
                w.written_by.append(("code", ()))

    def _write_by_model(self, work: Sequence[Work], now: datetime, turn: int) -> None:
        if not work:
            return
        began = time.perf_counter()
        batches: dict[int, list[tuple[Work, WriteRequest]]] = {}
        writers = {}
        for w in work:
            try:
                writer = self.parts.writer_of(w.cue.persona)
            except Exception as error:
                if not self.parts.live:
                    raise
                w.error = f"it cannot be opened ({type(error).__name__}: {error})"
                continue
            writers[id(writer)] = writer
            w.messages = messages_for(w.cue, w.recalled, w.product, w.points)
            w.model = writer.name
            batches.setdefault(id(writer), []).append((w, self._request(w, turn)))
        answers: list[tuple[Work, WriteRequest, Written]] = []
        for name, batch in batches.items():
            written = self._written(writers[name], [request for _, request in batch])
            answers += ((w, request, answer) for (w, request), answer in zip(batch, written, strict=True))
        self.seconds["writing"] += time.perf_counter() - began
        began = time.perf_counter()
        for w, request, answer in answers:
            w.error = answer.error
            # A fall-back was asked in its own way, and what it says is built in its own way.
            asked = replace(w, cue=fallen_back(w.cue)) if answer.model else w
            messages = (answer.model and request.instead) or request.messages
            fresh = [self._option(asked, c.text, c.logprob, now, i) for i, c in enumerate(answer.candidates)]
            scored = self._scored(asked, [option for option in fresh if option.body])
            w.options += scored
            w.written_by += [(answer.model or w.model, messages)] * len(scored)
            if not answer.error:
                self._or_plainly(asked, now)
        self.seconds["choosing"] += time.perf_counter() - began

    def _written(self, writer: Writer, requests: list[WriteRequest]) -> list[Written]:
        """Let the writer write. Live, one that raises leaves its own slots waiting, and no others."""
        try:
            return writer.write(requests)
        except Exception as error:
            if not self.parts.live:
                raise
            log.exception("the writer %s failed", writer.name)
            cause = f"it failed ({type(error).__name__}: {error})"
            return [Written(id=request.id, error=cause) for request in requests]

    def _or_plainly(self, w: Work, now: datetime) -> None:
        """Let code say what was to be said as it stands, if no candidate says it."""
        brief = w.brief
        if not is_plain(w.cue.persona) or not (brief.points or brief.goods):
            return
        if any(option.says for option in w.options):
            return
        plainly = by_code(brief, w.product, rng_of("plainly", self.parts.seed, w.cue.key))
        said = [replace(each, says=True) for each in self._scored(w, [self._option(w, plainly, None, now, 0)])]
        w.options += said
        w.written_by += [("code", ())] * len(said)

    def _request(self, w: Work, turn: int) -> WriteRequest:
        return WriteRequest(
            id=f"{w.cue.key}:{turn}",
            messages=w.messages,
            seed=seed_of("write", self.parts.seed, w.cue.key, turn),
            candidates=w.cue.persona.writer.candidates,
            sampling=sampling_for(w.cue),
            instead=self._instead(w),
        )

    def _instead(self, w: Work) -> tuple[Message, ...]:
        if w.cue.persona.writer.fallback is None:
            return ()
        return messages_for(fallen_back(w.cue), w.recalled, w.product, w.points)

    def _option(self, w: Work, written: str, logprob: float | None, now: datetime, place: int) -> Option:
        # The frame around the model's words is drawn per cue, not per candidate, so that candidates differ in wit.
        random = rng_of("frame", self.parts.seed, w.cue.key)
        body = build_body(w.cue, written, w.recalled, w.product, random, None if w.said else w.brief, w.opening)
        text, failed = "", w.unlabelled
        if body:
            try:
                text = with_labels(body, w.labels, w.cue.limits.max_chars)
            except Exception as error:
                text, failed = body, _cause(error)
        draft = self.as_draft(w.cue, body, text, w.labels, now, facts=w.facts, recent=w.recent)
        verdict = review(draft, self.guards) if body else Verdict()
        if body and failed:
            verdict = Verdict(findings=(Finding(rule="labels", decision="block", reason=failed), *verdict.findings))
        return Option(written=written, body=body, text=text, verdict=verdict, logprob=logprob)

    def _scored(self, w: Work, options: list[Option]) -> list[Option]:
        if not options:
            return []
        import numpy as np

        brief = w.brief
        texts = [model_part(w.cue, option.written, brief) for option in options]
        vectors = self._embed([*texts, subject_of(brief), *w.recent[:12]])
        count = len(texts)
        return score_options(
            options,
            brief=brief,
            texts=texts,
            vectors=np.stack(vectors[:count]),
            subject=vectors[count],
            recent=np.array(vectors[count + 1 :], dtype=np.float32),
        )

    def _embed(self, texts: Sequence[str]) -> list[NDArray[np.float32]]:
        missing = [text for text in dict.fromkeys(texts) if text not in self._vectors]
        if len(self._vectors) > 2000:
            self._vectors = {text: self._vectors[text] for text in texts if text in self._vectors}
        if missing:
            self._vectors.update(zip(missing, self.parts.memory.embed(missing), strict=True))
        return [self._vectors[text] for text in texts]

    def as_draft(
        self,
        cue: Cue,
        body: str,
        text: str,
        labels: tuple[str, ...],
        now: datetime,
        *,
        facts: tuple[str, ...],
        recent: tuple[str, ...],
    ) -> Draft:
        """Return what the guards see."""
        return Draft(
            persona=cue.persona,
            kind=cue.kind,
            channel=cue.channel,
            body=body,
            text=text,
            labels=labels,
            limits=cue.limits,
            now=now,
            facts=facts,
            recent=recent,
            product=cue.subject.product or None,
            question=cue.heard.text if cue.heard else "",
        )

    def _finish(self, w: Work) -> Drafted:
        seed = seed_of("write", self.parts.seed, w.cue.key, 0)
        if not w.options:
            error = w.error or "the writer gave no usable text"
            return Drafted(cue=w.cue, labels=w.labels, error=error, model=w.model, seed=seed)
        place = best_of(w.options)
        chosen = w.options[place]
        w.model, w.messages = w.written_by[place]
        return Drafted(
            cue=w.cue,
            body=chosen.body,
            text=chosen.text,
            labels=w.labels,
            verdict=chosen.verdict,
            trace=w.trace(place),
            model=w.model,
            seed=seed,
        )


def _labels(cue: Cue) -> tuple[tuple[str, ...], str]:
    """Return the labels of a cue's text, and why they could not be made, if so: then nothing is published."""
    try:
        return labels_for(cue), ""
    except Exception as error:
        log.exception("the labels of %s cannot be made", cue.key)
        return (), _cause(error)


def _cause(error: Exception) -> str:
    return f"the labels cannot be made ({type(error).__name__}: {error})"
