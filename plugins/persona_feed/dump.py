"""The whole network as one digest, to compare two runs."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any

from sqlalchemy import Connection, Row, select

from persona.digest import canonical

from . import tables as t


def _rows(db: Connection) -> Iterator[tuple[str, Row[Any]]]:
    # Account and notification ids depend on the order of storing; handles, times and status ids do not.
    a, b, s, n = t.accounts.alias("a"), t.accounts.alias("b"), t.statuses, t.notifications
    who = [c for c in a.c if c.name != "id"]
    what = [c for c in s.c if c.name != "author_id"]
    like, follow, tag = t.likes, t.follows, t.tags
    queries = {
        "account": select(*who).order_by(a.c.handle),
        "status": select(a.c.handle, *what).join(a, a.c.id == s.c.author_id).order_by(s.c.id),
        "like": select(like.c.status_id, a.c.handle, like.c.created_at)
        .join(a, a.c.id == like.c.account_id)
        .order_by(like.c.status_id, a.c.handle),
        "follow": select(a.c.handle, b.c.handle, follow.c.created_at)
        .select_from(follow)
        .join(a, a.c.id == follow.c.account_id)
        .join(b, b.c.id == follow.c.target_id)
        .order_by(a.c.handle, b.c.handle),
        "mention": select(t.mentions.c.status_id, a.c.handle)
        .join(a, a.c.id == t.mentions.c.account_id)
        .order_by(t.mentions.c.status_id, a.c.handle),
        "tag": select(tag).order_by(tag.c.status_id, tag.c.tag),
        "notification": select(a.c.handle, n.c.created_at, n.c.kind, b.c.handle, n.c.status_id)
        .select_from(n)
        .join(a, a.c.id == n.c.account_id)
        .join(b, b.c.id == n.c.from_id)
        .order_by(a.c.handle, n.c.created_at, n.c.kind, b.c.handle, n.c.status_id),
        "step": select(t.steps).order_by(t.steps.c.key),
    }
    for name, query in queries.items():
        for row in db.execute(query):
            yield name, row


def dump_digest(db: Connection) -> str:
    """Return a hex digest of every row in canonical order."""
    sink = hashlib.blake2b(digest_size=16)
    for name, row in _rows(db):
        sink.update(canonical([name, *row]).encode())
        sink.update(b"\n")
    return sink.hexdigest()
