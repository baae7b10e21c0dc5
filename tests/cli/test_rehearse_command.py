"""The rehearsal by its command, with the echo model and everything else real."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FILE = ROOT / "tests" / "fixtures" / "two.yaml"


def command(folder: Path, *words: str, file: Path = FILE) -> list[str]:
    return [sys.executable, "-m", "experiments._echo", "--file", str(file), "--data", str(folder), *words]


def run(folder: Path, *words: str, file: Path = FILE) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command(folder, *words, file=file), capture_output=True, text=True, cwd=ROOT, timeout=300)


@pytest.fixture(scope="module")
def rehearsed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("rehearsed")
    done = run(folder, "rehearse", "--days", "2", "--seed", "7")
    assert done.returncode == 0, done.stderr
    assert "What came of it" in done.stdout
    assert "day 2 of 2" in done.stdout
    return folder


def digest(folder: Path) -> str:
    done = run(folder, "log", "--digest")
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_same_seed_gives_the_same_log_and_another_seed_another(rehearsed: Path, tmp_path: Path) -> None:
    assert run(tmp_path / "same", "rehearse", "--days", "2", "--seed", "7").returncode == 0
    assert run(tmp_path / "other", "rehearse", "--days", "2", "--seed", "8").returncode == 0
    assert digest(tmp_path / "same") == digest(rehearsed)
    assert digest(tmp_path / "other") != digest(rehearsed)


def test_a_second_run_doubles_nothing(rehearsed: Path) -> None:
    before = digest(rehearsed)
    assert run(rehearsed, "rehearse", "--days", "2", "--seed", "7").returncode == 0
    assert digest(rehearsed) == before


def test_a_longer_run_goes_on_and_equals_one_in_one_go(rehearsed: Path, tmp_path: Path) -> None:
    assert run(tmp_path / "one", "rehearse", "--days", "1").returncode == 0
    assert run(tmp_path / "one", "rehearse", "--days", "2").returncode == 0
    assert digest(tmp_path / "one") == digest(rehearsed)


def test_another_seed_is_refused_with_the_cure(rehearsed: Path) -> None:
    done = run(rehearsed, "rehearse", "--days", "2", "--seed", "9")
    assert done.returncode == 2
    assert "--fresh" in done.stderr


def test_fresh_starts_anew_but_never_empties_a_strangers_folder(tmp_path: Path) -> None:
    folder = tmp_path / "rehearsal"
    folder.mkdir()
    (folder / "thesis.txt").write_text("years of work")
    done = run(tmp_path, "rehearse", "--days", "1", "--fresh")
    assert done.returncode == 2
    assert (folder / "thesis.txt").read_text() == "years of work"
    (folder / "thesis.txt").unlink()
    assert run(tmp_path, "rehearse", "--days", "1").returncode == 0
    first = digest(tmp_path)
    assert run(tmp_path, "rehearse", "--days", "1", "--fresh").returncode == 0
    assert digest(tmp_path) == first


@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_cleanly_and_the_run_goes_on_later(rehearsed: Path, tmp_path: Path, sign: int) -> None:
    process = subprocess.Popen(
        command(tmp_path, "rehearse", "--days", "2"),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith("day 1"):
            break
    os.kill(process.pid, sign)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 128 + sign, err
    assert "goes on from here" in out
    assert run(tmp_path, "rehearse", "--days", "2").returncode == 0
    assert digest(tmp_path) == digest(rehearsed)


def test_kill_9_and_again_gives_the_same_log(rehearsed: Path, tmp_path: Path) -> None:
    for wait in (2.5, 3.5, 4.5):
        process = subprocess.Popen(
            command(tmp_path, "rehearse", "--days", "2"), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=ROOT
        )
        time.sleep(wait)
        process.kill()
        process.wait()
    assert run(tmp_path, "rehearse", "--days", "2").returncode == 0
    assert digest(tmp_path) == digest(rehearsed)


def test_a_second_owner_is_refused(tmp_path: Path) -> None:
    process = subprocess.Popen(
        command(tmp_path, "rehearse", "--days", "2", "--speed", "3600"), stdout=subprocess.PIPE, text=True, cwd=ROOT
    )
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith("day 1"):
            break
    done = run(tmp_path, "rehearse", "--days", "2")
    process.terminate()
    process.communicate(timeout=60)
    assert done.returncode == 3
    assert str(process.pid) in done.stderr


def test_queue_why_memory_and_doctor_on_what_there_is(rehearsed: Path) -> None:
    log = run(rehearsed, "log").stdout
    assert " sent " in log
    assert run(rehearsed, "queue").returncode == 0
    why = run(rehearsed, "why", "1")
    assert why.returncode == 0, why.stderr
    assert "candidates" in why.stdout.casefold()
    assert "canon" in run(rehearsed, "memory", "list", "tova_slow", "--kind", "canon").stdout
    found = run(rehearsed, "memory", "search", "tova_slow", "kilometres")
    assert "relevance" in found.stdout
    assert run(rehearsed, "memory", "health").returncode == 0
    doctor = run(rehearsed, "doctor", "--quick")
    assert doctor.returncode == 0, doctor.stdout
    assert "FAIL" not in doctor.stdout


LOUD = """from persona import Channel, Outgoing, Sent


class Loud(Channel):
    name = "loud"

    def send(self, post: Outgoing) -> Sent:
        with (self.seat.folder / "loud.txt").open("a") as file:
            file.write(post.text.upper() + "\\n")
        return Sent(id=post.key)
"""


def test_a_drop_in_channel_posts_live_beside_a_broken_one(tmp_path: Path) -> None:
    (tmp_path / "plugins").mkdir()
    (tmp_path / "plugins" / "loud.py").write_text(LOUD)
    (tmp_path / "plugins" / "broken.py").write_text("import no_such_thing\n")
    file = tmp_path / "personas.yaml"
    text = FILE.read_text().replace("channels: {feed: {}}", "channels: {loud: {}}")
    text = text.replace('{name: morning, at: "09:30", jitter: 20m}', '{name: always, cron: "* * * * *"}')
    file.write_text(text.replace('{name: morning, at: "07:30", jitter: 20m}', '{name: always, cron: "* * * * *"}'))
    plugins = run(tmp_path / "data", "plugins", file=file)
    assert plugins.returncode == 0
    assert "no_such_thing" in plugins.stdout
    assert "loud" in plugins.stdout
    process = subprocess.Popen(
        command(tmp_path / "data", "run", "--every", "2", file=file), stdout=subprocess.PIPE, text=True, cwd=ROOT
    )
    out = tmp_path / "data" / "loud.txt"
    deadline = time.monotonic() + 100
    while time.monotonic() < deadline and not (out.exists() and out.read_text()):
        time.sleep(1)
    process.terminate()
    process.communicate(timeout=60)
    assert process.returncode == 128 + signal.SIGTERM
    assert "#AI" in out.read_text()
