"""Verdict: why an execution did not succeed, and what it had left to do."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from durable_sdk.lambda_service import ErrorObject, OperationStatus
from pytest_durable.history.codec import to_microseconds
from pytest_durable.result.operations import (
    CallbackOperation,
    InvokeOperation,
    Operation,
    ResultOperation,
    StepOperation,
    WaitOperation,
)
from pytest_durable.result.query import children_of, walk_with_paths
from pytest_durable.result.wording import error_text, kind_of, shortened, span

_LONGEST_ERROR = 500
_UNFINISHED_SHOWN = 5

_FAILURES = frozenset({OperationStatus.FAILED, OperationStatus.TIMED_OUT, OperationStatus.STOPPED})


def pending_work(operations: Sequence[Operation], started: datetime | None) -> list[str]:
    """Describe the innermost operations that have not ended. Times are since ``started``."""
    return [
        f"{_described(operation, path)}{_until(operation, started)}"
        for path, operation in walk_with_paths(operations)
        if not operation.status.is_terminal
        and all(child.status.is_terminal for child in children_of(operation))
    ]


def failure_text(
    status: str,
    name: str | None,
    error: ErrorObject | None,
    operations: Sequence[Operation],
    pending: Sequence[str],
) -> str:
    """Write what `raise_for_status` raises: the status, the error, and where it came from."""
    execution = f"Execution {name!r}" if name else "The execution"
    said = "" if error is None else f": {shortened(error_text(error.to_dict()), _LONGEST_ERROR)}"
    first = f"{execution} is still RUNNING" if status == "RUNNING" else f"{execution} {status}"
    sentences = [f"{first}{said}", *_origin(error, operations)]
    if pending:
        more = len(pending) - _UNFINISHED_SHOWN
        shown = "; ".join(pending[:_UNFINISHED_SHOWN])
        sentences.append(f"Unfinished: {shown}{f'; {more} more' if more > 0 else ''}")
    sentences.append("timeline() shows the run")
    return "\n".join(f"{sentence.removesuffix('.')}." for sentence in sentences)


def _origin(error: ErrorObject | None, operations: Sequence[Operation]) -> Iterator[str]:
    failed = [
        (path, operation)
        for path, operation in walk_with_paths(operations)
        if isinstance(operation, ResultOperation)
        and operation.status in _FAILURES
        and operation.error is not None
    ]
    if error is None or not failed:
        return
    # An error keeps its message on its way up, and a child comes after its parents here: the last
    # operation with that message is the innermost of those that failed last.
    same = [found for found in failed if found[1].error and found[1].error.message == error.message]
    if same:
        path, operation = same[-1]
        yield f"It came from {_described(operation, path)}{_attempts(operation)}"
    else:
        path, operation = max(failed, key=lambda found: _end_of(found[1]))
        yield (
            f"No operation failed with that message; the last to fail was"
            f" {_described(operation, path)}{_attempts(operation)}"
        )


def _end_of(operation: Operation) -> int:
    return to_microseconds(operation.end_timestamp) if operation.end_timestamp else 0


def _described(operation: Operation, path: str) -> str:
    return f"{kind_of(operation.operation_type, operation.sub_type)} {path!r}"


def _attempts(operation: Operation) -> str:
    if isinstance(operation, StepOperation) and operation.attempt > 1:
        return f" after {operation.attempt} attempts"
    return ""


def _until(operation: Operation, started: datetime | None) -> str:
    due: datetime | None = None
    what = ""
    if isinstance(operation, WaitOperation):
        due, what = operation.scheduled_end_timestamp, "ends"
    elif isinstance(operation, StepOperation):
        due, what = operation.next_attempt_timestamp, f"attempt {operation.attempt + 1} is due"
    elif isinstance(operation, CallbackOperation):
        due, what = _timeout_of(operation)
    elif isinstance(operation, InvokeOperation) and operation.function_name:
        return f", calls {operation.function_name!r}"
    if due is None or started is None:
        return ""
    return f", {what} at +{span(to_microseconds(due) - to_microseconds(started))}"


def _timeout_of(callback: CallbackOperation) -> tuple[datetime | None, str]:
    whole, heartbeat = callback.timeout_timestamp, callback.heartbeat_timeout_timestamp
    if heartbeat is not None and (whole is None or heartbeat < whole):
        return heartbeat, "times out without a heartbeat"
    return whole, "times out"
