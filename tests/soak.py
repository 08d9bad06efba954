"""How far the suite searches: a part of the way that ``make soak`` goes."""

from __future__ import annotations

import os

IS_SOAK = "SOAK_RUNS" in os.environ


def part_of(count: int) -> int:
    """Return of how many examples, or schedules, a search consists, which would have ``count`` of them."""
    return count if IS_SOAK else max(1, count // 3)
