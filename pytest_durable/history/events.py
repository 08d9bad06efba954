"""Event: one thing that happened in an execution.

The values of which a run makes thousands are named tuples: as frozen as a dataclass, and made in a fifth of
the time. Times are integers, microseconds since the epoch. Errors are in the service's JSON form (a dict with
``ErrorMessage``, ``ErrorType``, ...).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NamedTuple, TypeAlias

from durable_sdk.lambda_service import OperationType

ErrorJson: TypeAlias = dict[str, Any]


class EventType(StrEnum):
    """The service's event types, and two of our own: STEP_READY and CALLBACK_HEARTBEAT leave no trace in a
    history of the service."""

    EXECUTION_STARTED = "ExecutionStarted"
    EXECUTION_SUCCEEDED = "ExecutionSucceeded"
    EXECUTION_FAILED = "ExecutionFailed"
    EXECUTION_TIMED_OUT = "ExecutionTimedOut"
    EXECUTION_STOPPED = "ExecutionStopped"
    EXECUTION_PAUSED = "ExecutionPaused"
    EXECUTION_RESUMED = "ExecutionResumed"
    CONTEXT_STARTED = "ContextStarted"
    CONTEXT_SUCCEEDED = "ContextSucceeded"
    CONTEXT_FAILED = "ContextFailed"
    STEP_STARTED = "StepStarted"
    STEP_SUCCEEDED = "StepSucceeded"
    STEP_FAILED = "StepFailed"
    STEP_READY = "StepReady"
    WAIT_STARTED = "WaitStarted"
    WAIT_SUCCEEDED = "WaitSucceeded"
    WAIT_CANCELLED = "WaitCancelled"
    CALLBACK_STARTED = "CallbackStarted"
    CALLBACK_HEARTBEAT = "CallbackHeartbeat"
    CALLBACK_SUCCEEDED = "CallbackSucceeded"
    CALLBACK_FAILED = "CallbackFailed"
    CALLBACK_TIMED_OUT = "CallbackTimedOut"
    CHAINED_INVOKE_STARTED = "ChainedInvokeStarted"
    CHAINED_INVOKE_SUCCEEDED = "ChainedInvokeSucceeded"
    CHAINED_INVOKE_FAILED = "ChainedInvokeFailed"
    CHAINED_INVOKE_TIMED_OUT = "ChainedInvokeTimedOut"
    CHAINED_INVOKE_STOPPED = "ChainedInvokeStopped"
    INVOCATION_COMPLETED = "InvocationCompleted"


INTERNAL_EVENT_TYPES = frozenset({EventType.STEP_READY, EventType.CALLBACK_HEARTBEAT})


class Subject(NamedTuple):
    """The operation that an event is about; the same for all events of one operation."""

    operation_id: str
    operation_type: OperationType
    sub_type: str | None = None
    name: str | None = None
    parent_id: str | None = None


@dataclass(frozen=True, slots=True)
class ExecutionInput:
    """How an execution started. ``timeout_seconds`` is None where it is not known."""

    payload: str | None
    timeout_seconds: int | None


class Pause(NamedTuple):
    """That somebody paused or resumed an execution, and why.

    ``timeout_is_paused`` tells whether the execution timeout stands still, too; None on a resumption.
    """

    requested_at: int
    reason: str | None = None
    timeout_is_paused: bool | None = None


class Outcome(NamedTuple):
    """How an operation ended. ``replay_children`` tells that a context's result was too large to store."""

    result: str | None = None
    error: ErrorJson | None = None
    replay_children: bool = False


class Attempt(NamedTuple):
    """How an attempt of a step ended. ``number`` counts from 1; with a delay, another attempt follows."""

    number: int
    result: str | None = None
    error: ErrorJson | None = None
    next_delay_seconds: int | None = None


@dataclass(frozen=True, slots=True)
class WaitSchedule:
    """How long a wait takes. ``end_at`` is None on the event that ends it."""

    duration_seconds: int
    end_at: int | None = None


class CallbackStart(NamedTuple):
    """What a callback waits for, and how long in all and between heartbeats; 0 stands for any time."""

    callback_id: str
    timeout_seconds: int = 0
    heartbeat_timeout_seconds: int = 0


class InvokeStart(NamedTuple):
    """Which function is called with what.

    ``execution_arn`` is that of the execution of a durable function, None for a plain one. A function that
    was not found has neither that nor a version.
    """

    function_name: str
    payload: str | None = None
    tenant_id: str | None = None
    executed_version: str | None = None
    execution_arn: str | None = None


@dataclass(frozen=True, slots=True)
class InvocationOutcome:
    """One run of the handler, and its error if it failed (rather than that the execution failed)."""

    request_id: str
    started_at: int
    ended_at: int
    error: ErrorJson | None = None


Details: TypeAlias = (
    ExecutionInput
    | Pause
    | Outcome
    | Attempt
    | WaitSchedule
    | CallbackStart
    | InvokeStart
    | InvocationOutcome
    | None
)


class Event(NamedTuple):
    """One event. ``subject`` is None for InvocationCompleted only."""

    type: EventType
    at: int
    subject: Subject | None
    details: Details = None
