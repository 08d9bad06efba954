"""What each type of event says beside the operation that it is about."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from durable_sdk._wire.codec import JsonMessage, Message
from pytest_durable.model.payloads import EventError, EventInput, EventResult, RetryDetails


@dataclass(frozen=True)
class ExecutionStartedDetails(Message):
    """The input, and after how many seconds the execution times out."""

    input: EventInput | None = None
    execution_timeout: int | None = None


@dataclass(frozen=True)
class ExecutionSucceededDetails(Message):
    """What the handler returned."""

    result: EventResult | None = None


@dataclass(frozen=True)
class ExecutionFailedDetails(Message):
    """Why the execution failed."""

    error: EventError | None = None


@dataclass(frozen=True)
class ExecutionTimedOutDetails(Message):
    """That the execution took too long."""

    error: EventError | None = None


@dataclass(frozen=True)
class ExecutionStoppedDetails(Message):
    """Why somebody stopped the execution."""

    error: EventError | None = None


@dataclass(frozen=True)
class ContextStartedDetails(Message):
    """Nothing more."""


@dataclass(frozen=True)
class ContextSucceededDetails(Message):
    """What the context returned."""

    result: EventResult | None = None


@dataclass(frozen=True)
class ContextFailedDetails(Message):
    """Why the context failed."""

    error: EventError | None = None


@dataclass(frozen=True)
class WaitStartedDetails(Message):
    """How many seconds the wait takes, and when it ends."""

    duration: int | None = None
    scheduled_end_timestamp: datetime | None = None


@dataclass(frozen=True)
class WaitSucceededDetails(Message):
    """How many seconds the wait took."""

    duration: int | None = None


@dataclass(frozen=True)
class WaitCancelledDetails(Message):
    """Why the wait was given up."""

    error: EventError | None = None


@dataclass(frozen=True)
class StepStartedDetails(Message):
    """Nothing more."""


@dataclass(frozen=True)
class StepSucceededDetails(Message):
    """What the attempt returned, and which it was."""

    result: EventResult | None = None
    retry_details: RetryDetails | None = None


@dataclass(frozen=True)
class StepFailedDetails(Message):
    """Why the attempt failed, and which it was."""

    error: EventError | None = None
    retry_details: RetryDetails | None = None


@dataclass(frozen=True)
class ChainedInvokeStartedDetails(Message):
    """Which function was invoked, and with what. ``durable_execution_arn`` is that of a durable target."""

    function_name: str | None = None
    tenant_id: str | None = None
    input: EventInput | None = None
    durable_execution_arn: str | None = None
    executed_version: str | None = None


@dataclass(frozen=True)
class ChainedInvokeSucceededDetails(Message):
    """What the function returned."""

    result: EventResult | None = None


@dataclass(frozen=True)
class ChainedInvokeFailedDetails(Message):
    """Why the function failed."""

    error: EventError | None = None


@dataclass(frozen=True)
class ChainedInvokeTimedOutDetails(Message):
    """That the function took too long."""

    error: EventError | None = None


@dataclass(frozen=True)
class ChainedInvokeStoppedDetails(Message):
    """Why somebody stopped the function."""

    error: EventError | None = None


@dataclass(frozen=True)
class CallbackStartedDetails(Message):
    """The id to answer under, and for how many seconds; None is for ever."""

    callback_id: str | None = None
    heartbeat_timeout: int | None = None
    timeout: int | None = None


@dataclass(frozen=True)
class CallbackSucceededDetails(Message):
    """What the callback was answered with."""

    result: EventResult | None = None


@dataclass(frozen=True)
class CallbackFailedDetails(Message):
    """The error that the callback was answered with."""

    error: EventError | None = None


@dataclass(frozen=True)
class CallbackTimedOutDetails(Message):
    """That nobody answered in time."""

    error: EventError | None = None


@dataclass(frozen=True)
class InvocationCompletedDetails(JsonMessage):
    """One run of the handler, and its error if the invocation itself failed."""

    start_timestamp: datetime
    end_timestamp: datetime
    request_id: str
    error: EventError | None = None


@dataclass(frozen=True)
class ExecutionPausedDetails(Message):
    """That somebody asked for a pause, and why; and whether the execution timeout stands still, too."""

    pause_request_timestamp: datetime
    reason: EventInput | None = None
    execution_timeout_paused: bool | None = None


@dataclass(frozen=True)
class ExecutionResumedDetails(Message):
    """That somebody asked for the execution to go on, and why."""

    resume_request_timestamp: datetime
    reason: EventInput | None = None
