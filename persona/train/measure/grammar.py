"""Sentences without errors, by Harper, a public grammar checker that runs offline (Automattic, Apache-2.0).

https://writewithharper.com, used through the package harper-py. It finds misspelt and doubled words well and faults of
agreement now and then, and rarely minds a wrong order of words: the controls say how much.
"""

from __future__ import annotations

import re
from typing import Any

from ...compose.brief import Brief
from ...guards._text import sentences
from ..extra import needs
from .judged import given

MATTERS_OF_TASTE = frozenset(
    ("Style", "Formatting", "Enhancement", "Readability", "Redundancy", "Regionalism", "Miscellaneous", "WordChoice")
)
"""Kinds of findings that are no errors: an Oxford comma, three dots for an ellipsis, "saltshaker" as one word."""
ERRORS_ALL_THE_SAME = frozenset(("AnA", "ModalOf"))
"""Rules of those kinds that do find errors: "an map", "would of"."""
_ABOUT_WORDS = ("Spelling", "Typo")
_WORD = re.compile(r"[^\W\d_]+")


class Grammar:
    """Counts sentences with errors. Each sentence is looked at once.

    An error is what Harper finds in American as well as in British English, matters of taste aside. Words that stand in
    the brief, capitalised words and @names are not misspelt: they are names.
    """

    def __init__(self) -> None:
        """Load the dictionaries. Raises ExtraMissing without harper-py."""
        needs("harper", "checking grammar")
        from harper import Dialect, Language, Linter

        self._plain = Language.PLAINTEXT
        self._american, self._british = Linter(Dialect.AMERICAN), Linter(Dialect.BRITISH)
        self._seen: dict[str, tuple[tuple[str, str], ...]] = {}

    def clean(self, brief: Brief, text: str) -> list[bool]:
        """Tell of each sentence of `text` whether it is without errors."""
        known = known_words(brief)
        return [not self.errors(sentence, known) for sentence in sentences(text)]

    def errors(self, sentence: str, known: frozenset[str] = frozenset()) -> list[str]:
        """Return the kinds of the errors in `sentence`; `known` are folded words that count as right."""
        if sentence not in self._seen:
            self._seen[sentence] = self._found(sentence)
        return [kind for kind, word in self._seen[sentence] if not (kind in _ABOUT_WORDS and _is_name(word, known))]

    def _found(self, sentence: str) -> tuple[tuple[str, str], ...]:
        # Handles and hashtags are no words of any language.
        bare = re.sub(r"(?<!\w)[@#]\w[\w.-]*", "Ana", sentence)
        found = self._lints(self._american, bare)
        if found:
            other = self._lints(self._british, bare)
            found = {place: lint for place, lint in found.items() if place in other}
        return tuple(found.values())

    def _lints(self, linter: Any, sentence: str) -> dict[tuple[int, int], tuple[str, str]]:
        """Return (kind, text) of each error by its place."""
        return {
            (lint.span.start, lint.span.end): (lint.lint_kind, lint.problem_text)
            for rule, lints in linter.organized_lints(sentence, language=self._plain).items()
            for lint in lints
            if lint.lint_kind not in MATTERS_OF_TASTE or rule in ERRORS_ALL_THE_SAME
        }


def known_words(brief: Brief) -> frozenset[str]:
    """Return the folded words that the brief itself uses."""
    card = brief.card
    texts = (*given(brief), brief.comment, *card.style, *card.samples, *card.voice)
    return frozenset(word.casefold() for text in texts for word in _WORD.findall(text))


def _is_name(word: str, known: frozenset[str]) -> bool:
    parts = _WORD.findall(word)
    return all(part[:1].isupper() or part.casefold() in known for part in parts)
