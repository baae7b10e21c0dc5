"""`persona memory forget`, `export`, `allow`, `receipts`, and one owner at a time."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from persona.cli import main
from persona.store import Owner
from tests.forgetting.lived import ANNA, OTHERS, SAID, bytes_of, live, open_place

FILE = """\
personas:
- name: Ida
  handle: ida
  bio: A virtual baker.
  voice: [warm]
  topics: [{name: bread}]
  time_zone: Europe/Lisbon
  slots: [{name: morning, at: "08:00"}]
  channels: {feed: {}}
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "personas.yaml").write_text(FILE)
    place = open_place(tmp_path / ".persona")
    live(place, others=OTHERS[1:])
    place.memory.close()
    place.store.dispose()
    return tmp_path


def test_forgets_prints_a_receipt_and_keeps_it(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["memory", "export", "--author", f"@{ANNA}"]) == 0
    assert json.loads(capsys.readouterr().out)["held"]["inbox"][0]["text"] == SAID[0]
    assert main(["memory", "forget", "--author", f"@{ANNA}", "--network"]) == 0
    out = capsys.readouterr().out
    assert "3  inbox removed" in out
    assert ": 0 found." in out
    assert ANNA.casefold() not in out.casefold()
    assert ANNA.encode() not in bytes_of(project / ".persona")
    assert main(["memory", "receipts"]) == 0
    receipt = json.loads(capsys.readouterr().out)
    assert receipt["digest"] in out
    assert main(["memory", "forget", "--author", ANNA]) == 0
    assert "Nobody of that name is known here" in capsys.readouterr().out
    assert main(["memory", "allow", "--author", ANNA, "--channel", "feed"]) == 0
    assert "heard again" in capsys.readouterr().out


def test_what_to_forget_must_be_said(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["memory", "forget"]) == 2
    assert main(["memory", "forget", "--author", "a", "--record", "b"]) == 2
    assert main(["memory", "forget", "--author", "ida"]) == 2
    assert "one of your own personas" in capsys.readouterr().err


@pytest.mark.parametrize("line", [["health"], ["forget", "--author", ANNA], ["export", "--author", ANNA], ["reindex"]])
def test_a_second_owner_is_refused_at_once(project: Path, line: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    before = bytes_of(project / ".persona" / "chroma")
    with Owner(project / ".persona"):
        began = time.perf_counter()
        assert main(["memory", *line]) == 3
        assert time.perf_counter() - began < 2
    assert "already in use by process" in capsys.readouterr().err
    assert bytes_of(project / ".persona" / "chroma") == before
