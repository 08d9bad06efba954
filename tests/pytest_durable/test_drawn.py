"""Plans that are drawn without knowing the run."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_durable import faults
from pytest_durable.drawn import DrawnPlan
from pytest_durable.errors import UsageError


@pytest.mark.parametrize(
    "plan",
    [
        DrawnPlan(),
        DrawnPlan(faults=((2, 0), (0, 3))),
        DrawnPlan(order=((1, 1),)),
        DrawnPlan(faults=((0, 0),), kinds=("crash",)),
    ],
)
def test_its_repr_is_python_that_makes_it_again(plan: DrawnPlan) -> None:
    assert eval(repr(plan)) == plan


def test_a_plan_that_is_the_ordinary_run_shows_nothing() -> None:
    assert repr(DrawnPlan()) == "DrawnPlan()"
    assert not DrawnPlan()
    assert len(DrawnPlan(((0, 0),), ((1, 1),))) == 2


def test_kinds_are_told_by_their_names() -> None:
    assert DrawnPlan(kinds=("crash", "late_callback")).fault_kinds == (faults.crash, faults.late_callback)


@pytest.mark.parametrize("given", [((1,),), ((-1, 0),), (("a", 0),), 3, ((True, 0),)])
def test_deviations_are_pairs_of_numbers(given: Any) -> None:
    with pytest.raises(UsageError, match="faults of DrawnPlan are pairs of numbers"):
        DrawnPlan(given)


def test_an_unknown_kind_is_refused() -> None:
    with pytest.raises(UsageError, match=r"kinds of DrawnPlan are some of crash, .*, got 'earthquake'"):
        DrawnPlan(kinds=("earthquake",))
