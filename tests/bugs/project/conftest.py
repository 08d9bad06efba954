from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from bugs.outside import Outside, outside


@pytest.fixture
def world(durable_effects: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Outside:
    """The world outside, empty."""
    monkeypatch.setenv("CORPUS_STAGE", "")
    outside.begin(durable_effects, tmp_path)
    return outside
