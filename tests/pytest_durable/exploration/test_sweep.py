"""The sweep: every point, every fault, each in a run of its own."""

from __future__ import annotations

from collections import Counter

import pytest
from durable_machine import Machine, Trials

from pytest_durable import faults
from pytest_durable.exploration.settings import ExplorationSettings
from pytest_durable.exploration.sweep import API_KINDS, Sweep, Topic
from pytest_durable.faults import Fault, crash
from pytest_durable.plan import Plan
from pytest_durable.points import Position


def order(machine: Machine) -> None:
    for name in ("reserve", "charge", "ship"):
        machine.effectful(name)


def repeated(machine: Machine) -> None:
    """Two steps of one name are told apart by number; the machine records them under two names."""
    machine.step("charge")
    machine.step("ship")


def only(**asked: object) -> ExplorationSettings:
    settings: dict[str, object] = {"crashes": "none", "api_faults": "none", "interleavings": 0}
    return ExplorationSettings(**{**settings, **asked})  # type: ignore[arg-type]


def swept(test: object, settings: ExplorationSettings) -> tuple[Sweep, list[Plan], list[bool]]:
    run = Trials(lambda machine: machine.run(test))  # type: ignore[arg-type]
    sweep = Sweep(settings, run(Plan()))
    plans, counted = [], []
    while (attempt := sweep.next()) is not None:
        plans.append(attempt.plan)
        counted.append(sweep.learn(attempt, run(attempt.plan)))
    return sweep, plans, counted


def test_the_sandbox_dies_at_each_position_of_each_step() -> None:
    _, plans, _ = swept(order, only(crashes="all"))
    crashes = [plan.faults[0] for plan in plans if len(plan.faults) == 1]
    of_ship = [fault for fault in crashes if "ship" in repr(fault)]
    assert of_ship == [crash(before_step="ship"), crash(during_step="ship"), crash(after_step="ship")]
    assert [fault for fault in crashes if "at_checkpoint" in repr(fault)] == [
        crash(at_checkpoint=number, persisted=persisted)
        for number in (1, 2, 3)
        for persisted in (False, True)
    ]
    assert crashes[-1] == crash(before_return=True)


def test_every_fault_of_the_sweep_strikes_where_it_was_aimed() -> None:
    settings = only(crashes="pairs", api_faults="each")
    _, plans, counted = swept(order, settings)
    assert len(plans) > 100
    assert all(counted)


def test_no_plan_is_run_twice() -> None:
    _, plans, _ = swept(order, only(crashes="pairs", api_faults="each"))
    assert max(Counter(map(repr, plans)).values()) == 1


def test_a_point_that_only_a_crash_leads_to_is_swept_too() -> None:
    _, plans, _ = swept(order, only(crashes="all"))
    second = [plan for plan in plans if len(plan.faults) == 2]
    assert [plan.faults[1] for plan in second] == [crash(during_replay=True)]


def test_a_compensation_that_only_a_fault_leads_to_is_swept_too() -> None:
    def compensating(machine: Machine) -> None:
        machine.step("charge")
        if machine.invocations > 1:
            machine.step("refund")

    _, plans, _ = swept(compensating, only(crashes="all"))
    assert any(crash(before_step="refund") in plan.faults for plan in plans)


def test_points_that_lead_to_ever_new_ones_end_the_sweep_all_the_same() -> None:
    def endless(machine: Machine) -> None:
        machine.step(f"invocation {machine.invocations}")

    _, plans, _ = swept(endless, only(crashes="all"))
    assert max(len(plan.faults) for plan in plans) == 3


def test_a_step_that_runs_again_is_struck_in_each_of_its_attempts() -> None:
    def retrying(machine: Machine) -> None:
        for attempt in range(3):
            machine.step("charge", lambda: None)
            machine.records.pop("charge") if attempt < 2 else None

    _, plans, counted = swept(retrying, only(crashes="all"))
    wanted = [crash(after_step="charge", nth=number) for number in (1, 2, 3)]
    assert [plan.faults[0] for plan in plans if "after_step" in repr(plan) and len(plan) == 1] == wanted
    assert all(counted)


