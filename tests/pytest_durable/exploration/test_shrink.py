"""Shrinking: the smallest plan that fails in the same way, in few runs."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from durable_machine import Branch, Machine, Trials, demand

from pytest_durable import faults
from pytest_durable.exploration.shrink import Shrunk, shrink
from pytest_durable.faults import crash
from pytest_durable.plan import Plan
from pytest_durable.schedules import Seeded


def order(machine: Machine) -> None:
    for name in ("reserve", "charge", "ship", "notify"):
        machine.effectful(name)


def charged_once(machine: Machine) -> None:
    machine.run(order)
    demand(machine.effects.count("charge") == 1, "charged twice")


def shipped_and_charged_once(machine: Machine) -> None:
    machine.run(order)
    twice = [name for name in ("charge", "ship") if machine.effects.count(name) > 1]
    demand(len(twice) < 2, "two effects twice")


def worker(name: str, items: int) -> Branch:
    def branch(machine: Machine) -> Iterator[None]:
        for number in range(items):
            machine.effectful(f"{name}{number}")
            yield

    return branch


def first_branch_is_ahead(machine: Machine) -> None:
    """Fails when b has ended before a has begun its last step."""
    machine.run(lambda machine: machine.parallel(worker("a", 5), worker("b", 5)))
    late = machine.effects.index("b4") < machine.effects.index("a3")
    demand(not late, "b overtook a")


def shrunk(test: object, plan: Plan, **limits: int) -> tuple[Shrunk, Trials]:
    run = Trials(test)  # type: ignore[arg-type]
    trial = run(plan)
    assert trial.failure is not None
    run.plans.clear()
    return shrink(run, trial, **limits), run


def test_faults_that_have_nothing_to_do_with_it_are_left_out() -> None:
    noise = (faults.throttle(nth=1), crash(before_step="reserve"), crash(before_return=True, times=2))
    outcome, _ = shrunk(charged_once, Plan((*noise, crash(after_step="charge"), faults.lose_response(nth=5))))
    assert outcome.plan == Plan((crash(during_step="charge"),))
    assert not outcome.is_cut_off


def test_faults_that_only_fail_together_stay_together() -> None:
    many = (
        crash(after_step="charge"),
        faults.throttle(nth=5),
        crash(after_step="ship"),
        crash(before_return=True),
    )
    outcome, _ = shrunk(shipped_and_charged_once, Plan(many))
    assert outcome.plan == Plan((crash(during_step="charge"), crash(during_step="ship")))


def test_a_fault_that_strikes_often_strikes_as_seldom_as_it_can() -> None:
    outcome, _ = shrunk(charged_once, Plan((crash(during_step="charge", times=4),)))
    assert outcome.plan == Plan((crash(during_step="charge"),))


def test_a_crash_at_a_request_moves_to_the_step_that_it_belongs_to() -> None:
    outcome, _ = shrunk(charged_once, Plan((crash(at_checkpoint=2),)))
    assert outcome.plan == Plan((crash(during_step="charge"),))


def test_picks_are_left_out_as_far_as_the_order_allows() -> None:
    run = Trials(first_branch_is_ahead)
    failing = next(trial for seed in range(1000) if (trial := run(Plan(), Seeded(seed))).failure is not None)
    assert len(failing.plan.picks) > 3
    outcome = shrink(run, failing)
    assert outcome.trial.failure == failing.failure
    # As long as b is preferred while a has two steps left there is no way with less.
    assert len(outcome.plan.picks) == 5
    assert {option for _, option in outcome.plan.picks} == {1}


def test_faults_are_tried_without_any_pick_first() -> None:
    def test(machine: Machine) -> None:
        machine.run(lambda machine: machine.parallel(worker("a", 4), worker("b", 4)))
        demand(machine.effects.count("a1") == 1, "a1 twice")

    outcome, run = shrunk(test, Plan((crash(during_step="a1"),), ((0, 1), (2, 1), (4, 1))))
    assert outcome.plan == Plan((crash(during_step="a1"),))
    assert run.plans[0] == Plan((crash(during_step="a1"),))


def test_an_option_becomes_as_small_as_it_can() -> None:
    def test(machine: Machine) -> None:
        machine.run(lambda machine: machine.parallel(*(worker(name, 1) for name in "abcd")))
        demand(machine.effects[0] == "a0", "a is not first")

    outcome, _ = shrunk(test, Plan((), ((0, 3), (1, 1))))
    assert outcome.plan == Plan((), ((0, 1),))


def test_a_failure_of_another_kind_is_not_taken_for_it() -> None:
    def test(machine: Machine) -> None:
        machine.run(order)
        demand(machine.effects.count("charge") == 1 or machine.invocations > 2, "charged twice, seldom")
        demand(machine.effects.count("charge") == 1, "charged twice, often")

    outcome, _ = shrunk(test, Plan((crash(during_step="charge"), crash(before_return=True))))
    assert outcome.trial.failure is not None
    assert outcome.trial.failure.fingerprint == "charged twice, often"
    assert len(outcome.plan) == 2


def test_no_plan_is_run_twice() -> None:
    many = tuple(crash(during_step=name) for name in ("reserve", "charge", "ship", "notify"))
    _, run = shrunk(charged_once, Plan(many))
    assert len(run.plans) == len(set(map(repr, run.plans)))


def test_the_same_failure_gives_the_same_plan_in_the_same_runs() -> None:
    plan = Plan(tuple(crash(after_step=name) for name in ("ship", "charge", "reserve")))
    one, first = shrunk(shipped_and_charged_once, plan)
    two, second = shrunk(shipped_and_charged_once, plan)
    assert one == two
    assert first.plans == second.plans


@pytest.mark.parametrize("runs", [0, 1, 3])
def test_the_number_of_runs_is_bounded_and_what_was_reached_still_fails(runs: int) -> None:
    plan = Plan(tuple(crash(after_step=name) for name in ("reserve", "charge", "ship", "notify")))
    outcome, run = shrunk(charged_once, plan, runs=runs)
    assert outcome.is_cut_off
    assert len(run.plans) == outcome.runs == runs
    assert Trials(charged_once)(outcome.plan).failure is not None


def test_time_that_is_up_ends_it() -> None:
    run = Trials(charged_once)
    trial = run(Plan((crash(before_step="reserve"), crash(after_step="charge"))))
    outcome = shrink(run, trial, is_late=lambda: len(run.plans) > 2)
    assert outcome.is_cut_off
    assert outcome.trial.failure is not None


def test_a_fault_that_has_not_struck_is_not_part_of_the_plan() -> None:
    outcome, _ = shrunk(charged_once, Plan((crash(during_step="charge"), crash(before_step="gone"))), runs=0)
    assert outcome.plan == Plan((crash(during_step="charge"),))
