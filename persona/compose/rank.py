"""Ranking candidates against their brief: does a text do what was asked, in fluent and new words?

All parts lie between 0 and 1. `fit` is the cosine of text and subject (MiniLM or any sentence embedding); `told` the
share of the content words of the points, or of the facts of a product, that the text takes up; `kept` the share of the
text's own content words that the brief holds, since what a small model adds is mostly wrong; `order` the share of the
points' content words that come in the points' order (the longest common subsequence, as in ROUGE-L; Lin 2004), since
shuffled they say something else; `exact` whether every
number, and of an ad the name, the price and the offer, stands as it was given; `length` whether it has as many
sentences as asked; `fluency` grows with the mean log-probability of its tokens; `novelty` falls with the cosine to own
earlier texts. What a text may not say at all is for the guards.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .brief import Brief, count_sentences
from .stems import stems, stems_in_order

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Vectors = NDArray[np.float32]
    Embed = Callable[[Sequence[str]], Sequence[Vectors]]

WEIGHTS = {
    "fit": 0.15,
    "told": 0.15,
    "kept": 0.2,
    "order": 0.1,
    "exact": 0.15,
    "fluency": 0.15,
    "novelty": 0.05,
    "length": 0.05,
}
_NUMBER = re.compile(r"\d+(?:[.,:]\d+)*")
_NEGATION = re.compile(r"\b(?:not|no|never|without|nothing|nobody|instead|hardly|cannot)\b|n['’]t\b", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class Ranked:
    """One candidate: its place among those given, its score and the score's parts."""

    place: int
    score: float
    parts: dict[str, float]


def rank(
    brief: Brief,
    texts: Sequence[str],
    logprobs: Sequence[float | None],
    embed: Embed,
    recent: Sequence[str] = (),
) -> list[Ranked]:
    """Return the candidates, best first; equal ones in the order given.

    `logprobs` are mean natural log-probabilities, `embed` returns unit vectors of shape (d,), `recent` are own texts.
    """
    import numpy as np

    vectors = list(embed([*texts, subject_of(brief), *recent]))
    earlier = np.array(vectors[len(texts) + 1 :], dtype=np.float32)
    ranked = []
    for place, text in enumerate(texts):
        parts = parts_of(
            brief, text, logprobs[place], vector=vectors[place], subject=vectors[len(texts)], recent=earlier
        )
        ranked.append(Ranked(place=place, score=score_of(parts), parts=parts))
    return sorted(ranked, key=lambda each: (-each.score, each.place))


def parts_of(
    brief: Brief, text: str, logprob: float | None, *, vector: Vectors, subject: Vectors, recent: Vectors
) -> dict[str, float]:
    """Return the parts of one text's score. Vectors are unit vectors (d,), `recent` is (n, d)."""
    near: Any = (recent @ vector).max(initial=0.0) if len(recent) else 0.0
    parts = {
        "fit": max(float(vector @ subject), 0.0),
        "told": told(brief, text),
        "kept": kept(brief, text),
        "order": order(brief, text),
        "exact": exact(brief, text),
        "fluency": 0.5 if logprob is None else math.exp(max(min(logprob, 0.0), -6.0)),
        "novelty": 1.0 - max(float(near), 0.0),
        "length": 1.0 / (1 + abs(count_sentences(text) - min(brief.sentences, 4))),
    }
    return {name: round(value, 4) for name, value in parts.items()}


def score_of(parts: dict[str, float]) -> float:
    """Return the weighted sum of the parts."""
    return round(sum(WEIGHTS[name] * parts[name] for name in WEIGHTS), 4)


def subject_of(brief: Brief) -> str:
    """Return what a text is measured against: topic and points, the goods, or the comment and what it is about."""
    goods = brief.goods
    if brief.task == "promo" and goods:
        return f"{goods.name}: {', '.join(goods.facts)}"
    if brief.comment:
        # What an answer is told to say is its subject; the comment alone is, where it is told nothing.
        said = " ".join(brief.points) or (" ".join(goods.facts) if goods else brief.about)
        return f"{said} {brief.comment}"[:400] if brief.points else f"{brief.comment} {said}"[:400]
    if brief.task == "comment":
        return brief.about
    return " ".join([brief.topic, *brief.points, *brief.memory])


def told(brief: Brief, text: str) -> float:
    """Return the share of what was to be told that the text takes up, by content words; 1 if nothing was given."""
    goods = brief.goods
    wanted = list(brief.points or brief.policy)
    if brief.task == "promo" and goods:
        # One fact told is enough; the best told one counts.
        return max((_overlap(fact, text) for fact in goods.facts), default=1.0)
    if brief.task == "callback":
        wanted = [brief.topic]
    return sum(_overlap(each, text) for each in wanted) / len(wanted) if wanted else 1.0


def kept(brief: Brief, text: str) -> float:
    """Return the share of the text's content words that stand in the brief; 1 for a text without any.

    An answer that is told what to say shall say that: words of the comment do not count, since a small model mixes
    them in at random.
    """
    own = stems(text)
    planned = brief.comment and brief.points
    given = " ".join([*brief.points, brief.author]) if planned else given_in(brief)
    return len(own & stems(given)) / len(own) if own else 1.0


def order(brief: Brief, text: str) -> float:
    """Return the share of the points' content words that the text says in their order; 1 if nothing was given."""
    wanted = stems_in_order(" ".join(brief.points))
    return in_order(wanted, stems_in_order(text)) if wanted else 1.0


def in_order(wanted: Sequence[str], own: Sequence[str]) -> float:
    """Return the length of the longest common subsequence of two lists of words, as a share of the first."""
    longest = [0] * (len(own) + 1)
    for word in wanted:
        before = 0
        for i, other in enumerate(own, start=1):
            before, longest[i] = longest[i], before + 1 if word == other else max(longest[i], longest[i - 1])
    return longest[-1] / len(wanted) if wanted else 0.0


def given_in(brief: Brief) -> str:
    """Return all that a brief gives to write from, without the card."""
    goods = brief.goods
    parts = [brief.topic, *brief.points, *brief.memory, *brief.policy, brief.author, brief.comment, brief.about]
    return " ".join([*parts, *((goods.name, goods.price, *goods.facts, goods.offer) if goods else ())])


def exact(brief: Brief, text: str) -> float:
    """Return the share of the exact parts that are right: numbers, of an ad name, price and offer, and of what was to
    be told whether it is negated.
    """
    given = given_in(brief)
    checks = []
    goods = brief.goods
    if goods and brief.task == "promo":
        checks += [part in text for part in (goods.name, goods.price, goods.offer) if part]
    checks += [number in given for number in _NUMBER.findall(text)]
    if brief.points:
        negated, own = (bool(_NEGATION.search(each)) for each in (" ".join(brief.points), text))
        checks.append(own if negated else not own or bool(_NEGATION.search(brief.topic)))
    return sum(checks) / len(checks) if checks else 1.0


def _overlap(wanted: str, text: str) -> float:
    asked = stems(wanted)
    return len(asked & stems(text)) / len(asked) if asked else 1.0
