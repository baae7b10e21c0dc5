"""Journal rows as records of memory."""

from __future__ import annotations

from typing import cast

from ..memory import Record, RecordKind
from .tables import JournalRow


def record_of(row: JournalRow) -> Record:
    """Return a journal row without its vector."""
    return Record(
        id=row.record_id,
        persona=row.persona,
        kind=cast(RecordKind, row.kind),
        text=row.text,
        at=row.at,
        author=row.author,
        source=row.source,
        channel=row.channel,
        importance=row.importance,
        trust=row.trust,
        language=row.language,
        extra=dict(row.extra),
    )
