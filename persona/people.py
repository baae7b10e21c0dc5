"""What may be kept of people as facts: what they ask to have remembered of themselves, and nothing delicate."""

from __future__ import annotations

import re
from dataclasses import dataclass

_ASKS = re.compile(
    r"(?:^|[.!?,;:]\s*|\b(?:please|pls|you (?:can|may|should)|do|also)\s+)(?:remember|don'?t forget|note|keep in mind)"
    r"(?:\s+that|\s*[:,])?\s+(?=(?:i|i'm|i've|my|we|we're|our)\b)([^.!?\n]{4,160})",
    re.IGNORECASE,
)
_TAKES_BACK = re.compile(
    r"(?<!n't )(?<!n’t )(?<!not )(?<!never )\b(?:forget (?:me\b|about me\b|everything (?:about me|i)\b"
    r"|what i (?:told|said|wrote)\b|what you know about me\b)"
    r"|(?:stop|no longer) remember(?:ing)?\b|don'?t remember (?:me|what i|anything about me)\b)",
    re.IGNORECASE,
)
# Health, faith, politics, origin, love life, money, law, and where somebody can be found.
_DELICATE = re.compile(
    r"\d{4,}|[@#]|https?:|www\.|\b(?:street|avenue|address|flat|apartment|phone|number|e-?mail|password|account|salary"
    r"|debt|loan|bank|ill\b|illness|sick|diseas\w+|diagnos\w+|cancer|diabet\w+|depress\w+|anxi\w+|adhd|autis\w+|allerg\w+"
    r"|pregnan\w+|medic\w+|therap\w+|hospital|surgery|disab\w+|hiv|addict\w+|sober|church|mosque|temple|pray\w*|god"
    r"|christian|catholic|muslim|islam\w*|jew\w*|hindu|buddhis\w+|atheis\w+|relig\w+|vote\w*|party member|democrat"
    r"|republican|conservative|liberal|socialis\w+|communis\w+|union member|immigra\w+|refugee|ethnic\w*|race|black|gay"
    r"|lesbian|bisexual|trans\b|transgender|queer|sex\w*|divorc\w+|affair|abus\w+|arrest\w*|prison|convict\w+|crim\w+"
    r"|suicid\w+|died|death|years? old|born (?:in|on)|birthday)\b",
    re.IGNORECASE,
)
_SLOTS = (
    (re.compile(r"^(?:i|we)(?:'ve| have)?(?: just)? (?:moved to|live|am living|are living)\b", re.IGNORECASE), "lives"),
    (re.compile(r"^(?:i|we) (?:work|study)\b", re.IGNORECASE), "works"),
    (re.compile(r"^(?:my|our) ((?:[\w'-]+ ){1,3})(?:is|are|has|have|was|were)\b", re.IGNORECASE), ""),
)


@dataclass(frozen=True, kw_only=True)
class PersonalFact:
    """A sentence that somebody asked to have remembered. Of one `slot` only the newest holds; empty: it stays."""

    text: str
    slot: str


def fact_in(comment: str) -> PersonalFact | None:
    """Return what the comment asks to be remembered of its author, or None.

    It must be a plain statement in the first person. What touches health, faith, politics, origin, love life, money or
    law, or tells how to find somebody, is not kept as a fact even when it is asked for.
    """
    found = _ASKS.search(comment)
    if found is None or _DELICATE.search(found.group(1)) or comment[found.end() :].startswith("?"):
        return None
    text = " ".join(found.group(1).split()).rstrip(" ,;:")
    if len(text.split()) < 3:
        return None
    return PersonalFact(text=f"{text[0].upper()}{text[1:]}.", slot=_slot(text))


def takes_back(comment: str) -> bool:
    """Tell whether the comment asks that what is known of its author be forgotten."""
    return bool(_TAKES_BACK.search(comment))


def _slot(text: str) -> str:
    for pattern, name in _SLOTS:
        if match := pattern.match(text):
            return name or match.group(1).strip().casefold()
    return ""
