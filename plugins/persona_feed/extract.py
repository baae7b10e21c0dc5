"""What stands in a status's text: mentioned handles and tags."""

from __future__ import annotations

import re

# The bounded lookbehinds keep e-mail addresses and paths in links from counting.
_MENTION = re.compile(r"(?<![\w/@.])@([a-z0-9_](?:[a-z0-9_.-]{0,58}[a-z0-9_])?)(?![\w@])", re.IGNORECASE | re.ASCII)
_TAG = re.compile(r"(?<![\w/&#])#(\w{1,100})")
MOST = 50
"""How many mentions or tags of one text count: a wall of them reaches nobody more."""


def handle_of(text: str) -> str:
    """Return a handle as the network keeps it: without "@", casefolded."""
    return text.strip().removeprefix("@").casefold()


def mentioned(text: str) -> list[str]:
    """Return the handles that `text` mentions, each once, in order."""
    return list(dict.fromkeys(m.casefold() for m in _MENTION.findall(text)))[:MOST]


def tagged(text: str) -> list[str]:
    """Return the tags of `text` without "#", each once, in order; one of digits only is no tag."""
    return list(dict.fromkeys(t.casefold() for t in _TAG.findall(text) if not t.isdigit()))[:MOST]
