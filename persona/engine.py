"""One turn: cues in, drafts with verdicts and traces out. Nothing is stored and nothing is sent here."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from .compose import labels_for, messages_for, sampling_for, with_labels
from .compose.build import build_body, facts_for, model_part, needs_model
from .compose.choose import Option, best_of, score_options
from .cue import Cue
from .definition import Product
from .digest import rng_of, seed_of
from .guard import Draft, Guard, Verdict
from .guards.review import builtin_guards, review
from .memory import Query, Recalled
from .parts import Parts
from .writer import WriteRequest, Written

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

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


@dataclass
class _Work:
    cue: Cue
    recalled: list[Recalled]
    product: Product | None
    labels: tuple[str, ...]
    facts: tuple[str, ...]
    recent: tuple[str, ...]
    messages: tuple[Any, ...] = ()
    model: str = "code"
    options: list[Option] = field(default_factory=list)
    error: str = ""

    @property
    def settled(self) -> bool:
        return any(option.verdict.decision == "publish" for option in self.options)


class Engine:
    """Drafts texts for cues, in batches over all personas."""

    def __init__(self, parts: Parts, guards: Sequence[Guard] | None = None) -> None:
        self.parts = parts
        names = [product.name for product in parts.definition.products]
        self.guards = tuple(guards) if guards is not None else builtin_guards(product_names=names)
        self.seconds: dict[str, float] = {"writing": 0.0, "recall": 0.0, "choosing": 0.0}
        """Where the time went, in wall seconds; not part of the log."""
        self.spent: dict[str, float] = {}
        """Wall seconds of drafting by persona."""
        self._vectors: dict[str, NDArray[np.float32]] = {}

    def draft(self, cues: Sequence[Cue], now: datetime, recent: Mapping[str, Sequence[str]]) -> list[Drafted]:
        """Return one draft per cue, in order. `recent` are each persona's own latest texts, newest first."""
        began = time.perf_counter()
        work = self._recall(cues, now, recent)
        self._write_by_code(work, now)
        for turn in range(ROUNDS):
            self._write_by_model([w for w in work if not w.settled and needs_model(w.cue)], now, turn)
        drafts = [self._finish(w) for w in work]
        for cue in cues:
            share = (time.perf_counter() - began) / len(cues)
            self.spent[cue.persona.handle] = self.spent.get(cue.persona.handle, 0.0) + share
        return drafts

    def _recall(self, cues: Sequence[Cue], now: datetime, recent: Mapping[str, Sequence[str]]) -> list[_Work]:
        began = time.perf_counter()
        queries = [query for cue in cues for query in _queries(cue, now)]
        answers = iter(self.parts.memory.recall(queries) if queries else [])
        work = []
        for cue in cues:
            recalled = [found for _ in _queries(cue, now) for found in next(answers)]
            products = self.parts.products_of(cue.persona)
            product = next((p for p in products if p.id == cue.subject.product), None)
            work.append(
                _Work(
                    cue=cue,
                    recalled=recalled,
                    product=product,
                    labels=labels_for(cue),
                    facts=facts_for(cue, recalled, products),
                    recent=tuple(recent.get(cue.persona.handle, ()))[:_RECENT],
                )
            )
        self.seconds["recall"] += time.perf_counter() - began
        return work

    def _write_by_code(self, work: Sequence[_Work], now: datetime) -> None:
        for w in work:
            if not needs_model(w.cue):
                w.options.append(self._option(w, "", None, now, 0))

    def _write_by_model(self, work: Sequence[_Work], now: datetime, turn: int) -> None:
        if not work:
            return
        began = time.perf_counter()
        batches: dict[int, list[tuple[_Work, WriteRequest]]] = {}
        writers = {}
        for w in work:
            writer = self.parts.writer_of(w.cue.persona)
            writers[id(writer)] = writer
            w.messages, w.model = messages_for(w.cue, w.recalled, w.product), writer.name
            batches.setdefault(id(writer), []).append((w, self._request(w, turn)))
        answers: list[tuple[_Work, Written]] = []
        for name, batch in batches.items():
            written = writers[name].write([request for _, request in batch])
            answers += zip((w for w, _ in batch), written, strict=True)
        self.seconds["writing"] += time.perf_counter() - began
        began = time.perf_counter()
        for w, answer in answers:
            w.error = answer.error
            fresh = [self._option(w, c.text, c.logprob, now, i) for i, c in enumerate(answer.candidates)]
            w.options += self._scored(w, [option for option in fresh if option.body])
        self.seconds["choosing"] += time.perf_counter() - began

    def _request(self, w: _Work, turn: int) -> WriteRequest:
        return WriteRequest(
            id=f"{w.cue.key}:{turn}",
            messages=w.messages,
            seed=seed_of("write", self.parts.seed, w.cue.key, turn),
            candidates=w.cue.persona.writer.candidates,
            sampling=sampling_for(w.cue),
        )

    def _option(self, w: _Work, written: str, logprob: float | None, now: datetime, place: int) -> Option:
        # The frame around the model's words is drawn per cue, not per candidate, so that candidates differ in wit.
        random = rng_of("frame", self.parts.seed, w.cue.key)
        body = build_body(w.cue, written, w.recalled, w.product, random)
        text = with_labels(body, w.labels, w.cue.limits.max_chars) if body else ""
        draft = self.as_draft(w.cue, body, text, w.labels, now, facts=w.facts, recent=w.recent)
        verdict = review(draft, self.guards) if body else Verdict()
        return Option(written=written, body=body, text=text, verdict=verdict, logprob=logprob)

    def _scored(self, w: _Work, options: list[Option]) -> list[Option]:
        if not options:
            return []
        import numpy as np

        bodies = [model_part(w.cue, option.written) for option in options]
        subject = w.cue.subject.text if w.cue.kind == "post" else _reply_subject(w.cue)
        vectors = self._embed([*bodies, subject, *w.recent[:12]])
        count = len(bodies)
        return score_options(
            options,
            vectors=np.stack(vectors[:count]),
            subject=vectors[count],
            recent=np.array(vectors[count + 1 :], dtype=np.float32),
            target_chars=180 if w.cue.kind == "post" else 110,
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

    def _finish(self, w: _Work) -> Drafted:
        seed = seed_of("write", self.parts.seed, w.cue.key, 0)
        if not w.options:
            error = w.error or "the writer gave no usable text"
            return Drafted(cue=w.cue, labels=w.labels, error=error, model=w.model, seed=seed)
        place = best_of(w.options)
        chosen = w.options[place]
        return Drafted(
            cue=w.cue,
            body=chosen.body,
            text=chosen.text,
            labels=w.labels,
            verdict=chosen.verdict,
            trace=_trace(w, place),
            model=w.model,
            seed=seed,
        )


def _queries(cue: Cue, now: datetime) -> list[Query]:
    handle, limit = cue.persona.handle, cue.persona.memory.recall
    if limit == 0:
        return []
    if cue.heard is None:
        # What one follower said does not steer a post, except where code quotes it.
        return [Query(persona=handle, text=cue.subject.text, now=now, limit=limit, kinds=("post", "canon", "promise"))]
    source = cue.heard.source
    return [
        Query(
            persona=handle,
            text=cue.heard.text,
            now=now,
            limit=2,
            kinds=("told",),
            author=cue.heard.author,
            exclude_sources=(source,),
        ),
        Query(persona=handle, text=cue.heard.text, now=now, limit=limit, kinds=("post", "canon", "promise")),
    ]


def _reply_subject(cue: Cue) -> str:
    assert cue.heard is not None
    return f"{cue.heard.text} {cue.heard.about}"[:400]


def _trace(w: _Work, place: int) -> dict[str, Any]:
    cue = w.cue
    heard = None
    if cue.heard:
        heard = {"author": cue.heard.author, "text": cue.heard.text, "about": cue.heard.about}
    return {
        "cue": {
            "key": cue.key,
            "kind": cue.kind,
            "due_at": cue.due_at.isoformat(),
            "subject": cue.subject.as_json(),
            "heard": heard,
        },
        "recalled": [
            {
                "id": r.record.id,
                "kind": r.record.kind,
                "author": r.record.author,
                "text": r.record.text,
                "score": r.score,
                "reason": r.reason,
            }
            for r in w.recalled
        ],
        "messages": [{"role": m.role, "content": m.content} for m in w.messages],
        "candidates": [
            {
                "text": option.body,
                "logprob": option.logprob,
                "score": option.score,
                "parts": option.parts,
                "chosen": i == place,
                "reasons": list(option.verdict.reasons),
            }
            for i, option in enumerate(w.options)
        ],
        "verdict": {
            "decision": w.options[place].verdict.decision,
            "findings": [
                {"rule": f.rule, "decision": f.decision, "reason": f.reason} for f in w.options[place].verdict.findings
            ],
        },
    }
