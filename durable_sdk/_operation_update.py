"""OperationUpdate: what the SDK asks the service to record, under AWS's names.

The SDK itself writes updates in the service's JSON at once (`durable_sdk._updates`); this is for those who
write clients, runners and tools.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from durable_sdk import _runtime
from durable_sdk._wire.codec import Message
from durable_sdk._wire.enums import OperationAction, OperationType
from durable_sdk._wire.errors import ErrorObject
from durable_sdk._wire.messages import ReplayChildren, TimeoutSeconds
from durable_sdk.identifier import OperationIdentifier


@dataclass(frozen=True)
class ContextOptions(Message):
    """With ``replay_children`` the payload is a summary, and replay runs the context's body again."""

    replay_children: ReplayChildren = False


@dataclass(frozen=True)
class StepOptions(Message):
    """How long to wait before the next attempt; the service demands 1 second at least."""

    next_attempt_delay_seconds: int = 0


@dataclass(frozen=True)
class WaitOptions(Message):
    """How long to wait: 1 to 31,622,400 seconds, a leap year."""

    wait_seconds: int = 1


@dataclass(frozen=True)
class CallbackOptions(Message):
    """How long a callback may stay unanswered, and without a heartbeat; 0 is for ever."""

    timeout_seconds: TimeoutSeconds = 0
    heartbeat_timeout_seconds: int = 0


@dataclass(frozen=True)
class ChainedInvokeOptions(Message):
    """Which function to invoke, for which tenant, and under which trace."""

    function_name: str
    tenant_id: str | None = None
    x_amzn_trace_id: str | None = None


@dataclass(frozen=True)
class OperationUpdate(
    Message,
    names={"operation_id": "Id", "operation_type": "Type"},
    blank_is_none=("parent_id", "name", "sub_type"),
):
    """One update. Those of an operation repeat its id, type, sub type, name and parent."""

    operation_id: str
    operation_type: OperationType
    action: OperationAction
    parent_id: str | None = None
    name: str | None = None
    sub_type: str | None = None
    payload: str | None = None
    error: ErrorObject | None = None
    context_options: ContextOptions | None = None
    step_options: StepOptions | None = None
    wait_options: WaitOptions | None = None
    callback_options: CallbackOptions | None = None
    chained_invoke_options: ChainedInvokeOptions | None = None

    @classmethod
    def _of(
        cls,
        identifier: OperationIdentifier,
        operation_type: OperationType,
        action: OperationAction,
        **members: Any,
    ) -> OperationUpdate:
        return cls(
            operation_id=identifier.operation_id,
            operation_type=operation_type,
            action=action,
            parent_id=identifier.parent_id,
            name=identifier.name,
            sub_type=identifier.sub_type,
            **members,
        )

    @classmethod
    def create_context_start(cls, identifier: OperationIdentifier) -> OperationUpdate:
        """Begin a context."""
        return cls._of(identifier, OperationType.CONTEXT, OperationAction.START)

    @classmethod
    def create_context_succeed(
        cls,
        identifier: OperationIdentifier,
        payload: str | None,
        *,
        context_options: ContextOptions | None = None,
    ) -> OperationUpdate:
        """End a context with its result."""
        return cls._of(
            identifier,
            OperationType.CONTEXT,
            OperationAction.SUCCEED,
            payload=payload,
            context_options=context_options,
        )

    @classmethod
    def create_context_fail(cls, identifier: OperationIdentifier, error: ErrorObject) -> OperationUpdate:
        """End a context with an error."""
        return cls._of(identifier, OperationType.CONTEXT, OperationAction.FAIL, error=error)

    @classmethod
    def create_step_start(cls, identifier: OperationIdentifier) -> OperationUpdate:
        """Begin a step, or its next attempt."""
        return cls._of(identifier, OperationType.STEP, OperationAction.START)

    @classmethod
    def create_step_succeed(cls, identifier: OperationIdentifier, payload: str | None) -> OperationUpdate:
        """End a step with its result."""
        return cls._of(identifier, OperationType.STEP, OperationAction.SUCCEED, payload=payload)

    @classmethod
    def create_step_fail(cls, identifier: OperationIdentifier, error: ErrorObject) -> OperationUpdate:
        """End a step with an error."""
        return cls._of(identifier, OperationType.STEP, OperationAction.FAIL, error=error)

    @classmethod
    def create_step_retry(
        cls, identifier: OperationIdentifier, error: ErrorObject, next_attempt_delay_seconds: int
    ) -> OperationUpdate:
        """End an attempt with an error, and ask for another one."""
        return cls._of(
            identifier,
            OperationType.STEP,
            OperationAction.RETRY,
            error=error,
            step_options=StepOptions(next_attempt_delay_seconds),
        )

    @classmethod
    def create_wait_for_condition_start(cls, identifier: OperationIdentifier) -> OperationUpdate:
        """Begin to wait for a condition, or its next check."""
        return cls.create_step_start(identifier)

    @classmethod
    def create_wait_for_condition_succeed(
        cls, identifier: OperationIdentifier, payload: str | None
    ) -> OperationUpdate:
        """End a wait for a condition with the last state."""
        return cls.create_step_succeed(identifier, payload)

    @classmethod
    def create_wait_for_condition_fail(
        cls, identifier: OperationIdentifier, error: ErrorObject
    ) -> OperationUpdate:
        """End a wait for a condition with an error."""
        return cls.create_step_fail(identifier, error)

    @classmethod
    def create_wait_for_condition_retry(
        cls, identifier: OperationIdentifier, payload: str | None, next_attempt_delay_seconds: int
    ) -> OperationUpdate:
        """End a check with the state that it left, and ask for another one."""
        return cls._of(
            identifier,
            OperationType.STEP,
            OperationAction.RETRY,
            payload=payload,
            step_options=StepOptions(next_attempt_delay_seconds),
        )

    @classmethod
    def create_wait_start(cls, identifier: OperationIdentifier, wait_options: WaitOptions) -> OperationUpdate:
        """Begin a wait."""
        return cls._of(identifier, OperationType.WAIT, OperationAction.START, wait_options=wait_options)

    @classmethod
    def create_callback(
        cls, identifier: OperationIdentifier, callback_options: CallbackOptions
    ) -> OperationUpdate:
        """Create a callback."""
        return cls._of(
            identifier, OperationType.CALLBACK, OperationAction.START, callback_options=callback_options
        )

    @classmethod
    def create_invoke_start(
        cls,
        identifier: OperationIdentifier,
        payload: str | None,
        chained_invoke_options: ChainedInvokeOptions,
    ) -> OperationUpdate:
        """Invoke a function."""
        return cls._of(
            identifier,
            OperationType.CHAINED_INVOKE,
            OperationAction.START,
            payload=payload,
            chained_invoke_options=chained_invoke_options,
        )

    @classmethod
    def create_execution_succeed(cls, payload: str) -> OperationUpdate:
        """Store a result that is too large for the answer of the handler."""
        return cls(_execution_id(), OperationType.EXECUTION, OperationAction.SUCCEED, payload=payload)

    @classmethod
    def create_execution_fail(cls, error: ErrorObject) -> OperationUpdate:
        """Store an error that is too large for the answer of the handler."""
        return cls(_execution_id(), OperationType.EXECUTION, OperationAction.FAIL, error=error)


def _execution_id() -> str:
    return f"execution-result-{_runtime.current.get().now() // 1000}"
