"""Words that a persona never uses, however they are spelled."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache

from ..guard import Draft, Finding, Guard
from ._text import fold

_LOOKALIKE = str.maketrans(
    "аеорсухіјѕԁһӏԛԝвкмнтαορνικτυβεη@$013457!|",
    "aeopcyxijsdhlqwbkmhtaopviktyben" + "asoieastil",
)
_SIGN_IN_WORD = re.compile(r"(?<=\w)[.*_\-·'](?=\w)")


class BannedGuard(Guard):
    """Holds a text with a banned word: a whole word, in any case, also with look-alike letters, dots, hidden signs."""

    name = "banned"

    def look(self, draft: Draft) -> Sequence[Finding]:
        if not draft.persona.banned:
            return []
        forms = _forms(draft.body)
        return [
            Finding(rule=self.name, decision="hold", reason=f"the text holds the banned word {word!r}")
            for word in draft.persona.banned
            if any(_whole(key).search(form) for key in _keys(word) for form in forms)
        ]


def holds_word(word: str, text: str) -> bool:
    """Tell whether `text` holds `word` as a whole word, however it is spelled."""
    return any(_whole(key).search(form) for key in _keys(word) for form in _forms(text))


def _forms(text: str) -> tuple[str, ...]:
    folded = fold(text)
    looks = _undressed(folded)
    return folded, looks, _SIGN_IN_WORD.sub("", looks)


def _undressed(folded: str) -> str:
    bare = "".join(c for c in unicodedata.normalize("NFKD", folded) if not unicodedata.combining(c))
    return bare.translate(_LOOKALIKE)


@lru_cache(maxsize=4096)
def _keys(word: str) -> tuple[str, ...]:
    folded = fold(word)
    undressed = _undressed(folded)
    return tuple(dict.fromkeys((folded, undressed, _SIGN_IN_WORD.sub("", undressed))))


@lru_cache(maxsize=4096)
def _whole(key: str) -> re.Pattern[str]:
    return re.compile(rf"(?<!\w){re.escape(key)}(?!\w)")
