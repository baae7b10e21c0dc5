"""Secrets and personal data in a text, as far as they follow rules: both stay out of a model's weights.

Names of people follow none and are not looked for. The check digits are those of ISO/IEC 7812 (cards, Luhn) and
ISO 13616 (IBAN, mod 97).
"""

from __future__ import annotations

import re
from collections.abc import Callable

from ..definition.secrets import looks_secret

_EMAIL = re.compile(r"[\w.+%-]+@[\w-]+(?:\.[\w-]+)*\.[A-Za-z]{2,}\b")
_PHONE = re.compile(
    r"""(?<![\w.,/:-])(?:
        (?:\+|00)[1-9](?:[ ()./-]{0,3}\d){7,14}
        | \(0?\d{2,5}\)[ ./-]{0,2}\d{3,4}(?:[ ./-]?\d{2,5}){1,3}
        | \d{3}[-. ]\d{3}[-. ]\d{4}
        | 1[-. ]\d{3}[-. ]\d{3}[-. ]\d{4}
        | 0\d{1,4}[ /-]\d{2,4}(?:[ -]?\d{2,5}){1,3}
        | 0\d(?:[ .-]?\d\d){4} | \d\d(?:-\d\d){3} | 0\d{9,10}
    )(?:\s?(?:x|ext\.?)\s?\d{1,5})?(?![\w%])""",
    re.VERBOSE,
)
_CALLED = re.compile(
    r"\b(?:call|phone|tel|telephone|mobile|whatsapp|fax|ring|reach|text)\b[^.!?\d\n]{0,24}"
    r"\+?\d(?:[ .()-]{0,2}\d){5,14}(?![\d%])",
    re.IGNORECASE,
)
_CARD = re.compile(r"(?<!\d)\d(?:[ -]?\d){11,18}(?!\d)")
_IBAN = re.compile(r"\b(?:[A-Za-z]{2}\d{2}[A-Za-z0-9]{11,30}|[A-Z]{2}\d{2}(?: [A-Z0-9]{4}){2,7}(?: [A-Z0-9]{1,4})?)\b")
_SOCIAL = re.compile(r"(?<![\d-])(?!000|666|9\d\d)\d{3}-(?!00)\d{2}-(?!0000)\d{4}(?![\d-])")
_MACHINE = re.compile(r"(?<![\d.])(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)\.){3}(?:25[0-5]|2[0-4]\d|1?\d?\d)(?!\.?\d)")
_NAME = r"[A-ZÀ-Þ0-9][\w'’.-]*"
_ADDRESS = re.compile(
    rf"""
    \b\d{{1,5}}[A-Za-z]?,?\s(?:{_NAME}\s){{1,4}}(?:Street|St|Road|Rd|Avenue|Ave|Lane|Ln|Drive|Dr|Boulevard|Blvd|Court
        |Ct|Place|Pl|Square|Sq|Terrace|Way|Close|Crescent|Parkway|Pkwy|Highway|Hwy|Circle|Cir|Trail)\b
    | \b[A-ZÄÖÜ][\wäöüß.-]*(?:straße|strasse|str\.|weg|gasse|platz|allee|ufer|damm|gatan|vägen|gata|veien?|gade|vej|katu
        |straat|laan|gracht)\s\d{{1,4}}\s?[a-z]?\b
    | \b(?:[Rr]ue|[Cc]alle|[Aa]venida|[Rr]ua|Travessa|Via|Viale|Piazza|Corso|Plaza|Paseo|Praça|Largo|Ulica|ul\.)
        \s(?:(?:d[aeou]s?|del|della|de\sla|los|las|y|{_NAME})\s){{0,4}}{_NAME},?\s(?:n[.º°o]{{0,2}}\s?)?\d{{1,5}}\b
    | \b\d{{1,4}}(?:\s(?:bis|ter))?,?\s(?:rue|avenue|boulevard|place|impasse|quai|chemin|allée)\s
        (?:d[eu]s?\s|l[ae]s?\s|[dl]['’]){{0,2}}{_NAME}
    | (?i:\b(?:address|lives?\sat|living\sat|located\sat))\b[^.!?\n]{{0,30}}?\b\d{{1,5}}[a-z]?,?\s[^\W\d_a-zß-ÿ]
    | \bP\.?\s?O\.?\sBox\s\d+ | \b(?:Apt|Suite|Unit|Apartment)\.?\s\#?\d+\b
    | \b[A-Z]{{2}}\s\d{{5}}(?:-\d{{4}})?\b
    | \b(?:GIR\s0AA|[A-PR-UWYZ][A-HK-Y]?\d[A-Z\d]?\s\d[ABD-HJLNP-UW-Z]{{2}})\b""",
    re.VERBOSE,
)


def found_in(text: str) -> str:
    """Return what stands in `text` that no model shall learn, such as "an email address", or an empty text."""
    if looks_secret("", text):
        return "a secret"
    for name, tells in _KINDS:
        if tells(text):
            return name
    return ""


def _card(text: str) -> bool:
    return any(_luhn(re.sub(r"\D", "", found)) for found in _CARD.findall(text))


def _iban(text: str) -> bool:
    # Words in capitals may follow; the number ends at one of its groups.
    groups = [found.split() for found in _IBAN.findall(text)]
    return any(_mod97("".join(each[:end])) for each in groups for end in range(1, len(each) + 1))


def _luhn(digits: str) -> bool:
    if len(set(digits)) < 2:
        return False
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (1 + place % 2)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


def _mod97(iban: str) -> bool:
    if not 15 <= len(iban) <= 34:
        return False
    return int("".join(str(int(char, 36)) for char in iban[4:] + iban[:4])) % 97 == 1


def _matches(pattern: re.Pattern[str]) -> Callable[[str], bool]:
    return lambda text: pattern.search(text) is not None


_KINDS: tuple[tuple[str, Callable[[str], bool]], ...] = (
    ("an email address", _matches(_EMAIL)),
    ("a bank account number", _iban),
    ("a card number", _card),
    ("a social security number", _matches(_SOCIAL)),
    ("a phone number", lambda text: bool(_PHONE.search(text) or _CALLED.search(text))),
    ("a machine's address", _matches(_MACHINE)),
    ("a postal address", _matches(_ADDRESS)),
)
