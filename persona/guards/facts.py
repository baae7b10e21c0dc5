"""Law five: every price, percent, measure, date and quantity of a text stands in what it was given."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from ..guard import Draft, Finding, Guard
from ._text import excerpt, fold, plain, without_tags
from .numbers import Amount, amounts

HARMLESS_COUNT = 3
"""Counts up to this, in words, are prose ("two left hands") even in a text about a product."""

_MONTH_ALONE = re.compile(
    r"\b(?:until|till|in|of|by|from|to|since|through|before|after|end of|bis|ab)\s+"
    r"((?<!in )(?<!of )May|January|February|March|April|June|July|August|September|October|November|December)\b"
)
_WEEKDAY = re.compile(r"\b((?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day)s?\b")
_SPAN = re.compile(
    r"\b(?:a|one) (?:full|whole|entire) (hour|day|night|week|month|year)\b"
    r"|\b(?:for|over) an? (day|night|week|month|year)\b(?! of)"
    r"|\b(?:within|less than|under|in just|in only) (?:a|an|one) (hour|day|night|week|month|year)\b",
    re.IGNORECASE,
)
_CODE = re.compile(r"\b(?=[A-Z0-9]*[A-Z]{3})[A-Z]{3,}\d*\b")
_CODE_CUE = re.compile(
    r"\b(?:code|type|enter|use|with|coupon|voucher|mit|codice)\s+(?:the )?(?:code )?$", re.IGNORECASE
)


class FactsGuard(Guard):
    """Holds a text with a number that nothing given to it holds.

    Digits are checked always, and so are money and percents in words. Where the draft is about a product, measures,
    dates and counts in words are checked too, and so are weekdays, months and codes. Prices and percents must stand
    in the facts; other numbers may also come from the question being answered. Different writings of one
    amount are one ("€24", "24 euros", "twenty-four euros"; "half a litre", "500 ml"; "a fifth off", "20%").
    """

    name = "facts"

    def look(self, draft: Draft) -> Sequence[Finding]:
        given = [part for fact in draft.facts for amount in amounts(fact) for part in _parts(amount)]
        asked = [amount for amount in amounts(draft.question) if amount.kind not in ("money", "percent")]
        year = Amount(kind="count", values=frozenset((float(draft.now.year),)), unit="", span="")
        findings = []
        for amount in amounts(draft.body):
            if _is_prose(amount, about_product=bool(draft.product)):
                continue
            if not _stands(amount, (*given, *asked, year)):
                what = {"money": "the price", "percent": "the share", "date": "the date"}.get(amount.kind, "the number")
                findings.append(self._hold(f"{what} {amount.span!r} is not among the facts"))
            elif cause := _twisted(amount, given):
                findings.append(self._hold(f"{amount.span!r}: {cause}"))
        if draft.product:
            counted = _counted(draft.facts)
            for noun, counts in _counted((draft.body,)).items():
                if counts - {1.0} and noun in counted and not counts & counted[noun]:
                    findings.append(self._hold(f"the facts give another number of {noun!r}"))
            findings += [self._hold(f"{span!r} is not among the facts") for span in _loose_words(draft)]
        return findings

    def _hold(self, reason: str) -> Finding:
        return Finding(rule=self.name, decision="hold", reason=excerpt(reason, 160))


def _parts(fact: Amount) -> Iterator[Amount]:
    yield fact
    if fact.per.startswith("for "):
        many = frozenset(float(v) for v in fact.per.removeprefix("for ").split("/"))
        yield Amount(kind="count", values=many, unit="", span=fact.per)


def _counted(texts: Iterable[str]) -> dict[str, set[float]]:
    """Return, for each noun that is counted in `texts`, its counts."""
    found: dict[str, set[float]] = {}
    for text in texts:
        flat = plain(text)
        for amount in amounts(text):
            if amount.kind == "count" and (noun := _noun(amount, flat)):
                found.setdefault(noun, set()).update(amount.values)
    return found


def _noun(amount: Amount, text: str) -> str:
    after = re.search(rf"(?<!\w){re.escape(amount.span)} ([a-z]{{4,}})", text, re.IGNORECASE)
    return after[1].casefold().rstrip("s") if after and after[1].casefold() not in ("left", "more", "times") else ""


def _is_prose(amount: Amount, *, about_product: bool) -> bool:
    if not amount.spelled or amount.kind in ("money", "percent"):
        return False
    if not about_product:
        return amount.kind != "date"
    if amount.kind == "measure":
        return bool(re.match(r"one (?:day|inch|foot|second|minute|night|step)\b", amount.span, re.IGNORECASE))
    return amount.kind == "count" and max(amount.values) <= HARMLESS_COUNT


def _stands(amount: Amount, given: Iterable[Amount]) -> bool:
    for fact in given:
        if amount.kind == "count":
            # "72 to 118" of "72 to 118 cm", "pay 58" of "$58": a bare number may leave out its unit.
            if amount.values & _bare_values(fact):
                return True
        elif amount.kind == fact.kind and amount.values & fact.values and _same_unit(amount, fact):
            return True
    return False


def _bare_values(fact: Amount) -> frozenset[float]:
    if fact.kind != "measure":
        return fact.values
    return frozenset(_leading_values(fact.span)) | fact.values


def _leading_values(span: str) -> list[float]:
    return [
        value for part in amounts(re.sub(r"[^\d.,\s]+$", "", span)) for value in part.values if part.kind == "count"
    ]


def _same_unit(amount: Amount, fact: Amount) -> bool:
    if amount.kind == "money" and "dollar" in (amount.unit, fact.unit):
        # "$" and "dollars" stand for whichever dollar the catalogue means.
        return amount.unit.split()[0] == fact.unit.split()[0]
    return amount.unit == fact.unit


def _twisted(amount: Amount, given: Sequence[Amount]) -> str:
    """Return what is wrong with the use of a number that does stand in the facts, or nothing."""
    same = [
        f
        for f in given
        if f.kind == amount.kind and amount.values & f.values and amount.unit.split()[0:1] == f.unit.split()[0:1]
    ]
    if not same:
        return ""
    if amount.kind == "money" and amount.per and not any(_per_agrees(amount.per, fact.per) for fact in same):
        return f"the facts do not give this price as {amount.per!r}"
    if amount.bound == "least" and all(fact.bound == "most" for fact in same):
        return "the facts give it as the most, not the least"
    return ""


def _per_agrees(said: str, given: str) -> bool:
    if said == given or (said.startswith("for ") and not given):
        return True
    # A price without a period is for one piece.
    return said in ("each", "once") and given in ("", "each", "once")


def _loose_words(draft: Draft) -> list[str]:
    facts = fold(" ".join((*draft.facts, draft.question)))
    body = plain(without_tags(draft.body))
    given = [amount for fact in draft.facts for amount in amounts(fact)]
    months = {amount.unit for amount in given if amount.kind == "date"}
    found = []
    for match in _MONTH_ALONE.finditer(body):
        name = match[1]
        number = next((a.unit for a in amounts(f"1 {name}")), "")
        if fold(name) not in facts and number not in months:
            found.append(match[0])
    found += [m[0] for m in _WEEKDAY.finditer(body) if fold(m[1]) not in facts]
    for match in _SPAN.finditer(body):
        one = amounts(f"one {match[1] or match[2] or match[3]}")
        if one and not _stands(one[0], given):
            found.append(match[0])
    known = set(re.findall(r"\w+", " ".join((*draft.facts, draft.persona.name))))
    for match in _CODE.finditer(body):
        if match[0] not in known and (_CODE_CUE.search(body[: match.start()]) or any(c.isdigit() for c in match[0])):
            found.append(match[0])
    return found
