"""Operations: what a test sees of each operation, under the names of AWS's testing package."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Self, cast

from durable_sdk.lambda_service import ErrorObject, OperationStatus, OperationType
from durable_sdk.lambda_service import Operation as SvcOperation
from pytest_durable.exceptions import InvalidParameterValueException
from pytest_durable.history.codec import to_datetime
from pytest_durable.history.events import InvokeStart
from pytest_durable.history.fold import RecordedOperation, is_execution
from pytest_durable.model.operations import recorded_operation
from pytest_durable.result import query
from pytest_durable.result.wording import (
    answer_value,
    decoded,
    error_text,
    kind_of,
    shortened,
    value_text,
)

# A failure belongs to the test's own line, not to ours.
__tracebackhide__ = True


@dataclass(frozen=True, repr=False)
class Operation:
    """What every operation has. Times are aware datetimes; ids are the service's."""

    operation_id: str
    operation_type: OperationType
    status: OperationStatus
    parent_id: str | None = field(default=None, kw_only=True)
    name: str | None = field(default=None, kw_only=True)
    sub_type: str | None = field(default=None, kw_only=True)
    start_timestamp: datetime | None = field(default=None, kw_only=True)
    end_timestamp: datetime | None = field(default=None, kw_only=True)

    @classmethod
    def from_svc_operation(
        cls, operation: SvcOperation, all_operations: list[SvcOperation] | None = None
    ) -> Self:
        """Return the view of an operation as the service reports it, with those of ``all_operations`` inside.

        Raises:
            InvalidParameterValueException: the operation is of another type than the class.
        """
        view = create_operation(operation, all_operations)
        if not isinstance(view, cls):
            raise InvalidParameterValueException(
                f"{cls.__name__} is not for operations of type {operation.operation_type.value}."
            )
        return view

    @property
    def value(self) -> Any:
        """The decoded result; None where there is none."""
        return None

    def __repr__(self) -> str:
        parts = [repr(self.name), self.status.value, *self._repr_details()]
        return f"{type(self).__name__}({', '.join(parts)})"

    def _repr_details(self) -> Iterable[str]:
        return ()


class Lookups(ABC):
    """The lookups of results and contexts. All but `operation` look directly inside only."""

    @abstractmethod
    def _searched(self) -> tuple[list[Operation], str]:
        """Return the operations directly inside, and words for what holds them."""

    def _find(self, name: str, kind: OperationType | None) -> Operation:
        operations, holder = self._searched()
        return query.find(operations, name, kind, holder)

    def get_operation_by_name(self, name: str) -> Operation:
        """Return the first operation of that name, of any kind."""
        return self._find(name, None)

    def get_step(self, name: str) -> StepOperation:
        """Return the first step of that name."""
        return cast("StepOperation", self._find(name, OperationType.STEP))

    def get_wait(self, name: str) -> WaitOperation:
        """Return the first wait of that name."""
        return cast("WaitOperation", self._find(name, OperationType.WAIT))

    def get_context(self, name: str) -> ContextOperation:
        """Return the first context of that name: a child context, map, parallel or branch."""
        return cast("ContextOperation", self._find(name, OperationType.CONTEXT))

    def get_callback(self, name: str) -> CallbackOperation:
        """Return the first callback of that name.

        ``wait_for_callback`` is a context, in which the callback is named ``"<name> create callback id"``.
        """
        return cast("CallbackOperation", self._find(name, OperationType.CALLBACK))

    def get_invoke(self, name: str) -> InvokeOperation:
        """Return the first call of another function of that name."""
        return cast("InvokeOperation", self._find(name, OperationType.CHAINED_INVOKE))

    def get_execution(self, name: str) -> ExecutionOperation:
        """Return the operation of that name that stands for an execution."""
        return cast("ExecutionOperation", self._find(name, OperationType.EXECUTION))

    def get_all_operations(self) -> list[Operation]:
        """Return the operations at every depth, each parent before its children."""
        return list(query.walk(self._searched()[0]))

    def operation(self, path: str) -> Operation:
        """Return the operation at ``"orders/charge"``, or ``"orders[1]/charge"`` for repeats."""
        operations, holder = self._searched()
        return query.at_path(operations, path, holder)


@dataclass(frozen=True, repr=False)
class ExecutionOperation(Operation):
    """The execution itself."""

    input_payload: str | None = None

    def _repr_details(self) -> Iterable[str]:
        if self.input_payload is not None:
            yield f"input={shortened(self.input_payload)}"


class ResultOperation(Operation):
    """An operation that comes to something. ``result`` is the stored text, `value` what it means."""

    # Fields of the subclasses, in whose constructors they have different places.
    result: str | None
    error: ErrorObject | None

    @property
    def value(self) -> Any:
        """The decoded result; None where there is none.

        Raises:
            DurableTestError: the stored text is neither JSON nor the SDK's typed envelope.
        """
        if self.result is None:
            return None
        return decoded(self.result, f"The result of {self._described()}")

    def _described(self) -> str:
        return f"{kind_of(self.operation_type, self.sub_type)} {self.name!r}"

    def _repr_details(self) -> Iterable[str]:
        if self.result is not None:
            yield f"value={value_text(self.result)}"
        if self.error is not None:
            yield f"error={shortened(error_text(self.error.to_dict()))}"


@dataclass(frozen=True, repr=False)
class ContextOperation(ResultOperation, Lookups):
    """An operation with others inside."""

    child_operations: list[Operation]
    result: str | None = None
    error: ErrorObject | None = None

    def _searched(self) -> tuple[list[Operation], str]:
        described = self._described()
        return self.child_operations, described[0].upper() + described[1:]

    def _repr_details(self) -> Iterable[str]:
        yield from super()._repr_details()
        if self.child_operations:
            yield f"{len(self.child_operations)} inside"


