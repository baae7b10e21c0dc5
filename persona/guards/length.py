"""The text fits the channel, and there is something in it."""

from __future__ import annotations

from collections.abc import Sequence

from ..guard import Draft, Finding, Guard
from ._text import without_tags, words

MIN_WORDS = 2
"""One word is a slip of the model more often than a post."""

_UNSPACED = frozenset(("zh", "ja", "th", "lo", "km", "my"))


class LengthGuard(Guard):
    """Blocks an empty body and a text longer than the channel takes, labels included; holds a one-word body."""

    name = "length"

    def look(self, draft: Draft) -> Sequence[Finding]:
        most = draft.limits.max_chars
        if len(draft.text) > most:
            return [self._say("block", f"the text has {len(draft.text)} characters, the channel takes {most}")]
        if not draft.body.strip():
            return [self._say("block", "there is no text")]
        found = words(without_tags(draft.body))
        # Scripts without spaces make one "word" of a sentence.
        long_enough = draft.persona.language in _UNSPACED and sum(map(len, found)) >= 2 * MIN_WORDS
        if len(found) < MIN_WORDS and not long_enough:
            return [self._say("hold", f"the text has fewer than {MIN_WORDS} words")]
        return []

    def _say(self, decision: str, reason: str) -> Finding:
        return Finding(rule=self.name, decision="block" if decision == "block" else "hold", reason=reason)
