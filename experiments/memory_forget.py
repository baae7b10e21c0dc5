"""Forget some authors among many, search every byte of every file for them, and compare all that others said.

`python -m experiments.memory_forget [--authors 200] [--records 50000] [--dimensions 384] [--quick] [--json]`
Each author said one thing, was answered or quoted, and stands in inbox, journal, outbox, traces, log, an export and
a channel's own file. The search is the plainest there is, file by file, and not the product's own. --quick is 20
authors among 1,000 records.
"""

from __future__ import annotations

import hashlib
import json
import mmap
import random
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from benchmarks._report import finish, machine, parser
from persona.digest import digest
from persona.forgetting import Person, Place, forget_people
from persona.memory import Query, Record, record_id
from persona.store import InboxRow, JournalRow, LogRow, OutboxRow, PostRow, TraceRow, open_store, writing
from persona_memory import ChromaMemory

from .memory_kill import DIMENSIONS, NOW, Drawn

WORDS = [
    "rye",
    "crust",
    "canal",
    "oven",
    "starter",
    "salt",
    "dough",
    "fold",
    "cold",
    "night",
    "glass",
    "paper",
    "kettle",
    "winter",
    "garden",
    "bicycle",
    "ladder",
    "copper",
    "window",
    "marble",
    "thread",
    "orchard",
    "pepper",
    "lantern",
    "basket",
    "harbour",
    "saddle",
    "velvet",
    "cinder",
    "meadow",
]
MARKS = ("“really”", "déjà vu", "\\ or /", 'said "no"', "été", "😀", "tab\there")


def said_by(number: int, draw: int) -> str:
    """Return what author `number` said: nobody else says the same."""
    rng = random.Random(f"{draw}:{number}")
    words = [rng.choice(WORDS) for _ in range(rng.randint(9, 30))]
    words.insert(4, rng.choice(MARKS))
    words.insert(6, f"{digest('word', draw, number, size=5)}")
    return " ".join(words) + "?"


def handle_of(number: int) -> str:
    return f"reader_{digest('handle', number, size=5)}"


def told(number: int, author: str, text: str) -> Record:
    return Record(
        id=record_id(persona="ida", kind="told", author=author, text=text, source=""),
        persona="ida", kind="told", text=text, at=NOW - timedelta(minutes=number), author=author,
        source=f"feed:reply-{number:018d}", channel="feed", trust=0.6,
    )  # fmt: skip


