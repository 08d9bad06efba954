"""What is said of faults that were injected and never struck."""

from __future__ import annotations

from collections.abc import Iterable

from durable_sdk.lambda_service import OperationType
from pytest_durable.faults import Fault
from pytest_durable.points import shown
from pytest_durable.result.wording import counted
from pytest_durable.scripts.names import callback_paths, path_of
from pytest_durable.simulator.execution import SimulatedExecution
from pytest_durable.simulator.injector import Injector


def fault_complaints(injector: Injector, executions: Iterable[SimulatedExecution]) -> list[str]:
    """Return a line for each fault that has not struck, with the names that a fault could have had."""
    if not injector.unused:
        return []
    steps: dict[str, None] = {}
    callbacks: dict[str, None] = {}
    for execution in executions:
        operations = execution.record.log.operations
        for operation in operations.values():
            subject = operation.subject
            if subject.operation_type is OperationType.STEP:
                steps[shown(path_of(operations, subject))] = None
            elif subject.operation_type is OperationType.CALLBACK:
                callbacks[shown(callback_paths(operations, subject)[0])] = None
    names = [
        f"its {what} were {', '.join(map(repr, found))}"
        for what, found in (("steps", steps), ("callbacks", callbacks))
        if found
    ]
    told = f" Of the run, {' and '.join(names)}." if names else " The run had no steps and no callbacks."
    return [
        f"{fault!r} never struck: the run came to {counted(count, 'point')} that it is about, and it strikes "
        f"at number {_first(fault)}.{told}"
        for fault, count in injector.unused
    ]


def _first(fault: Fault) -> int:
    return next(count for count in range(1, 1_000_000) if fault.strikes_at(count))
