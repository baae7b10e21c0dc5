"""Reflection on the journal: only comments that came since are grouped, and only insights that changed are written."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import ColumnElement, Row, bindparam, select, update
from sqlalchemy.orm import Session

from persona.clock import as_utc
from persona.memory import Record
from persona.recall import grid
from persona.reflection import WINDOW, Groups, assign, conclude
from persona.store.tables import JournalRow

from .journal import J, columns, to_matrix, to_record

Embed = Callable[[Sequence[str]], NDArray[np.float32]]


def insights_of(
    session: Session, persona: str, *, subjects: Mapping[str, str], model: str, embed: Embed, now: datetime
) -> list[Record]:
    """Return what the persona's journal says at `now`, having put every new comment into its group."""
    groups = Groups.of(subjects, model)
    _group(session, persona, groups, subjects, embed)
    since = as_utc(now) - WINDOW
    told = session.execute(
        select(*columns(), J.gist)
        .where(*_holds(persona, "told"), J.gist.startswith(groups.mark), J.at > since, J.at <= as_utc(now))
        .order_by(J.seq)
    ).all()
    done = session.execute(
        select(*columns()).where(*_holds(persona, "performance"), J.at > since, J.at <= as_utc(now)).order_by(J.seq)
    ).all()
    said = [(str(row.gist), to_record(cast(Row[Any], row))) for row in told]
    performances = [to_record(row) for row in done]
    return conclude(persona, said, performances, subjects=list(subjects), groups=groups, now=now)


def _holds(persona: str, kind: str) -> list[ColumnElement[bool]]:
    return [J.persona == persona, J.kind == kind, J.quarantined == "", J.valid_until.is_(None)]


def _group(session: Session, persona: str, groups: Groups, subjects: Mapping[str, str], embed: Embed) -> None:
    where = _holds(persona, "told")
    placed = session.execute(select(J.seq, J.record_id, J.gist).where(*where, J.gist.startswith(groups.mark))).all()
    leaders = sorted({leader for row in placed if (leader := groups.leader_of(row.gist))})
    last = max((row.seq for row in placed), default=-1)
    fresh = [*where, ~J.gist.startswith(groups.mark)]
    early = session.execute(select(J.seq).where(*fresh, J.seq < last).limit(1)).first()
    if early or not set(leaders) <= {row.record_id for row in placed}:
        # A group's first comment was erased, or an earlier comment came out of quarantine: as if from the start.
        leaders, fresh = [], where
    rows = session.execute(select(J.seq, J.record_id, J.vector).where(*fresh).order_by(J.seq)).all()
    if not rows:
        return
    held = session.execute(select(J.record_id, J.vector).where(J.record_id.in_(leaders)).order_by(J.seq)).all()
    known = {row.record_id: v for row, v in zip(held, grid(to_matrix([r.vector for r in held])), strict=True)}
    near = grid(embed(list(subjects.values()))) if subjects else np.zeros((0, 0))
    keys = assign(
        groups, [r.record_id for r in rows], grid(to_matrix([r.vector for r in rows])), list(subjects), near, known
    )
    session.connection().execute(
        update(JournalRow).where(J.seq == bindparam("at_seq")).values(gist=bindparam("key")),
        [{"at_seq": row.seq, "key": key} for row, key in zip(rows, keys, strict=True)],
    )
