"""A sheet: one text for every brief that is measured, by whoever wrote them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from ...digest import seed_of
from ..corpus import Cast, Example, examples_of
from ..select import held_out
from .template import template_text

TASKS = ("post", "promo", "callback", "reply", "answer", "support", "boundary")
"""What a persona writes. Comments of followers are no part of its voice."""


@dataclass(frozen=True, kw_only=True)
class Sheet:
    """Texts by the key of their example. `logprobs` are mean natural log-probabilities under the model that wrote."""

    writer: str
    texts: Mapping[str, str]
    logprobs: Mapping[str, float] = field(default_factory=dict)


def measured_casts(casts: Iterable[Cast], *, everyone: bool, most: int = 0) -> list[Cast]:
    """Return the personas to measure, in an order drawn by digest: the held-out ones, or `everyone`; at most `most`."""
    chosen = [cast for cast in casts if everyone or held_out(cast)]
    chosen.sort(key=lambda cast: (seed_of("measured", cast.handle), cast.handle))
    return chosen[: most or None]


def briefed(cast: Cast) -> list[Example]:
    """Return a persona's examples that are measured. The samples that its card shows are none of them."""
    return list(examples_of(cast, tasks=TASKS))


def reference_sheet(examples: Sequence[Example]) -> Sheet:
    """Return the texts that stand in the corpus: what the other sheets are held against."""
    return Sheet(writer="reference", texts={example.key: example.text for example in examples})


def template_sheet(examples: Sequence[Example]) -> Sheet:
    """Return what fixed sentences make of the same briefs: the least that a model must be better than."""
    texts = {example.key: template_text(example.brief, seed_of("template", example.key)) for example in examples}
    return Sheet(writer="template", texts=texts)
