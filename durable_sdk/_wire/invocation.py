"""The invocation event and the handler's answer, in the service's JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from durable_sdk._wire.codec import Message
from durable_sdk._wire.enums import InvocationStatus
from durable_sdk._wire.errors import ErrorObject
from durable_sdk._wire.operations import KNOWN_STATUSES, KNOWN_TYPES, OperationJson
from durable_sdk.exceptions import ExecutionError


@dataclass(frozen=True, slots=True)
class StatePage:
    """Some operations of the execution, and the marker of the next page ("" on the last one)."""

    operations: Sequence[OperationJson] = ()
    next_marker: str = ""

    @classmethod
    def from_dict(cls, data: Mapping[str, Any] | None) -> Self:
        """Decode the service's form; an absent page is an empty one."""
        data = data or {}
        return cls(data.get("Operations") or (), data.get("NextMarker") or "")


@dataclass(frozen=True, slots=True)
class InvocationEvent:
    """What Lambda hands to a durable handler. The operations stay in the service's JSON."""

    durable_execution_arn: str
    checkpoint_token: str
    initial_execution_state: StatePage = StatePage()
    updated_operation_ids: Sequence[str] = ()

    @classmethod
    def from_json_dict(cls, event: object) -> Self:
        """Decode an event.

        Raises:
            ExecutionError: the event does not come from the durable execution service.
        """
        if callable(event):
            raise _unexpected(
                f"the handler was called with the function {getattr(event, '__name__', event)!r}, as a "
                "decorator is; pass a handler to a marker or decorator by name: handler=..."
            )
        if not isinstance(event, Mapping):
            raise _unexpected(f"expected an object, got {event!r:.200}")
        for member in ("DurableExecutionArn", "CheckpointToken"):
            if not isinstance(event.get(member), str) or not event[member]:
                raise _unexpected(f"{member} is {event.get(member)!r}; members: {sorted(event)!r}")
        state = event.get("InitialExecutionState")
        if state is not None and not isinstance(state, Mapping):
            raise _unexpected(f"InitialExecutionState is {state!r:.200}, not an object")
        _check_operations((state or {}).get("Operations"))
        return cls.from_service(event)

    @classmethod
    def from_service(cls, event: Mapping[str, Any]) -> Self:
        """Decode an event that is known to come from the service."""
        return cls(
            durable_execution_arn=event["DurableExecutionArn"],
            checkpoint_token=event["CheckpointToken"],
            initial_execution_state=StatePage.from_dict(event.get("InitialExecutionState")),
            updated_operation_ids=event.get("UpdatedOperationIds") or (),
        )


def _check_operations(operations: object) -> None:
    if operations is None:
        return
    if not isinstance(operations, list):
        raise _unexpected(f"Operations is {operations!r:.100}, not a list")
    for index, operation in enumerate(operations):
        if not (
            isinstance(operation, dict)
            and isinstance(operation.get("Id"), str)
            and operation.get("Type") in KNOWN_TYPES
            and operation.get("Status") in KNOWN_STATUSES
        ):
            raise _unexpected(
                f"Operations[{index}] is {operation!r:.200}, which lacks an Id, or a known Type or Status"
            )


def _unexpected(what: str) -> ExecutionError:
    return ExecutionError(
        "Unexpected payload provided to start the durable execution. "
        f"{what}. Is the function deployed and invoked as a durable function? "
        "A test invokes it through a runner."
    )


@dataclass(frozen=True)
class DurableExecutionInvocationOutput(Message):
    """What a durable handler answers."""

    status: InvocationStatus
    result: str | None = None
    error: ErrorObject | None = None

    @classmethod
    def create_succeeded(cls, result: str) -> DurableExecutionInvocationOutput:
        """The execution has this result, in JSON."""
        return cls(InvocationStatus.SUCCEEDED, result=result)

    @classmethod
    def create_pending(cls) -> DurableExecutionInvocationOutput:
        """The handler waits for something outside."""
        return cls(InvocationStatus.PENDING)

    @classmethod
    def create_retry(cls, error: ErrorObject) -> DurableExecutionInvocationOutput:
        """The invocation is to be repeated. Only plugins see this: an exception leaves the handler."""
        return cls(InvocationStatus.RETRY, error=error)
