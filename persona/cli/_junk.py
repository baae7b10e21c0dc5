"""`persona memory doctor`: index against journal, and how much of what is remembered is junk, with examples."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Engine

    from ..definition import Persona
    from ..memory import Memory

_MOST = 1_000_000
_EXAMPLES = 3


def add_doctor(actions: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the action to the command's actions."""
    doctor = actions.add_parser("doctor", help="compare index and journal, and say how much of memory is junk")
    doctor.add_argument("--persona", help="only of this handle")


def diagnose(memory: Memory, engine: Engine, personas: list[Persona], now: datetime) -> int:
    """Print what was found; return 1 if an index is not well or too much is junk."""
    from ..junk import MOST, SORTS, grounds_of, junk_of

    well = True
    for state in memory.health():
        if state.persona in {persona.handle for persona in personas} and not state.ok:
            well = False
            print(f"@{state.persona}: the index is not well: {state.cause}. `persona memory reindex` mends it.")
    for persona in personas:
        every = memory.list(persona.handle, limit=_MOST, state="all")
        records = [record for record in every if record.within("valid")]
        grounds = grounds_of(engine, persona, every)
        junk = junk_of(records, {r.id: g for r, g in ((r, grounds.get(r.id)) for r in every) if g}, now)
        apart = len(memory.list(persona.handle, limit=_MOST, state="quarantined"))
        shares = ", ".join(f"{sort} {junk.share(sort):.1%}" for sort in SORTS)
        print(f"@{persona.handle}: {junk.records} records, {shares}; {apart} in quarantine")
        if junk.harmful > MOST:
            well = False
            print(f"  Too much of it is junk ({junk.harmful:.1%}, at most {MOST:.0%}): look at these, and forget them.")
        for sort in SORTS:
            for record in junk.found[sort][:_EXAMPLES]:
                print(f"  {sort:<9} {record.id}  {record.kind}: {' '.join(record.text.split())[:100]}")
    return 0 if well else 1
