"""Footprints: what an entry of the queue reads or changes when it happens.

Each is a text that is the same in every run: an execution's record at the service, or the memory of the
sandbox that runs its handler. What a task touches beyond that memory is told while it runs.
"""

from __future__ import annotations

from collections.abc import Sequence

from durable_sdk.lambda_service import OperationType
from pytest_durable.simulator.execution import SimulatedExecution
from pytest_durable.simulator.scheduled import (
    CallAnswered,
    CallArrived,
    ExecutionTimedOut,
    FunctionEnded,
    FunctionTimedOut,
    HandlerEnded,
    InvocationDue,
    InvocationTimedOut,
    InvokedExecutionEnded,
    Item,
    ShadowEnded,
    TaskDue,
)

CHANCE = "chance"
"""The stream of random numbers that all handlers share."""

DRAWS = "draws"
"""What the code of handlers draws by itself."""

OUTSIDE = "outside"
"""Other functions, and the scripts of the test, whose outcomes come in the order in which they are asked."""

_OUTSIDE_TYPES = (OperationType.CHAINED_INVOKE.value, OperationType.CALLBACK.value)


def touched_by(item: Item) -> Sequence[str]:
    """Return what an entry touches."""
    match item:
        case TaskDue(task):
            return (_memory(task.sandbox.name),)
        case CallAnswered(call):
            return (_memory(call.task.sandbox.name),)
        case CallArrived(execution, call):
            if any(update.get("Type") in _OUTSIDE_TYPES for update in call.request.get("Updates", ())):
                return (_record(execution), OUTSIDE)
            return (_record(execution),)
        case FunctionEnded(execution, operation_id) | FunctionTimedOut(execution, operation_id):
            return (_record(execution), _memory(f"{execution.record.arn}/{operation_id}"))
        case InvokedExecutionEnded(execution, _, invoked):
            return (_record(execution), _record(invoked))
        case InvocationDue(execution) | HandlerEnded(execution) | InvocationTimedOut(execution):
            return (_record(execution), _memory(execution.record.arn))
        case ExecutionTimedOut(execution) | ShadowEnded(execution):
            return (_record(execution), _memory(execution.record.arn))
        case _:
            return (_record(item.execution),)


def _record(execution: SimulatedExecution) -> str:
    return f"record:{execution.record.arn}"


def _memory(sandbox: str) -> str:
    return f"memory:{sandbox}"
