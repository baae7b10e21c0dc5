"""The numbers of a text: prices, percents, measures, dates and counts, in digits and in English words."""

# ruff: noqa: E501 - a pattern is easier to read in one piece
from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import product
from typing import Literal

from ._text import plain

Kind = Literal["money", "percent", "measure", "date", "count"]


@dataclass(frozen=True, kw_only=True)
class Amount:
    """One number of a text.

    `values` are all that its writing may mean (1.199 is a little over one, or over a thousand). `unit` is the base
    unit of a measure, the currency of money, the month of a date, else empty. `per` says what money is counted for
    ("month", "each"). `spelled` is true for a number in words, `bound` is "most", "least" or empty.
    """

    kind: Kind
    values: frozenset[float]
    unit: str
    span: str
    per: str = ""
    spelled: bool = False
    bound: str = ""


_ONES = [
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
]
_TENS = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
_SMALL = (
    {word: n for n, word in enumerate(_ONES)}
    | {word: 10 * n for n, word in enumerate(_TENS, 2)}
    | {"dozen": 12, "fourty": 40}
)
_SCALE = {"hundred": 100, "thousand": 1_000, "million": 1_000_000, "billion": 1_000_000_000}
_ORDINALS = {
    word: n
    for n, word in enumerate(
        [
            "first",
            "second",
            "third",
            "fourth",
            "fifth",
            "sixth",
            "seventh",
            "eighth",
            "ninth",
            "tenth",
            "eleventh",
            "twelfth",
            "thirteenth",
            "fourteenth",
            "fifteenth",
            "sixteenth",
            "seventeenth",
            "eighteenth",
            "nineteenth",
            "twentieth",
        ],
        1,
    )
} | {"thirtieth": 30}
_PARTS = {"half": 0.5, "third": 1 / 3, "quarter": 0.25, "fifth": 0.2, "tenth": 0.1}

_ATOM = "|".join(sorted((*_SMALL, *_SCALE), key=lambda w: (-len(w), w)))
_BELOW_100 = rf"(?:(?:{'|'.join(_TENS)})(?:[ -](?:{'|'.join(_ONES[1:10])}))?|{'|'.join(sorted(_ONES, key=len, reverse=True))}|fourty)"
_SCALES = "|".join(_SCALE)
_WORDS = (
    rf"(?:(?:(?:a|{_BELOW_100})[ -])?(?:{_SCALES})(?:(?: and|,)? (?:{_BELOW_100})(?: (?:{_SCALES}))?)*"
    rf"|(?:(?:a|{_BELOW_100}) )?dozen|{_BELOW_100}(?: point (?:{_ATOM}))?)"
)
_DIGITS = r"\d{1,3}(?:[ \u00a0\u202f]\d{3})+(?:[.,]\d{1,2})?(?!\d)|\d+(?:[.,]\d+)*"
_NUMBER = rf"(?:{_DIGITS}|\b{_WORDS}\b)"

