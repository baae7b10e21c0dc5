"""One tiny model for all tests of writers."""

from __future__ import annotations

from pathlib import Path

import pytest

from persona.testing.models import tiny_model
from persona.writer import LocalChatModel


@pytest.fixture(scope="session")
def tiny_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_model(tmp_path_factory.mktemp("models") / "tiny")


@pytest.fixture(scope="session")
def tiny(tiny_folder: Path) -> LocalChatModel:
    return LocalChatModel(folder=str(tiny_folder), precision="float32", max_rows=8)
