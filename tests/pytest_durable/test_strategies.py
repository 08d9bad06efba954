"""Plans as Hypothesis draws them."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import find, given, settings

from pytest_durable.drawn import DrawnPlan
from pytest_durable.errors import UsageError
from pytest_durable.strategies import plans

QUICK = settings(database=None, derandomize=True)


def smallest(holds: Any, **options: Any) -> DrawnPlan:
    return find(plans(**options), holds, settings=QUICK)


def test_plans_shrink_to_the_ordinary_run() -> None:
    assert smallest(lambda plan: True) == DrawnPlan()


def test_plans_shrink_to_the_earliest_and_simplest_deviation() -> None:
    assert smallest(lambda plan: len(plan.faults) > 1).faults == ((0, 0), (0, 0))
    assert smallest(lambda plan: plan.order) == DrawnPlan(order=((0, 0),))


@QUICK
@given(plans(crashes=False, api_faults=False, reach=5))
def test_without_kinds_only_the_order_deviates(plan: DrawnPlan) -> None:
    assert plan.faults == ()
    assert all(skip <= 5 for skip, _ in plan.order)


@QUICK
@given(plans(api_faults=False, callbacks=["late"], cold_starts=True, faults_max=1, reorderings_max=0))
def test_what_may_happen_is_chosen(plan: DrawnPlan) -> None:
    assert plan.kinds == ("crash", "late_callback", "cold_start")
    assert len(plan) <= 1


def test_wrong_arguments_are_refused_before_anything_is_drawn() -> None:
    with pytest.raises(UsageError, match="callbacks of plans are some of duplicate, late"):
        plans(callbacks=["sometimes"])
    with pytest.raises(UsageError, match="faults_max of plans is a number of at least 0, got -1"):
        plans(faults_max=-1)
