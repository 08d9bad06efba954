from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from bugs.outside import Outside, outside


@pytest.fixture(scope="session")
def folder() -> Iterator[Path]:
    """Where handlers write files. Each of thousands of runs empties it: to make one for each takes longer."""
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder)


@pytest.fixture
def world(durable_effects: Any, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Outside:
    """The world outside, empty."""
    monkeypatch.setenv("CORPUS_STAGE", "")
    outside.begin(durable_effects, folder)
    return outside
