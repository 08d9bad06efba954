"""A corpus of durable handlers that between them do everything a handler can do.

`CASES` lists them with their input and how they end. `run` runs one in a simulation of its own, `digest`
names the histories of all of them in one line, which is what another process is compared by.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from corpus_batches import (
    conditions,
    custom_completion,
    empty_batches,
    flat_mapping,
    mapped_callbacks,
    mapped_invokes,
    mapping,
    nested_maps,
    retried_block,
    script_mapped_callbacks,
    script_mapped_invokes,
    script_steps,
    scripted_steps,
    tolerant_mapping,
    virtual_children,
)
from corpus_handlers import (
    DOUBLING as DOUBLING,
)
from corpus_handlers import (
    EVERY_TEN_SECONDS as EVERY_TEN_SECONDS,
)
from corpus_handlers import (
    ONCE as ONCE,
)
from corpus_handlers import (
    WITH_JITTER as WITH_JITTER,
)
from corpus_handlers import (
    at_most_once as at_most_once,
)
from corpus_handlers import (
    callbacks as callbacks,
)
from corpus_handlers import (
    callbacks_in_branches as callbacks_in_branches,
)
from corpus_handlers import (
    caught_failure as caught_failure,
)
from corpus_handlers import (
    chain as chain,
)
from corpus_handlers import (
    crashing as crashing,
)
from corpus_handlers import (
    echo as echo,
)
from corpus_handlers import (
    fail as fail,
)
from corpus_handlers import (
    fail_before as fail_before,
)
from corpus_handlers import (
    failing_step as failing_step,
)
from corpus_handlers import (
    first_of_several as first_of_several,
)
from corpus_handlers import (
    invokes as invokes,
)
from corpus_handlers import (
    large_results as large_results,
)
from corpus_handlers import (
    limited_concurrency as limited_concurrency,
)
from corpus_handlers import (
    nest as nest,
)
from corpus_handlers import (
    nested_children as nested_children,
)
from corpus_handlers import (
    nested_parallel as nested_parallel,
)
from corpus_handlers import (
    parallel_steps as parallel_steps,
)
from corpus_handlers import (
    parallel_waits_and_retries as parallel_waits_and_retries,
)
from corpus_handlers import (
    raising as raising,
)
from corpus_handlers import (
    retries_with_jitter as retries_with_jitter,
)
from corpus_handlers import (
    script_branches as script_branches,
)
from corpus_handlers import (
    script_callbacks as script_callbacks,
)
from corpus_handlers import (
    script_invokes as script_invokes,
)
from corpus_handlers import (
    sequential as sequential,
)
from corpus_handlers import (
    sleep as sleep,
)
from corpus_handlers import (
    sleeping_branches as sleeping_branches,
)
from corpus_handlers import (
    tolerated_failures as tolerated_failures,
)
from corpus_handlers import (
    too_slow_for_its_execution as too_slow_for_its_execution,
)
from corpus_handlers import (
    too_slow_for_its_invocation as too_slow_for_its_invocation,
)
from corpus_handlers import (
    waiting as waiting,
)

from pytest_durable.entropy import Entropy
from pytest_durable.history.codec import canonical_text
from pytest_durable.history.events import EventType
from pytest_durable.payload import encode_input
from pytest_durable.result.execution import DurableFunctionTestResult
from pytest_durable.schedules.base import Schedule
from pytest_durable.schedules.in_order import InOrder
from pytest_durable.schedules.seeded import Seeded
from pytest_durable.simulator.arrangement import Arrangement
from pytest_durable.simulator.checkers.base import Checker
from pytest_durable.simulator.execution import SimulatedExecution
from pytest_durable.simulator.identifiers import FunctionVersion
from pytest_durable.simulator.loop import Loop
from pytest_durable.simulator.options import SimulatorOptions
from pytest_durable.simulator.runner import LocalRunner, Target
from pytest_durable.simulator.service.limits import Limits
from pytest_durable.simulator.wall_clock import wall_clock
from pytest_durable.simulator.world import World


@dataclass(frozen=True)
class Case:
    """A handler, its input, and how it ends. ``script`` is said to the runner before it runs."""

    handler: Any
    input: Any = None
    status: str = "SUCCEEDED"
    value: Any = None
    options: dict[str, Any] = field(default_factory=dict)
    script: Callable[[LocalRunner], None] | None = None

    @property
    def name(self) -> str:
        """The name of the handler."""
        return str(self.handler.__name__)


CASES = [
    Case(sequential, {"steps": 6}, value=15),
    Case(waiting, value=["before", "after"]),
    Case(nested_children, {"depth": 4}, value=10),
    Case(parallel_steps, value=[[[i, 0], [i, 1]] for i in range(3)]),
    Case(
        parallel_waits_and_retries,
        {"branches": 5},
        value=[[index, 1 + index % 3] for index in range(5)],
    ),
    Case(nested_parallel, value=[[[[0, 0]], [[1, 0], [1, 1]]]] * 3),
    Case(retries_with_jitter, value=[4, 3]),
    Case(failing_step, status="FAILED"),
    Case(caught_failure, value="compensated for caught"),
    Case(at_most_once, value=2),
    Case(
        sleeping_branches,
        value=[
            ["2026-01-01T00:00:03", "2026-01-01T00:00:04.500000"],
            ["2026-01-01T00:00:00.250000", "2026-01-01T00:00:00.375000"],
            ["2026-01-01T00:00:01.500000", "2026-01-01T00:00:02.250000"],
            ["2026-01-01T00:00:03", "2026-01-01T00:00:04.500000"],
        ],
    ),
    Case(
        too_slow_for_its_execution,
        status="TIMED_OUT",
        options={"execution_timeout_seconds": 3 * 3600 + 1},
    ),
    Case(
        too_slow_for_its_invocation,
        {"began": "2026-01-01T00:00:00"},
        value="2026-01-01T00:01:11",
        options={"invocation_timeout_seconds": 30},
    ),
    Case(raising, status="FAILED"),
    Case(large_results, value=[300_000] * 3),
    Case(first_of_several, value=[["quick"], "MIN_SUCCESSFUL_REACHED"]),
    Case(limited_concurrency, value=[0, 1, 2, 3, 4]),
    Case(tolerated_failures, value=[2, 1]),
    Case(crashing, value="kept"),
    Case(
        callbacks,
        value=["at once", '{"beats": 3}', "Callback timed out"],
        script=script_callbacks,
    ),
    Case(callbacks_in_branches, value=[f"answer {index}" for index in range(4)], script=script_branches),
    Case(
        invokes,
        value=[[2, 1], "2026-01-01T00:00:07", {"id": 1}, "ResourceNotFoundException"],
        script=script_invokes,
    ),
    Case(mapping, {"items": [1, 2, 3, 4, 5]}, value=[[item, 1 + item % 2] for item in range(1, 6)]),
    Case(flat_mapping, {"items": [1, 2, 3]}, value=[[1, 2], [2, 1], [3, 2]]),
    Case(tolerant_mapping, value=["FAILURE_TOLERANCE_EXCEEDED", 2]),
    Case(nested_maps, value=[[0], [0, 10], [0, 10, 20]]),
    Case(empty_batches, value=["ALL_COMPLETED", []]),
    Case(custom_completion, value=[[0, 1], "CUSTOM_COMPLETION_SUCCEEDED", 4]),
    Case(conditions, value=[3, 1, 4]),
    Case(retried_block, value=3),
    Case(virtual_children, value=[1, 2]),
    Case(
        mapped_callbacks,
        {"people": ["ann", "bob", "eve"]},
        value=["yes", "no", "perhaps"],
        script=script_mapped_callbacks,
    ),
    Case(
        mapped_invokes,
        value=["2026-01-01T00:00:00", 2, "2026-01-01T00:00:02", 6],
        script=script_mapped_invokes,
    ),
    Case(scripted_steps, value=["attempt 2", "real"], script=script_steps),
]
BY_NAME = {case.name: case for case in CASES}


def make_runner(handler: Any, **options: Any) -> LocalRunner:
    """Return a runner of the handler. ``schedule`` is made anew for each simulation from a seed."""
    seed = options.get("seed", 0)
    is_random = options.pop("random_schedule", False)
    injector = options.pop("injector", None)

    def make_options() -> SimulatorOptions:
        schedule: Schedule = Seeded(seed, advances=0.0) if is_random else InOrder()
        return SimulatorOptions(schedule=schedule, **options)

    target = Target(handler, FunctionVersion("function"))
    return LocalRunner(target, make_options, Arrangement(injector=injector))


def runner_of(case: Case, **options: Any) -> LocalRunner:
    """Return the runner of a case, told what the case scripts."""
    runner = make_runner(case.handler, **(case.options | options))
    if case.script is not None:
        case.script(runner)
    return runner


def run(case: Case, **options: Any) -> DurableFunctionTestResult:
    """Run a case in a simulation of its own."""
    runner = runner_of(case, **options)
    try:
        return runner.run(case.input)
    finally:
        runner.release()


def history_text(case: Case, **options: Any) -> str:
    """Run a case and return its history, and that of all that it has invoked, as canonical text."""
    return text_of(run(case, **options))


def text_of(result: DurableFunctionTestResult) -> str:
    """Return the history of an execution, and of all that it has invoked, as canonical text."""
    return "\n".join(canonical_text(history) for history in histories(result))


def histories(result: DurableFunctionTestResult) -> list[list[dict[str, Any]]]:
    """Return the history of an execution, then those of the executions that it has invoked."""
    return [result.history, *(history for invoked in result.invoked for history in histories(invoked))]


def digest(cases: Iterable[Case] = CASES, **options: Any) -> str:
    """Return a hash of the histories of all cases."""
    hashed = hashlib.sha256()
    for case in cases:
        hashed.update(case.name.encode() + b"\n" + history_text(case, **options).encode() + b"\n")
    return hashed.hexdigest()


def run_watched(case: Case, *checkers: Checker, limits: Limits | None = None) -> SimulatedExecution:
    """Run a case in a world that is watched by ``checkers``, and return its execution."""
    options = SimulatorOptions(**case.options)
    told = runner_of(case)
    world = World(
        1_767_225_600_000_000,
        Entropy(0),
        limits or options.limits,
        checkers,
        30,
        told._arrangement.functions,
        told._arrangement.scripts,
    )
    loop = Loop(world)
    execution = world.executions.start(
        case.handler,
        FunctionVersion("function"),
        encode_input(case.input),
        None,
        options.execution_timeout_seconds or options.limits.delay_seconds,
        options.invocation_timeout_seconds,
    )
    with wall_clock.shown(world.clock):
        is_alone = case.script is None
        loop.run(lambda: execution.closed and execution.invocation is None, inline=is_alone)
    return execution


def event_names(result: DurableFunctionTestResult) -> list[str]:
    """Return the types of the events of a run, with the names of their operations."""
    executions = {EventType.EXECUTION_STARTED.value}
    return [
        f"{event['EventType']} {event['Name']}"
        if event.get("Name") and not event["EventType"].startswith("Execution")
        else str(event["EventType"])
        for event in result.history
        if event["EventType"] not in executions
    ]
