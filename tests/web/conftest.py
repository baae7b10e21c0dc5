"""The filled folder and the page on it, as fixtures."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from tests.web.web_folder import BASE, Folder, fill


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Folder]:
    made = fill(tmp_path)
    yield made
    made.network.close()
    made.engine.dispose()


@pytest.fixture
def client(folder: Folder) -> Iterator[TestClient]:
    with TestClient(folder.app(), base_url=BASE, follow_redirects=False) as made:
        yield made


@pytest.fixture
def client_of(folder: Folder) -> Callable[..., TestClient]:
    """Return a client on the same folder, with other arguments for the app."""
    return lambda base=BASE, **changes: TestClient(folder.app(**changes), base_url=base, follow_redirects=False)
