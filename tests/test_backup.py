"""Backup while the folder is in use, restore with care."""

from __future__ import annotations

import json
import shutil
import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from persona.backup import MANIFEST, back_up, examine, restore
from persona.channel import Promise
from persona.cli import main
from persona.clock import VirtualClock
from persona.errors import BackupBroken, DataFolderInUse, NothingHereYet, WouldOverwrite
from persona.parts import Parts
from persona.rehearsal import START
from persona.runner import Runner
from persona.store import OutboxRow, Owner, get_setting, log_digest, open_store, put_setting, reading, writing
from persona.testing.channels import RecordingChannel, make_seat
from persona_feed import FeedNetwork

OpenTwo = Callable[..., Parts]
CLOCK = VirtualClock(START)


def live_through(parts: Parts, hours: float) -> None:
    clock, runner = parts.clock, Runner(parts)
    assert isinstance(clock, VirtualClock)
    runner.start(clock.now())
    until = clock.now() + timedelta(hours=hours)
    while clock.now() < until:
        runner.tick(clock.now())
        clock.set(clock.now() + timedelta(minutes=15))


def lived(open_two: OpenTwo, folder: Path, hours: float = 12) -> tuple[int, str]:
    parts = open_two(folder=folder)
    live_through(parts, hours)
    return log_digest(parts.store)


def test_what_is_restored_is_what_was_backed_up(open_two: OpenTwo, tmp_path: Path) -> None:
    folder, kept, back = tmp_path / "data", tmp_path / "kept", tmp_path / "back"
    digest = lived(open_two, folder)
    (folder / "chroma").mkdir()
    (folder / "chroma" / "big.bin").write_text("an index")
    (folder / "sub").mkdir()
    (folder / "sub" / "own.txt").write_text("a channel's own file")
    made = back_up(folder, kept, clock=CLOCK)
    assert set(made.files) >= {"persona.db", "network.db", "sub/own.txt"}
    assert not any("chroma" in name or name.endswith("-wal") for name in made.files)
    assert restore(kept, back, clock=CLOCK) is None
    engine = open_store(back)
    assert log_digest(engine) == digest
    engine.dispose()
    posts = [FeedNetwork.open(at) for at in (folder, back)]
    assert posts[0].digest() == posts[1].digest()
    for network in posts:
        network.close()
    assert (back / "sub" / "own.txt").read_text() == "a channel's own file"


def test_a_backup_under_way_is_consistent(tmp_path: Path) -> None:
    folder, stop, counted = tmp_path / "data", threading.Event(), [0]
    store = open_store(folder)
    network = sqlite3.connect(folder / "network.db", check_same_thread=False, isolation_level=None)
    network.executescript("PRAGMA journal_mode=WAL; CREATE TABLE posts (id INTEGER PRIMARY KEY, body BLOB)")

    def send() -> None:
        while not stop.is_set():
            network.execute("INSERT INTO posts (body) VALUES (randomblob(2000))")
            counted[0] += 1
            with writing(store) as session:
                put_setting(session, "sent", {"count": counted[0]})

    thread = threading.Thread(target=send)
    thread.start()
    try:
        for number in range(5):
            done = counted[0]
            while counted[0] < done + 20:
                pass
            back_up(folder, tmp_path / f"kept{number}", clock=CLOCK)
    finally:
        stop.set()
        thread.join()
        store.dispose()
        network.close()
    for number in range(5):
        examine(tmp_path / f"kept{number}")
        copy = open_store(tmp_path / f"kept{number}")
        with reading(copy) as session:
            known = (get_setting(session, "sent") or {})["count"]
        copy.dispose()
        with closing(sqlite3.connect(tmp_path / f"kept{number}" / "network.db")) as database:
            assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
            out = database.execute("SELECT count(*) FROM posts").fetchone()[0]
        assert known <= out <= known + 1


