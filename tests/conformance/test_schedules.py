"""How an execution ends does not depend on the order in which simultaneous things happen."""

from __future__ import annotations

import pytest
from conformance import (
    test_callback,
    test_child,
    test_invoke,
    test_map,
    test_parallel,
    test_step,
    test_wait,
    test_wait_for_callback,
    test_wait_for_condition,
)
from conformance.driver import Case, compare_results, run
from conformance.matching import Matcher

MODULES = (
    test_step,
    test_wait,
    test_child,
    test_callback,
    test_invoke,
    test_wait_for_condition,
    test_wait_for_callback,
    test_parallel,
    test_map,
)
CASES = [case for module in MODULES for case in module.REQUIREMENTS + module.OUR_OWN if not case.suspends]


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_every_case_ends_the_same_under_a_random_schedule(case: Case, seed: int) -> None:
    assert compare_results(case, run(case, seed), Matcher()) == []
