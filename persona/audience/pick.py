"""Which line of the bank a person says, and how they type it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from persona.definition import Persona, Product
from persona.digest import seed_of
from persona.network import Status

from .bank import CommentBank, Intent, Line, said
from .people import Person
from .words import nouns, overlap, stems

_INSTEAD: dict[Intent, tuple[Intent, ...]] = {
    "returning": ("chat", "praise"),
    "followup": ("chat", "praise"),
    "identity": ("question", "chat"),
}


@dataclass(frozen=True, kw_only=True)
class Subject:
    """What a comment may be about: the post's product if it is for one, its nouns, its topic."""

    promo: bool
    product: Product | None
    stems: frozenset[str]
    slots: Mapping[str, Sequence[str]]


def subject_of(post: Status, persona: Persona, products: Sequence[Product], others: Sequence[str]) -> Subject:
    """Look at a post as its readers do."""
    seen = stems(post.text)
    ad = persona.disclosure.ad.casefold()
    product = next((p for p in products if p.name.casefold() in post.text.casefold()), None)
    promo = product is not None or any(ad == label.casefold() for label in post.labels)
    topics = [(overlap([t.name], seen) + overlap([a.about for a in t.angles], seen), t.name) for t in persona.topics]
    score, topic = max(topics, key=lambda t: (t[0], t[1]))
    return Subject(
        promo=promo,
        product=product,
        stems=seen,
        slots={
            "word": nouns(post.text),
            "topic": [topic] if score > 0 else [],
            "product": [product.name] if product else [],
            "other": list(others),
        },
    )


class Picker:
    """Picks lines for one step: the least used first, never the same text twice in a thread."""

    def __init__(self, bank: CommentBank, uses: Mapping[int, int], key: str) -> None:
        self._bank, self._uses, self._key = bank, Counter(dict(uses)), key

    def _draw(self, person: Person, what: str) -> int:
        return seed_of(self._key, person.handle, what)

    def pick(
        self,
        intent: Intent,
        person: Person,
        subject: Subject,
        *,
        taken: Collection[str],
        past: Sequence[str] = (),
    ) -> str:
        """Return a comment of that intent as `person` types it; "" if the bank has none left for this thread."""
        slots = {**subject.slots, "past": past}
        for wanted in (intent, *_INSTEAD.get(intent, ("praise", "chat"))):
            fits = [
                (place, line)
                for place, line in enumerate(self._bank.lines)
                if line.intent == wanted
                and line.language == person.account.language
                and _suits(line, subject)
                and all(slots.get(slot) for slot in line.slots)
            ]
            # A line that speaks of this very post goes before a general one two times in three.
            general = self._draw(person, "general") % 3 == 0
            fits.sort(key=lambda f: (self._uses[f[0]], bool(f[1].slots) is general, self._draw(person, f[1].text)))
            for place, line in fits:
                values = {
                    slot: slots[slot][self._draw(person, slot) % len(slots[slot][:4])] for slot in sorted(line.slots)
                }
                text = typed(line.fill(values), person)
                if said(text) not in taken:
                    self._uses[place] += 1
                    return text
        return ""


def _suits(line: Line, subject: Subject) -> bool:
    if not line.product:
        # "how much", "which size": under a post that sells, most questions are about the thing.
        return not subject.promo or line.intent not in ("question", "wish", "complaint")
    if not subject.promo:
        return False
    if line.product == "*":
        return True
    named = subject.product is not None and subject.product.name.casefold() == line.product.casefold()
    return named or len(line.about & subject.stems) >= 4


def typed(text: str, person: Person) -> str:
    """Return `text` as that person types: in lower case or not, with or without full stops, an emoji of their own."""
    text = text.lower() if person.lower else text[0].upper() + text[1:]
    if person.bare:
        text = text.rstrip(".").replace("'", "")
    if person.emoji and len(text) % 2:
        text = f"{text} {person.emoji}"
    return text
