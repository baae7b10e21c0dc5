"""Plain looks at English text: its words, what it is about, and the nouns a comment may pick up."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

from persona.text import stem

_AWAY = re.compile(r"https?://\S+|[@#]\w+")
_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)?")
_PART = re.compile(r"[.,;:!?()\n\"“”–—/]+")


def _listed(text: str) -> frozenset[str]:
    return frozenset(_WORD.findall(text))


DETERMINERS = _listed("a an the my your our his her their this that these those every each one another any")
STOP = DETERMINERS | _listed(
    """about above across after again against all almost along already also although always am among and anyone
    anything april are around as ask asked asks at august away back be became because been before began begin
    behind being below beside between bit both bought brought but by call called came can cannot come comes
    could day days december did do does doing don't done down during either else end enough even evening ever
    everyone everything february felt few for found friday from gave get gets give gives go goes going gone got
    had has have having he held hello here hers him hour hours how i i'm if in instead into is isn't it it's its
    itself january july june just keep kept kind knew know knows left let let's like lives look looks lot made
    make makes man many march may maybe me men might mine minute minutes moment monday month months more morning
    most much must near need needs never next night no nobody none nor not nothing november now number october
    of off often oh on once only onto or other ours out over own part people perhaps person place please point
    put quite ran rather really rest said same sat saturday saw say says second seconds see september she should
    side since so some someone something soon sort start still stood stop such sunday take takes tell than thank
    thanks that's their them then there they they're thing things think though thought through thursday till
    time times to today together told tomorrow tonight too took top toward try tuesday two under until up upon
    us use used very via wait want wants was way ways we wednesday week weeks well went were what when where
    whether which while who why will with without woman women won't works would wrote year years yes yesterday
    yet you you're yours"""
)
_PLAIN = _listed(
    """able bad best better big black blue bright broken brown calm certain cheap clean clear cold common cool dark
    deep different dozen dry early easy eight eleven empty enormous extra fair famous fast favorite favourite
    fine first five four fourth free fresh full funny gold golden good grand gray great green grey half happy
    hard heavy high hot huge hundred important kind large last late lazy least left less light little local long
    lost loud low main mild narrow neat new nice nine odd old open orange own pale past perfect pink plain poor
    private proper public purple quick quiet ready real red rich right rough round sad second secret seven sharp
    short shy silent silly silver simple single six slow small smart smooth soft solid sour special strange
    strong sure sweet tall ten tender thick thin third thousand three tight tiny true twelve ugly usual warm
    weak wet white whole wide wild wooden woolen wrong yellow young"""
)
_ENDINGS = ("ful", "ous", "ive", "ish", "less", "able", "ible", "ly", "est")


def words(text: str) -> list[str]:
    """Return the words of `text` in lower case, without links, handles and tags."""
    return [w.replace("’", "'") for w in _WORD.findall(_AWAY.sub(" ", text).lower())]


@lru_cache(maxsize=4096)
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
