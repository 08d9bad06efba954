"""Faults are frozen values whose repr is Python, and they know the points that they are about."""

from __future__ import annotations

import dataclasses
import datetime

import pytest

from pytest_durable import faults
from pytest_durable.errors import UsageError
from pytest_durable.plan import Plan
from pytest_durable.points import Point, Position

EXAMPLES = (
    faults.fail_step("charge", times=2),
    faults.fail_step("charge", ValueError, times="always"),
    faults.crash(before_step="charge"),
    faults.crash(during_step="orders/charge", effect="mail"),
    faults.crash(after_step=True, nth=3),
    faults.crash(at_checkpoint=3, persisted=True),
    faults.crash(before_return=True),
    faults.crash(during_replay=True),
    faults.throttle(),
    faults.service_error("get_state", "ServiceException", 503, times=2),
    faults.lose_request(nth=2),
    faults.lose_response("get_state"),
    faults.request_too_large(),
    faults.slow_api("checkpoint", "5s"),
    faults.stale_token(),
    faults.revoke_token(times=2),
    faults.duplicate_request(),
    faults.partial_page(items=2),
    faults.latency("charge", datetime.timedelta(minutes=5)),
    faults.invocation_timeout("charge"),
    faults.out_of_memory("charge"),
    faults.duplicate_invocation(nth=2),
    faults.cold_start(),
    faults.duplicate_callback("approval"),
    faults.late_callback(),
    faults.early_callback(),
    faults.lost_callback("approval"),
    faults.reordered_callback("approval"),
)


def test_every_kind_has_an_example() -> None:
    assert {type(example) for example in EXAMPLES} == set(faults.KINDS)


@pytest.mark.parametrize("fault", [*EXAMPLES, faults.reorder({3: 1, 1: 2})], ids=repr)
def test_the_repr_of_a_fault_is_python_that_makes_it_again(fault: faults.Fault | faults.reorder) -> None:
    assert eval(repr(fault), {"faults": faults, "datetime": datetime, "ValueError": ValueError}) == fault


@pytest.mark.parametrize("fault", EXAMPLES, ids=repr)
def test_a_fault_cannot_be_changed(fault: faults.Fault) -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        fault.nth = 2  # type: ignore[misc]


def test_an_order_cannot_be_changed() -> None:
    order = faults.reorder({1: 2})
    with pytest.raises(dataclasses.FrozenInstanceError):
        order.picks = ()  # type: ignore[misc]


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda: faults.crash(), "exactly one of before_step"),
        (lambda: faults.crash(before_step="a", after_step="b"), "got before_step, after_step"),
        (lambda: faults.crash(before_step="a", persisted=True), "persisted of faults.crash goes with"),
        (lambda: faults.crash(at_checkpoint=0), "at_checkpoint of faults.crash is a positive integer"),
        (lambda: faults.crash(at_checkpoint=1, nth=2), "not both"),
        (lambda: faults.crash(before_return=True, effect="mail"), "goes with during_step"),
        (lambda: faults.crash(after_step=""), "after_step of faults.crash is a name"),
        (lambda: faults.fail_step(""), "a name, or True for any"),
        (lambda: faults.fail_step("a", error=3), "is an exception, got 3"),  # type: ignore[arg-type]
        (lambda: faults.fail_step("a", times=0), "times of faults.fail_step is a positive integer"),
        (lambda: faults.throttle("invoke"), "api of faults.throttle is one of 'checkpoint', 'get_state'"),
        (lambda: faults.throttle(nth=0), "nth of faults.throttle is a positive integer"),
        (lambda: faults.service_error("checkpoint", "X", 200), "status of faults.service_error is 400"),
        (lambda: faults.service_error("checkpoint", "", 500), "code of faults.service_error"),
        (lambda: faults.latency("a", "soon"), "duration of faults.latency is a duration"),
        (lambda: faults.latency("a", 0), "longer than zero"),
        (lambda: faults.partial_page(items=0), "items of faults.partial_page"),
        (lambda: faults.reorder({-1: 1}), "picks of faults.reorder maps numbers to numbers"),
    ],
)
def test_a_wrong_argument_is_refused_when_the_fault_is_made(make: object, told: str) -> None:
    assert callable(make)
    with pytest.raises(UsageError, match=told.replace("(", r"\(")):
        make()


def _point(position: Position, *path: str | None) -> Point:
    return Point(position, path, "execution", 1)


def test_a_step_is_named_by_its_name_the_end_of_its_path_or_true() -> None:
    point = _point(Position.BEFORE_STEP, "orders", "charge")
    for name in ("charge", "orders/charge", True):
        assert faults.crash(before_step=name).meets(point)  # type: ignore[arg-type]
    for other in ("orders", "other/charge", "arge"):
        assert not faults.crash(before_step=other).meets(point)


def test_a_fault_strikes_from_its_nth_point_as_often_as_its_times_say() -> None:
    fault = faults.throttle(nth=2, times=2)
    assert [fault.strikes_at(count) for count in range(1, 6)] == [False, True, True, False, False]
    assert all(faults.throttle(times="always").strikes_at(count) for count in (1, 5, 99))


@pytest.mark.parametrize("position", Position)
def test_what_is_explored_at_a_point_meets_it(position: Position) -> None:
    point = _point(position, "checkpoint" if position is Position.REQUEST else "charge")
    explored = [fault for kind in faults.KINDS for fault in kind.explored_at(point)]
    assert all(fault.meets(point) for fault in explored)
    assert len(set(explored)) == len(explored)


def test_a_plan_is_written_as_faults_and_read_back() -> None:
    plan = Plan((faults.throttle(), faults.crash(after_step="ship")), ((2, 1), (7, 3)))
    assert Plan.of(plan.as_faults()) == plan
    assert repr(plan.as_faults()[-1]) == "faults.reorder({2: 1, 7: 3})"
    assert len(plan) == 4