@dataclass(frozen=True, repr=False)
class StepOperation(ContextOperation):
    """A step. ``attempt`` counts attempts that have ended; ``next_attempt_timestamp`` is set while
    the step waits for its next one."""

    attempt: int = 0
    next_attempt_timestamp: datetime | None = None

    def _repr_details(self) -> Iterable[str]:
        yield f"attempt={self.attempt}"
        yield from super()._repr_details()


@dataclass(frozen=True, repr=False)
class WaitOperation(Operation):
    """A wait."""

    scheduled_end_timestamp: datetime | None = None

    def _repr_details(self) -> Iterable[str]:
        if self.scheduled_end_timestamp is not None:
            yield f"until {self.scheduled_end_timestamp.isoformat()}"


@dataclass(frozen=True, repr=False)
class CallbackOperation(ContextOperation):
    """A callback. ``callback_id`` is what it is answered by.

    It times out at ``timeout_timestamp``, and at ``heartbeat_timeout_timestamp`` unless it is answered or a
    heartbeat comes before; None stands for never.
    """

    callback_id: str | None = None
    timeout_timestamp: datetime | None = field(default=None, kw_only=True)
    heartbeat_timeout_timestamp: datetime | None = field(default=None, kw_only=True)

    @property
    def value(self) -> Any:
        """The answer, decoded if it is JSON: an answer may be any text. None where there is none."""
        return None if self.result is None else answer_value(self.result)

    def _repr_details(self) -> Iterable[str]:
        if self.callback_id is not None:
            yield f"callback_id={self.callback_id!r}"
        yield from super()._repr_details()


@dataclass(frozen=True, repr=False)
class InvokeOperation(ResultOperation):
    """A call of another function.

    ``function_name`` is what the handler wrote and ``input_payload`` the stored input.
    ``execution_arn`` is the execution of a durable function, None for a plain one.
    """

    result: str | None = None
    error: ErrorObject | None = None
    function_name: str | None = field(default=None, kw_only=True)
    input_payload: str | None = field(default=None, kw_only=True)
    tenant_id: str | None = field(default=None, kw_only=True)
    execution_arn: str | None = field(default=None, kw_only=True)

    def _repr_details(self) -> Iterable[str]:
        if self.function_name is not None:
            given = "" if self.input_payload is None else value_text(self.input_payload)
            yield f"{self.function_name}({given})"
        yield from super()._repr_details()


def _datetime(microseconds: int | None) -> datetime | None:
    return None if microseconds is None else to_datetime(microseconds)


def operation_view(recorded: RecordedOperation, children: list[Operation]) -> Operation:
    """Return what a test sees of a recorded operation."""
    subject = recorded.subject
    kind = subject.operation_type
    common: dict[str, Any] = {
        "operation_id": subject.operation_id,
        "operation_type": kind,
        "status": recorded.status,
        "parent_id": subject.parent_id or None,
        "name": subject.name or None,
        "sub_type": subject.sub_type or None,
        "start_timestamp": _datetime(recorded.started_at),
        "end_timestamp": _datetime(recorded.ended_at),
    }
    if kind is OperationType.EXECUTION:
        return ExecutionOperation(**common, input_payload=recorded.input_payload)
    if kind is OperationType.WAIT:
        end = _datetime(recorded.scheduled_end_at)
        return WaitOperation(**common, scheduled_end_timestamp=end)
    error = None if recorded.error is None else ErrorObject.from_dict(recorded.error)
    common |= {"result": recorded.result, "error": error}
    if kind is OperationType.CHAINED_INVOKE:
        start = recorded.start if isinstance(recorded.start, InvokeStart) else None
        return InvokeOperation(
            **common,
            function_name=start and start.function_name,
            input_payload=start and start.payload,
            tenant_id=start and start.tenant_id,
            execution_arn=start and start.execution_arn,
        )
    common |= {"child_operations": children}
    if kind is OperationType.CALLBACK:
        return CallbackOperation(
            **common,
            callback_id=recorded.callback_id,
            timeout_timestamp=_datetime(recorded.timeout_at),
            heartbeat_timeout_timestamp=_datetime(recorded.heartbeat_timeout_at),
        )
    if kind is OperationType.CONTEXT:
        return ContextOperation(**common)
    # The record keeps a due time after the attempt began; a test asks for what is still to come.
    pending = recorded.status is OperationStatus.PENDING
    due = _datetime(recorded.next_attempt_at) if pending else None
    return StepOperation(**common, attempt=recorded.attempt, next_attempt_timestamp=due)


def create_operation(
    svc_operation: SvcOperation, all_operations: list[SvcOperation] | None = None
) -> Operation:
    """Return the view of an operation as the service reports it, with those of ``all_operations`` inside."""
    inside = [
        create_operation(child, all_operations)
        for child in all_operations or ()
        if child.parent_id == svc_operation.operation_id
    ]
    return operation_view(recorded_operation(svc_operation), inside)


def operation_tree(recorded: Iterable[RecordedOperation]) -> list[Operation]:
    """Return the root operations without EXECUTION, in order of creation, with all below them."""
    operations = [operation for operation in recorded if not is_execution(operation)]
    known = {operation.subject.operation_id for operation in operations}
    children: dict[str | None, list[Operation]] = defaultdict(list)
    # Backwards, because a parent is created before its children and needs them to be built.
    for operation in reversed(operations):
        subject = operation.subject
        inside = children.pop(subject.operation_id, [])
        inside.reverse()
        # What lies in the execution, or in a context that left no record, is at the root.
        parent_id = subject.parent_id if subject.parent_id in known else None
        children[parent_id].append(operation_view(operation, inside))
    roots = children.pop(None, [])
    roots.reverse()
    return roots
