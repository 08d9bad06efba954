"""Small workflows that share an outside world, run under any schedule."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any, NamedTuple

from durable_sdk import DurableContext, _runtime, durable_execution
from pytest_durable.history.codec import canonical_text
from pytest_durable.schedules import ExhaustiveSearch, Schedule
from pytest_durable.simulator.identifiers import FunctionVersion
from pytest_durable.simulator.options import SimulatorOptions
from pytest_durable.simulator.runtime import SimulatedRuntime
from pytest_durable.simulator.simulator import Simulator

Operation = tuple[str, tuple[str, ...]]
"""``step`` with the keys of the effects that it has, or ``wait`` with none."""

Shape = list[list[list[Operation]]]
"""The operations of each branch of each execution."""

Outcome = tuple[tuple[str, ...], tuple[tuple[str, tuple[str, ...]], ...]]
"""The histories of the executions; and for each key, the effects in their order."""


def random_shape(stream: random.Random) -> Shape:
    """Return one or two executions of a few branches, with effects under equal and different keys."""

    def operation() -> Operation:
        if stream.random() < 0.15:
            return "wait", ()
        return "step", tuple(stream.choice("xy") for _ in range(stream.choice([0, 1, 1, 2])))

    executions = stream.choice([1, 1, 2])
    most = 3 if executions == 1 else 2
    return [
        [
            [operation() for _ in range(stream.choice([1, 1, 2]))]
            for _ in range(stream.choice([1, most]) if executions == 2 else most - stream.choice([0, 1]))
        ]
        for _ in range(executions)
    ]


class Ledger:
    """Effects on the outside world, by key; what has other keys is seen by other people."""

    def __init__(self) -> None:
        self._effects: dict[str, list[str]] = {}

    def record(self, key: str, what: str) -> None:
        """Take note of an effect; others may come first."""
        runtime = _runtime.current.get()
        assert isinstance(runtime, SimulatedRuntime)
        runtime.preempt(f"ledger:{key}")
        self._effects.setdefault(key, []).append(what)

    @property
    def seen(self) -> tuple[tuple[str, tuple[str, ...]], ...]:
        """What everybody has seen."""
        return tuple((key, tuple(self._effects[key])) for key in sorted(self._effects))


def handler_of(number: int, branches: list[list[Operation]], ledger: Ledger) -> Any:
    """Return the handler of one execution."""

    def step(name: str, keys: tuple[str, ...]) -> Callable[[Any], str]:
        def body(_: Any) -> str:
            for key in keys:
                ledger.record(key, f"{number}/{name}")
            return name

        return body

    def branch(index: int, operations: list[Operation]) -> Callable[[DurableContext], None]:
        def body(context: DurableContext) -> None:
            for at, (kind, keys) in enumerate(operations):
                if kind == "wait":
                    context.wait(1)
                else:
                    context.step(step(f"{index}.{at}", keys), name=f"{index}.{at}")

        return body

    @durable_execution
    def handler(event: Any, context: DurableContext) -> Any:
        if len(branches) == 1:
            branch(0, branches[0])(context)
            return None
        context.parallel([branch(index, operations) for index, operations in enumerate(branches)])
        return None

    return handler


def run(shape: Shape, schedule: Schedule, seed: int = 0) -> tuple[Outcome, Simulator]:
    """Run the executions to their ends at the same time."""
    ledger = Ledger()
    simulator = Simulator(SimulatorOptions(schedule=schedule, seed=seed, virtual_clock=False))
    try:
        started = [
            simulator.start(
                handler_of(number, branches, ledger), None, function=FunctionVersion(f"f{number}")
            )
            for number, branches in enumerate(shape)
        ]
        for execution in started:
            simulator.run_to_end(execution)
        histories = tuple(canonical_text(simulator.result(execution).history) for execution in started)
        return (histories, ledger.seen), simulator
    finally:
        simulator.close()


def reach(shape: Shape, search: ExhaustiveSearch) -> set[Outcome]:
    """Return every outcome that a search comes to."""
    outcomes = set()
    while (schedule := search.next_schedule()) is not None:
        outcomes.add(run(shape, schedule)[0])
    return outcomes


class Comparison(NamedTuple):
    """What a search reaches, and what running every order does."""

    outcomes: set[Outcome]
    runs: int
    all_outcomes: set[Outcome]
    all_runs: int


class TooManyOrdersError(Exception):
    """A shape has more orders than are to be run."""


def compare(shape: Shape, bound: int, advances: int | None, preemptions: int | None) -> Comparison:
    """Explore a shape with and without leaving out what comes to the same.

    Raises:
        TooManyOrdersError: there are more than ``bound``.
    """
    everything = ExhaustiveSearch(bound, advances, preemptions, reduces=False)
    all_outcomes = reach(shape, everything)
    if not everything.exhausted:
        raise TooManyOrdersError
    search = ExhaustiveSearch(bound, advances, preemptions)
    outcomes = reach(shape, search)
    assert search.exhausted
    return Comparison(outcomes, search.runs, all_outcomes, everything.runs)
