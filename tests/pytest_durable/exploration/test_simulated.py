"""The exploration of real handlers, under the simulator."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from durable_sdk import DurableContext, durable_execution
from durable_sdk._runtime import current
from durable_sdk.config import Duration, StepConfig, StepSemantics
from pytest_durable import faults
from pytest_durable.effects import EffectLedger
from pytest_durable.exploration.explorer import explore
from pytest_durable.exploration.report import Outcome, Report
from pytest_durable.exploration.settings import ExplorationSettings
from pytest_durable.exploration.sweep import Sweep, Topic
from pytest_durable.exploration.token import Token
from pytest_durable.exploration.trial import Failure
from pytest_durable.plan import Plan
from pytest_durable.simulator.identifiers import FunctionVersion
from pytest_durable.simulator.runner import LocalRunner, Target
from pytest_durable.simulator.trials import SimulatedTrials, observe


class World:
    """Where the handlers find the ledger of the run that goes on."""

    effects = EffectLedger()


def charge(order: str = "order") -> str:
    World.effects.record("charge", order)
    return "charged"


@durable_execution
def careless(event: Any, context: DurableContext) -> str:
    """Charges again when nothing of the first charge was recorded."""
    context.step(lambda _: None, name="reserve")
    context.step(lambda _: charge(), name="charge")
    context.wait(Duration.from_hours(1))
    return context.step(lambda _: "shipped", name="ship")


@durable_execution
def careful(event: Any, context: DurableContext) -> str:
    """Charges at most once, and says so if it does not know."""
    once = StepConfig(step_semantics=StepSemantics.AT_MOST_ONCE_PER_RETRY, retry_strategy=None)
    context.step(lambda _: None, name="reserve")
    context.step(
        lambda _: "charged" if World.effects.count("charge") else charge(), name="charge", config=once
    )
    context.wait(Duration.from_hours(1))
    return context.step(lambda _: "shipped", name="ship")


@durable_execution
def branching(event: Any, context: DurableContext) -> list[str]:
    def work(name: str) -> Any:
        def branch(child: DurableContext) -> str:
            child.step(lambda _: charge(f"{name} first"), name=f"{name} first")
            return str(child.step(lambda _: charge(f"{name} second"), name=f"{name} second"))

        return branch

    return context.parallel([work("a"), work("b")], name="both").get_results()


def trials(handler: Any, test: Callable[[LocalRunner], object]) -> SimulatedTrials:
    def with_effects(runner: LocalRunner, effects: EffectLedger) -> None:
        World.effects = effects
        test(runner)

    return SimulatedTrials(Target(handler, FunctionVersion("function")), with_effects)


def charged_once(runner: LocalRunner) -> None:
    assert runner.run({}).status == "SUCCEEDED"
    World.effects.exactly_once("charge")


def explored(handler: Any, test: Any = charged_once, **asked: Any) -> tuple[Report, SimulatedTrials]:
    run = trials(handler, test)
    return explore(run, ExplorationSettings(**asked)), run


def test_a_double_charge_is_found_shrinks_to_one_crash_and_comes_again_from_its_token() -> None:
    report, run = explored(careless)
    assert report.outcome is Outcome.FOUND
    assert report.line == "@pytest.mark.durable_faults(faults.crash(during_step='charge'))"
    assert report.trial is not None
    assert report.trial.failure is not None
    assert report.trial.failure.summary.startswith("AssertionError: ")
    assert "charge" in report.trial.timeline
    text = report.token("tests/test_orders.py::test_order_is_charged_once", "3f29a1c4d5e6").encode()
    assert len(text) < 200
    again = run(Token.decode(text).plan).failure
    assert again is not None
    assert again.fingerprint == report.trial.failure.fingerprint


@pytest.mark.parametrize("crashes", ["all", "pairs"])
def test_a_sound_handler_survives_every_crash_and_api_fault(crashes: str) -> None:
    report, _ = explored(careful, crashes=crashes)
    assert report.passed, report
    assert report.coverage.missed == 0
    assert report.coverage.is_complete
    groups = {target.group for target in report.coverage.found if target.topic is Topic.CRASH}
    assert groups == {
        "before a step",
        "at an effect",
        "after a step",
        "request lost",
        "reply lost",
        "before return",
        "during replay",
    }


def test_leaving_out_equal_pairs_leaves_out_no_state() -> None:
    """Brute force, each second crash at each point whatever came before, comes to no other state."""
    run = trials(careless, lambda runner: runner.run({}))
    settings = ExplorationSettings(crashes="pairs", api_faults="none")
    sweep = Sweep(settings, run(Plan()))
    states = set()
    while (attempt := sweep.next()) is not None:
        trial = run(attempt.plan)
        sweep.learn(attempt, trial)
        states.add(trial.state)
    every = set()
    for first in sweep.roots:
        for second in Sweep(settings, run(first.plan)).roots:
            every.add(run(Plan((*first.plan.faults, *second.plan.faults))).state)
    assert sweep.equal > 50
    assert every <= states


def test_each_plan_of_a_pair_strikes_twice() -> None:
    run = trials(careful, charged_once)
    first = faults.crash(after_step="charge")
    trial = run(Plan((first, faults.crash(after_step="charge", nth=2))))
    assert len(trial.struck) == 2


def test_runs_that_differ_in_time_and_ids_only_have_one_state() -> None:
    def twice(runner: LocalRunner) -> None:
        runner.clock.advance(5)
        runner.run({})

    def once(runner: LocalRunner) -> None:
        runner.run({})

    assert trials(careful, once)(Plan()).state == trials(careful, twice)(Plan()).state


@pytest.mark.parametrize(
    "plan", [Plan((faults.crash(after_step="ship"),)), Plan((faults.crash(before_step="charge"),))]
)
def test_a_crash_is_another_state(plan: Plan) -> None:
    run = trials(careful, charged_once)
    assert run(plan).state != run(Plan()).state


def test_the_effects_are_part_of_the_state() -> None:
    def refunding(runner: LocalRunner) -> None:
        charged_once(runner)
        World.effects.record("refund")

    assert trials(careful, charged_once)(Plan()).state != trials(careful, refunding)(Plan()).state


def test_a_test_that_fails_before_it_has_a_runner_is_a_trial_all_the_same() -> None:
    failure = Failure("mark", "no database", "no database")
    trial = observe(None, Plan(), None, failure)
    assert (trial.failure, trial.points, trial.timeline) == (failure, (), "")


def test_no_script_and_no_fault_has_to_come_to_use() -> None:
    def scripted(runner: LocalRunner) -> None:
        runner.on_step("nothing").returns("anything")
        runner.run({})
        runner.close()

    assert trials(careful, scripted)(Plan((faults.crash(after_step="nothing"),))).failure is None


@pytest.mark.parametrize("interleavings", [50, "exhaustive"])
def test_orders_of_branches_are_explored_and_the_failure_is_told_as_slow_steps(interleavings: Any) -> None:
    def a_ends_first(runner: LocalRunner) -> None:
        runner.run({})
        keys = [effect.key for effect in World.effects]
        assert keys.index("a first") < keys.index("b second"), "b was faster"

    report, run = explored(
        branching, a_ends_first, crashes="none", api_faults="none", interleavings=interleavings
    )
    assert report.outcome is Outcome.FOUND
    assert report.found is not None
    assert len(report.found.plan.picks) > 1
    assert report.plan == Plan((faults.latency("both/parallel-branch-0/a first", "1s"),))
    assert run(report.plan).failure is not None


def test_all_orders_of_two_branches_are_gone_through() -> None:
    def passes(runner: LocalRunner) -> None:
        runner.run({})

    asked = {"crashes": "none", "api_faults": "none", "interleavings": "exhaustive"}
    report, _ = explored(branching, passes, **asked, preemptions=0)
    told = r"exhausted (\d+) of \1 with at most 0 preemptions and 0 moves of the clock ahead of its time"
    assert re.fullmatch(told, report.coverage.order), report.coverage.order
    assert report.coverage.states > 5


def test_the_same_handler_is_explored_in_the_same_way() -> None:
    def passes(runner: LocalRunner) -> None:
        runner.run({})

    assert explored(branching, passes)[0] == explored(branching, passes)[0]


def test_nothing_of_a_run_is_left_in_the_runtime() -> None:
    before = current.get()
    explored(careless)
    assert current.get() is before
