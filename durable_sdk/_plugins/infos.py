"""What plugins are told: values that describe operations, user functions and invocations.

The enums are the plugins' own, not the wire's: their members equal no text and no member of another enum.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import Any, Protocol, TypeVar

from durable_sdk import _runtime
from durable_sdk._wire import enums as wire
from durable_sdk._wire.enums import OperationStatus
from durable_sdk._wire.errors import ErrorObject
from durable_sdk._wire.invocation import DurableExecutionInvocationOutput
from durable_sdk._wire.operations import StoredOperation

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class InvocationStatus(Enum):
    """How an invocation ended. RETRY: an exception left the handler, and the service invokes it again."""

    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    PENDING = "PENDING"
    RETRY = "RETRY"


class OperationType(Enum):
    """What an operation is."""

    EXECUTION = "EXECUTION"
    CONTEXT = "CONTEXT"
    STEP = "STEP"
    WAIT = "WAIT"
    CALLBACK = "CALLBACK"
    CHAINED_INVOKE = "CHAINED_INVOKE"


_TYPES = {member: OperationType(member.value) for member in wire.OperationType}
_STATUSES = {member: InvocationStatus(member.value) for member in wire.InvocationStatus}


class UserFunctionOutcome(Enum):
    """How a user function ended. INCOMPLETE: it neither returned nor failed, because it suspends."""

    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    INCOMPLETE = "INCOMPLETE"

    @classmethod
    def from_error(cls, error: ErrorObject | None) -> UserFunctionOutcome:
        """Return FAILED if there is an error, else SUCCEEDED."""
        return cls.SUCCEEDED if error is None else cls.FAILED


class EncodableOperation(Protocol):
    """An operation that knows its form in the service's JSON."""

    def to_dict(self) -> dict[str, Any]:
        """Encode to the service's form."""
        ...


def to_datetime(microseconds: int | None) -> datetime | None:
    """Return a time given in microseconds since the epoch as an aware datetime, in UTC."""
    return None if microseconds is None else _EPOCH + timedelta(microseconds=microseconds)


def to_operation_type(operation_type: wire.OperationType) -> OperationType:
    """Return the plugins' member for the wire's."""
    return _TYPES[operation_type]


def copy_error(error: ErrorObject | None) -> ErrorObject | None:
    """Return an error that a plugin may change without changing what the handler sees."""
    if error is None:
        return None
    stack_trace = None if error.stack_trace is None else list(error.stack_trace)
    return ErrorObject(error.message, error.type, error.data, stack_trace)


@dataclass(frozen=True)
class OperationInfo:
    """An operation. Times are aware datetimes, in UTC.

    ``result`` is the stored text, ``attempt`` the number of attempts of a step that have ended (in the
    hooks of a user function: the number of the one that runs, 1 for the first). ``is_replayed`` tells that
    an earlier invocation began it, or that a replay runs its body again.
    """

    operation_id: str
    operation_type: OperationType
    sub_type: str | None
    name: str | None
    parent_id: str | None
    start_time: datetime | None
    is_replayed: bool
    status: OperationStatus
    end_time: datetime | None = field(default=None, kw_only=True)
    result: str | None = field(default=None, kw_only=True)
    error: ErrorObject | None = field(default=None, kw_only=True)
    attempt: int | None = field(default=None, kw_only=True)

    @staticmethod
    def from_operation(
        operation: StoredOperation | EncodableOperation, *, is_replayed: bool = False
    ) -> OperationInfo:
        """Describe what is recorded of an operation."""
        if not isinstance(operation, StoredOperation):
            operation = StoredOperation(operation.to_dict())
        return describe(OperationInfo, operation, is_replayed=is_replayed)


InfoT = TypeVar("InfoT", bound=OperationInfo)


def describe(kind: type[InfoT], operation: StoredOperation, *, is_replayed: bool = False) -> InfoT:
    """Describe what is recorded of an operation, as an info of that kind."""
    operation_type = operation.operation_type
    return kind(
        operation.operation_id,
        _TYPES[operation_type],
        operation.sub_type,
        operation.name,
        operation.parent_id,
        to_datetime(operation.start_timestamp),
        is_replayed,
        operation.status,
        end_time=to_datetime(operation.end_timestamp),
        result=operation.result,
        error=copy_error(operation.error),
        attempt=operation.attempt if operation_type is wire.OperationType.STEP else None,
    )


@dataclass(frozen=True)
class OperationStartInfo(OperationInfo):
    """An operation that begins, or that a replay finds unfinished.

    ``start_time`` is None until the service has recorded the start.
    """


