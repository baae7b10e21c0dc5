"""What may not be said of a product unless its facts say it: health, awards, origin, materials, scarcity."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from ..guard import Draft, Finding, Guard
from . import _claim_words as known
from ._text import excerpt, fold, plain, sentences, without_tags, words

_KINDS: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("a health claim", known.HEALTH),
    ("an award", known.AWARD),
    ("a review", known.REVIEW),
    ("a comparison", known.COMPARISON),
    ("scarcity", known.SCARCITY),
    ("a guarantee", known.GUARANTEE),
    ("a discount", known.FREE),
    ("a feature", known.FEATURES),
)
_CALENDAR = frozenset(
    "january february march april may june july august september october november december monday tuesday wednesday"
    " thursday friday saturday sunday mondays tuesdays wednesdays thursdays fridays saturdays sundays christmas easter i".split()
)
_SMALL_WORDS = frozenset(
    "a an the of in on to for from by with and or is are it its this that only just be as at any your you there".split()
)


class ClaimsGuard(Guard):
    """Holds a text about a product that claims what its facts do not hold.

    Works by lexicon, sentence by sentence, and only where the draft has a product. A sentence that says what is not
    known or not promised is no claim. A claim stands if all its words of weight are among the facts.
    """

    name = "claims"

    def look(self, draft: Draft) -> Sequence[Finding]:
        if not draft.product:
            return []
        facts = " ".join((*draft.facts, draft.product))
        stems = frozenset(_stem(word) for word in words(facts))
        names = frozenset(words(" ".join((draft.persona.name, draft.persona.handle, draft.persona.country))))
        findings = []
        for sentence in sentences(plain(without_tags(draft.body))):
            for kind, span in dict(_claims(sentence, stems, fold(facts), names)).items():
                reason = f"{kind} that no fact supports: {excerpt(span)!r}"
                findings.append(Finding(rule=self.name, decision="hold", reason=reason))
        return findings


def _claims(sentence: str, stems: frozenset[str], facts: str, names: frozenset[str]) -> Iterator[tuple[str, str]]:
    clauses = re.split(r"[;:]\s|, (?:but|and so) ", sentence)
    for clause in clauses:
        if known.DISCLAIMER.search(clause):
            continue
        for kind, pattern in _KINDS:
            for match in pattern.finditer(clause):
                if not _supported(match[0], stems):
                    yield kind, match[0]
                    break
        for word in words(clause):
            if word in known.MATERIALS and _stem(word) not in stems:
                yield "a material or feature", word
        for match in known.ORIGIN.finditer(clause):
            place = match["place"] or match[0]
            unknown = [w for w in words(place) if w not in _CALENDAR and w not in names and _stem(w) not in stems]
            if unknown and not place.isupper():
                yield "an origin", match[0]


def _supported(span: str, stems: frozenset[str]) -> bool:
    return all(_stem(word) in stems for word in words(span) if word not in _SMALL_WORDS)


def _stem(word: str) -> str:
    for ending in ("ies", "ing", "ed", "es", "s", "y", "e"):
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            return word[: -len(ending)]
    return word
