"""The lease: a living holder is respected at once, a dead one succeeded soon, and a clock alone steals nothing."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine

from persona.errors import DataFolderInUse
from persona.store import LeaseRow, open_store, reading, writing
from persona.store.lease import Lease, is_dead, this_process
from persona.testing import SettableClock


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Engine]:
    engine = open_store(tmp_path)
    yield engine
    engine.dispose()


def lease(store: Engine, holder: str, clock: SettableClock, while_waiting: object = lambda: None) -> Lease:
    assert callable(while_waiting)
    return Lease(store, holder, now=clock.now, wait=lambda seconds: while_waiting(), beat=0.05)


def test_a_second_holder_is_refused_at_once(store: Engine) -> None:
    clock = SettableClock()
    lease(store, "elsewhere/1", clock).take()
    began = time.perf_counter()
    with pytest.raises(DataFolderInUse, match="elsewhere/1"):
        lease(store, "here/2", clock).take()
    assert time.perf_counter() - began < 2


def test_one_that_ran_out_is_taken_if_no_heartbeat_comes(store: Engine) -> None:
    clock = SettableClock()
    first = lease(store, "elsewhere/1", clock)
    first.take()
    clock.advance(seconds=21)
    with pytest.raises(DataFolderInUse):
        # The other's clock was only slow: it is alive.
        lease(store, "here/2", clock, first.renew).take()
    clock.advance(seconds=21)
    second = lease(store, "here/2", clock)
    second.take()
    first.renew()
    assert "held by here/2" in first.lost
    with reading(store) as session:
        assert "held by here/2" in first.check(session)
        assert second.check(session) == ""
    second.release()
    first.renew()
    assert first.lost == ""


def test_a_lease_that_cannot_be_renewed_is_lost_and_comes_back(store: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    held = Lease(store, "here/1", ttl=timedelta(seconds=0.05))
    held.take()
    with monkeypatch.context() as patch:
        patch.setattr("persona.store.lease.writing", lambda engine: 1 / 0)
        time.sleep(0.1)
        held.renew()
        assert "cannot be renewed" in held.lost
    held.renew()
    assert held.lost == ""


def test_a_renewal_that_is_overdue_is_made_up_for_by_the_next_claim(store: Engine) -> None:
    clock = SettableClock()
    held = lease(store, "here/1", clock)
    held.take()
    clock.advance(seconds=30)
    time.sleep(0.1)
    with writing(store) as session:
        assert held.check(session) == ""
    with pytest.raises(DataFolderInUse):
        lease(store, "elsewhere/2", clock).take()


def test_the_thread_renews_it_and_the_end_gives_it_back(store: Engine) -> None:
    clock = SettableClock()
    with lease(store, "here/1", clock):
        deadline = time.monotonic() + 10
        beats = 0
        while beats < 3 and time.monotonic() < deadline:
            time.sleep(0.05)
            with reading(store) as session:
                beats = session.get_one(LeaseRow, "owner").beat
        assert beats >= 3
    with reading(store) as session:
        assert session.get(LeaseRow, "owner") is None


def test_a_killed_holder_of_this_machine_is_succeeded_at_once(store: Engine, tmp_path: Path) -> None:
    code = (
        "import time; from pathlib import Path; from persona.store import Lease, open_store\n"
        f"Lease(open_store(Path({str(tmp_path)!r}))).__enter__(); print('in', flush=True); time.sleep(60)"
    )
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "in\n"
    with pytest.raises(DataFolderInUse, match=str(process.pid)):
        Lease(store).take()
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    process.stdout.close()
    began = time.perf_counter()
    with Lease(store):
        assert time.perf_counter() - began < 2


def test_who_is_dead_is_only_said_of_this_machine() -> None:
    own = this_process()
    assert not is_dead(own)
    assert is_dead(own.rpartition("/")[0] + "/12345")
    assert not is_dead("elsewhere/" + own.partition("/")[2].rpartition("/")[0] + "/12345")
    assert not is_dead("")


def test_a_row_of_the_table_is_all_that_it_is(store: Engine) -> None:
    with writing(store) as session:
        session.add(LeaseRow(name="owner", holder="elsewhere/9", beat=3, until=SettableClock().now()))
    clock = SettableClock()
    clock.advance(seconds=1)
    lease(store, "here/1", clock).take()
    with reading(store) as session:
        row = session.get_one(LeaseRow, "owner")
        assert (row.holder, row.beat) == ("here/1", 4)
