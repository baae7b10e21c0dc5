"""Forgetting people for good, in steps that can each be done again: what is cut off anywhere is finished later.

1. A row says whom, before anything else is done. 2. One transaction erases them from the store and sets tombstones.
3. The memory rebuilds its index. 4. Text files of the folder are cleaned. 5. SQLite files are compacted. 6. Every
byte of the folder is searched. 7. The row becomes a receipt.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from ..digest import digest
from ..memory import Memory
from ..network import Network
from ..store import ForgettingRow, JournalRow, append, reading, writing
from .erase import erase, quoting, words_of
from .files import clean_files, compact, is_sqlite, letters_in
from .person import Person, traces_of
from .plan import Plan, plan_for
from .scan import Needles, files_under, forms_of
from .tombstones import bury

log = logging.getLogger(__name__)

OpenNetwork = Callable[[], Network]
NETWORK_FILE = "network.db"


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where people are forgotten: a data folder's store, memory and files, and what lies elsewhere.

    `also` are folders outside of it that are cleaned and searched too, such as training exports.
    """

    store: Engine
    folder: Path
    memory: Memory
    also: tuple[Path, ...] = ()
    open_network: OpenNetwork | None = None


@dataclass(frozen=True, kw_only=True)
class Receipt:
    """What was done. It holds no name, no text and no id of those who were forgotten.

    `left` says what is known to be left, and where; `clean` whether the search of all files found nothing.
    """

    at: datetime
    tombstones: tuple[str, ...]
    counts: Mapping[str, int]
    searched: Mapping[str, int]
    left: tuple[str, ...] = ()
    notes: tuple[str, ...] = field(default=())

    @property
    def clean(self) -> bool:
        return not self.searched.get("found", 0)

    def as_json(self) -> dict[str, Any]:
        """Return it as plain data with its digest, by which a copy of the receipt can be checked."""
        body = {
            "at": self.at.isoformat(),
            "tombstones": list(self.tombstones),
            "counts": dict(sorted(self.counts.items())),
            "searched": dict(self.searched),
            "left": list(self.left),
            "notes": list(self.notes),
        }
        return {**body, "digest": digest("receipt", body)}


def forget_people(people: Sequence[Person], place: Place, now: datetime, *, network: bool = False) -> Receipt:
    """Erase these people from everything in the data folder and prove it by a search of all its bytes.

    The caller owns the folder. With `network`, also what the simulated network holds of them. Idempotent. Raises
    ForgettingWaits where another process keeps a database open; the same call then goes on.
    """
    with writing(place.store) as session:
        # Everything that will be searched for must be known before the first of it is gone.
        held = traces_of(session, people)
        quoting(session, held, words_of(session, held))
        plan = plan_for(held, words_of(session, held), network=network, also=place.also)
        row = ForgettingRow(at=now, state="begun", plan=plan.sealed(), counts={}, receipt={})
        session.add(row)
        session.flush()
        row_id = row.id
    return _go_on(place, row_id)


def unfinished(store: Engine) -> list[int]:
    """Return the forgettings that were begun and not finished, oldest first."""
    with reading(store) as session:
        return list(session.scalars(select(ForgettingRow.id).where(ForgettingRow.state == "begun")))


def finish(place: Place) -> list[Receipt]:
    """Finish what was cut off; return the receipts. One that needs the network waits until it can be opened."""
    done = []
    for row_id in unfinished(place.store):
        with reading(place.store) as session:
            plan = Plan.opened(session.get_one(ForgettingRow, row_id).plan)
        if plan.network and place.open_network is None:
            log.warning("somebody is to be forgotten on the simulated network too: run `persona memory doctor`")
            continue
        done.append(_go_on(place, row_id))
    return done


def _go_on(place: Place, row_id: int) -> Receipt:
    with writing(place.store) as session:
        row = session.get_one(ForgettingRow, row_id)
        plan, at = Plan.opened(row.plan), row.at
        words = words_of(session, plan.held)
        gone = erase(session, plan.held, words, embed=place.memory.embed)
        buried = bury(session, [(p.author, p.channel) for p in plan.held.people], plan.held.events)
        row.counts = _sum(row.counts, gone)
    if plan.network and place.open_network is not None:
        _on_network(place.open_network, place, row_id, [person.author for person in plan.held.people])
    place.memory.erase(plan.held.records)
    files = _files(place, plan)
    changed, lines = clean_files(files, words, Needles(plan.needles))
    _compact(place, files)
    searched = _search(place, plan)
    with writing(place.store) as session:
        row = session.get_one(ForgettingRow, row_id)
        counts = _sum(row.counts, Counter({"files changed": changed, "lines removed": lines}))
        receipt = Receipt(at=at, tombstones=tuple(buried), counts=counts, **searched)
        row.state, row.plan, row.counts, row.receipt = "done", "", counts, receipt.as_json()
        append(session, at=at, persona="", kind="forgot", counts=counts)
    # The plan itself must not be left in what the database has freed.
    _compact(place, [])
    return receipt


