"""Plain looks at English text: its words, what it is about, and the nouns a comment may pick up."""

from __future__ import annotations

import re
from collections.abc import Iterable

_AWAY = re.compile(r"https?://\S+|[@#]\w+")
_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)?")
_PART = re.compile(r"[.,;:!?()\n\"“”–—/]+")


def _listed(text: str) -> frozenset[str]:
    return frozenset(_WORD.findall(text))


DETERMINERS = _listed("a an the my your our his her their this that these those every each one another any")
STOP = DETERMINERS | _listed(
    """about above across after again against all almost along already also although always am among and anyone
    anything are around as at away back be because been before behind being below beside between both but by can
    cannot come comes could did do does doing done don't down during either else enough even ever everyone
    everything few for from get gets give go goes going gone got had has have having he hello here hers him how
    i i'm if in instead into is isn't it it's its itself just keep know let let's like look lot made make makes
    many may maybe me might mine more most much must near need never next no nobody none nor not nothing now of
    off often oh on once only onto or other ours out over own perhaps please put quite rather really said same
    say says see she should since so some someone something soon still such take tell than thank thanks that's
    their them then there they they're thing things think though through till to today together tomorrow too
    tonight toward try two under until up upon us use used very via want was way we well were what when where
    whether which while who why will with without won't would yes yesterday yet you you're yours"""
)
_PLAIN = _listed(
    """able bad best better big black blue bright brown calm cheap clean clear cold cool dark deep dry early easy
    empty extra fair fast favourite favorite fine first five four fourth free fresh full funny good grand gray
    great green grey half happy hard heavy high hot huge kind large last late lazy least left less light little
    long loud low main mild narrow neat new nice odd old open orange pale past perfect pink plain poor proper
    purple quick quiet ready real red rich right rough round sad second secret sharp short shy silent silly
    simple single slow small smart smooth soft solid sour strange strong sure sweet tall tender thick thin third
    three tight tiny true ugly warm weak wet whole wide wild wooden woolen wrong yellow young"""
)
_ENDINGS = ("ful", "ous", "ive", "ish", "less", "able", "ible", "ly", "est")


def words(text: str) -> list[str]:
    """Return the words of `text` in lower case, without links, handles and tags."""
    return [w.replace("’", "'") for w in _WORD.findall(_AWAY.sub(" ", text).lower())]


def stem(word: str) -> str:
    """Return `word` without the commonest English endings: enough to match "runs" and "running"."""
    word = word.removesuffix("'s")
    for ending in ("ings", "ing", "ies", "ed", "es", "s", "y", "e"):
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            word = word[: -len(ending)]
            break
    return word[:-1] if len(word) > 4 and word[-1] == word[-2] else word


def stems(text: str) -> frozenset[str]:
    """Return the stems of the words of `text` that carry meaning."""
    return frozenset(stem(w) for w in words(text) if len(w) > 2 and w not in STOP)


def overlap(texts: Iterable[str], of: frozenset[str]) -> float:
    """Return the share of `texts` that have a stem in common with `of`."""
    marks = [bool(stems(text) & of) for text in texts]
    return sum(marks) / len(marks) if marks else 0.0


def nouns(text: str) -> list[str]:
    """Return what are likely the nouns of `text`, each once, in order: after an article, past its adjectives."""
    found: dict[str, None] = {}
    for part in _PART.split(_AWAY.sub(" . ", text)):
        after = False
        for word in words(part):
            if word in STOP or "'" in word:
                after = word in DETERMINERS
            elif after:
                if word in _PLAIN or word.endswith(_ENDINGS):
                    continue
                if len(word) > 2 and not word.endswith(("ing", "ed")):
                    found[word] = None
                after = False
    return list(found)
