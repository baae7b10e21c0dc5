"""How many emoji a text may hold, and which."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ..guard import Draft, Finding, Guard

_BASE = (
    "[\U0001f000-\U0001f0ff\U0001f170-\U0001f19a\U0001f201-\U0001f251\U0001f300-\U0001f3fa\U0001f400-\U0001faff"
    "\u231a\u231b\u23e9-\u23fa\u25fd\u25fe\u2600-\u27bf\u2b05-\u2b07\u2b1b\u2b1c\u2b50\u2b55\u203c\u2049\u3030\u303d]"
)
_ONE = rf"{_BASE}[\ufe0f\u20e3]?[\U0001f3fb-\U0001f3ff]?"
_CLUSTER = re.compile(rf"[\U0001f1e6-\U0001f1ff]{{2}}|[0-9#*]\ufe0f?\u20e3|{_ONE}(?:\u200d{_ONE})*")
_DRESSING = re.compile("[\ufe0f\U0001f3fb-\U0001f3ff]")


def emoji_in(text: str) -> list[str]:
    """Return the emoji of `text` in order; a joined family or a flag is one."""
    return _CLUSTER.findall(text)


def undressed(sign: str) -> str:
    """Return an emoji without skin tone and presentation."""
    return _DRESSING.sub("", sign)


class EmojiGuard(Guard):
    """Holds a text with more emoji than the persona's card allows, or with others."""

    name = "emoji"

    def look(self, draft: Draft) -> Sequence[Finding]:
        policy = draft.persona.emoji
        found = emoji_in(draft.body)
        if not found:
            return []
        findings = []
        if len(found) > policy.max:
            reason = f"the text holds {len(found)} emoji, at most {policy.max} are allowed"
            findings.append(Finding(rule=self.name, decision="hold", reason=reason))
        allowed = {undressed(sign) for sign in policy.allowed}
        if strange := [e for e in dict.fromkeys(found) if allowed and undressed(e) not in allowed]:
            reason = f"{' '.join(strange)} is not among the persona's emoji ({' '.join(policy.allowed)})"
            findings.append(Finding(rule=self.name, decision="hold", reason=reason))
        return findings
