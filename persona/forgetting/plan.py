"""What a forgetting has set out to do, kept in its row until it is done.

It is kept in hexadecimal: a search for what it names must not find the plan itself.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from .person import Person, Traces
from .scan import forms_of, piece_of_vector
from .words import Words


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Whom, what is theirs, which byte strings must be gone in the end, and where else to look.

    `common` is how many of their texts hold nothing that is not said by others, or by the persona before them, too.
    """

    held: Traces
    needles: frozenset[bytes]
    network: bool = False
    also: tuple[Path, ...] = ()
    common: int = 0

    def sealed(self) -> str:
        """Return the plan as text that shows none of its words."""
        held = self.held
        body = {
            "people": [[person.author, person.channel] for person in held.people],
            "names": sorted(held.names),
            "inbox": held.inbox,
            "events": held.events,
            "posts": held.posts,
            "records": held.records,
            "outbox": held.outbox,
            "keys": held.keys,
            "texts": {text: at.isoformat() for text, at in held.texts.items()},
            "needles": sorted(needle.hex() for needle in self.needles),
            "network": self.network,
            "also": [str(path.resolve()) for path in self.also],
            "common": self.common,
        }
        return json.dumps(body).encode().hex()

    @classmethod
    def opened(cls, sealed: str) -> Plan:
        """Return the plan that `sealed` gave."""
        body = json.loads(bytes.fromhex(sealed))
        held = Traces(
            people=tuple(Person(author=author, channel=channel) for author, channel in body["people"]),
            names=frozenset(body["names"]),
            inbox=body["inbox"],
            events=[(event, channel) for event, channel in body["events"]],
            posts=body["posts"],
            records=body["records"],
            outbox=body["outbox"],
            keys=body["keys"],
            texts={text: datetime.fromisoformat(at) for text, at in body["texts"].items()},
        )
        return cls(
            held=held,
            needles=frozenset(bytes.fromhex(needle) for needle in body["needles"]),
            network=body["network"],
            also=tuple(Path(path) for path in body["also"]),
            common=body["common"],
        )


def plan_for(held: Traces, words: Words, *, network: bool, also: tuple[Path, ...]) -> Plan:
    """Return the plan to erase `held`: ids and words that are these people's own, and their vectors, must be gone."""
    ids = (*held.posts, *(event for event, _ in held.events), *held.records, *(f"@{name}" for name in held.names))
    pieces = {text: words.own_pieces(text) for text in held.texts}
    needles = {form for one in (*ids, *(p for found in pieces.values() for p in found)) for form in forms_of(one)}
    needles |= {piece_of_vector(vector) for vector in held.vectors} - {b""}
    common = sum(not found for found in pieces.values())
    return Plan(held=held, needles=frozenset(needles), network=network, also=also, common=common)
