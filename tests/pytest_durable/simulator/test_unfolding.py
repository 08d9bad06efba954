"""What a drawn plan comes to mean while a run goes on."""

from __future__ import annotations

from pytest_durable import faults
from pytest_durable.drawn import DrawnPlan
from pytest_durable.plan import Plan
from pytest_durable.points import Point, Position
from pytest_durable.simulator.injector import Injector
from pytest_durable.simulator.unfolding import (
    UnfoldingInjector,
    UnfoldingOrder,
    deviations_of,
    unfolded,
)

POINTS = [
    Point(Position.INVOCATION, ("function",), "e", 1),
    Point(Position.BEFORE_STEP, ("charge",), "e", 1, attempt=1),
    Point(Position.DURING_STEP, ("charge",), "e", 1, effect="charge", attempt=1),
    Point(Position.AFTER_STEP, ("charge",), "e", 1, attempt=1),
    Point(Position.REQUEST, ("checkpoint",), "e", 1),
    Point(Position.BEFORE_STEP, ("charge",), "e", 1, attempt=2),
    Point(Position.REQUEST, ("checkpoint",), "e", 1),
    Point(Position.RETURN, ("function",), "e", 1),
]


def strikes(injector: Injector) -> dict[int, str]:
    """Return the points of a run at which something happens, by their numbers."""
    actions = ((number, injector.at(point)) for number, point in enumerate(POINTS))
    return {number: repr(action) for number, action in actions if action is not None}


def crashes(*deviations: tuple[int, int]) -> UnfoldingInjector:
    return UnfoldingInjector(Injector(), DrawnPlan(deviations, kinds=("crash",)))


def test_points_at_which_no_kind_can_strike_do_not_count() -> None:
    injector = crashes((0, 0))
    assert list(strikes(injector)) == [1]
    assert injector.unfolded == [faults.crash(before_step="charge")]


def test_a_deviation_passes_by_so_many_points_after_the_one_before() -> None:
    injector = crashes((2, 0), (1, 0))
    assert list(strikes(injector)) == [3, 5]
    assert injector.unfolded == [
        faults.crash(after_step="charge"),
        faults.crash(before_step="charge", nth=2),
    ]


def test_a_choice_takes_one_of_what_is_possible_there_and_begins_again() -> None:
    found = []
    for choice in range(3):
        injector = crashes((3, choice))
        strikes(injector)
        found += injector.unfolded
    assert found == [
        faults.crash(at_checkpoint=1),
        faults.crash(at_checkpoint=1, persisted=True),
        faults.crash(at_checkpoint=1),
    ]


def test_what_a_plan_came_to_strikes_at_the_same_points_when_it_is_written_down() -> None:
    for skip in range(12):
        for choice in range(12):
            injector = UnfoldingInjector(Injector(), DrawnPlan(((skip, choice), (1, choice))))
            struck = strikes(injector)
            assert strikes(Injector(injector.unfolded)) == struck


def test_a_deviation_that_meets_no_point_does_nothing() -> None:
    injector = crashes((99, 0))
    assert strikes(injector) == {}
    assert injector.unfolded == []


def test_nobody_asks_for_an_empty_plan() -> None:
    assert UnfoldingInjector(Injector(), DrawnPlan()).is_idle
    assert not crashes((0, 0)).is_idle


def test_faults_that_the_test_names_go_first() -> None:
    named = faults.fail_step("charge")
    injector = UnfoldingInjector(Injector((named,)), DrawnPlan(((0, 0),), kinds=("crash",)))
    struck = strikes(injector)
    assert "Raise" in struck[1]
    assert list(struck) == [1, 2]
    assert injector.struck == [named]


def test_order_deviates_at_a_decision_and_is_written_down() -> None:
    order = UnfoldingOrder(((1, 0), (0, 4)))
    assert [order.pick("next", options) for options in (2, 3, 3, 2)] == [0, 1, 1, 0]
    assert order.unfolded == [(1, 1), (2, 1)]
    assert not order.is_ordinary
    assert UnfoldingOrder(()).is_ordinary


def test_both_make_a_plan_of_this_very_run() -> None:
    injector, order = crashes((0, 0)), UnfoldingOrder(((0, 0),))
    strikes(injector)
    order.pick("next", 2)
    assert unfolded(injector, order) == Plan((faults.crash(before_step="charge"),), ((0, 1),))


def test_picks_as_deviations_take_the_same_options() -> None:
    picks = ((1, 2), (2, 0), (4, 1), (5, 1))
    order = UnfoldingOrder(deviations_of(picks))
    assert [order.pick("next", 3) for _ in range(7)] == [0, 2, 0, 0, 1, 1, 0]
    assert order.unfolded == [(1, 2), (4, 1), (5, 1)]