def _sum(one: Mapping[str, int], other: Mapping[str, int]) -> dict[str, int]:
    return dict(sorted((+(Counter(one) + Counter(other))).items()))


def _on_network(opener: OpenNetwork, place: Place, row_id: int, handles: Sequence[str]) -> None:
    network = opener()
    try:
        gone = network.forget(handles)
    finally:
        network.close()
    with writing(place.store) as session:
        row = session.get_one(ForgettingRow, row_id)
        row.counts = _sum(row.counts, {"network statuses emptied": gone})


def _files(place: Place, plan: Plan) -> list[Path]:
    """Return the files that are searched: the folder's, without a data folder inside it, and those named besides."""
    inner = [path.parent for path in place.folder.rglob("persona.db") if path.parent != place.folder]
    hidden = [] if plan.network else [place.folder / f"{NETWORK_FILE}{end}" for end in ("", "-wal", "-shm")]
    files = files_under(place.folder, [*inner, *hidden])
    return [*files, *(file for path in plan.also for file in ([path] if path.is_file() else files_under(path)))]


def _compact(place: Place, files: Sequence[Path]) -> None:
    if place.store.dialect.name != "sqlite":
        return
    place.store.dispose()
    own = Path(str(place.store.url.database))
    for file in sorted({own, *(file for file in files if _compactable(place, file))}):
        compact(file)


def _compactable(place: Place, file: Path) -> bool:
    # Chroma's own database is thrown away and built anew, never opened.
    return file.suffix == ".db" and file.parent == place.folder and is_sqlite(file)


def _search(place: Place, plan: Plan) -> dict[str, Any]:
    """Search every byte of every file; return what a receipt says of it."""
    names, places = sorted(plan.held.names), dict[str, int]()
    if place.store.dialect.name == "sqlite":
        kept, places = letters_in(Path(str(place.store.url.database)), names)
        names = [name for name in names if name not in kept]
    wanted = {*plan.needles, *(form for name in names for form in forms_of(name))}
    needles = Needles(wanted - _vectors_of_others(place.store, Needles(wanted)))
    files = _files(place, plan)
    size, hits, left = 0, 0, []
    for file in files:
        size += file.stat().st_size
        if found := sum(needles.in_file(file).values()):
            hits += found
            left.append(f"{file.relative_to(place.folder) if file.is_relative_to(place.folder) else file}: {found}")
    searched = {"files": len(files), "bytes": size, "needles": len(needles), "found": hits}
    return {"searched": searched, "left": tuple(left), "notes": tuple(_notes(place, plan, places))}


def _notes(place: Place, plan: Plan, places: Mapping[str, int]) -> Iterator[str]:
    if plan.common:
        yield f"{plan.common} of their texts hold nothing that others did not say too, so they were not searched for"
    if places:
        where = ", ".join(f"{count} of {column}" for column, count in sorted(places.items()))
        yield f"the letters of a handle also stand, without @, in other texts, which were left: {where}"
    if not plan.network and (place.folder / NETWORK_FILE).exists():
        yield "the simulated network's own copy was neither emptied nor searched; --network does both"
    yield "what was posted stays on its network until it is deleted there"


def _vectors_of_others(store: Engine, needles: Needles) -> set[bytes]:
    """Return the needles that stand in vectors that stay: somebody else said the same."""
    found: set[bytes] = set()
    with store.connect() as connection:
        rows = connection.execute(select(JournalRow.vector).execution_options(yield_per=2000))
        for part in rows.partitions(2000):
            found.update(needles.in_bytes(b"".join(vector for (vector,) in part)))
    return found


def receipts(session: Session) -> list[dict[str, Any]]:
    """Return the receipts of all forgettings that are done, oldest first."""
    done = select(ForgettingRow.receipt).where(ForgettingRow.state == "done").order_by(ForgettingRow.id)
    return list(session.scalars(done))
