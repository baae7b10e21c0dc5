"""What may not be said of a product unless its facts say it: health, awards, origin, materials, scarcity."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from ..guard import Draft, Finding, Guard
from . import _claim_words as known
from ._text import excerpt, listed, plain, sentences, without_tags, words
from .numbers import amounts

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
_CALENDAR = listed(
    "january february march april may june july august september october november december monday tuesday "
    "wednesday thursday friday saturday sunday mondays tuesdays wednesdays thursdays fridays saturdays "
    "sundays christmas easter i"
)
_SMALL_WORDS = listed(
    "a an the of in on to for from by with and or is are it its this that only just be as at any your you there"
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
        counts = frozenset(value for fact in draft.facts for amount in amounts(fact) for value in amount.values)
        stems = frozenset(_stem(word) for word in words(facts))
        names = frozenset(words(" ".join((draft.persona.name, draft.persona.handle, draft.persona.country))))
        findings = []
        for sentence in sentences(plain(without_tags(draft.body))):
            for kind, span in dict(_claims(sentence, stems, counts, names)).items():
                reason = f"{kind} that no fact supports: {excerpt(span)!r}"
                findings.append(Finding(rule=self.name, decision="hold", reason=reason))
        return findings


def _claims(
    sentence: str, stems: frozenset[str], counts: frozenset[float], names: frozenset[str]
) -> Iterator[tuple[str, str]]:
    clauses = re.split(r"[;:]\s|, (?:but|and so) ", sentence)
    for clause in clauses:
        if (match := known.LASTING.search(clause)) and not _supported(match[0], stems, counts):
            yield "a guarantee", match[0]
        if known.DISCLAIMER.search(clause):
            continue
        for kind, pattern in _KINDS:
            for match in pattern.finditer(clause):
                if not _supported(match[0], stems, counts):
                    yield kind, match[0]
                    break
        for word in words(clause):
            if (
                word in known.MATERIALS
                and _stem(word) not in stems
                and not re.search(rf"\bno {word}\b", clause, re.IGNORECASE)
            ):
                yield "a material or feature", word
        for match in known.ORIGIN.finditer(clause):
            place = match["place"] or match[0]
            unknown = [w for w in words(place) if w not in _CALENDAR and w not in names and _stem(w) not in stems]
            if unknown and not place.isupper() and not amounts(place):
                yield "an origin", match[0]


def _supported(span: str, stems: frozenset[str], counts: frozenset[float]) -> bool:
    numbers = [amount for amount in amounts(span) if amount.kind == "count"]
    if not all(amount.values & counts for amount in numbers):
        return False
    if numbers and re.search(r"\bleft$", span):
        return True
    if re.search(r"\bfree\b|\bnothing\b", span, re.IGNORECASE) and "free" in stems:
        return True
    bare = span
    for amount in numbers:
        bare = bare.replace(amount.span, " ")
    return all(_stem(word) in stems for word in words(bare) if word not in _SMALL_WORDS)


def _stem(word: str) -> str:
    for ending in ("ies", "ing", "ed", "es", "s", "y", "e"):
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            return word[: -len(ending)]
    return word
