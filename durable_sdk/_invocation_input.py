"""DurableExecutionInvocationInput: the invocation event under AWS's names, and with a client of its own.

A runner or tool may call a handler with one of these instead of Lambda's event. The SDK itself works on
InvocationEvent, which leaves the operations in the service's JSON.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from durable_sdk._boto_client import BotoClient
from durable_sdk._client import CheckpointClient
from durable_sdk._runtime import Runtime, ThreadRuntime
from durable_sdk._service_client import DurableServiceClient, ObjectClient
from durable_sdk._wire.codec import NOT_SENT, JsonMessage
from durable_sdk._wire.invocation import InvocationEvent, StatePage
from durable_sdk._wire.messages import Operation


@dataclass(frozen=True)
class InitialExecutionState(JsonMessage, absent={"operations": [], "next_marker": ""}):
    """The operations of the execution, or a page of them; the marker is empty on the last page."""

    operations: list[Operation]
    next_marker: str


@dataclass(frozen=True)
class DurableExecutionInvocationInput(
    JsonMessage, absent={"initial_execution_state": InitialExecutionState([], "")}
):
    """What Lambda hands to a durable handler."""

    durable_execution_arn: str
    checkpoint_token: str
    initial_execution_state: InitialExecutionState
    updated_operation_ids: list[str] = field(default_factory=list, kw_only=True)


@dataclass(frozen=True)
class DurableExecutionInvocationInputWithClient(DurableExecutionInvocationInput):
    """An event that brings its own service: the handler checkpoints to ``service_client``."""

    service_client: DurableServiceClient = field(metadata=NOT_SENT)

    # There is no client in an event: what is read is an event without one, as AWS's class returns.
    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> DurableExecutionInvocationInput:  # type: ignore[override]
        """Decode an event; it has no client yet."""
        return DurableExecutionInvocationInput.from_dict(data)

    @classmethod
    def from_json_dict(cls, data: Mapping[str, Any]) -> DurableExecutionInvocationInput:  # type: ignore[override]
        """Decode an event with times in milliseconds since the epoch; it has no client yet."""
        return DurableExecutionInvocationInput.from_json_dict(data)

    @staticmethod
    def from_durable_execution_invocation_input(
        invocation_input: DurableExecutionInvocationInput, service_client: DurableServiceClient
    ) -> DurableExecutionInvocationInputWithClient:
        """Return the same event with a client."""
        return DurableExecutionInvocationInputWithClient(
            invocation_input.durable_execution_arn,
            invocation_input.checkpoint_token,
            invocation_input.initial_execution_state,
            service_client,
            updated_operation_ids=invocation_input.updated_operation_ids,
        )


@dataclass(frozen=True, slots=True)
class BoundInvocation:
    """An event, the service that it belongs to, and the runtime that it runs in."""

    event: InvocationEvent
    client: CheckpointClient
    runtime: Runtime


def bind(event: object, boto3_client: Any) -> BoundInvocation:
    """Return what a handler was called with as the SDK works on it; ``boto3_client`` serves a plain event.

    Raises:
        ExecutionError: the event does not come from the durable execution service.
    """
    if isinstance(event, BoundInvocation):
        return event
    if isinstance(event, DurableExecutionInvocationInputWithClient):
        return BoundInvocation(_event(event), ObjectClient(event.service_client), ThreadRuntime())
    return BoundInvocation(InvocationEvent.from_json_dict(event), BotoClient(boto3_client), ThreadRuntime())


def _event(invocation: DurableExecutionInvocationInput) -> InvocationEvent:
    state = invocation.initial_execution_state
    page = StatePage([operation.to_dict() for operation in state.operations], state.next_marker)
    return InvocationEvent(
        invocation.durable_execution_arn,
        invocation.checkpoint_token,
        page,
        invocation.updated_operation_ids,
    )
