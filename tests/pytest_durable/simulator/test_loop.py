"""The loop jumps to what comes first, and stops when told, at a horizon, or when nothing is left."""

from __future__ import annotations

from typing import Any

import corpus
import pytest

from durable_sdk import DurableContext, _runtime, durable_execution
from pytest_durable.entropy import Entropy
from pytest_durable.errors import CheckerError, DurableStuckError
from pytest_durable.schedules.in_order import InOrder
from pytest_durable.schedules.seeded import Seeded
from pytest_durable.simulator.checkers.base import Checker
from pytest_durable.simulator.choices import Choices
from pytest_durable.simulator.execution import SimulatedExecution
from pytest_durable.simulator.identifiers import FunctionVersion
from pytest_durable.simulator.loop import Loop
from pytest_durable.simulator.service.limits import Limits
from pytest_durable.simulator.service.records import ExecutionRecord
from pytest_durable.simulator.world import World

SECOND = 1_000_000
FUNCTION = FunctionVersion("function")


class Bench:
    """A world with one execution, and the loop that runs it."""

    def __init__(self, handler: Any, *checkers: Checker, pace: Any = None, seed: int | None = None) -> None:
        self.choices = Choices(InOrder() if seed is None else Seeded(seed))
        self.world = World(0, Entropy(0), Limits(), checkers, 30, choices=self.choices)
        self.loop = Loop(self.world, pace)
        self.execution: SimulatedExecution = self.world.executions.start(
            handler, FUNCTION, None, "name", 3600 * 24 * 60, 900
        )

    def run(self) -> None:
        self.loop.run(lambda: self.execution.closed and self.execution.invocation is None)


@durable_execution
def parks_for_ever(event: dict, context: DurableContext) -> None:
    context.step(lambda: _runtime.current.get().signal().wait(), name="asleep")


def test_nothing_happens_before_the_loop_runs() -> None:
    bench = Bench(corpus.waiting)
    assert bench.world.clock.now == 0
    assert bench.execution.record.invocations == 0
    assert len(bench.execution.record.log) == 1


def test_time_jumps_to_the_next_event_and_is_told_to_the_pace() -> None:
    jumps: list[int] = []
    Bench(corpus.waiting, pace=jumps.append).run()
    assert [jump for jump in jumps if jump] == [30 * SECOND, 30 * 86_400 * SECOND]


def test_a_horizon_is_reached_exactly_and_never_passed() -> None:
    bench = Bench(corpus.waiting)
    for horizon in (10, 20, 29):
        bench.loop.run(lambda: False, horizon=horizon * SECOND, inline=False)
        assert bench.world.clock.now == horizon * SECOND
        assert bench.execution.record.invocations == 1
    bench.loop.run(lambda: False, horizon=30 * SECOND, inline=False)
    assert bench.execution.record.invocations == 2


def test_a_run_stops_as_soon_as_the_predicate_holds() -> None:
    bench = Bench(corpus.waiting)
    bench.loop.run(lambda: len(bench.execution.record.log) >= 3, inline=False)
    assert len(bench.execution.record.log) == 3
    assert bench.execution.invocation is not None
    bench.run()
    assert bench.execution.closed


def test_what_is_parked_for_ever_is_unwound_at_once_and_named() -> None:
    bench = Bench(parks_for_ever)
    began_at = bench.world.clock.now
    with pytest.raises(DurableStuckError, match="Parked for ever: invocation-1"):
        bench.run()
    assert not bench.execution.closed
    assert bench.execution.invocation is None
    # A tenth of a second, after which the start of the step is sent by itself; then nothing.
    assert bench.world.clock.now - began_at == 100_000


class Objector(Checker):
    """Finds fault with the first step that starts."""

    def recorded(self, record: ExecutionRecord, event: Any) -> None:
        if event.type == "StepStarted":
            raise CheckerError("no steps, please")


@pytest.mark.parametrize("case", ["waiting", "parallel_steps", "nested_parallel"])
def test_a_checker_that_objects_ends_the_run_with_its_error(case: str) -> None:
    bench = Bench(corpus.BY_NAME[case].handler, Objector())
    with pytest.raises(CheckerError, match="no steps, please"):
        bench.run()
    assert bench.execution.invocation is None
    assert list(bench.execution.record.log)[-1].type == "StepStarted"


def test_an_ordinary_schedule_is_asked_nothing() -> None:
    bench = Bench(corpus.parallel_steps)
    bench.run()
    assert bench.choices.recorded == []


def test_a_random_schedule_decides_between_what_may_come_at_the_same_instant() -> None:
    bench = Bench(corpus.parallel_steps, seed=1)
    bench.run()
    assert bench.execution.closed
    assert {choice.kind for choice in bench.choices.recorded} <= {"next", "advance"}
    assert all(
        choice.options >= 2 and 0 <= choice.picked < choice.options for choice in bench.choices.recorded
    )


def test_the_choices_of_a_seed_are_always_the_same() -> None:
    def recorded() -> list[Any]:
        bench = Bench(corpus.nested_parallel, seed=4)
        bench.run()
        return bench.choices.recorded

    assert recorded() == recorded()


def test_a_run_that_has_ended_can_be_run_again_without_effect() -> None:
    bench = Bench(corpus.parallel_steps)
    bench.run()
    length = len(bench.execution.record.log)
    bench.run()
    assert len(bench.execution.record.log) == length


def test_several_executions_share_one_time_line() -> None:
    bench = Bench(corpus.waiting)
    second = bench.world.executions.start(corpus.parallel_steps, FUNCTION, None, "second", 3600, 900)
    bench.loop.run(lambda: bench.execution.closed and second.closed, inline=False)
    assert second.record.operation.ended_at == 0
    assert bench.execution.record.operation.ended_at == (30 + 30 * 86_400) * SECOND
    assert bench.execution.record.arn != second.record.arn
