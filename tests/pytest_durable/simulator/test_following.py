"""A runner that follows a plan, and one that begins again."""

from __future__ import annotations

from typing import Any

import corpus
import pytest

from durable_sdk import DurableContext, durable_execution
from pytest_durable import faults
from pytest_durable.drawn import DrawnPlan
from pytest_durable.errors import UsageError
from pytest_durable.plan import Plan
from pytest_durable.simulator.ledger.ledger import EffectLedger
from pytest_durable.simulator.runner import LocalRunner


@durable_execution
def branches(event: Any, context: DurableContext) -> Any:
    def branch(number: int) -> Any:
        return lambda child: [
            child.step(lambda _: number, name="first"),
            child.step(lambda _: number, name="second"),
        ]

    return context.parallel([branch(1), branch(2)], name="both").get_results()


def make() -> LocalRunner:
    return corpus.make_runner(branches)


def test_a_drawn_plan_and_what_it_came_to_give_the_same_history() -> None:
    differing = 0
    for skip in range(0, 30, 2):
        for choice in range(3):
            drawn = DrawnPlan(faults=((skip, choice),), order=((choice, 0),))
            runner, again = make(), make()
            history = runner.run(plan=drawn).history
            meant = runner.unfolded
            assert meant is not None
            assert again.run(plan=meant).history == history
            differing += history != make().run().history
    assert differing > 10


def test_an_empty_plan_is_the_ordinary_run() -> None:
    runner = make()
    assert runner.run(plan=DrawnPlan()).history == make().run().history
    assert runner.unfolded == Plan()
    assert make().unfolded is None


def test_a_plan_goes_with_the_first_run_and_holds_for_later_ones() -> None:
    runner = make()
    runner.run(plan=DrawnPlan(faults=((0, 0),), kinds=("crash",)))
    assert len(runner.results[0].invocations) == 2
    with pytest.raises(UsageError, match="give it to the first one"):
        runner.run(plan=DrawnPlan())


def test_what_is_no_plan_is_refused() -> None:
    plan: Any = [(1, 2)]
    with pytest.raises(UsageError, match=r"strategies\.plans\(\)"):
        make().run(plan=plan)


def test_a_runner_begins_again_with_what_it_was_given_before_and_nothing_else() -> None:
    runner = make()
    ledger = EffectLedger()
    runner.use_ledger(ledger)
    runner.inject(faults.crash(before_step="first"))
    runner.on_step("second", times=2).returns(7)
    runner.always(lambda world: world.effects is ledger)
    begin_again = runner.beginning()
    histories = []
    for _ in range(2):
        begin_again()
        runner.on_step("first").returns(5)
        histories.append(runner.run().history)
        assert len(runner.results) == 1
        runner.check_scripts()
        runner.check_invariants()
    assert histories[0] == histories[1]
    begin_again()
    with pytest.raises(AssertionError, match="never checked"):
        runner.check_invariants()
    assert runner.run().value == [[1, 7], [2, 7]]
