"""How cost grows with size, and what a run keeps in memory. Of ours alone.

One execution of sequential steps, two events each: it is run, its history is read in one list and in pages,
and its result is asked for its operations, its timeline and its page of HTML.
"""

from __future__ import annotations

import gc
import math
import tempfile
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

from durable_sdk import DurableContext, durable_execution
from pytest_durable.simulator.identifiers import FunctionVersion
from pytest_durable.simulator.options import SimulatorOptions
from pytest_durable.simulator.runner import LocalRunner, Target
from pytest_durable.simulator.service.history_page import history_page
from pytest_durable.simulator.service.limits import Limits
from pytest_durable.simulator.service.requests import HistoryRequest

Timings = dict[str, float]


@durable_execution
def many_steps(event: Any, context: DurableContext) -> None:
    """Run as many steps as the input says."""
    for number in range(event):
        context.step(lambda _, number=number: number)


def runner_of_many_steps() -> LocalRunner:
    """Return a runner of `many_steps`."""
    return LocalRunner(Target(many_steps, FunctionVersion("benchmark")), SimulatorOptions)


def timings_of_history(events: int) -> Timings:
    """Return the seconds that each use of an execution of about so many events takes."""
    timings: Timings = {}

    def timed(name: str, call: Callable[[], Any]) -> Any:
        gc.collect()
        started = time.perf_counter()
        value = call()
        timings[name] = time.perf_counter() - started
        return value

    with runner_of_many_steps() as runner, tempfile.TemporaryDirectory() as folder:
        execution = runner.start(events // 2)
        result = timed("run", execution.finish)
        timed("get_execution_history", lambda: runner.get_execution_history(execution.arn))
        timed("pages of 1,000 events", lambda: read_pages(runner, execution.arn))
        timed("result.operations", lambda: result.operations)
        timed("result.timeline()", result.timeline)
        timed("result.to_html()", lambda: result.to_html(Path(folder) / "run.html"))
    return timings


def least_timings(events: int) -> Timings:
    """Return the least of three measurements: what else the machine does only ever adds."""
    measured = [timings_of_history(events) for _ in range(3)]
    return {name: min(timings[name] for timings in measured) for name in measured[0]}


def read_pages(runner: LocalRunner, execution_arn: str) -> None:
    """Read a history as GetDurableExecutionHistory gives it."""
    log = runner._simulator.executions[execution_arn].record.log
    marker, read = "", 0
    while marker or not read:
        request = HistoryRequest(execution_arn, marker, max_items=1000, include_execution_data=True)
        page = history_page(log, request, Limits())
        read += len(page["Events"])
        marker = page.get("NextMarker", "")
    if read != len(log.shown):
        raise SystemExit(f"The pages have {read} events, the history {len(log.shown)}.")


def growth_table(small: int, large: int) -> str:
    """Write what each use costs at two sizes, and the exponent of its growth, as a Markdown table."""
    at_small, at_large = least_timings(small), least_timings(large)
    lines = [
        f"| a history | {small:,} events | {large:,} events | cost of n events |",
        "|---|---:|---:|---:|",
    ]
    for name, seconds in at_small.items():
        exponent = math.log(at_large[name] / seconds) / math.log(large / small)
        lines.append(f"| {name} | {seconds:,.2f} s | {at_large[name]:,.2f} s | n^{exponent:.2f} |")
    return "\n".join(lines)


def memory_table(*step_counts: int) -> str:
    """Write what runs of so many steps allocate at their peak, and what is kept of them, as Markdown."""
    lines = [
        "| memory | peak | kept | peak for 1,000 operations |",
        "|---|---:|---:|---:|",
    ]
    with runner_of_many_steps() as warm:
        warm.run(10)
    for steps in step_counts:
        gc.collect()
        tracemalloc.start()
        with runner_of_many_steps() as runner:
            result = runner.run(steps)
            peak = tracemalloc.get_traced_memory()[1]
            gc.collect()
            kept = tracemalloc.get_traced_memory()[0]
        tracemalloc.stop()
        name = f"{steps:,} steps, {len(result.history):,} events"
        each = peak / steps * 1000
        lines.append(f"| {name} | {megabytes(peak)} | {megabytes(kept)} | {megabytes(each)} |")
    return "\n".join(lines)


def megabytes(size_bytes: float) -> str:
    """Write a size."""
    return f"{size_bytes / 1e6:,.1f} MB"
