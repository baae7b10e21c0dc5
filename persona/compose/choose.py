"""Choosing among candidates: what fits the subject, is new, reads fluently and passes the guards."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from ..guard import Finding, Verdict

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_WEIGHTS = {"fit": 0.5, "novelty": 0.2, "fluency": 0.2, "length": 0.1}
BESIDE = 0.2
"""Below this cosine to its subject a text is beside the point (MiniLM; unrelated sentences lie around 0.05)."""


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
    vectors: NDArray[np.float32],
    subject: NDArray[np.float32],
    recent: NDArray[np.float32],
    target_chars: int,
) -> list[Option]:
    """Return the options with their scores, in the same order.

    `vectors` are the unit vectors of what the model wrote, shape (options, d); `subject` that of the subject, (d,);
    `recent` those of own recent texts, (n, d). A text beside the point gets a finding that holds it.
    """
    scored = []
    for option, vector in zip(options, vectors, strict=True):
        fit = float(max(vector @ subject, 0.0))
        near = float(max((recent @ vector).max(initial=0.0), 0.0)) if len(recent) else 0.0
        fluency = 0.5 if option.logprob is None else min(max(1 + option.logprob / 4, 0.0), 1.0)
        length = math.exp(-abs(math.log(max(len(option.body), 1) / target_chars)))
        parts = {"fit": fit, "novelty": 1 - near, "fluency": fluency, "length": length}
        parts = {name: round(value, 4) for name, value in parts.items()}
        verdict = option.verdict
        if fit < BESIDE:
            beside = Finding(rule="beside", decision="hold", reason=f"it is beside the point (fit {fit:.2f})")
            verdict = Verdict(findings=(*verdict.findings, beside))
        score = round(sum(_WEIGHTS[name] * value for name, value in parts.items()), 4)
        scored.append(replace(option, verdict=verdict, parts=parts, score=score))
    return scored


def best_of(options: Sequence[Option]) -> int:
    """Return the place of the best option: the mildest verdict first, then the score, then the earliest."""
    weight = {"publish": 0, "hold": 1, "block": 2}
    return min(range(len(options)), key=lambda i: (weight[options[i].verdict.decision], -options[i].score, i))
