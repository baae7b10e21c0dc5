"""The measurements of memory, shortened."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from benchmarks import memory_recall, memory_speed
from benchmarks._recall_data import talks_of
from benchmarks._recall_systems import SYSTEMS


def turn(session: int, place: int, speaker: str, text: str) -> dict[str, str]:
    return {"dia_id": f"D{session}:{place}", "speaker": speaker, "text": text}


TALK = {
    "sample_id": "t",
    "conversation": {
        "session_1_date_time": "1:56 pm on 8 May, 2023",
        "session_1": [
            turn(1, 1, "Ann", "I adopted a tortoise called Rolo"),
            turn(1, 2, "Ben", "Lovely! What does it eat?"),
            turn(1, 3, "Ann", "Dandelions, mostly"),
        ],
        "session_2_date_time": "9:00 am on 1 July, 2023",
        "session_2": [turn(2, i, "Ben", f"The {word} is finished") for i, word in enumerate(["roof", "shed"] * 6)],
    },
    "qa": [
        {"question": "What is the tortoise of Ann called?", "evidence": ["D1:1"], "category": 4},
        {"question": "What does Rolo eat?", "evidence": ["D1:3; D1:2"], "category": 1},
        {"question": "Nothing?", "evidence": [], "category": 3},
    ],
}
PERSONA = {
    "persona": {"handle": "ann"},
    "items": [
        {"task": "post", "text": "A walk by the canal"},
        {"task": "callback", "memory": ["Jonas ran 5 km in October"], "topic": "running goals", "text": "Jonas!"},
    ],
}


@pytest.fixture
def data(tmp_path: Path) -> Path:
    (tmp_path / "talk.json").write_text(json.dumps([TALK]))
    (tmp_path / "people.jsonl").write_text(json.dumps(PERSONA) + "\n")
    (tmp_path / "other.jsonl").write_text('{"text": "no format of ours"}\n')
    return tmp_path


def test_reads_both_formats_and_passes_over_others(data: Path) -> None:
    people, talk = talks_of(data)
    assert [len(people.turns), len(people.questions)] == [2, 1]
    assert [q.evidence for q in talk.questions] == [{"D1:1"}, {"D1:2", "D1:3"}]
    assert talk.turns[0].text == "Ann: I adopted a tortoise called Rolo"
    assert talks_of(data / "people.jsonl") == [people]
    with pytest.raises(ValueError, match="give a folder"):
        talks_of(data / "other.jsonl")


@pytest.mark.model
def test_recall_is_measured(data: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    keep = ("Chroma", "persona_memory")
    monkeypatch.setattr(memory_recall, "SYSTEMS", {name: SYSTEMS[name] for name in keep})
    monkeypatch.setattr(sys, "argv", ["memory_recall", "--json", "--data", str(data / "talk.json")])
    memory_recall.main()
    report: dict[str, Any] = json.loads(capsys.readouterr().out.splitlines()[-1])
    found = report[f"{data / 'talk.json'}: conversations"]
    assert found["questions"] == {"one turn": 1, "several turns": 1}
    assert found["systems"]["persona_memory"]["recall_at_5"] == 1
    assert set(found["systems"]) == set(keep)


def test_speed_is_measured() -> None:
    ours = memory_speed.store("persona_memory", 3, 20, 5)
    exact = memory_speed.store("numpy product", 3, 20, 5)
    assert ours["ingest_per_s"] > 0
    assert ours["disk_mb"] > 0
    assert ours["remember_one"]["p50_ms"] >= ours["remember_one"]["p50_cpu_ms"] > 0
    assert exact["recall"]["p50_ms"] < ours["recall"]["p50_ms"]
