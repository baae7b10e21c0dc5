"""A guess at a text's language, by its script and by the little words that every sentence needs.

It is only good enough to say "these lines look German" in a report; nothing is decided by it.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter

_LITTLE = {
    "en": "the and you your is are was it that this with for not but have from they what when just so to of in my at",
    "de": "der die das und ist nicht ich du ihr wir ein eine einen mit für auf den dem von sich auch aber wie noch",
    "fr": "le la les et est pas je tu vous nous un une des du avec pour sur que qui dans mais au ce plus il elle ça",
    "es": "el la los las y es no yo tú un una con para por que en de del pero más se lo su al muy como está",
    "pt": "o a os as e é não eu você um uma com para por que em de do da mas mais se no na ao muito como está",
    "it": "il lo la i gli le e è non io tu un una con per che in di del della ma più si al molto come sono",
    "nl": "de het een en is niet ik je jij wij met voor op van dat die ook maar zijn naar er nog als bij te",
    "sv": "och att det är en ett som på inte jag du vi med för av den till har om men så kan när de",
    "pl": "i w na nie się to jest z do że jak ale po co tak czy za dla od przez już tylko są być ten",
}
_WORDS = {language: frozenset(words.split()) for language, words in _LITTLE.items()}
_SCRIPTS = {
    "CYRILLIC": "ru", "GREEK": "el", "ARABIC": "ar", "HEBREW": "he", "HIRAGANA": "ja", "KATAKANA": "ja",
    "HANGUL": "ko", "CJK": "zh", "DEVANAGARI": "hi", "THAI": "th",
}  # fmt: skip
_WORD = re.compile(r"[^\W\d_]+")
_LEAST = 0.12


def guess(text: str) -> str:
    """Return a language code, or an empty text where there is too little to tell. Cyrillic stands as ru, and so on."""
    letters = [char for char in text if char.isalpha()]
    if not letters:
        return ""
    scripts = Counter(unicodedata.name(char, "?").split(" ")[0] for char in letters)
    script, count = scripts.most_common(1)[0]
    if script != "LATIN":
        # A Japanese text holds more Chinese characters than its own.
        if scripts["HIRAGANA"] + scripts["KATAKANA"] > 0.1 * len(letters):
            return "ja"
        return _SCRIPTS.get(script, "") if count > len(letters) / 2 else ""
    words = _WORD.findall(text.casefold())
    counts = {language: sum(word in little for word in words) for language, little in _WORDS.items()}
    best = max(counts, key=lambda language: (counts[language], language == "en"))
    return best if len(words) >= 4 and counts[best] >= max(_LEAST * len(words), 1) else ""
