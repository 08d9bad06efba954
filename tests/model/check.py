"""Runs a workflow in the simulator and compares it with what the model says."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from durable_sdk import DurableContext, durable_execution
from model.straight_line import Path, expected
from model.workflow import (
    HEARTBEAT_TIMEOUT_SECONDS,
    INPUT,
    INVOKED_TIMEOUT_SECONDS,
    Body,
    Callback,
    handler_of,
    nodes,
)
from pytest_durable.result.execution import DurableFunctionTestResult
from pytest_durable.result.operations import ContextOperation, Operation
from pytest_durable.schedules.base import Schedule
from pytest_durable.simulator.identifiers import FunctionVersion
from pytest_durable.simulator.options import SimulatorOptions
from pytest_durable.simulator.runner import LocalRunner, Target
from pytest_durable.simulator.service.limits import Limits


def plain(event: Any, context: Any) -> Any:
    """Return the payload."""
    return {"got": event}


def failing(event: Any, context: Any) -> Any:
    """Fail."""
    raise FunctionError("the function failed")


class FunctionError(Exception):
    """What a failing function raises."""


# More than any workflow needs, and soon reached by one that a broken service keeps going.
LIMITS = Limits(invocations=200)


@durable_execution
def durable(event: Any, context: DurableContext) -> Any:
    """Return the payload, after a while."""
    context.wait(2, "think")
    return {"got": context.step(lambda: event, "answer")}


@durable_execution
def durable_failing(event: Any, context: DurableContext) -> Any:
    """Fail, after a while."""
    context.wait(2, "think")
    raise FunctionError("the function failed")


@durable_execution
def durable_endless(event: Any, context: DurableContext) -> Any:
    """Never end."""
    while True:
        context.wait(3600)


def run(body: Body, schedule: Schedule, seed: int = 0) -> DurableFunctionTestResult:
    """Run a workflow, its callbacks answered by scripts and its functions registered."""
    runner = runner_of(body, schedule, seed)
    try:
        return runner.run(INPUT)
    finally:
        # A script of a callback that is never reached is no mistake here.
        runner.release()


def runner_of(body: Body, schedule: Schedule, seed: int = 0) -> LocalRunner:
    """Return a runner of a workflow that has been told what the workflow needs."""
    target = Target(handler_of(body), FunctionVersion("workflow"))
    runner = LocalRunner(target, lambda: SimulatorOptions(schedule=schedule, seed=seed, limits=LIMITS))
    for node in nodes(body):
        if isinstance(node, Callback):
            script = runner.on_callback(node.name)
            match node.outcome:
                case "succeeds":
                    script.succeed(node.value, after=node.after)
                case "fails":
                    script.fail(node.value, after=node.after)
                case "times out":
                    script.never()
                case "beats":
                    script.heartbeat(every=HEARTBEAT_TIMEOUT_SECONDS - 5, times=3).succeed(node.value)
                case "goes silent":
                    script.heartbeat(every=HEARTBEAT_TIMEOUT_SECONDS - 5, times=2)
    runner.register_function("plain", plain)
    runner.register_function("failing", failing)
    runner.register_durable_function("durable", durable)
    runner.register_durable_function("durable-failing", durable_failing)
    runner.register_durable_function("durable-endless", durable_endless, INVOKED_TIMEOUT_SECONDS)
    return runner


def left(operations: Sequence[Operation], path: Path = ()) -> Counter[tuple[Path, str, str, int]]:
    """Return the operations of a result in the form of the model."""
    found: Counter[tuple[Path, str, str, int]] = Counter()
    for operation in operations:
        here = (*path, operation.name or "")
        attempts = getattr(operation, "attempt", 0)
        found[here, operation.sub_type or "", operation.status.value, attempts] += 1
        if isinstance(operation, ContextOperation):
            found += left(operation.child_operations, here)
    return found


def check(body: Body, schedule: Schedule) -> None:
    """Fail if the workflow comes to anything but what the model says."""
    result = run(body, schedule)
    model = expected(body)
    if model.error is None:
        assert result.error is None, result.error
        assert result.status == "SUCCEEDED"
        assert result.value == model.result
    else:
        assert result.status == "FAILED"
        assert result.error is not None
        assert (result.error.type, result.error.message) == model.error
    assert left(result.operations) == model.operations