_MONEY_SIGNS = {
    "£": "pound", "gbp": "pound", "pounds": "pound", "pound": "pound", "quid": "pound",
    "€": "euro", "eur": "euro", "euro": "euro", "euros": "euro",
    "us$": "dollar us", "usd": "dollar us", "a$": "dollar au", "au$": "dollar au", "aud": "dollar au",
    "ca$": "dollar ca", "c$": "dollar ca", "cad": "dollar ca", "nt$": "dollar tw", "twd": "dollar tw",
    "nz$": "dollar nz", "hk$": "dollar hk", "s$": "dollar sg", "r$": "real", "brl": "real", "reais": "real",
    "mx$": "peso", "mxn": "peso", "pesos": "peso",
    "$": "dollar", "dollars": "dollar", "dollar": "dollar", "bucks": "dollar", "buck": "dollar",
    "kr": "crown", "kr.": "crown", "sek": "crown", "dkk": "crown", "nok": "crown", "kronor": "crown",
    "kroner": "crown", "crowns": "crown", "kč": "koruna", "czk": "koruna", "koruna": "koruna", "korun": "koruna",
    "zł": "zloty", "pln": "zloty", "zloty": "zloty", "złoty": "zloty", "złotych": "zloty",
    "¥": "yen", "jpy": "yen", "yen": "yen", "円": "yen", "元": "yuan", "yuan": "yuan", "cny": "yuan", "rmb": "yuan",
    "chf": "franc", "francs": "franc", "franken": "franc", "sfr.": "franc", "rp": "rupiah", "idr": "rupiah",
    "rupiah": "rupiah", "₹": "rupee", "inr": "rupee", "rupees": "rupee", "rs": "rupee", "₩": "won", "krw": "won",
    "ft": "forint", "huf": "forint", "₺": "lira", "try": "lira", "lira": "lira", "₽": "ruble", "cents": "cent",
    "cent": "cent", "pence": "cent", "¢": "cent",
}  # fmt: skip
_MEASURES: dict[str, tuple[str, float]] = {
    name: (unit, factor)
    for names, unit, factor in (
        ("ml millilitre millilitres milliliter milliliters", "ml", 1),
        ("cl centilitre centilitres", "ml", 10),
        ("l litre litres liter liters", "ml", 1000),
        ("mg milligram milligrams", "mg", 1),
        ("g gr gram grams gramme grammes", "mg", 1000),
        ("kg kilo kilos kilogram kilograms", "mg", 1_000_000),
        ("oz ounce ounces", "oz", 1),
        ("lb lbs", "lb", 1),
        ("mm millimetre millimetres millimeter millimeters", "mm", 1),
        ("cm centimetre centimetres centimeter centimeters", "mm", 10),
        ("m metre metres meter meters", "mm", 1000),
        ("km kilometre kilometres kilometer kilometers", "mm", 1_000_000),
        ("mile miles", "mile", 1),
        ("inch inches", "inch", 1),
        ("foot feet", "foot", 1),
        ("second seconds sec", "second", 1),
        ("minute minutes min mins", "second", 60),
        ("hour hours h hrs", "second", 3600),
        ("day days night nights", "second", 86400),
        ("week weeks", "second", 604800),
        ("month months", "month", 1),
        ("year years", "month", 12),
        ("gsm", "gsm", 1),
        ("ghz", "ghz", 1),
        ("mhz", "mhz", 1),
        ("watt watts w", "watt", 1),
        ("kwh", "kwh", 1),
        ("mah", "mah", 1),
        ("volt volts v", "volt", 1),
        ("gb", "gb", 1),
        ("tb", "tb", 1),
        ("kcal calories calorie", "kcal", 1),
        ("degree degrees ° °c", "degree", 1),
    )
    for name in names.split()
}
_MONTHS = {
    name: place
    for place, names in enumerate(
        (
            "january jan januar janvier enero janeiro gennaio",
            "february feb februar février febrero fevereiro febbraio",
            "march mar märz mars marzo março",
            "april apr avril abril aprile",
            "may mai mayo maio maggio",
            "june jun juni juin junio junho giugno",
            "july jul juli juillet julio julho luglio",
            "august aug août agosto",
            "september sep sept septembre septiembre setembro settembre",
            "october oct oktober octobre octubre outubro ottobre",
            "november nov novembre noviembre novembro",
            "december dec dezember décembre diciembre dezembro dicembre",
        ),
        1,
    )
    for name in names.split()
}


def _any(names: Iterable[str]) -> str:
    return "|".join(re.escape(name) for name in sorted(names, key=lambda n: (-len(n), n)))