def _fill(place: Place, authors: int, records: int, draw: int) -> list[Record]:
    """Let everybody speak: the first `authors` once each, the others ten times each. Return all that was told."""
    others = max((records - authors) // 10, 1)
    every = [told(n, handle_of(n if n < authors else authors + n % others), said_by(n, draw)) for n in range(records)]
    for start in range(0, records, 5000):
        part = every[start : start + 5000]
        with writing(place.store) as session:
            place.memory.remember(part, session)
            session.execute(insert(InboxRow), [_heard(r) for r in part])
            session.execute(
                insert(LogRow),
                [
                    {"at": r.at, "persona": "ida", "kind": "heard", "body": {"author": r.author, "text": r.text}}
                    for r in part
                ],
            )
    with writing(place.store) as session:
        # One in five is answered, one in five quoted; of others as many.
        for n in (*range(0, authors, 5), *range(authors, 2 * authors, 5)):
            _answer(session, n, every[n], quotes=False)
            if n + 1 < records:
                _answer(session, n + 1, every[n + 1], quotes=True)
    place.memory.sync()
    lines = [json.dumps({"author": r.author, "text": r.text}) for r in every[: 2 * authors]]
    (place.folder / "export.jsonl").write_text("\n".join(lines) + "\n")
    (place.folder / "channel.log").write_text("".join(f"@{r.author}: {r.text}\n" for r in every[: 2 * authors]))
    return every


def _heard(record: Record) -> dict[str, Any]:
    name = record.source.removeprefix("feed:")
    return {
        "persona": "ida", "channel": "feed", "remote_id": name, "kind": "reply", "author": record.author,
        "at": record.at, "text": record.text, "post_id": f"77{name[6:]}", "state": "taken", "note": "",
    }  # fmt: skip


def _answer(session: Session, number: int, record: Record, *, quotes: bool) -> None:
    event = session.scalar(select(InboxRow.id).where(InboxRow.remote_id == record.source.removeprefix("feed:")))
    text = f"A reader asked: {record.text} Wait a night." if quotes else f"@{record.author} wait a night, it helps."
    quote = {"record_id": record.id, "author": record.author, "text": record.text, "at": "2026"} if quotes else None
    subject = {"mode": "callback" if quotes else "chat", "topic": "rye", "quote": quote}
    row = OutboxRow(
        key=f"key-{number}-{quotes}", persona="ida", channel="feed", kind="post" if quotes else "reply", text=text,
        inbox_id=None if quotes else event, due_at=record.at, drafted_at=NOW, state="sent", subject=subject, body=text,
        remote_id=f"post-{number}-{quotes}",
    )  # fmt: skip
    session.add(row)
    session.flush()
    trace = {"recalled": [{"author": record.author, "text": record.text}], "messages": [{"content": record.text}]}
    session.add(TraceRow(outbox_id=row.id, at=NOW, model="none", seed="1", body=trace))
    body = {"key": row.key, "channel": "feed", "text": text, "subject": subject}
    session.add(LogRow(at=NOW, persona="ida", kind="drafted", body=body))
    session.add(
        PostRow(
            outbox_id=row.id, persona="ida", channel="feed", kind=row.kind, text=text, at=NOW,
            remote_id=str(row.remote_id),
        )
    )  # fmt: skip


def needles_of(records: list[Record], place: Place) -> list[bytes]:
    """Return what would betray these records: names, ids, texts in every spelling, parts of them, and vectors."""
    found: list[bytes] = []
    for start in range(0, len(records), 500):
        part = records[start : start + 500]
        for record, vector in zip(part, place.memory.embed([r.text for r in part]), strict=True):
            middle = len(record.text) // 2
            texts = (record.text, record.text[:40], record.text[middle - 12 : middle + 13], record.text[-30:])
            spelt = {form for text in texts for form in (text, json.dumps(text)[1:-1])}
            ids = (record.author, record.id, record.source.removeprefix("feed:"))
            found += [one.encode() for one in (*sorted(spelt), *ids)]
            found.append(vector.tobytes()[64:128])
    return found


def own_only(needles: list[bytes], others: list[Record]) -> list[bytes]:
    """Return the needles that do not also stand in what others said: two people may share four words in a row."""
    texts = "\0".join(form for record in others for form in (record.text, json.dumps(record.text))).encode()
    return [needle for needle in needles if texts.find(needle) < 0]


def hits_in(folder: Path, needles: list[bytes]) -> tuple[int, int, int]:
    """Return how many needles are found, in how many files and bytes, by looking for each in each file."""
    hits = files = size = 0
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        files, size = files + 1, size + path.stat().st_size
        if path.stat().st_size:
            with path.open("rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as data:
                hits += sum(data.find(needle) >= 0 for needle in needles)
    return hits, files, size


def _rows(place: Place, authors: frozenset[str]) -> Iterator[str]:
    """Yield a digest of every row of journal and inbox that is not of `authors`."""
    with place.store.connect() as connection:
        for table, key in ((JournalRow.__table__, JournalRow.seq), (InboxRow.__table__, InboxRow.id)):
            for row in connection.execute(select(table).order_by(key)):
                if row.author not in authors:
                    yield hashlib.blake2b(repr(tuple(row)).encode(), digest_size=16).hexdigest()


def run(authors: int, records: int, draw: int, dimensions: int) -> dict[str, Any]:
    """Return what was found before and after."""
    folder = Path(tempfile.mkdtemp(prefix="persona-memory-forget-"))
    store = open_store(folder)
    place = Place(
        store=store, folder=folder, memory=ChromaMemory(engine=store, folder=folder, embedder=Drawn(dimensions))
    )
    try:
        every = _fill(place, authors, records, draw)
        gone, rest = every[:authors], every[authors:]
        people = [Person(author=record.author, channel="feed") for record in gone]
        names = frozenset(record.author for record in gone)
        every_needle = needles_of(gone, place)
        needles = own_only(every_needle, rest)
        before, kept = hits_in(folder, needles)[0], list(_rows(place, names))
        cpu, wall = time.process_time(), time.perf_counter()
        receipt = forget_people(people, place, NOW)
        cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
        hits, files, size = hits_in(folder, needles)
        sample = rest[:: max(len(rest) // 50, 1)]
        queries = [Query(persona="ida", text=record.text, now=NOW, limit=1) for record in sample]
        recalled = place.memory.recall(queries)
        answered = sum(a[0].record == r for a, r in zip(recalled, sample, strict=True) if a)
        health = place.memory.health()
        place.memory.close()
        closed = hits_in(folder, needles)[0]
        return {
            "authors": authors,
            "records": records,
            "dimensions": dimensions,
            "searched_for": len(needles),
            "said_by_others_too": len(every_needle) - len(needles),
            "found_before": before,
            "found_after": hits,
            "found_after_closing": closed,
            "files": files,
            "bytes": size,
            "others_rows": len(kept),
            "others_rows_changed": sum(a != b for a, b in zip(kept, _rows(place, names), strict=True)),
            "others_recalled": [answered, len(sample)],
            "index": [health[0].index, health[0].journal, health[0].ok],
            "receipt_clean": receipt.clean,
            "receipt_searched": dict(receipt.searched),
            "counts": dict(receipt.counts),
            "seconds": round(wall, 1),
            "cpu_seconds": round(cpu, 1),
        }
    finally:
        place.memory.close()
        store.dispose()
        shutil.rmtree(folder, ignore_errors=True)


def main() -> int:
    arguments = parser(__doc__)
    arguments.add_argument("--authors", type=int, default=200)
    arguments.add_argument("--records", type=int, default=50_000)
    arguments.add_argument("--draw", type=int, default=1, help="the seed of what is said")
    arguments.add_argument("--dimensions", type=int, default=DIMENSIONS, help=f"of the vectors ({DIMENSIONS})")
    args = arguments.parse_args()
    found = machine(("chromadb", "numpy", "sqlalchemy"))
    authors, records = (20, 1000) if args.quick else (args.authors, args.records)
    result = run(authors, records, args.draw, args.dimensions)
    for name, value in result.items():
        print(f"{name:20} {value}")
    finish({**result, "machine": found}, as_json=args.json)
    good = result["found_before"] and result["receipt_clean"] and result["index"][2]
    return (
        0 if good and not (result["found_after"] + result["found_after_closing"] + result["others_rows_changed"]) else 1
    )


if __name__ == "__main__":
    sys.exit(main())
