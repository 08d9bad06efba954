"""Invariants: what a test demands of every moment, of the long run and of the end."""

from __future__ import annotations

import os
import traceback
from typing import Any

import corpus
import pytest

from durable_sdk import DurableContext, StepContext, durable_execution
from pytest_durable.errors import UsageError
from pytest_durable.simulator.ledger.ledger import EffectLedger
from pytest_durable.simulator.runner import LocalRunner
from pytest_durable.simulator.watching import WorldView


@durable_execution
def shop(event: Any, context: DurableContext) -> str:
    context.step(lambda _: "reserved", name="reserve")
    context.wait(minutes=1, name="pause")
    context.run_in_child_context(
        lambda child: child.step(lambda _: "shipped", name="ship"),
        name="parcel",
    )
    return "done"


@durable_execution
def waits_for_ever(event: Any, context: DurableContext) -> Any:
    return context.wait_for_callback(lambda callback_id, _: None, name="approval")


@pytest.fixture
def runner() -> LocalRunner:
    return corpus.make_runner(shop)


def broken(call: Any, *arguments: Any, **options: Any) -> AssertionError:
    with pytest.raises(AssertionError) as caught:
        call(*arguments, **options)
    return caught.value


# always.


def test_always_is_asked_after_every_event_of_the_history(runner: LocalRunner) -> None:
    seen: list[str] = []
    runner.always(lambda world: seen.append(world.last_event["EventType"]) is None)
    result = runner.run()
    assert seen == [event["EventType"] for event in result.history]
    runner.close()


def test_always_names_the_event_at_which_it_broke(runner: LocalRunner) -> None:
    runner.always(lambda world: world.operation("parcel/ship") is None)
    text = str(broken(runner.run))
    assert text.startswith("always(<lambda> of test_invariants.py:")
    assert "does not hold: it returned False after event 8 (StepStarted of step 'ship') of execution" in text
    assert text.endswith("at +1m (2026-01-01 00:01:00).")


def test_an_assertion_of_an_invariant_reaches_the_test_with_its_own_line(runner: LocalRunner) -> None:
    def never_ships(world: WorldView) -> None:
        assert not world.operations("ship"), "shipped"

    runner.always(never_ships)
    error = broken(runner.run)
    frames = traceback.extract_tb(error.__traceback__)
    assert frames[-1].line == 'assert not world.operations("ship"), "shipped"'
    assert not [frame for frame in frames if frame.name in ("happen", "record", "recorded", "next_task")]
    assert "after event 8 (StepStarted of step 'ship')" in error.__notes__[0]


def test_a_broken_invariant_ends_the_run_at_once(runner: LocalRunner) -> None:
    runner.always(lambda world: not world.operations("pause"))
    broken(runner.run)
    [execution] = runner.results
    assert [operation.name for operation in execution.operations] == ["reserve", "pause"]


def test_an_invariant_that_was_never_asked_fails(runner: LocalRunner) -> None:
    runner.run()
    runner.always(lambda world: True)
    runner.eventually(lambda world: True)
    text = str(broken(runner.close))
    assert "durable_runner.always(<lambda> of test_invariants.py" in text
    assert "durable_runner.eventually(<lambda> of test_invariants.py" in text
    assert "Give it before run()." in text


def test_invariants_watch_invoked_executions_too() -> None:
    @durable_execution
    def caller(event: Any, context: DurableContext) -> Any:
        return context.invoke("shop", {}, name="order")

    runner = corpus.make_runner(caller)
    runner.register_durable_function("shop", shop)
    runner.always(lambda world: len(world.executions) < 2 or not world.operations("ship"))
    assert "of execution" in str(broken(runner.run))


@pytest.mark.parametrize("call", ["always", "eventually", "at_end"])
def test_an_invariant_is_a_function(runner: LocalRunner, call: str) -> None:
    with pytest.raises(UsageError, match="takes a function of the world"):
        getattr(runner, call)(True)


# eventually.


def test_what_comes_true_in_time_is_eventually_so(runner: LocalRunner) -> None:
    runner.eventually(lambda world: world.operation("parcel/ship"), within="1h")
    runner.run()
    runner.close()


def test_what_is_unfinished_goes_on_until_the_bound(runner: LocalRunner) -> None:
    runner.eventually(lambda world: world.operation("parcel/ship"), within="1h")
    runner.start().until("pause")
    runner.close()
    assert runner.results[0].status == "SUCCEEDED"


def test_an_execution_that_does_not_finish_is_told_with_what_it_waits_for() -> None:
    runner = corpus.make_runner(waits_for_ever)
    runner.eventually(lambda world: True, within="2d")
    runner.start().until("approval")
    text = str(broken(runner.close))
    assert "not finished 2d after the last start, at 2026-01-01 00:00:00, and it has 2d." in text
    assert "waits for" in text
    assert "callback 'approval', STARTED" in text


def test_an_execution_that_takes_longer_than_the_bound_fails_while_it_runs(runner: LocalRunner) -> None:
    runner.eventually(lambda world: True, within="30s")
    assert "not finished 1m after the last start" in str(broken(runner.run))


def test_what_never_comes_true_fails_although_everything_has_finished(runner: LocalRunner) -> None:
    runner.eventually(lambda world: world.operations("refund"))
    runner.run()
    assert "though everything has finished" in str(broken(runner.close))


def test_the_bound_is_some_time(runner: LocalRunner) -> None:
    with pytest.raises(UsageError, match="longer than zero"):
        runner.eventually(lambda world: True, within=0)


# at_end, and what the world shows.


def test_at_end_is_asked_once_when_the_test_has_run(runner: LocalRunner) -> None:
    asked: list[int] = []
    runner.at_end(lambda world: asked.append(len(world.executions)))
    with runner:
        runner.run()
        runner.run()
        assert asked == []
    assert asked == [2]
    failing = corpus.make_runner(shop)
    failing.at_end(lambda world: world.operations("refund"))
    failing.run()
    assert "at_end(<lambda>" in str(broken(failing.close))


def test_invariants_hold_in_every_run_of_a_determinism_check(runner: LocalRunner) -> None:
    ends: list[str] = []
    runner.always(lambda world: True)
    runner.at_end(lambda world: ends.append(str(world.executions[0].status)))
    runner.check_determinism()
    assert ends == ["SUCCEEDED", "SUCCEEDED"]


def test_the_world_shows_effects_across_a_crash() -> None:
    ledger = EffectLedger()

    def charge(_: StepContext) -> None:
        ledger.record("charge")
        if ledger.count("charge") == 1:
            os._exit(1)

    @durable_execution
    def handler(event: Any, context: DurableContext) -> None:
        context.step(charge, name="charge")

    runner = corpus.make_runner(handler)
    runner.use_ledger(ledger)
    runner.always(lambda world: world.effects.count("charge") <= 1)
    assert "of step 'charge'" in str(broken(runner.run))


def test_a_world_without_a_ledger_says_how_to_get_one(runner: LocalRunner) -> None:
    runner.always(lambda world: world.effects)
    with pytest.raises(UsageError, match="ask for it"):
        runner.run()


def test_the_world_is_empty_before_anything_happens(runner: LocalRunner) -> None:
    world = WorldView(runner._simulator)
    assert (world.executions, world.operations(), world.last_event) == ([], [], None)
    assert world.operation("ship") is None
    assert "0 executions" in repr(world)
    with pytest.raises(UsageError, match="The name of an operation"):
        world.operation("")
