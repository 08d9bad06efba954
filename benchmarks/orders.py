"""How many orders of one workflow are run in a second: of ours alone.

A handler with three branches of two steps each, in a new simulation each time, under a schedule of its own
seed. No pytest takes part.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from durable_sdk import DurableContext, durable_execution
from pytest_durable.schedules import ExhaustiveSearch, InOrder, Pct, Schedule, Seeded
from pytest_durable.simulator.identifiers import FunctionVersion
from pytest_durable.simulator.options import SimulatorOptions
from pytest_durable.simulator.simulator import Simulator

FUNCTION = FunctionVersion("benchmark")


@durable_execution
def three_branches(event: Any, context: DurableContext) -> list[Any]:
    """Run three branches of two steps."""

    def branch(inner: DurableContext) -> int:
        inner.step(lambda _: 1, name="first")
        return inner.step(lambda _: 2, name="second")

    return context.parallel([branch] * 3).get_results()


def run(schedule: Schedule) -> None:
    """Run the handler once."""
    simulator = Simulator(SimulatorOptions(schedule=schedule))
    execution = simulator.start(three_branches, "{}", function=FUNCTION)
    simulator.run_to_end(execution)
    simulator.close()


def orders_per_second(schedule_of: Callable[[int], Schedule] = Seeded, seconds: float = 2.0) -> float:
    """Return how many runs a second takes: the best of four equal stretches of ``seconds`` in all."""
    number = 0
    best = 0.0
    for _ in range(4):
        began, done, taken = time.perf_counter(), 0, 0.0
        while taken < seconds / 4:
            run(schedule_of(number))
            number += 1
            done += 1
            taken = time.perf_counter() - began
        best = max(best, done / taken)
    return best


def main() -> None:
    """Print the figure of each strategy."""
    search = ExhaustiveSearch(bound=10**9)

    def exhaustive(_: int) -> Schedule:
        schedule = search.next_schedule()
        assert schedule is not None
        return schedule

    strategies: dict[str, Callable[[int], Schedule]] = {
        "in order": lambda _: InOrder(),
        "seeded": Seeded,
        "PCT": Pct,
        "exhaustive": exhaustive,
    }
    for name, schedule_of in strategies.items():
        print(f"{name}: {orders_per_second(schedule_of):,.0f} a second")


if __name__ == "__main__":
    main()
