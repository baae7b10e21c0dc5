"""A data folder in which a persona has lived a little: what was heard, told, drafted, posted, traced and logged."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from persona.forgetting import Place
from persona.memory import Record, RecordKind, record_id
from persona.store import InboxRow, OutboxRow, PostRow, TraceRow, append, open_store, writing
from persona.testing.memory import HashEmbedder
from persona_memory import ChromaMemory

NOW = datetime(2026, 3, 20, 12, tzinfo=UTC)
ANNA = "Annabel_Quist"
SAID = (
    "My grandmother in Delfzijl always put caraway in her rye, is that wrong?",
    "Why is my “crust” soft again? I've tried the pot twice — déjà vu!",
    "so nice",
)
OTHERS = ("Thanks, @Annabel_Quist, your grandmother was right about caraway", "so nice", "How long do I bake it?")


def record(
    kind: RecordKind, text: str, *, author: str = "ida", source: str = "s", to: str = "", days: float = 1
) -> Record:
    return Record(
        id=record_id(persona="ida", kind=kind, author=author, text=text, source=source),
        persona="ida", kind=kind, text=text, at=NOW - timedelta(days=days), author=author, source=source,
        channel="feed", extra={"to": to} if to else {},
    )  # fmt: skip


def open_place(folder: Path) -> Place:
    """Return the place to forget in, with the real store and the real index."""
    store = open_store(folder)
    return Place(store=store, folder=folder, memory=ChromaMemory(engine=store, folder=folder, embedder=HashEmbedder()))


def live(place: Place, author: str = ANNA, said: Sequence[str] = SAID, others: Sequence[str] = OTHERS) -> None:
    """Let `author` say things, others answer, and the persona answer, promise and quote."""
    with writing(place.store) as session:
        first = _hear(session, author, said, days=9)
        _hear(session, "ben", others, days=8)
        told = [record("told", text, author=author, source=f"feed:{author}-{i}") for i, text in enumerate(said)]
        told += [record("told", text, author="ben", source=f"feed:ben-{i}") for i, text in enumerate(others)]
        _answer(session, 1, first, state="sent", text=f"@{author} caraway is never wrong. I promise a post on it. #AI")
        _answer(session, 2, first + 1, state="held", text="Leave the lid off for the last ten minutes. #AI")
        _answer(session, 3, None, state="sent", text=f"A reader wrote: {said[0]} No. #AI", quote=told[0])
        _answer(session, 4, None, state="sent", text="Rye needs a night to settle, then it slices clean. #AI")
        own = [
            record("reply", f"@{author} caraway is never wrong. I promise a post on it.", source="key-1", to=author),
            record("promise", "I promise a post on it.", author=author, source="key-1", to=author),
            record("post", f"A reader wrote: {said[0]} No.", source="key-3"),
            record("post", "Rye needs a night to settle, then it slices clean.", source="key-4"),
        ]
        place.memory.remember([*told, *own], session)
    place.memory.sync()


def _hear(session: Session, author: str, texts: Sequence[str], days: float) -> int:
    rows = [
        InboxRow(
            persona="ida", channel="feed", remote_id=f"reply-{author}-{i:018d}", kind="reply", author=author,
            at=NOW - timedelta(days=days), text=text, post_id=f"77{author}{i:018d}", about_id="post-4",
            thread_id="post-4", state="taken",
        )
        for i, text in enumerate(texts)
    ]  # fmt: skip
    session.add_all(rows)
    session.flush()
    for row in rows:
        append(session, at=row.at, persona="ida", kind="heard", what="reply", author=author, text=row.text)
    return rows[0].id


def _answer(
    session: Session, number: int, inbox: int | None, *, state: str, text: str, quote: Record | None = None
) -> None:
    subject: dict[str, object] = {"mode": "chat", "topic": "rye"}
    if quote:
        subject["quote"] = {"record_id": quote.id, "author": quote.author, "text": quote.text, "at": "2026-03-11"}
    row = OutboxRow(
        key=f"key-{number}", persona="ida", channel="feed", kind="reply" if inbox else "post", inbox_id=inbox,
        due_at=NOW - timedelta(days=2), drafted_at=NOW - timedelta(days=2), state=state, subject=subject,
        body=text.removesuffix(" #AI"), text=text, labels=["#AI"],
        remote_id=f"post-{number}" if state == "sent" else None,
    )  # fmt: skip
    session.add(row)
    session.flush()
    prompt = f"Answer this: {quote.text if quote else ''}" if quote or inbox else "Write a post about rye."
    body = {
        "recalled": [{"author": quote.author, "text": quote.text}] if quote else [],
        "messages": [{"content": prompt}],
    }
    session.add(TraceRow(outbox_id=row.id, at=NOW, model="echo", seed="1", body=body))
    append(
        session,
        at=NOW,
        persona="ida",
        kind="drafted",
        key=row.key,
        channel="feed",
        what=row.kind,
        text=text,
        subject=subject,
    )
    if state == "sent":
        session.add(
            PostRow(
                outbox_id=row.id,
                persona="ida",
                channel="feed",
                kind=row.kind,
                text=text,
                at=NOW,
                remote_id=f"post-{number}",
            )
        )


def bytes_of(folder: Path) -> bytes:
    return b"\0".join(path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file())


def rows_of(store: Engine, table: type) -> list[dict[str, object]]:
    with store.connect() as connection:
        return [dict(row._mapping) for row in connection.execute(table.__table__.select())]  # type: ignore[attr-defined]
