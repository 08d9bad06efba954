"""The requests and answers of the API."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from durable_sdk._wire.codec import Message
from durable_sdk.lambda_service import ErrorObject, Operation, OperationUpdate
from pytest_durable.model.event import Event
from pytest_durable.model.executions import Execution


@dataclass(frozen=True)
class GetDurableExecutionRequest(Message):
    """Ask what became of an execution."""

    durable_execution_arn: str


@dataclass(frozen=True)
class GetDurableExecutionResponse(Message):
    """What became of an execution."""

    durable_execution_arn: str
    durable_execution_name: str
    function_arn: str
    status: str
    start_timestamp: datetime
    input_payload: str | None = None
    result: str | None = None
    error: ErrorObject | None = None
    end_timestamp: datetime | None = None
    version: str | None = None


@dataclass(frozen=True)
class GetDurableExecutionStateRequest(Message):
    """Ask for a page of the operations of an execution; 0 items is the service's default."""

    durable_execution_arn: str
    checkpoint_token: str
    marker: str | None = None
    max_items: int = 0


@dataclass(frozen=True)
class GetDurableExecutionStateResponse(Message, absent={"operations": []}):
    """A page of the operations of an execution."""

    operations: list[Operation]
    next_marker: str | None = None


@dataclass(frozen=True)
class GetDurableExecutionHistoryRequest(Message):
    """Ask for a page of the events of an execution; 0 items is the service's default."""

    durable_execution_arn: str
    include_execution_data: bool | None = None
    reverse_order: bool | None = None
    marker: str | None = None
    max_items: int = 0


@dataclass(frozen=True)
class GetDurableExecutionHistoryResponse(Message, absent={"events": []}):
    """A page of the events of an execution."""

    events: list[Event]
    next_marker: str | None = None


@dataclass(frozen=True)
class ListDurableExecutionsRequest(Message):
    """Ask for a page of executions."""

    function_name: str | None = None
    function_version: str | None = None
    durable_execution_name: str | None = None
    status_filter: list[str] | None = None
    started_after: str | None = None
    started_before: str | None = None
    marker: str | None = None
    max_items: int = 0
    reverse_order: bool | None = None


@dataclass(frozen=True)
class ListDurableExecutionsResponse(Message, absent={"durable_executions": []}):
    """A page of executions."""

    durable_executions: list[Execution]
    next_marker: str | None = None


@dataclass(frozen=True)
class ListDurableExecutionsByFunctionRequest(Message, absent={"function_name": ""}):
    """Ask for a page of the executions of a function."""

    function_name: str
    qualifier: str | None = None
    durable_execution_name: str | None = None
    status_filter: list[str] | None = None
    started_after: str | None = None
    started_before: str | None = None
    marker: str | None = None
    max_items: int = 0
    reverse_order: bool | None = None


@dataclass(frozen=True)
class ListDurableExecutionsByFunctionResponse(Message, absent={"durable_executions": []}):
    """A page of the executions of a function."""

    durable_executions: list[Execution]
    next_marker: str | None = None


@dataclass(frozen=True)
class StopDurableExecutionRequest(Message):
    """Stop an execution."""

    durable_execution_arn: str
    error: ErrorObject | None = None


@dataclass(frozen=True)
class StopDurableExecutionResponse(Message):
    """When the execution was stopped."""

    stop_timestamp: datetime


@dataclass(frozen=True)
class CheckpointUpdatedExecutionState(Message, absent={"operations": []}):
    """The operations that a checkpoint has changed, or a page of them."""

    operations: list[Operation]
    next_marker: str | None = None


@dataclass(frozen=True)
class CheckpointDurableExecutionRequest(Message):
    """Record updates."""

    durable_execution_arn: str
    checkpoint_token: str
    updates: list[OperationUpdate] | None = None
    client_token: str | None = None

    # The ARN is in the path of the request, not in its body.
    @classmethod
    def from_dict(  # type: ignore[override]
        cls, data: Mapping[str, Any], durable_execution_arn: str
    ) -> CheckpointDurableExecutionRequest:
        """Decode the body of a request for that execution.

        Raises:
            ValidationError: a member is missing or malformed; the message names it.
        """
        return super().from_dict({**data, "DurableExecutionArn": durable_execution_arn})


@dataclass(frozen=True)
class CheckpointDurableExecutionResponse(Message):
    """The next token, None if there must be no more checkpoints, and what has changed."""

    checkpoint_token: str | None
    new_execution_state: CheckpointUpdatedExecutionState | None = None


@dataclass(frozen=True)
class SendDurableExecutionCallbackSuccessRequest(Message):
    """Answer a callback."""

    callback_id: str
    result: bytes | None = None


@dataclass(frozen=True)
class SendDurableExecutionCallbackSuccessResponse:
    """The callback was answered."""


@dataclass(frozen=True)
class SendDurableExecutionCallbackFailureRequest(Message):
    """Answer a callback with an error."""

    callback_id: str
    error: ErrorObject | None = None

    # The id is in the path of the request, and its body is the error.
    @classmethod
    def from_dict(  # type: ignore[override]
        cls, data: Mapping[str, Any], callback_id: str
    ) -> SendDurableExecutionCallbackFailureRequest:
        """Decode the body of a request for that callback."""
        return cls(callback_id, ErrorObject.from_dict(dict(data)) if data else None)


@dataclass(frozen=True)
class SendDurableExecutionCallbackFailureResponse:
    """The callback was answered."""


@dataclass(frozen=True)
class SendDurableExecutionCallbackHeartbeatRequest(Message):
    """Say that a callback is still worked on."""

    callback_id: str


@dataclass(frozen=True)
class SendDurableExecutionCallbackHeartbeatResponse:
    """The heartbeat was noted."""


@dataclass(frozen=True)
class ErrorResponse(
    Message,
    names={
        "error_type": "type",
        "error_message": "message",
        "error_code": "code",
        "request_id": "requestId",
    },
):
    """An error as a local service answers it, inside ``{"error": ...}``."""

    error_type: str
    error_message: str
    error_code: str | None = None
    request_id: str | None = None

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> ErrorResponse:
        """Decode the body of a response, with or without the object around it.

        Raises:
            ValidationError: a member is missing or malformed; the message names it.
        """
        return super().from_dict(data.get("error", data))

    def to_dict(self) -> dict[str, Any]:
        """Encode to the body of a response."""
        return {"error": super().to_dict()}