_SIGN = _any(_MONEY_SIGNS)
_UNIT = _any(_MEASURES)
_MONTH = _any(_MONTHS)
_ORDINAL = rf"(?:(?:{'|'.join(_TENS)})-)?(?:{_any(_ORDINALS)})"
_PER = (
    r"(?:\s*(?:,? ?(?P<per>per|an?|/|each|every)\s*(?P<for>month|year|week|day|night|hour|order|person|head|piece|item)\b"
    r"|\s*(?P<each>apiece|each|a piece|a pop)\b|\s*(?P<once>once|one-off)\b|\s*for (?:a |an )?(?P<many>dozen|"
    + _ATOM
    + r"|\d+)\b))?"
)
_PATTERN = re.compile(
    rf"(?P<iso>\b\d{{4}}-(?P<iso_m>\d\d)-(?P<iso_d>\d\d)\b)"
    rf"|(?P<date>\b(?:(?P<day>\d{{1,2}}(?:st|nd|rd|th|\.)?|the {_ORDINAL}|{_ORDINAL})(?: of| de)? (?P<month>{_MONTH})"
    rf"|(?P<month2>{_MONTH}) (?P<day2>\d{{1,2}}(?:st|nd|rd|th)?|(?:the )?(?<!may the ){_ORDINAL}))\b(?!\s*%))"
    rf"|(?P<money>(?:(?<!\w)(?P<pre>{_SIGN}) ?(?P<n1>{_DIGITS})|(?P<n2>{_NUMBER})(?:[ \u00a0\u202f-]?)(?P<post>{_SIGN})(?!\w))){_PER}"
    rf"|(?P<percent>(?P<n3>{_NUMBER})[ \u00a0-]?(?:%|percent\b|per cent\b|prozent\b|pour cent\b|por ciento\b|por cento\b))"
    rf"|(?P<share>\b(?:(?:a|one|the) )?(?P<part>half|third|quarter|fifth|tenth)[ -](?:off\b|(?:of )?(?:the |your |its )?(?:price|money|cost)\b"
    r"|less\b|cheaper\b))"
    rf"|(?P<piece>\b(?:(?P<pn>three|two|one|a) quarters?|half|(?:a )?third)[ -](?:of )?(?:(?:an?|the) )?(?P<pu>{_UNIT})\b)"
    rf"|(?P<measure>(?P<n4>{_NUMBER})[ \u00a0\u202f-]?(?P<unit>{_UNIT})(?!\w))"
    rf"|(?P<count>(?<![\w.])(?P<n5>\d{{1,2}}:\d\d|{_DIGITS})(?:st|nd|rd|th|s|x|p)?(?!\d)|\b(?P<n6>{_WORDS})\b)",
    re.IGNORECASE,
)
_RANGE = re.compile(
    rf"^\s*(?:to|by|x|×|-|–|and|till|until)\s*(?:{_NUMBER}\s*(?:to|by|x|×|-|–)\s*)?(?:{_NUMBER})[ -]?(?P<unit>{_UNIT}|{_SIGN}|%)(?!\w)",
    re.I,
)
_AGE = re.compile(r"\bage[sd]? (?:\d+ (?:to|-|–) )?$", re.I)
_MOST = re.compile(r"\b(?:up to|at most|no more than|under|less than|below|within|max(?:imum)?)\s*$", re.I)
_LEAST = re.compile(r"\b(?:at least|more than|over|above|no less than|beyond|min(?:imum)?|from)\s*$", re.I)


@lru_cache(maxsize=2048)
def amounts(text: str) -> tuple[Amount, ...]:
    """Return the numbers of `text`, in order. @mentions and #hashtags hold none."""
    flat = plain(re.sub(r"(?<!\w)[@#]\w[\w.@-]*", " ", text))
    found = []
    for match in _PATTERN.finditer(flat):
        amount = _read(match)
        if amount is None:
            continue
        if amount.kind == "count" and _AGE.search(flat[: match.start()]):
            amount = _with_unit(amount, "years")
        if amount.kind == "count" and (ranged := _RANGE.match(flat[match.end() : match.end() + 60])):
            amount = _with_unit(amount, ranged["unit"])
        found.append(_bounded(amount, flat[max(0, match.start() - 16) : match.start()]))
    return tuple(found)


def mentioned_numbers(text: str) -> tuple[str, ...]:
    """Return the spans of all numbers of `text` that a guard would check, as they are written."""
    return tuple(amount.span for amount in amounts(text) if not amount.spelled or amount.kind != "count")


