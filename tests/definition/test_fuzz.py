"""Whatever is written: the file's reader answers with a definition or with its error, the cleaner with clean text."""

from __future__ import annotations

import tempfile
import unicodedata
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from experiments.fuzz import check_text, check_yaml, mutated
from persona.text import clean_text

RIGHT = (Path(__file__).parents[1] / "fixtures" / "two.yaml").read_text()
FEW = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck), database=None)


@FEW
@given(st.text(max_size=400))
def test_any_text_as_a_file(text: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        check_yaml(Path(folder) / "personas.yaml", text.encode("utf-8", "surrogatepass"))


@FEW
@given(st.binary(max_size=400))
def test_any_bytes_as_a_file(data: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        check_yaml(Path(folder) / "personas.yaml", data)


@FEW
@given(st.integers(0, 2**32))
def test_a_right_file_with_a_few_things_changed(seed: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        check_yaml(Path(folder) / "personas.yaml", mutated(RIGHT, seed))


@FEW
@given(st.text(st.characters(), max_size=3000))
def test_any_comment(text: str) -> None:
    check_text(text)


def test_the_cleaner_takes_out_what_cannot_be_seen() -> None:
    found = clean_text("a\u200bb\u202ec\U000e0041d")
    assert not any(unicodedata.category(sign) in ("Cf", "Cc") for sign in found if sign != "\n")