@pytest.mark.parametrize("kind", ["idempotent", "readback", "at_most_once"])
def test_what_went_out_since_is_not_sent_again(open_two: OpenTwo, tmp_path: Path, kind: str) -> None:
    channel = RecordingChannel(make_seat(handle="tamsin_specs"))
    channel.promise = Promise(kind=kind, window=timedelta(minutes=5))  # type: ignore[arg-type]
    if kind == "idempotent":
        channel.promise = Promise(kind="idempotent", window=timedelta(days=30))

    def opened(folder: Path, start: VirtualClock) -> Parts:
        parts = open_two(folder=folder, start=start.now())
        parts.channels = {("tamsin_specs", "recording"): channel}
        return parts

    parts = opened(tmp_path / "data", VirtualClock(START))
    live_through(parts, 9.5)
    back_up(tmp_path / "data", tmp_path / "kept", clock=parts.clock)
    live_through(parts, 24)
    before = [post.key for post in channel.attempts]
    assert len(before) >= 2
    clock = VirtualClock(parts.clock.now())
    restore(tmp_path / "kept", tmp_path / "back", clock=clock)
    again = opened(tmp_path / "back", clock)
    live_through(again, 48)
    out = [post.key for post in channel.sent]
    assert len(out) == len(set(out))
    assert len(out) > len(set(before)), "later posts go on"
    if kind != "idempotent":
        attempted = [post.key for post in channel.attempts]
        assert len(attempted) == len(set(attempted)), "what is out is not even tried"
    with reading(again.store) as session:
        parked = session.scalars(select(OutboxRow).where(OutboxRow.state.in_(("expired", "unknown")))).all()
    assert all(row.reasons for row in parked)


def test_restore_refuses_what_it_should(open_two: OpenTwo, tmp_path: Path) -> None:
    folder, kept = tmp_path / "data", tmp_path / "kept"
    lived(open_two, folder, 1)
    back_up(folder, kept, clock=CLOCK)
    with pytest.raises(WouldOverwrite):
        back_up(folder, kept, clock=CLOCK)
    with pytest.raises(WouldOverwrite):
        restore(kept, folder, clock=CLOCK)
    with Owner(folder), pytest.raises(DataFolderInUse):
        restore(kept, folder, clock=CLOCK, replace=True)
    (folder / "mark").write_text("of before")
    before = restore(kept, folder, clock=CLOCK, replace=True)
    assert before is not None
    assert (before / "mark").read_text() == "of before"
    assert not (folder / "mark").exists()
    with pytest.raises(NothingHereYet):
        back_up(tmp_path / "nothing", tmp_path / "other", clock=CLOCK)


@pytest.mark.parametrize("harm", ["byte", "missing", "escape", "format", "manifest"])
def test_a_broken_backup_changes_nothing(open_two: OpenTwo, tmp_path: Path, harm: str) -> None:
    kept = tmp_path / "kept"
    lived(open_two, tmp_path / "data", 1)
    back_up(tmp_path / "data", kept, clock=CLOCK)
    manifest = json.loads((kept / MANIFEST).read_text())
    if harm == "byte":
        data = bytearray((kept / "persona.db").read_bytes())
        data[len(data) // 2] ^= 1
        (kept / "persona.db").write_bytes(data)
    elif harm == "missing":
        (kept / "network.db").unlink()
    elif harm == "escape":
        manifest["files"]["../out.txt"] = "0"
    elif harm == "format":
        manifest["format"] = 99
    else:
        manifest.pop("files")
    (kept / MANIFEST).write_text(json.dumps(manifest))
    with pytest.raises(BackupBroken):
        restore(kept, tmp_path / "back", clock=CLOCK)
    assert not (tmp_path / "back").exists()


def test_the_commands(open_two: OpenTwo, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder, kept, data = tmp_path / "data", str(tmp_path / "kept"), ["--data", str(tmp_path / "data")]
    lived(open_two, folder, 1)
    assert main(["backup", kept, *data]) == 0
    assert main(["restore", kept, *data]) == 2
    assert "is there already" in capsys.readouterr().err
    assert main(["restore", kept, "--replace", *data]) == 0
    shutil.rmtree(folder)
    assert main(["restore", kept, *data]) == 0
    assert "is what it was at" in capsys.readouterr().out
