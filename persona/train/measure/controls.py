"""Controls of the grammar check: how often it flags good sentences, and the same sentences spoilt."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from random import Random

from ...compose.brief import Brief
from ...guards._text import sentences
from .grammar import Grammar, known_words

_LEAST_WORDS = 4

Sample = tuple[str, frozenset[str]]
"""A sentence, and the folded words that count as right in it."""


def controls(grammar: Grammar, samples: Sequence[Sample], seed: int) -> dict[str, float]:
    """Return the share of sentences that are flagged: as they are, and spoilt in four ways.

    Two letters of a word swapped, a word said twice, "is" and "are" (or "a" and "an") exchanged, all words shuffled.
    """
    shares = {}
    for name, spoil in _SPOILT.items():
        random = Random(seed)
        spoilt = [(text, known) for sentence, known in samples if (text := spoil(sentence, random)) is not None]
        flagged = [bool(grammar.errors(text, known)) for text, known in spoilt]
        shares[name] = round(sum(flagged) / len(flagged), 3) if flagged else 0.0
    return shares


def _swapped(sentence: str, random: Random) -> str | None:
    words = sentence.split()
    long = [place for place, word in enumerate(words) if len(word) > 5 and word.isalpha() and word.islower()]
    if not long:
        return None
    place = random.choice(long)
    at = random.randrange(1, len(words[place]) - 2)
    word = words[place]
    spoilt = word[:at] + word[at + 1] + word[at] + word[at + 2 :]
    return None if spoilt == word else " ".join([*words[:place], spoilt, *words[place + 1 :]])


def _doubled(sentence: str, random: Random) -> str | None:
    words = sentence.split()
    place = random.randrange(1, len(words) - 1)
    return " ".join([*words[: place + 1], *words[place:]])


def _disagreeing(sentence: str, random: Random) -> str | None:
    for wrong, right in ((r"\bis\b", "are"), (r"\bare\b", "is"), (r"\ba (?=[bcdfgklmnprst])", "an "), (r"\ban ", "a ")):
        spoilt = re.sub(wrong, right, sentence, count=1)
        if spoilt != sentence:
            return spoilt
    return None


def _shuffled(sentence: str, random: Random) -> str | None:
    core = sentence.rstrip(".!?…")
    words = core.split()
    first = words[0]
    words[0] = first if first == "I" or first.startswith("I'") else first[:1].lower() + first[1:]
    random.shuffle(words)
    text = " ".join(words)
    return f"{text[:1].upper()}{text[1:]}{sentence[len(core) :]}"


def _same(sentence: str, random: Random) -> str | None:
    return sentence


_SPOILT: dict[str, Callable[[str, Random], str | None]] = {
    "as they are": _same,
    "letters swapped": _swapped,
    "a word doubled": _doubled,
    "disagreeing": _disagreeing,
    "words shuffled": _shuffled,
}


def control_samples(texts: Iterable[tuple[Brief, str]], most: int) -> list[Sample]:
    """Return up to `most` sentences of four words or more, one of each text."""
    found = []
    for brief, text in texts:
        long = [sentence for sentence in sentences(text) if len(sentence.split()) >= _LEAST_WORDS]
        if long:
            found.append((long[0], known_words(brief)))
    return found[:most]
