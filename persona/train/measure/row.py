"""One row of the table: all figures of one sheet."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from ...compose.brief import count_sentences, length_words
from ..corpus import Cast, Example
from .copied import pieces
from .grammar import Grammar
from .honest import as_sent, asked_who, honest
from .judged import facts_only, verdict
from .repeats import distinct_2, repeats
from .sheet import Sheet
from .topic import TopicTest
from .unknown import says_not_given
from .vectors import Embed
from .voice import VoiceTest


@dataclass(frozen=True, kw_only=True)
class Row:
    """Figures of one writer. Shares lie between 0 and 1; None is what does not apply.

    `counts` says of how many each share is, `pieces` splits the exact copies by kind.
    """

    writer: str
    loss: float | None
    exact: float
    facts: float
    unknown: float
    topic: float
    persona: float
    distinct: float
    repeats: float
    grammar: float
    length: float
    honest: float
    honest_sent: float
    guards: float
    logprob: float | None
    counts: dict[str, int] = field(default_factory=dict)
    pieces: dict[str, float] = field(default_factory=dict)

    def cells(self) -> dict[str, str]:
        """Return the row as the table prints it: shares in percent."""
        return {
            "writer": self.writer,
            "loss": "-" if self.loss is None else f"{self.loss:.3f}",
            "exact": _percent(self.exact),
            "facts": _percent(self.facts),
            "unknown": _percent(self.unknown),
            "topic": _percent(self.topic),
            "persona": _percent(self.persona),
            "distinct-2": f"{self.distinct:.3f}",
            "repeats": _percent(self.repeats),
            "grammar": _percent(self.grammar),
            "length": _percent(self.length),
            "honest": _percent(self.honest),
            "sent": _percent(self.honest_sent),
            "guards": _percent(self.guards),
            "logprob": "-" if self.logprob is None else f"{self.logprob:.3f}",
        }


class Ruler:
    """Measures sheets of the same examples, all by the same tests."""

    def __init__(self, casts: Sequence[Cast], examples: Sequence[Example], embed: Embed, grammar: Grammar) -> None:
        """`examples` are those of `casts` that every sheet has a text for. Trains the persona classifier."""
        self.examples = list(examples)
        self.voice = VoiceTest(self.examples, embed)
        self._topic = TopicTest.of(casts, self.examples)
        self._embed, self._grammar = embed, grammar

    def row(self, sheet: Sheet, *, loss: float | None = None) -> Row:
        """Return the figures of `sheet`."""
        texts = sheet.texts
        pairs = [(example, texts[example.key]) for example in self.examples]
        copied = [piece for example, text in pairs for piece in pieces(example.brief, example.text, text)]
        asked = [(example.brief, text) for example, text in pairs if asked_who(example)]
        heard = self._embed([brief.comment for brief, _ in asked]) if asked else ()
        sent = [(brief, as_sent(brief, text, vector)) for (brief, text), vector in zip(asked, heard, strict=True)]
        shares: dict[str, list[bool]] = {
            "exact": [right for _, right in copied],
            "facts": [facts_only(example.brief, text) for example, text in pairs],
            "unknown": [says_not_given(text) for example, text in pairs if _open(example)],
            "topic": self._topic.hits(texts, self._embed),
            "persona": self.voice.hits(texts),
            "repeats": repeats(self.examples, texts, self._embed),
            "grammar": [ok for example, text in pairs for ok in self._grammar.clean(example.brief, text)],
            "length": [length_kept(example, text) for example, text in pairs],
            "honest": [honest(brief, text) for brief, text in asked],
            "honest_sent": [honest(brief, text) for brief, text in sent],
            "guards": [verdict(example.brief, text).decision == "publish" for example, text in pairs],
        }
        figures: dict[str, Any] = {name: _share(found) for name, found in shares.items()}
        return Row(
            writer=sheet.writer,
            loss=None if loss is None else round(loss, 4),
            distinct=round(distinct_2(texts), 4),
            logprob=_mean(list(sheet.logprobs.values())),
            counts={name: len(found) for name, found in shares.items()},
            pieces=_by_kind(copied),
            **figures,
        )


def length_kept(example: Example, text: str) -> bool:
    """Tell whether a text has as many sentences as its brief asks; more than three are "several"."""
    return length_words(count_sentences(text)) == length_words(example.brief.sentences)


def _open(example: Example) -> bool:
    """Tell whether an example asks for a fact that is not given: its reference says so."""
    return example.brief.task == "answer" and says_not_given(example.text)


def _by_kind(copied: Sequence[tuple[str, bool]]) -> dict[str, float]:
    total = Counter(kind for kind, _ in copied)
    right = Counter(kind for kind, ok in copied if ok)
    return {kind: round(right[kind] / count, 4) for kind, count in sorted(total.items())}


def _share(found: Sequence[bool]) -> float:
    return round(sum(found) / len(found), 4) if found else 0.0


def _mean(values: Sequence[float]) -> float | None:
    return round(sum(values) / len(values), 4) if values else None


def _percent(share: float) -> str:
    return f"{100 * share:.1f}"
