"""`persona train` as a user gives it."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from persona.cli import main
from persona.store import InboxRow, open_store, writing
from persona.train.fit import CHECKPOINT
from persona.writer.adapter import WEIGHTS
from tests.train.train_parts import NOUNS, VERBS, post_text

ROOT = Path(__file__).parents[2]
FOREIGN = "Somebody should write about the quiet of a closed bakery."

pytestmark = pytest.mark.usefixtures("own_cache")


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_a_writer_is_trained_and_said_how_to_use(
    posts_file: Path, llama: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with posts_file.open("a") as stream:
        stream.write('{"text": "My number is +49 170 1234567."}\n{"text": "Ok"}\n')
    line = [
        "train",
        "--data",
        "posts.jsonl",
        "--base",
        str(llama),
        "--out",
        "brand",
        "--epochs",
        "2",
        "--rate",
        "0.003",
    ]
    assert main(line) == 0
    out = capsys.readouterr().out
    assert "posts.jsonl: 42 lines, 40 kept (utf-8)." in out
    assert "line 41 left out: personal data (a phone number in its text)" in out
    assert "1234567" not in out
    assert re.search(r"Loss on texts that were not trained on: [\d.]+ before, [\d.]+ after", out)
    assert "writer: {model: brand, reads: briefs}" in out
    assert re.search(r"^step (\d+) of \1 ", out, re.MULTILINE)
    assert Path("brand", WEIGHTS).is_file()
    assert main(line) == 2
    assert "holds a finished training" in capsys.readouterr().err


def test_check_only_tells(posts_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "--data", "posts.jsonl", "--out", "brand", "--check"]) == 0
    assert "40 lines, 40 kept" in capsys.readouterr().out
    assert not Path("brand").exists()


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (["--out", "x"], "Nothing says what to train on"),
        (["--data", "missing.jsonl", "--out", "x"], "there is no such file"),
        (["--data", "bad.txt", "--out", "x"], "lines are unusable"),
        (["--data", "posts.jsonl", "--base", "no such", "--out", "x"], "a hub name"),
        (["--data", "posts.jsonl", "--base", "LLAMA", "--out", "x", "--resume"], "holds no unfinished training"),
    ],
)
def test_what_cannot_be_done_is_said_and_nothing_is_written(
    line: list[str], said: str, posts_file: Path, llama: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("bad.txt").write_text("no\nno\nthis one is fine enough\n")
    assert main(["train", *(str(llama) if word == "LLAMA" else word for word in line)]) in (2, 4)
    assert said in capsys.readouterr().err
    assert not Path("x").exists()


def test_a_persona_is_trained_on_its_samples(llama: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["init"]) == 0
    file = Path("personas.yaml")
    texts = [post_text(i) if i != 2 else FOREIGN for i in range(6)]
    posts = "".join(f"\n        - {text}" for text in texts)
    file.write_text(re.sub(r"      posts: .*", lambda found: f"      posts:{posts}", file.read_text()))
    with writing(open_store(Path(".persona"))) as session:
        from datetime import UTC, datetime

        now = datetime(2026, 3, 4, tzinfo=UTC)
        session.add(
            InboxRow(
                persona="ada_crumb",
                channel="feed",
                remote_id="1",
                kind="reply",
                author="ben",
                at=now,
                text=FOREIGN,
            )
        )
    assert main(["train", "--persona", "nobody", "--out", "ada"]) == 2
    assert "There are: ada_crumb" in capsys.readouterr().err
    line = ["train", "--persona", "Ada Crumb", "--base", str(llama), "--out", "ada", "--epochs", "1"]
    assert main(line) == 0
    out = capsys.readouterr().out
    assert "@ada_crumb (7 samples, 0 approved posts): 7 lines, 6 kept" in out
    assert "line 3 left out: another's words" in out
    asked = {text["asked"] for text in json.loads(Path("ada", "report.json").read_text())["samples"]["texts"]}
    assert all(text.startswith(("Write a post", "A follower writes")) for text in asked)


def test_the_data_folder_stands_before_the_word(
    posts_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with writing(open_store(tmp_path / "elsewhere")) as session:
        from datetime import UTC, datetime

        now = datetime(2026, 3, 4, tzinfo=UTC)
        session.add(InboxRow(persona="a", channel="f", remote_id="1", kind="reply", author="ben", at=now, text=FOREIGN))
    with posts_file.open("a") as stream:
        stream.write(json.dumps({"text": f"They say: {FOREIGN}"}) + "\n")
    assert main(["--data", "elsewhere", "train", "--data", "posts.jsonl", "--out", "x", "--check"]) == 0
    assert "line 41 left out: another's words" in capsys.readouterr().out


def test_the_embedding_model_is_kept_or_not_by_exit_code(bert: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [{"query": f"{VERBS[i // 10]} {NOUNS[i % 10]} of {i}?", "text": post_text(i)} for i in range(100)]
    Path("pairs.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    line = ["train", "--embedding", "--data", "pairs.jsonl", "--base", str(bert)]
    assert main([*line, "--out", "good", "--epochs", "8", "--rate", "0.003"]) == 0
    assert re.search(r"Recall on 10 held-out queries: @1 [\d.]+ % before and [\d.]+ % after", capsys.readouterr().out)
    assert Path("good", "model.safetensors").is_file()
    assert main([*line, "--out", "bad", "--epochs", "0.3", "--rate", "1e-9"]) == 1
    assert "It is not better and was not kept" in capsys.readouterr().out
    assert sorted(path.name for path in Path("bad").iterdir()) == ["report.json", "report.md"]


@pytest.mark.slow
def test_killed_or_interrupted_the_same_command_goes_on(posts_file: Path, llama: Path, tmp_path: Path) -> None:
    line = [sys.executable, "-m", "persona.cli", "train", "--data", str(posts_file), "--base", str(llama)]
    line += ["--epochs", "30", "--rate", "0.001"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}

    def run(out: str, number: int = 0, lines: int = 0) -> int:
        with subprocess.Popen([*line, "--out", out], env=environment, stdout=subprocess.PIPE, text=True) as child:
            assert child.stdout is not None
            for said in child.stdout:
                lines -= said.startswith("step ")
                if number and lines == 0:
                    child.send_signal(number)
                    number = 0
            return child.wait(timeout=240)

    assert run("killed", signal.SIGKILL, 2) == -signal.SIGKILL
    assert Path("killed", ".training", "fit", CHECKPOINT).is_file()
    assert run("killed", signal.SIGINT, 2) == 130
    assert not Path("killed", WEIGHTS).exists()
    assert run("killed") == 0
    assert run("whole") == 0
    assert Path("killed", WEIGHTS).read_bytes() == Path("whole", WEIGHTS).read_bytes()
    assert not Path("killed", ".training").exists()
