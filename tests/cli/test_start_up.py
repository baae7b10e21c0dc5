"""What `persona check` costs, counted in processor time and against Python's own start."""

from __future__ import annotations

import resource
import shutil
import subprocess
import sys
from pathlib import Path
from statistics import median

import pytest

from persona.cli import main

ROOT = Path(__file__).parent.parent.parent
# The script that pip writes imports `re` too.
PERSONA = [sys.executable, "-c", "import re, sys; from persona.cli import main; sys.exit(main())"]
HEAVY = ("pydantic", "argparse", "importlib.metadata", "pathlib", "zoneinfo", "logging")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    shutil.copy(ROOT / "personas.yaml", tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    # As it is once installed and run: compiled.
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "")
    monkeypatch.setenv("PYTHONPYCACHEPREFIX", str(tmp_path / "compiled"))
    return tmp_path


def cost(command: list[str]) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True, timeout=60)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def test_check_is_quick_to_start(folder: Path) -> None:
    lines = {
        "python": [sys.executable, "-c", "pass"],
        "edited": [*PERSONA, "check", "--fresh"],
        "unchanged": [*PERSONA, "check"],
    }
    costs: dict[str, list[float]] = {name: [] for name in lines}
    for line in lines.values():
        cost(line)
    for _ in range(11):
        for name, line in lines.items():
            costs[name].append(cost(line))
    python = median(costs["python"])
    ratios = {name: round(median(each) / python, 2) for name, each in costs.items()}
    # Measured 7 and 2; 10 is promised.
    assert ratios["edited"] <= 10, ratios
    assert ratios["unchanged"] <= 4, ratios


def test_check_of_a_right_file_imports_little(folder: Path) -> None:
    code = (
        "import sys; before = set(sys.modules); from persona.cli import main; code = main(['check', '--fresh']);"
        f"print(code, sorted(set({HEAVY!r}) & (set(sys.modules) - before)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.splitlines()[-1] == "0 []"


def test_both_ways_print_the_same(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert main(["check", "--fresh"]) == 0
    quick = capsys.readouterr()
    monkeypatch.setattr("persona.definition.quick.surely_right", lambda path, registry: None)
    assert main(["check", "--fresh"]) == 0
    assert capsys.readouterr() == quick
    assert quick.out.count("\n") == 6
