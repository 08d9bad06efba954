"""How fast tests are explored: orders in a second, a sweep of crashes, shrinking, and what a marker adds.

    python benchmarks/exploration.py

AWS's test runner has nothing to compare with: it neither injects faults nor decides about order.
"""

from __future__ import annotations

import gc
import os
import random
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from durable_sdk import DurableContext, durable_execution
from pytest_durable.exploration.explorer import explore
from pytest_durable.exploration.settings import ExplorationSettings
from pytest_durable.exploration.shrink import shrink
from pytest_durable.exploration.sweep import Sweep, Topic
from pytest_durable.plan import ORDINARY, Plan
from pytest_durable.schedules import Seeded
from pytest_durable.simulator.identifiers import FunctionVersion
from pytest_durable.simulator.ledger.ledger import EffectLedger
from pytest_durable.simulator.options import SimulatorOptions
from pytest_durable.simulator.runner import LocalRunner, Target
from pytest_durable.simulator.simulator import Simulator
from pytest_durable.simulator.trials import SimulatedTrials

ROOT = Path(__file__).resolve().parent.parent
FUNCTION = FunctionVersion("benchmark")
REPETITIONS = 5


@durable_execution
def three_branches(event: Any, context: DurableContext) -> list[int]:
    """Three branches of two steps each."""

    def branch(number: int) -> Callable[[DurableContext], int]:
        def run(child: DurableContext) -> int:
            child.step(lambda _: number, name="first")
            return child.step(lambda _: number, name="second")

        return run

    return context.parallel([branch(number) for number in range(3)]).get_results()


@durable_execution
def ten_steps(event: Any, context: DurableContext) -> int:
    """Ten steps, one after the other."""
    return sum(context.step(lambda _, number=number: number, name=f"step-{number}") for number in range(10))


@dataclass(frozen=True, slots=True)
class Figure:
    """One measurement: what, how much of which unit, and the bound that it is held to."""

    name: str
    value: float
    unit: str
    bound: str


def orders_in_a_second() -> Figure:
    """Run three branches of two steps in another random order each time."""
    count = 1_000

    def run(seed: int) -> None:
        simulator = Simulator(SimulatorOptions(schedule=Seeded(seed)))
        simulator.run_to_end(simulator.start(three_branches, "{}", function=FUNCTION))
        simulator.close()

    for seed in range(100):
        run(seed)
    gc.collect()
    started = time.perf_counter()
    for seed in range(count):
        run(seed)
    rate = count / (time.perf_counter() - started)
    return Figure("random orders of 3 branches of 2 steps", rate, "a second", ">= 1,500")


def sweep() -> Figure:
    """Crash a handler of ten steps at each of its points."""

    def test(runner: LocalRunner, effects: EffectLedger) -> None:
        assert runner.run({}).value == 45

    settings = ExplorationSettings(crashes="all", interleavings=0, api_faults="none")
    timings = []
    for _ in range(REPETITIONS + 1):
        gc.collect()
        started = time.perf_counter()
        report = explore(SimulatedTrials(Target(ten_steps, FUNCTION), test), settings)
        timings.append(time.perf_counter() - started)
        assert report.passed, report
    name = f"sweep of the crashes of ten steps, {report.coverage.runs} runs"
    return Figure(name, statistics.median(timings[1:]) * 1000, "ms", "<= 50")


class Outside:
    """What the steps of `nine_steps` have done, in order, in one run."""

    done: ClassVar[list[str]] = []


@durable_execution
def nine_steps(event: Any, context: DurableContext) -> None:
    """Nine steps, six of them in three branches."""

    def act(context: DurableContext, name: str) -> None:
        context.step(lambda _: Outside.done.append(name), name=name)

    def branch(number: int) -> Callable[[DurableContext], None]:
        def run(child: DurableContext) -> None:
            act(child, f"first-{number}")
            act(child, f"second-{number}")

        return run

    act(context, "reserve")
    context.parallel([branch(number) for number in range(3)])
    act(context, "charge")
    act(context, "ship")


def demand_no_bug(runner: LocalRunner, effects: EffectLedger) -> None:
    """Fail where two steps have run twice, each after a crash, and one branch has overtaken another."""
    Outside.done = []
    runner.run({})
    done = Outside.done
    happened = done.count("reserve") > 1 and done.count("ship") > 1
    assert not (happened and done.index("first-2") < done.index("first-0"))


def shrinking() -> list[Figure]:
    """Find a bug that takes two crashes and an order, by chance, and shrink the plan that has found it."""
    run = SimulatedTrials(Target(nine_steps, FUNCTION), demand_no_bug)
    roots = Sweep(ExplorationSettings(), run(ORDINARY)).roots
    crashes = [one.plan.faults[0] for one in roots if one.target.topic is Topic.CRASH]
    chance = random.Random(20)
    timings, decisions, left, runs = [], 0, 0, 0
    while len(timings) < 5:
        found = run(Plan(tuple(chance.sample(crashes, 2))), Seeded(chance.getrandbits(32)))
        if found.failure is None:
            continue
        gc.collect()
        started = time.perf_counter()
        shrunk = shrink(run, found)
        timings.append(time.perf_counter() - started)
        decisions, left = max(decisions, len(found.plan)), max(left, len(shrunk.plan))
        runs = max(runs, shrunk.runs)
    what = f"shrinking plans of {decisions} decisions at most"
    return [
        Figure(f"{what}, the slowest of {len(timings)}, in {runs} runs at most", max(timings), "s", "<= 2"),
        Figure(f"{what}: what is left", left, "decisions", "<= 3"),
    ]


def what_the_marker_adds() -> Figure:
    """Run the quick-start tests under pytest as they are, and explored."""

    def seconds(*options: str) -> float:
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-c", os.devnull]
        started = time.perf_counter()
        subprocess.run([*command, *options, str(project)], check=True, capture_output=True, cwd=project)
        return time.perf_counter() - started

    project = ROOT / "build" / "explored"
    project.mkdir(parents=True, exist_ok=True)
    (project / "test_order.py").write_text(_ORDINARY_TEST)
    plain = min(seconds() for _ in range(3))
    explored = min(seconds("--durable-explore") for _ in range(3))
    return Figure("what bare durable_explore adds to an ordinary test", explored - plain, "s", "<= 2")


_ORDINARY_TEST = """
import pytest
from durable_sdk import DurableContext, durable_execution
from durable_sdk.config import Duration


@durable_execution
def order(event, context: DurableContext):
    reserved = context.step(lambda _: "reserved", name="reserve")
    def notify(channel):
        return lambda child: child.step(lambda _: channel, name="send")
    sent = context.parallel([notify("mail"), notify("sms")], name="notify").get_results()
    context.wait(Duration.from_days(2))
    charged = context.step(lambda _: "charged", name="charge")
    return [reserved, *sent, charged]


@pytest.mark.durable_execution(handler=order)
def test_order(durable_runner):
    assert durable_runner.run({}).value == ["reserved", "mail", "sms", "charged"]
"""


def figures() -> list[Figure]:
    """Measure everything."""
    return [orders_in_a_second(), sweep(), *shrinking(), what_the_marker_adds()]


def table(measured: list[Figure]) -> str:
    """Return the figures as Markdown."""
    rows = [f"| {one.name} | {one.value:,.3g} {one.unit} | {one.bound} |" for one in measured]
    return "\n".join(["| exploration | measured | bound |", "|---|---|---|", *rows])


if __name__ == "__main__":
    print(table(figures()))
