"""An exploration finds the bug, makes sure of it, and says what it has tried."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from durable_machine import Branch, Machine, Trials, demand

from pytest_durable import faults
from pytest_durable.exploration.explorer import explore
from pytest_durable.exploration.report import Outcome, Report
from pytest_durable.exploration.settings import ExplorationSettings
from pytest_durable.faults import crash
from pytest_durable.plan import Plan


def order(machine: Machine) -> None:
    for name in ("reserve", "charge", "ship"):
        machine.effectful(name)


def passes(machine: Machine) -> None:
    machine.run(order)


def charged_once(machine: Machine) -> None:
    machine.run(order)
    demand(machine.effects.count("charge") == 1, "charged twice")


def branch(name: str) -> Branch:
    def steps(machine: Machine) -> Iterator[None]:
        for number in range(2):
            machine.effectful(f"{name}{number}")
            yield

    return steps


def racing(machine: Machine) -> None:
    machine.run(lambda machine: machine.parallel(branch("a"), branch("b")))
    demand(machine.effects[:2] != ["b0", "a0"], "b was first, then a")


def explored(test: Callable[[Machine], object], **asked: Any) -> tuple[Report, Trials]:
    run = Trials(test)
    known = asked.pop("known", ())
    elapsed = asked.pop("elapsed", lambda: 0.0)
    return explore(run, ExplorationSettings(**asked), known, elapsed=elapsed), run


def test_a_double_charge_is_found_and_is_one_crash() -> None:
    report, _ = explored(charged_once)
    assert report.outcome is Outcome.FOUND
    assert report.plan == Plan((crash(during_step="charge"),))
    assert report.line == "@pytest.mark.durable_faults(faults.crash(during_step='charge'))"
    assert report.found is not None
    assert report.counts.startswith(f"1 decision of {len(report.found.points)}, after ")
    assert len(report.found.points) > 15
    assert report.trial is not None
    assert report.trial.failure is not None


def test_what_makes_the_test_fail_counts_as_covered() -> None:
    report, _ = explored(charged_once)
    assert report.coverage.points_covered == report.coverage.runs - 1
    assert "at an effect 2 of 3" in str(report.coverage)


def test_the_line_to_paste_and_the_token_make_the_same_failure_again() -> None:
    report, run = explored(racing, crashes="none", api_faults="none")
    assert report.outcome is Outcome.FOUND
    marker = eval(report.line.removeprefix("@pytest.mark.durable_faults"), {"faults": faults})
    token = report.token("test_racing.py::test_racing", "digest")
    for plan in (Plan.of((marker,)), type(token).decode(token.encode()).plan):
        failure = run(plan).failure
        assert failure is not None
        assert failure.fingerprint == token.fingerprint == "b was first, then a"


def test_a_race_is_found_by_drawing_orders_and_shrinks_to_one_pick() -> None:
    report, _ = explored(racing, crashes="none", api_faults="none")
    assert report.outcome is Outcome.FOUND
    assert report.plan == Plan((), ((0, 1),))


def test_a_race_is_found_by_going_through_all_orders() -> None:
    report, _ = explored(racing, crashes="none", api_faults="none", interleavings="exhaustive")
    assert report.outcome is Outcome.FOUND
    assert report.plan == Plan((), ((0, 1),))


def test_a_sound_test_passes_and_all_that_was_found_is_covered() -> None:
    report, run = explored(passes, crashes="pairs")
    assert report.passed
    assert report.coverage.is_complete
    assert report.coverage.points_covered == report.coverage.points_found > 15
    assert report.coverage.runs == len(run.plans)
    assert report.line == report.counts == report.explanation == ""


def test_a_test_that_fails_without_faults_is_not_explored() -> None:
    def broken(machine: Machine) -> None:
        machine.run(order)
        demand("refund" in machine.effects, "no refund")

    report, run = explored(broken)
    assert report.outcome is Outcome.FAILED_PLAIN
    assert run.plans == [Plan()]
    assert report.trial is not None
    assert report.trial.failure is not None
    assert report.trial.failure.summary == "no refund"


def test_state_that_outlives_a_run_is_not_taken_for_a_bug() -> None:
    charged: list[str] = []

    def leaking(machine: Machine) -> None:
        machine.run(order)
        charged.extend(name for name in machine.effects if name == "charge")
        demand(len(charged) == 1, "charged twice")

    report, _ = explored(leaking)
    assert report.outcome is Outcome.NOT_REPEATABLE
    assert report.plan == Plan()
    assert report.trial is not None
    assert report.trial.failure is not None
    assert "outlives a run" in report.explanation


def test_a_failure_that_does_not_come_again_is_told_as_such() -> None:
    runs: list[None] = []

    def flaky(machine: Machine) -> None:
        machine.run(order)
        runs.append(None)
        demand(len(runs) != 5, "the fifth run")

    report, _ = explored(flaky)
    assert report.outcome is Outcome.NOT_DETERMINISTIC
    assert "when the plan is run again it passes" in report.explanation
    assert report.line != ""


def test_a_failure_that_comes_again_in_another_way_is_told_as_such() -> None:
    runs: list[None] = []

    def shifting(machine: Machine) -> None:
        machine.run(order)
        runs.append(None)
        demand(machine.effects.count("charge") == 1, f"failure of run {len(runs)}")

    report, _ = explored(shifting)
    assert report.outcome is Outcome.NOT_DETERMINISTIC
    assert "fails in another way: failure of run" in report.explanation


def test_failures_of_last_time_are_run_first() -> None:
    known = Plan((crash(after_step="charge"), crash(before_return=True)))
    report, run = explored(charged_once, known=[known])
    assert run.plans[:2] == [Plan(), known]
    assert report.outcome is Outcome.FOUND
    assert report.coverage.repeated == 1
    assert report.fixed == ()


def test_a_failure_of_last_time_that_passes_now_is_told_to_be_fixed() -> None:
    known = [Plan((crash(after_step="charge"),)), Plan((), ((3, 1),))]
    report, _ = explored(passes, known=known)
    assert report.passed
    assert list(report.fixed) == known


@pytest.mark.parametrize("schedules", [1, 7, 20])
def test_a_budget_of_runs_is_kept_and_told(schedules: int) -> None:
    report, run = explored(passes, schedules=schedules)
    assert len(run.plans) == schedules + 1
    assert report.coverage.cut_off.startswith(
        f"budget of {schedules} schedules reached after {schedules} run"
    )
    assert not report.coverage.is_complete
    assert sum(report.coverage.covered.values()) == schedules - report.coverage.schedules


def test_a_budget_that_is_just_enough_cuts_nothing_off() -> None:
    whole, run = explored(passes, interleavings=0)
    report, _ = explored(passes, interleavings=0, schedules=len(run.plans) - 1)
    assert report.coverage.cut_off == ""
    assert report == whole


def test_a_budget_of_time_is_kept_and_told() -> None:
    seconds = iter(range(1000))
    report, run = explored(passes, budget="20s", elapsed=lambda: float(next(seconds)))
    assert len(run.plans) == 20
    assert "budget of 20 s reached after 19 runs, 19 of " in report.coverage.cut_off


def test_a_search_that_is_cut_off_is_not_called_exhausted() -> None:
    report, run = explored(
        racing_soundly, crashes="none", api_faults="none", interleavings="exhaustive", schedules=3
    )
    assert report.coverage.order == "3 run, not exhausted"
    assert len(run.plans) == 4


def racing_soundly(machine: Machine) -> None:
    machine.run(lambda machine: machine.parallel(branch("a"), branch("b")))


def test_a_search_of_all_orders_says_how_many_there_are() -> None:
    report, run = explored(racing_soundly, crashes="none", api_faults="none", interleavings="exhaustive")
    # Each branch goes on three times, the last time to its end: 6 over 3 ways.
    assert report.coverage.order == "exhausted 20 of 20"
    assert len(run.plans) == 21
    # The last turn of a branch does nothing: 4 over 2 orders can be told apart.
    assert report.coverage.states == 6


def test_shards_share_the_runs_out() -> None:
    asked = {"crashes": "pairs", "interleavings": 30}
    _, whole = explored(racing_soundly, **asked)
    parts = [explored(racing_soundly, **asked, shard=(index, 4))[1].plans for index in range(4)]
    swept = [[repr(plan) for plan in part[1:] if not plan.picks] for part in parts]
    together = [plan for part in swept for plan in part]
    assert {repr(plan) for plan in whole.plans if not plan.picks} - set(together) <= {repr(Plan())}


def test_a_shard_does_not_claim_what_the_others_cover() -> None:
    report, _ = explored(passes, shard=(1, 4))
    coverage = report.coverage
    assert 0 < coverage.points_covered < coverage.points_found
    assert not coverage.is_complete
    assert "this is shard 2 of 4" in str(coverage)


def test_the_same_test_is_explored_in_the_same_way() -> None:
    one, first = explored(racing_soundly, crashes="pairs")
    two, second = explored(racing_soundly, crashes="pairs")
    assert one == two
    assert first.plans == second.plans


def test_the_coverage_is_a_short_text() -> None:
    report, _ = explored(passes, crashes="pairs", interleavings=5)
    lines = str(report.coverage).splitlines()
    assert lines[0].startswith(
        "crash points: 17 of 17 (before a step 3, at an effect 3, after a step 3, request lost 3"
    )
    assert lines[1].startswith("API faults: 24 of 24 (throttle 3, service_error 3, lose_request 3")
    assert lines[2].startswith("pairs of crashes: ")
    assert "equal to one of them" in lines[2]
    assert lines[3].startswith("orders: 5 runs, nothing can go another way")
    assert lines[4].endswith(" unique states, 0 decisions")
