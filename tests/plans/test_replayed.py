"""A run is a function of its plan: twice in this process, and from its token in another."""

from __future__ import annotations

import random
from itertools import islice

import pytest

from plans.replayed import check, plans
from pytest_durable.faults import KINDS


@pytest.mark.slow
def test_random_plans_come_to_the_same_in_every_run_and_process() -> None:
    counts = check(100, seed=5)
    assert counts["plans"] == 100
    assert counts["with faults"] > 50
    assert counts["in another order"] > 50
    assert min(counts["SUCCEEDED"], counts["FAILED"]) > 10


def test_random_plans_have_every_kind_of_fault() -> None:
    drawn = islice(plans(random.Random(1)), 3000)
    kinds = {type(fault) for token in drawn for fault in token.plan.faults}
    missing = {kind.__name__ for kind in KINDS} - {kind.__name__ for kind in kinds}
    assert missing <= {"cold_start", "stale_token"}
