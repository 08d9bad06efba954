from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from bugs.outside import Outside, outside


@pytest.fixture
def world(durable_effects: Any, tmp_path: Path) -> Outside:
    """The world outside, empty."""
    outside.begin(durable_effects, tmp_path)
    return outside
