"""`persona outbox`, `pause`, `resume` and `channel`, on a folder with something in it; and `run` beside them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, select

from persona import gate, pause
from persona.cli import main
from persona.store import LogRow, OutboxRow, get_setting, open_store, put_setting, reading, writing
from persona.watch import CONFIRMED

ROOT = Path(__file__).parents[2]
FILE = ROOT / "tests" / "fixtures" / "two.yaml"


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Engine]:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "personas.yaml").write_text(FILE.read_text())
    engine = open_store(tmp_path / ".persona")
    yield engine
    engine.dispose()


def fill(store: Engine) -> None:
    now = datetime.now(UTC)
    with writing(store) as session:
        for n, state in enumerate(("ready", "failed", "unknown", "sent", "held")):
            session.add(
                OutboxRow(
                    key=f"{n}{state}",
                    persona="tova_slow" if n else "tamsin_specs",
                    channel="feed",
                    kind="post",
                    due_at=now - timedelta(minutes=n),
                    state=state,
                    body=f"text {n}",
                    text=f"text {n} [bold]#AI",
                    labels=["#AI"],
                    reasons=[f"reason {n}"],
                )
            )


def test_the_outbox_is_listed_retried_and_dropped(store: Engine, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["outbox"]) == 0
    assert capsys.readouterr().out == "The outbox is empty.\n"
    fill(store)
    assert main(["outbox"]) == 0
    out = capsys.readouterr().out
    assert "[bold]#AI" in out
    assert "reason 2" in out
    assert "reason 3" not in out
    assert main(["outbox", "--dead", "--json"]) == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [row["state"] for row in rows] == ["unknown", "failed"]
    assert rows[0]["reasons"] == ["reason 2"]
    assert main(["outbox", "--state", "ready", "--persona", "@tamsin_specs", "--json"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 1
    assert main(["outbox", "retry", "2"]) == 0
    assert main(["outbox", "drop", "2unknown", "--by", "ines"]) == 0
    assert main(["outbox", "drop", "4"]) == 6
    assert "it cannot be dropped" in capsys.readouterr().err
    with reading(store) as session:
        assert [row.state for row in session.scalars(select(OutboxRow).order_by(OutboxRow.id))] == [
            "ready",
            "ready",
            "rejected",
            "sent",
            "held",
        ]
        assert [(row.kind, row.body["by"]) for row in session.scalars(select(LogRow))] == [
            ("retried", "operator"),
            ("dropped", "ines"),
        ]


def test_pause_and_resume(store: Engine, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fill(store)
    assert main(["pause", "Tova Lind", "--until", "2h", "--by", "ines"]) == 0
    assert "@tova_slow posts nothing until" in capsys.readouterr().out
    assert main(["pause"]) == 0
    now = datetime.now(UTC)
    with reading(store) as session:
        still = pause.paused(session, tmp_path / ".persona", now)
    assert still.why("anyone") == "paused by operator"
    assert main(["outbox", "--state", "ready", "--json"]) == 0
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["waits_for"] == "paused by operator"
    assert main(["resume"]) == 0
    assert capsys.readouterr().out == "Everyone posts again.\n"
    with reading(store) as session:
        assert pause.paused(session, tmp_path / ".persona", now).reasons == {}
        assert get_setting(session, CONFIRMED) is not None
    assert main(["resume", "@tamsin_specs"]) == 0
    assert "was not paused" in capsys.readouterr().out
    assert main(["pause", "nobody"]) == 2
    assert "There are: tova_slow, tamsin_specs" in capsys.readouterr().err
    assert main(["pause", "--until", "soon"]) == 2
    (tmp_path / ".persona" / "PAUSE").touch()
    assert main(["resume"]) == 1
    assert "PAUSE still pauses" in capsys.readouterr().out


def test_the_kill_switch_works_while_the_file_is_wrong(
    store: Engine, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "personas.yaml").write_text("personas: [")
    assert main(["pause", "@tova_slow"]) == 0
    assert main(["pause"]) == 0
    with reading(store) as session:
        assert set(pause.paused(session, tmp_path, datetime.now(UTC)).reasons) == {"", "tova_slow"}


def test_a_stopped_channel_is_listed_and_resumed(store: Engine, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["channel"]) == 0
    assert capsys.readouterr().out == "All channels are well.\n"
    with writing(store) as session:
        gate.stop(session, "tova_slow", "feed", datetime.now(UTC), "status 401")
    assert main(["channel", "list"]) == 0
    assert "feed of @tova_slow (send): stopped: status 401" in capsys.readouterr().out
    assert main(["doctor", "--quick"]) == 1
    assert "channel feed of @tova_slow is stopped: status 401" in capsys.readouterr().out
    assert main(["channel", "resume", "tova_slow", "--channel", "feed"]) == 0
    assert capsys.readouterr().out == "Resumed: feed of @tova_slow.\n"
    assert main(["channel", "resume"]) == 0
    assert capsys.readouterr().out == "Nothing was stopped or resting.\n"


def test_doctor_tells_of_a_late_tick(store: Engine, capsys: pytest.CaptureFixture[str]) -> None:
    with writing(store) as session:
        put_setting(session, "tick", {"at": "2026-01-01T00:00:00+00:00", "every": 15.0, "stopped": False})
    assert main(["doctor", "--quick"]) == 1
    assert "the last tick was" in capsys.readouterr().out


@pytest.mark.slow
def test_a_live_run_is_paused_by_a_signal_and_refuses_a_second(tmp_path: Path) -> None:
    words = ["--file", str(FILE), "--data", str(tmp_path), "run", "--every", "0.5"]
    command = [sys.executable, "-m", "experiments._echo", *words]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, cwd=ROOT)
    assert process.stdout is not None
    assert "are live" in process.stdout.readline()
    second = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=120)
    assert second.returncode == 3
    assert str(process.pid) in second.stderr
    os.kill(process.pid, signal.SIGUSR1)
    assert process.stdout.readline() == "Paused: nothing is posted.\n"
    assert (tmp_path / "PAUSE").exists()
    os.kill(process.pid, signal.SIGUSR1)
    assert process.stdout.readline() == "Posting again.\n"
    assert not (tmp_path / "PAUSE").exists()
    store = open_store(tmp_path)
    with reading(store) as session:
        first = get_setting(session, "tick")
    later, deadline = first, time.monotonic() + 60
    while later == first and time.monotonic() < deadline:
        time.sleep(0.5)
        with reading(store) as session:
            later = get_setting(session, "tick")
    assert later != first
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    process.stdout.close()
    # Taken over at once, and stopped on purpose.
    done = subprocess.run([*command, "--ticks", "1"], capture_output=True, text=True, cwd=ROOT, timeout=120)
    assert done.returncode == 0, done.stderr
    with reading(store) as session:
        tick = get_setting(session, "tick")
    store.dispose()
    assert tick is not None
    assert tick["stopped"]
