"""Operation and what goes with it: what the service tells of an execution, under AWS's names.

The SDK itself reads operations through StoredOperation, which decodes nothing that is not asked for; these
are for those who write clients, runners and tools.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import TypeAlias

from durable_sdk._wire.codec import JsonMessage, Message
from durable_sdk._wire.enums import OperationStatus, OperationType
from durable_sdk._wire.errors import ErrorObject
from durable_sdk._wire.operations import Identity

ReplayChildren: TypeAlias = bool
OperationPayload: TypeAlias = str
TimeoutSeconds: TypeAlias = int


class CallbackTimeoutType(StrEnum):
    """The error types of callbacks that nobody answered in time."""

    TIMEOUT = "Callback.Timeout"
    HEARTBEAT = "Callback.Heartbeat"


@dataclass(frozen=True)
class ExecutionDetails(Message):
    """What the execution was started with."""

    input_payload: str | None = None


@dataclass(frozen=True)
class ContextDetails(Message):
    """How a context ended. With ``replay_children``, `result` is a summary and replay runs the body again."""

    replay_children: ReplayChildren = False
    result: OperationPayload | None = None
    error: ErrorObject | None = None


@dataclass(frozen=True)
class StepDetails(Message):
    """How a step stands. ``attempt`` counts attempts that have ended."""

    attempt: int = 0
    next_attempt_timestamp: datetime | None = None
    result: OperationPayload | None = None
    error: ErrorObject | None = None


@dataclass(frozen=True)
class WaitDetails(Message):
    """When a wait ends."""

    scheduled_end_timestamp: datetime | None = None


@dataclass(frozen=True)
class CallbackDetails(Message):
    """Under which id a callback is answered, and with what it was."""

    callback_id: str
    result: str | None = None
    error: ErrorObject | None = None


@dataclass(frozen=True)
class ChainedInvokeDetails(Message):
    """What the invoked function answered."""

    result: str | None = None
    error: ErrorObject | None = None


@dataclass(frozen=True)
class Operation(
    JsonMessage,
    names={"operation_id": "Id", "operation_type": "Type"},
    blank_is_none=("parent_id", "name", "sub_type"),
):
    """One operation as the service reports it; of the details, those of its type are set."""

    operation_id: str
    operation_type: OperationType
    status: OperationStatus
    parent_id: str | None = None
    name: str | None = None
    start_timestamp: datetime | None = None
    end_timestamp: datetime | None = None
    sub_type: str | None = None
    execution_details: ExecutionDetails | None = None
    context_details: ContextDetails | None = None
    step_details: StepDetails | None = None
    wait_details: WaitDetails | None = None
    callback_details: CallbackDetails | None = None
    chained_invoke_details: ChainedInvokeDetails | None = None

    @property
    def identity(self) -> Identity:
        """What must not change from one invocation to the next: type, sub type, name, parent."""
        return (self.operation_type, self.sub_type, self.name or None, self.parent_id or None)


@dataclass(frozen=True)
class StateOutput(Message):
    """A page of the execution's operations. No marker, or an empty one: it is the last page."""

    operations: list[Operation] = field(default_factory=list)
    next_marker: str | None = None


@dataclass(frozen=True)
class CheckpointUpdatedExecutionState(Message):
    """The operations that have changed since the SDK was last told, or a page of them."""

    operations: list[Operation] = field(default_factory=list)
    next_marker: str | None = None


@dataclass(frozen=True)
class CheckpointOutput(
    Message, absent={"checkpoint_token": None, "new_execution_state": CheckpointUpdatedExecutionState()}
):
    """The answer to a checkpoint. Without a token, nothing more can be recorded."""

    checkpoint_token: str | None
    new_execution_state: CheckpointUpdatedExecutionState
