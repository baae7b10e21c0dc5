"""Emptying an account of the simulated network: its words go, its threads stay."""

from __future__ import annotations

import re
from collections.abc import Sequence

from sqlalchemy import Connection, select, update

from persona.digest import digest

from . import tables as t
from .extract import handle_of

GONE = "[forgotten]"


def empty_accounts(db: Connection, handles: Sequence[str]) -> int:
    """Blank what these accounts said, rename them, and replace mentions of them; return how many statuses changed."""
    names = sorted({handle_of(handle) for handle in handles})
    ids = {
        row.handle: row.id for row in db.execute(select(t.accounts.c.handle, t.accounts.c.id)) if row.handle in names
    }
    s, count = t.statuses.c, 0
    for account in sorted(ids.values()):
        said = update(t.statuses).where(s.author_id == account, s.text != "").values(text=GONE, spoiler_text="")
        count += db.execute(said.where(s.text != GONE)).rowcount
        name = f"forgotten_{digest('forgotten', account, size=4)}"
        changed = {"handle": name, "name": "", "bio": "", "interests": []}
        db.execute(update(t.accounts).where(t.accounts.c.id == account).values(changed))
    if not names:
        return count
    mention = re.compile(rf"(?<!\w)@(?:{'|'.join(map(re.escape, names))})(?!\w|[.@-]\w)", re.IGNORECASE)
    for row in db.execute(select(s.id, s.text).where(s.text.contains("@"))).all():
        text = mention.sub("@someone", row.text)
        if text != row.text:
            db.execute(update(t.statuses).where(s.id == row.id).values(text=text))
            count += 1
    return count
