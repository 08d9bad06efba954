"""A test that says nothing of it is explored within bounds, and what differs comes first."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from durable_machine import Machine, Trials

from pytest_durable.exploration.explorer import explore
from pytest_durable.exploration.limits import LEAST_ORDERS, LEAST_PLANS, MOST_PLANS, limits_of
from pytest_durable.exploration.report import Report
from pytest_durable.exploration.settings import ExplorationSettings
from pytest_durable.exploration.spread import spread
from pytest_durable.exploration.trial import Trial
from pytest_durable.plan import Plan
from pytest_durable.points import Point, Position


def steps(count: int, name: str = "step {}") -> Any:
    def handler(machine: Machine) -> None:
        for number in range(count):
            machine.step(name.format(number))

    return lambda machine: machine.run(handler)


def of_length(points: int, events: int = 0) -> Trial:
    point = Point(Position.RETURN, ("handler",), "e", 1)
    return Trial(Plan(), [point] * points, (), (), "", events=events)


def explored(test: Any, **asked: Any) -> tuple[Report, Trials]:
    run = Trials(test)
    return explore(run, ExplorationSettings(**asked)), run


def test_a_run_of_twenty_steps_is_covered_completely() -> None:
    report, _ = explored(steps(20))
    assert report.coverage.cut_off == ""
    assert report.coverage.is_complete


def test_a_long_run_stops_at_the_default_limit_and_says_how_to_run_all() -> None:
    report, run = explored(steps(100))
    coverage = report.coverage
    assert report.passed
    runs = len(run.plans) - 1
    assert runs == limits_of(ExplorationSettings(), run(Plan())).total
    assert LEAST_PLANS + LEAST_ORDERS < runs < MOST_PLANS / 4
    assert not coverage.is_complete
    found = sum(coverage.found.values())
    assert coverage.cut_off == (
        f"stopped at the default limit of {runs} schedules for a run of this length: "
        f"{sum(coverage.covered.values())} of {found:,} points covered; "
        f"--durable-schedules={found + 50} runs all"
    )
    whole, _ = explored(steps(100), schedules=found + 50)
    assert whole.coverage.is_complete


def test_a_budget_of_time_or_of_schedules_lifts_the_default_limit() -> None:
    for asked in ({"budget": "10m"}, {"schedules": 10_000}):
        report, _ = explored(steps(60), **asked)
        assert report.coverage.is_complete


def test_what_is_left_out_is_like_what_is_run() -> None:
    """Each position and each fault is tried somewhere, and at the first and the last step."""
    report, run = explored(steps(100))
    assert set(report.coverage.covered) == set(report.coverage.found)
    tried = " ".join(map(repr, run.plans))
    for step in ("step 0", "step 1", "step 99"):
        assert f"before_step='{step}'" in tried
        assert f"after_step='{step}'" in tried


def test_of_steps_with_different_names_each_is_tried_before_one_is_tried_twice() -> None:
    names = [chr(ord("a") + number // 26) + chr(ord("a") + number % 26) for number in range(30)]

    def handler(machine: Machine) -> None:
        for name in names:
            machine.step(name)

    _, run = explored(lambda machine: machine.run(handler), api_faults="none", schedules=75, interleavings=0)
    tried = " ".join(map(repr, run.plans))
    assert all(f"before_step='{name}'" in tried for name in names)
    assert len({plan.faults for plan in run.plans}) == 76


def test_a_point_that_only_a_fault_leads_to_is_among_what_is_run() -> None:
    def handler(machine: Machine) -> None:
        for number in range(100):
            machine.step(f"step {number}")
        if machine.invocations > 1:
            machine.step("refund")

    _, run = explored(lambda machine: machine.run(handler))
    assert any("refund" in repr(plan) for plan in run.plans)


def test_what_is_asked_for_is_run_however_long_the_run() -> None:
    settings = ExplorationSettings(interleavings=70)
    assert limits_of(settings, of_length(10_000)).orders == 70
    assert limits_of(ExplorationSettings(interleavings="exhaustive"), of_length(10_000)).total is None
    pairs = limits_of(ExplorationSettings(crashes="pairs"), of_length(100)).sweep
    assert pairs == MOST_PLANS * 10


@pytest.mark.parametrize(
    ("points", "events", "plans", "orders"),
    [(0, 0, 400, 50), (100, 100, 400, 50), (200, 10, 100, 12), (10, 200, 100, 12), (5_000, 0, 30, 10)],
)
def test_the_limit_falls_with_the_length_of_the_run(
    points: int, events: int, plans: int, orders: int
) -> None:
    limits = limits_of(ExplorationSettings(), of_length(points, events))
    assert (limits.sweep, limits.orders) == (plans, orders)


def test_orders_get_a_share_of_a_limit_that_the_sweep_would_use_up() -> None:
    limits = limits_of(ExplorationSettings(schedules=100), of_length(10))
    assert (limits.sweep, limits.total) == (80, 100)


def test_numbers_are_spread_from_the_ends_to_the_gaps() -> None:
    assert [spread(count) for count in range(4)] == [[], [0], [0, 1], [0, 1, 2]]
    assert spread(9) == [0, 1, 8, 4, 2, 6, 3, 5, 7]
    assert all(Counter(spread(count)) == Counter(range(count)) for count in range(40))