def _read(match: re.Match[str]) -> Amount | None:
    span = match[0].strip()
    if match["iso"]:
        return Amount(kind="date", values=frozenset((float(match["iso_d"]),)), unit=str(int(match["iso_m"])), span=span)
    if match["date"]:
        day = (match["day"] or match["day2"]).casefold()
        month = str(_MONTHS[(match["month"] or match["month2"]).casefold()])
        return Amount(kind="date", values=frozenset((float(_day(day)),)), unit=month, span=span)
    if match["money"]:
        number, sign = (match["n1"], match["pre"]) if match["n1"] else (match["n2"], match["post"])
        each = bool(match["each"]) or (match["for"] or "").casefold() in ("piece", "item")
        per = "each" if each else (match["for"] or ("once" if match["once"] else "")).casefold()
        if not per and match["many"]:
            per = "for " + "/".join(f"{v:g}" for v in sorted(_values(match["many"])))
        return Amount(
            kind="money",
            values=_values(number),
            unit=_MONEY_SIGNS[sign.casefold()],
            span=span,
            per=per,
            spelled=_spelled(number),
        )
    if match["percent"]:
        return Amount(kind="percent", values=_values(match["n3"]), unit="%", span=span, spelled=_spelled(match["n3"]))
    if match["share"]:
        share = round(100 * _PARTS[match["part"].casefold()], 2)
        return Amount(kind="percent", values=frozenset((share,)), unit="%", span=span, spelled=True)
    if match["piece"]:
        unit, factor = _MEASURES[match["pu"].casefold()]
        start = match["piece"].casefold()
        many = {"three": 3.0, "two": 2.0}.get((match["pn"] or "").casefold(), 1.0)
        part = 0.5 if start.startswith("half") else 1 / 3 if "third" in start else 0.25 * many
        return Amount(kind="measure", values=frozenset((round(part * factor, 3),)), unit=unit, span=span, spelled=True)
    if match["measure"]:
        unit, factor = _MEASURES[match["unit"].casefold()]
        values = frozenset(round(v * factor, 3) for v in _values(match["n4"]))
        return Amount(kind="measure", values=values, unit=unit, span=span, spelled=_spelled(match["n4"]))
    number = match["n5"] or match["n6"]
    return Amount(kind="count", values=_values(number), unit="", span=span, spelled=_spelled(number))


def _with_unit(amount: Amount, sign: str) -> Amount:
    sign = sign.casefold()
    if sign == "%":
        return replace(amount, kind="percent", unit="%")
    if sign in _MEASURES:
        unit, factor = _MEASURES[sign]
        return replace(amount, kind="measure", values=frozenset(round(v * factor, 3) for v in amount.values), unit=unit)
    return replace(amount, kind="money", unit=_MONEY_SIGNS[sign])


def _bounded(amount: Amount, before: str) -> Amount:
    bound = "most" if _MOST.search(before) else "least" if _LEAST.search(before) else ""
    if not bound:
        return amount
    return replace(amount, bound=bound)


def _spelled(number: str) -> bool:
    return not any(c.isdigit() for c in number)


def _day(text: str) -> int:
    if digits := re.match(r"\d+", text):
        return int(digits[0])
    total = 0
    for word in re.split(r"[ -]", text.removeprefix("the ")):
        total += _ORDINALS.get(word, 0) or _SMALL.get(word, 0)
    return total


def _values(number: str) -> frozenset[float]:
    text = number.casefold().strip()
    if _spelled(text):
        return frozenset((_value_of_words(text),))
    if ":" in text:
        hours, minutes = text.split(":")
        return frozenset((int(hours) + int(minutes) / 100,))
    text = re.sub(r"[ \u00a0\u202f]", "", text)
    pieces = re.split(r"([.,])", text)
    readings = {pieces[0]}
    for sign, digits in zip(pieces[1::2], pieces[2::2], strict=True):
        grouping = len(digits) == 3 and text.lstrip("0") and not text.startswith("0")
        joins = ("", ".") if grouping and text.count(sign) == 1 else ("",) if grouping else (".",)
        readings = {a + j + digits for a, j in product(sorted(readings), joins) if not (j == "." and "." in a)}
    return frozenset(float(r) for r in readings)


def _value_of_words(text: str) -> float:
    whole, _, fraction = text.partition(" point ")
    total = current = 0.0
    for word in re.split(r"[ -]", whole):
        if word == "dozen":
            current = (current or 1) * 12
        elif word in _SMALL:
            current += _SMALL[word]
        elif word == "hundred":
            current = (current or 1) * 100
        elif word in _SCALE:
            total, current = total + (current or 1) * _SCALE[word], 0.0
    return total + current + (_SMALL.get(fraction, 0) / 10 if fraction else 0)
