"""Shadow replays: how far they go, and that branches run without a task of their own."""

from __future__ import annotations

import random
import threading
import time
import uuid
from collections.abc import Callable
from typing import Any

import corpus
import pytest

from durable_sdk import DurableContext, durable_execution
from pytest_durable.simulator.replaying.perturb import Conditions, ObservedClock, Perturbation
from pytest_durable.simulator.replaying.replayer import Outcome, Replayer, ready
from pytest_durable.simulator.replaying.trace import Trace
from pytest_durable.simulator.turns import SandboxKilled


def traced(func: Callable[..., Any]) -> Trace:
    runner = corpus.make_runner(durable_execution(func), traces_operations=True)
    runner.run()
    traces = runner._simulator.traces
    assert traces is not None
    (trace,) = traces.by_arn.values()
    return trace


def replayed(trace: Trace, events: int | None = None, conditions: Conditions | None = None) -> Outcome:
    clock, perturbation = ObservedClock(0), Perturbation()
    with ready(clock, perturbation, virtual_clock=True):
        replayer = Replayer(trace, perturbation, clock)
        return replayer.run(replayer.prefix(events or len(trace.states)), conditions or Conditions())


def names(outcome: Outcome) -> list[str | None]:
    return [call.call.name for call in outcome.replay.calls.values()]


def test_a_replay_goes_to_the_first_operation_that_was_not_finished() -> None:
    def handler(event: Any, context: DurableContext) -> str:
        context.step(lambda: 1, "a")
        context.run_in_child_context(lambda child: [child.step(lambda: 2, "b"), child.wait(5, "c")], "inner")
        return context.step(lambda: "done", "d")

    trace = traced(handler)
    # What one request recorded has no moment inside.
    assert trace.prefixes() == [1, 3, 6, 7, 8, 9, 12]
    inside, after = ["a", "inner", "b", "c"], ["a", "inner", "d"]
    seen = [names(replayed(trace, count)) for count in trace.prefixes()]
    assert seen == [["a"], ["a", "inner"], inside, inside, inside, after, after]
    whole = replayed(trace)
    assert (whole.replay.status, whole.replay.result) == ("SUCCEEDED", '"done"')
    assert replayed(trace, 6).replay.status == "PENDING"


def test_branches_of_branches_run_on_the_calling_thread_whatever_their_number() -> None:
    threads: list[int] = []

    def handler(event: Any, context: DurableContext) -> Any:
        def outer(child: DurableContext, item: int, index: int, items: Any) -> Any:
            threads.append(threading.get_ident())
            return child.parallel([lambda leaf: leaf.step(lambda: 1, "leaf"), lambda leaf: 2]).get_results()

        return context.map(list(range(150)), outer, "outer").get_results()

    trace = traced(handler)
    counts = []
    for count in range(1, len(trace.states), 50):
        threads.clear()
        assert replayed(trace, count).divergence is None
        counts.append(len(threads))
        assert set(threads) <= {threading.get_ident()}
    assert max(counts) > 100


def test_user_code_reads_the_time_of_the_conditions_and_may_sleep() -> None:
    read: list[float] = []

    def handler(event: Any, context: DurableContext) -> None:
        read.append(time.time())
        time.sleep(5)
        read.append(time.time())
        context.step(lambda: 1, "one")
        context.wait(60)
        read.append(time.time())

    trace = traced(handler)
    first, slept = read[0], read[1]
    read.clear()
    outcome = replayed(trace, conditions=Conditions(offset=3_600_000_000))
    assert outcome.reads_clock
    assert read[0] > first + 3600
    assert read[1] == pytest.approx(read[0] + 5)
    read.clear()
    replayed(trace, conditions=Conditions(offset=None))
    assert read[:2] == [first, slept]
    assert read[2] == pytest.approx(first + 70)


def test_what_still_runs_afterwards_can_do_nothing() -> None:
    kept: list[DurableContext] = []

    def handler(event: Any, context: DurableContext) -> None:
        kept.append(context)
        context.step(lambda: 1, "one")

    trace = traced(handler)
    replayed(trace)
    with pytest.raises(SandboxKilled):
        kept[-1].step(lambda: 1, "late")


def test_a_large_result_is_compared_too() -> None:
    lengths = iter([6_300_000, 6_300_001, 6_300_001])

    def handler(event: Any, context: DurableContext) -> str:
        context.step(lambda: 1, "one")
        return "x" * next(lengths)

    outcome = replayed(traced(handler))
    assert outcome.divergence is not None
    assert outcome.divergence.outcomes is not None


def test_chance_is_that_of_the_conditions_and_its_use_is_noticed() -> None:
    drawn: list[Any] = []

    def handler(event: Any, context: DurableContext) -> None:
        drawn.append((random.random(), uuid.uuid4()))

    trace = traced(handler)
    drawn.clear()
    outcomes = [replayed(trace, conditions=Conditions(seed=seed, entropy=seed)) for seed in (3, 3, 4)]
    assert all(outcome.draws and outcome.draws_entropy for outcome in outcomes)
    assert drawn[0] == drawn[1] != drawn[2]
    quiet = replayed(traced(lambda event, context: context.step(random.random, "draw")))
    assert (quiet.draws, quiet.draws_entropy, quiet.reads_clock) == (False, False, False)
