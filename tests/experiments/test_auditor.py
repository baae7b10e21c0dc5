"""The auditor finds what is wrong, alarms for nothing else, and shares no code with what it judges."""

from __future__ import annotations

import ast
import json
import sys
from pathlib import Path

import pytest

from experiments import audit, auditor
from experiments.audit.__main__ import main as run_audit

FOLDER = Path(audit.__file__).parent
PLAN = {"key": "k", "account": "ana", "due": "2026-03-02T09:00:00+00:00", "labels": ["#AI"]}
SEEN = {"at": "2026-03-02T09:00:05+00:00", "account": "ana", "text": "Rye. #AI", "key": "k", "id": "1"}


def judged(folder: Path, plan: list[object], log: list[object], *more: str) -> int:
    for name, rows in (("plan", plan), ("log", log)):
        (folder / name).write_text("".join(json.dumps(row) + "\n" for row in rows))
    return run_audit([str(folder / "plan"), str(folder / "log"), *more])


def test_fifty_planted_faults_are_found_and_clean_logs_raise_none(capsys: pytest.CaptureFixture[str]) -> None:
    assert auditor.main(["--quick", "--json"]) == 0
    report = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (report["planted"], report["found"], report["beside"], report["false_alarms"]) == (50, 50, 0, 0)
    assert report["exit_code"] == 1


def test_it_imports_the_standard_library_only() -> None:
    own = {file.stem for file in FOLDER.glob("*.py")}
    for file in FOLDER.glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            for name in names:
                assert name.split(".")[0] in sys.stdlib_module_names | own, f"{file.name} imports {name}"


def test_what_is_due_later_may_be_missing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert judged(tmp_path, [PLAN], [], "--until", "2026-03-02T08:00:00+00:00") == 0
    assert judged(tmp_path, [PLAN], []) == 1
    assert "lost: ana k" in capsys.readouterr().out


def test_a_parked_post_needs_a_reason(tmp_path: Path) -> None:
    parked = tmp_path / "parked"
    parked.write_text('{"key": "k", "reason": "the network did not say"}\n')
    assert judged(tmp_path, [PLAN], [], "--parked", str(parked)) == 0
    parked.write_text('{"key": "k", "reason": ""}\n')
    assert judged(tmp_path, [PLAN], [], "--parked", str(parked)) == 1


@pytest.mark.parametrize("row", ["{", "[]", '{"key": 1}', '{"key": "k", "account": "a", "due": "2026-03-02T09:00:00"}'])
def test_a_broken_file_is_named_with_its_line(tmp_path: Path, capsys: pytest.CaptureFixture[str], row: str) -> None:
    (tmp_path / "log").write_text("")
    (tmp_path / "plan").write_text(json.dumps(PLAN) + "\n" + row + "\n")
    assert run_audit([str(tmp_path / "plan"), str(tmp_path / "log")]) == 2
    assert f"{tmp_path / 'plan'}:2:" in capsys.readouterr().err


def test_a_clean_pair_is_clean(tmp_path: Path) -> None:
    assert judged(tmp_path, [PLAN], [SEEN]) == 0
    assert judged(tmp_path, [PLAN], [SEEN, SEEN]) == 1
