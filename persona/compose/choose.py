"""Choosing among candidates: the mildest verdict of the guards first, then the best score against the brief."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from ..guard import Finding, Verdict
from .brief import Brief
from .rank import parts_of, score_of

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
        scored.append(replace(option, verdict=verdict, parts=parts, score=score_of(parts)))
    return scored


def best_of(options: Sequence[Option]) -> int:
    """Return the place of the best option: the mildest verdict first, then the score, then the earliest."""
    weight = {"publish": 0, "hold": 1, "block": 2}
    return min(range(len(options)), key=lambda i: (weight[options[i].verdict.decision], -options[i].score, i))