def test_each_request_meets_each_fault_of_the_api() -> None:
    _, plans, _ = swept(order, only(api_faults="each"))
    tried = Counter(type(plan.faults[0]) for plan in plans if len(plan) == 1)
    assert tried == dict.fromkeys(API_KINDS, 3)


def test_a_pair_is_a_second_crash_at_every_point_after_the_first() -> None:
    sweep, plans, _ = swept(order, only(crashes="pairs"))
    firsts = {plan.faults[0] for plan in plans if len(plan) == 1}
    after_charge = [
        plan.faults[1] for plan in plans if len(plan) == 2 and plan.faults[0] == crash(during_step="charge")
    ]
    in_repeated_attempt = [crash(before_step="charge", nth=2), crash(during_step="charge", nth=2)]
    assert all(fault in after_charge for fault in in_repeated_attempt)
    assert crash(before_return=True) in after_charge
    assert len(firsts) == 16
    assert sweep.equal > 0


def test_a_crash_after_which_all_goes_as_after_another_gets_no_second_one() -> None:
    """After the body and with the request lost nothing of the step is recorded, either way."""
    _, plans, _ = swept(order, only(crashes="pairs"))
    firsts_of_pairs = {plan.faults[0] for plan in plans if len(plan) == 2}
    lost = crash(at_checkpoint=2, persisted=False)
    assert crash(during_step="charge") in firsts_of_pairs
    assert lost not in firsts_of_pairs


def test_leaving_out_equal_pairs_leaves_out_no_state() -> None:
    """Brute force: each second crash at each point, whatever came before, comes to no other end."""
    run = Trials(lambda machine: machine.run(order))
    states = {run(Plan()).state}
    settings = only(crashes="pairs")
    sweep = Sweep(settings, run(Plan()))
    while (attempt := sweep.next()) is not None:
        trial = run(attempt.plan)
        sweep.learn(attempt, trial)
        states.add(trial.state)
    brute = set()
    for first in Sweep(settings, run(Plan())).roots:
        trial = run(first.plan)
        brute.add(trial.state)
        for second in Sweep(settings, trial).roots:
            brute.add(run(Plan((*first.plan.faults, *second.plan.faults))).state)
    assert brute <= states


@pytest.mark.parametrize("count", [2, 3, 7])
def test_shards_have_no_plan_in_common_and_together_all(count: int) -> None:
    settings = {"crashes": "pairs", "api_faults": "each"}
    _, whole, _ = swept(order, only(**settings))
    parts = [swept(order, only(**settings, shard=(index, count)))[1] for index in range(count)]
    plans = [repr(plan) for part in parts for plan in part]
    assert len(plans) == len(set(plans))
    assert set(map(repr, whole)) <= set(plans)


def test_callbacks_misbehave_in_the_ways_that_are_asked_for() -> None:
    def awaiting(machine: Machine) -> None:
        machine._at(Position.CALLBACK, "approval")

    _, plans, _ = swept(awaiting, only(callbacks=["duplicate", "never"]))
    assert [plan.faults for plan in plans] == [
        (faults.duplicate_callback("approval"),),
        (faults.lost_callback("approval"),),
    ]


def test_kinds_of_others_are_tried_where_they_say() -> None:
    class drop(faults.throttle):  # noqa: N801
        """A kind of another plugin."""

    sweep, plans, _ = swept(order, only(kinds=[drop]))
    assert [type(plan.faults[0]) for plan in plans] == [drop] * 3
    assert {target.topic for target in sweep.found} == {Topic.OTHER}


def test_a_plan_whose_fault_does_not_strike_covers_nothing() -> None:
    run = Trials(lambda machine: machine.run(order))
    sweep = Sweep(only(crashes="all"), run(Plan()))
    attempt = sweep.next()
    assert attempt is not None
    other_run = Trials(lambda machine: machine.run(repeated))
    assert not sweep.learn(attempt, other_run(attempt.plan))


def test_a_kind_that_is_aimed_at_a_point_that_it_does_not_meet_is_left_out() -> None:
    class confused(faults.throttle):  # noqa: N801
        @classmethod
        def explored_at(cls, point: object) -> tuple[Fault, ...]:
            return (cls(),)

    _, plans, _ = swept(order, only(kinds=[confused]))
    assert len(plans) == 3
