"""What events hold of inputs, results and errors."""

from __future__ import annotations

from dataclasses import dataclass

from durable_sdk._wire.codec import Message
from durable_sdk.lambda_service import (
    CallbackDetails,
    ChainedInvokeDetails,
    ContextDetails,
    DurableExecutionInvocationOutput,
    ErrorObject,
    ExecutionDetails,
    StepDetails,
)
from pytest_durable.model.executions import StartDurableExecutionInput


@dataclass(frozen=True)
class EventInput(Message):
    """An input. ``truncated`` says that there is one which the history was asked to leave out."""

    payload: str | None = None
    truncated: bool = False

    @classmethod
    def from_details(cls, details: ExecutionDetails, include: bool = False) -> EventInput:
        """Return the input of an execution, its payload only if ``include``."""
        return cls(details.input_payload, False) if include else cls(None, True)

    @classmethod
    def from_start_durable_execution_input(
        cls, start_durable_execution_input: StartDurableExecutionInput, include: bool = False
    ) -> EventInput:
        """Return the input that an execution was started with, its payload only if ``include``."""
        return cls(start_durable_execution_input.input, False) if include else cls(None, True)


@dataclass(frozen=True)
class EventResult(Message):
    """A result. ``truncated`` says that there is one which the history was asked to leave out."""

    payload: str | None = None
    truncated: bool = False

    @classmethod
    def from_details(
        cls,
        details: CallbackDetails | StepDetails | ChainedInvokeDetails | ContextDetails,
        include: bool = False,
    ) -> EventResult:
        """Return the result of an operation, its payload only if ``include``."""
        return cls(details.result, False) if include else cls(None, True)

    @classmethod
    def from_durable_execution_invocation_output(
        cls, durable_execution_invocation_output: DurableExecutionInvocationOutput, include: bool = False
    ) -> EventResult:
        """Return the result of an execution, its payload only if ``include``."""
        return cls(durable_execution_invocation_output.result, False) if include else cls(None, True)


@dataclass(frozen=True)
class EventError(Message):
    """An error. ``truncated`` says that the history was asked to leave data out; the error itself stays."""

    payload: ErrorObject | None = None
    truncated: bool = False

    @classmethod
    def from_details(
        cls,
        details: CallbackDetails | StepDetails | ChainedInvokeDetails | ContextDetails,
        include: bool = False,
    ) -> EventError:
        """Return the error of an operation."""
        return cls(details.error, not include)

    @classmethod
    def from_durable_execution_invocation_output(
        cls, durable_execution_invocation_output: DurableExecutionInvocationOutput, include: bool = False
    ) -> EventError:
        """Return the error of an execution."""
        return cls(durable_execution_invocation_output.error, not include)


@dataclass(frozen=True)
class RetryDetails(Message):
    """Which attempt ended, from 1, and when the next one follows, if one does."""

    current_attempt: int = 0
    next_attempt_delay_seconds: int | None = None
