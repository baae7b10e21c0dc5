"""The quick scan of entry points finds what the standard library finds."""

from __future__ import annotations

import importlib.metadata
from pathlib import Path

import pytest

from persona._entry_points import entry_points, imported

GROUPS = ("persona.channels", "persona.networks", "persona.memories", "console_scripts", "pytest11")


def package(folder: Path, name: str, version: str, text: str | None) -> Path:
    info = folder / f"{name}-{version}.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    if text is not None:
        (info / "entry_points.txt").write_text(text)
    return info


def by_library(groups: tuple[str, ...]) -> set[tuple[str, str, str, tuple[str, str]]]:
    points = (point for group in groups for point in importlib.metadata.entry_points(group=group))
    return {(each.group, each.name, each.value, (each.dist.name, each.dist.version)) for each in points if each.dist}


def by_scan(groups: tuple[str, ...]) -> set[tuple[str, str, str, tuple[str, str]]]:
    return {(each.group, each.name, each.value, each.distribution()) for each in entry_points(groups)}


def test_those_of_this_environment() -> None:
    assert by_scan(GROUPS) == by_library(GROUPS) != set()


def test_odd_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    package(
        first, "Loud.Channel", "1.0", "# none\n\n[persona.channels]\n  loud=loud:Loud [more]\n# no\n[other]\nx = y\n"
    )
    package(second, "loud_channel", "2.0", "[persona.channels]\nhidden = hidden:Hidden\n")
    package(second, "silent", "1", None)
    package(second, "broken", "1", "x = before:any_section\n[persona.memories]\na.b-c = m.n : O.P\n")
    package(second, "torn", "1", "[persona.channels]\nt = t:T\n").joinpath("entry_points.txt").write_bytes(b"\xff")
    (second / "old.egg-info").write_text("Metadata-Version: 1.0\nName: old\n")
    monkeypatch.syspath_prepend(second)
    monkeypatch.syspath_prepend(first)
    monkeypatch.syspath_prepend(tmp_path / "not there")
    mine = {row for row in by_scan(GROUPS) if "site-packages" not in row[2]}
    assert {("persona.channels", "loud", "loud:Loud [more]", ("Loud.Channel", "1.0"))} <= mine
    assert not {row for row in mine if row[1] in ("hidden", "t", "x")}
    # The library stops at a file that is not UTF-8.
    (second / "torn-1.dist-info" / "entry_points.txt").unlink()
    assert mine == by_library(GROUPS)


def test_what_it_names_is_imported() -> None:
    assert imported("importlib.metadata:EntryPoint.load [extra]") is importlib.metadata.EntryPoint.load
    assert imported("importlib.metadata") is importlib.metadata
    for wrong in ("importlib.metadata:Nothing", "importlib:metadata.nothing"):
        with pytest.raises(AttributeError):
            imported(wrong)
