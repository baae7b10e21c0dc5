"""Choosing among candidates: the mildest verdict first, then what says what it was told, then the best score."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from ..guard import Finding, Verdict
from .brief import Brief
from .rank import parts_of, score_of
from .says import says

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

BESIDE = 0.2
"""Below this cosine to its subject a text is beside the point (MiniLM; unrelated sentences lie around 0.05)."""
_FEW_WORDS = 4


@dataclass(frozen=True, kw_only=True)
class Option:
    """One finished candidate: what the model wrote, the body and text made of it, its verdict and its score."""

    written: str
    body: str
    text: str
    verdict: Verdict
    logprob: float | None = None
    score: float = 0.0
    parts: dict[str, float] = field(default_factory=dict)
    says: bool = True
    """whether it says what it was told to say"""


def score_options(
    options: Sequence[Option],
    *,
    brief: Brief,
    texts: Sequence[str],
    vectors: NDArray[np.float32],
    subject: NDArray[np.float32],
    recent: NDArray[np.float32],
) -> list[Option]:
    """Return the options with their scores, in the same order.

    `texts` is what the model wrote of each, `vectors` are their unit vectors, shape (options, d); `subject` that of the
    subject, (d,); `recent` those of own recent texts, (n, d). A text beside the point gets a finding that holds it; a
    comment of a few words has no point that could be measured.
    """
    judged = not brief.comment or len(brief.comment.split()) >= _FEW_WORDS
    scored = []
    for option, text, vector in zip(options, texts, vectors, strict=True):
        parts = parts_of(brief, text, option.logprob, vector=vector, subject=subject, recent=recent)
        verdict = option.verdict
        if judged and parts["fit"] < BESIDE:
            beside = Finding(rule="beside", decision="hold", reason=f"it is beside the point (fit {parts['fit']:.2f})")
            verdict = Verdict(findings=(*verdict.findings, beside))
        said = says(brief, text, parts)
        scored.append(replace(option, verdict=verdict, parts=parts, score=score_of(parts), says=said))
    return scored


def best_of(options: Sequence[Option]) -> int:
    """Return the place of the best option: the mildest verdict first, then one that says what it was told to, then
    the score, then the earliest.
    """
    weight = {"publish": 0, "hold": 1, "block": 2}

    def order(place: int) -> tuple[int, bool, float, int]:
        option = options[place]
        return weight[option.verdict.decision], not option.says, -option.score, place

    return min(range(len(options)), key=order)