@dataclass(frozen=True)
class OperationEndInfo(OperationInfo):
    """An operation that has ended."""


@dataclass(frozen=True)
class OperationChangeInfo:
    """What answers of the service have changed.

    ``updated_operations`` holds every operation whose status has changed since the last notification,
    ``operations`` every operation of the execution; both by id, in their newest states.
    """

    execution_arn: str | None
    updated_operations: dict[str, OperationInfo]
    operations: dict[str, OperationInfo]


@dataclass(frozen=True)
class UserFunctionStartInfo(OperationInfo):
    """A function of the user that is about to run: an attempt of a step, a check, or the body of a context.

    ``is_replay_children``: the body of an ended context runs again only to make its large result.
    ``attempt`` of a context is 1 on its first run and None once an earlier one is recorded.
    """

    is_replay_children: bool = False


@dataclass(frozen=True)
class UserFunctionEndInfo(OperationInfo):
    """A function of the user that has ended, one way or another."""

    is_replay_children: bool
    outcome: UserFunctionOutcome

    @classmethod
    def from_start_info(
        cls,
        start_info: UserFunctionStartInfo,
        error: ErrorObject | None,
        *,
        outcome: UserFunctionOutcome | None = None,
    ) -> UserFunctionEndInfo:
        """Describe the end, now, of the function that began so. By default ``error`` decides the outcome."""
        return UserFunctionEndInfo(
            start_info.operation_id,
            start_info.operation_type,
            start_info.sub_type,
            start_info.name,
            start_info.parent_id,
            start_info.start_time,
            start_info.is_replayed,
            start_info.status,
            start_info.is_replay_children,
            outcome or UserFunctionOutcome.from_error(error),
            end_time=to_datetime(_runtime.current.get().now()),
            error=error,
            attempt=start_info.attempt,
        )


@dataclass(frozen=True)
class InvocationInfo:
    """An invocation of the handler.

    ``execution_input`` is a copy of the event that the handler gets. ``operations`` is a snapshot of every
    operation by id, that of the execution included. Both are left out of the representation, so that
    logging an info writes no payloads, and of comparisons.
    """

    request_id: str | None
    execution_arn: str | None
    is_first_invocation: bool
    execution_start_time: datetime | None = None
    execution_input: Any = field(default=None, kw_only=True, repr=False, compare=False)
    operations: dict[str, OperationInfo] = field(
        default_factory=dict, kw_only=True, repr=False, compare=False
    )


@dataclass(frozen=True)
class InvocationStartInfo(InvocationInfo):
    """An invocation that begins.

    ``updated_operations`` are those of ``operations`` that the service has changed since the last
    invocation: a wait that is over, a callback that was answered, a step whose next attempt is due.
    """

    updated_operations: dict[str, OperationInfo] = field(
        default_factory=dict, kw_only=True, repr=False, compare=False
    )


@dataclass(frozen=True)
class InvocationEndInfo(InvocationInfo):
    """An invocation that has ended.

    ``execution_result`` is the JSON text that the handler's result became, "" if it was too large to
    return and is stored with the execution, None if there is none.
    """

    status: InvocationStatus = field(kw_only=True)
    error: ErrorObject | None = None
    execution_result: str | None = field(default=None, kw_only=True, repr=False, compare=False)

    @classmethod
    def from_durable_execution_invocation_output(
        cls,
        invocation_start_info: InvocationStartInfo,
        output: DurableExecutionInvocationOutput,
        operations: dict[str, OperationInfo] | None = None,
    ) -> InvocationEndInfo:
        """Describe the end of the invocation that began so; ``operations`` default to those at its start."""
        return InvocationEndInfo(
            invocation_start_info.request_id,
            invocation_start_info.execution_arn,
            invocation_start_info.is_first_invocation,
            invocation_start_info.execution_start_time,
            copy_error(output.error),
            execution_input=invocation_start_info.execution_input,
            operations=invocation_start_info.operations if operations is None else operations,
            status=_STATUSES[output.status],
            execution_result=output.result,
        )


@dataclass(frozen=True)
class PropagationInput:
    """An invoke that is about to begin."""

    execution_arn: str
    operation_id: str
    target_function_name: str
    parent_operation_id: str | None = None


@dataclass(frozen=True)
class PropagationMetadata:
    """What travels with an invoke: the X-Ray trace header for the invoked function."""

    x_amzn_trace_id: str | None = None
