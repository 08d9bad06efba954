"""EventFactories: events made from operations, as a service writes them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self, cast

from durable_sdk.lambda_service import (
    CallbackDetails,
    ChainedInvokeDetails,
    ContextDetails,
    DurableExecutionInvocationOutput,
    Operation,
    OperationStatus,
    OperationType,
    OperationUpdate,
    StepDetails,
)
from pytest_durable.exceptions import InvalidParameterValueException
from pytest_durable.history.events import EventType
from pytest_durable.model.details import (
    CallbackFailedDetails,
    CallbackStartedDetails,
    CallbackSucceededDetails,
    CallbackTimedOutDetails,
    ChainedInvokeFailedDetails,
    ChainedInvokeStartedDetails,
    ChainedInvokeStoppedDetails,
    ChainedInvokeSucceededDetails,
    ChainedInvokeTimedOutDetails,
    ContextFailedDetails,
    ContextStartedDetails,
    ContextSucceededDetails,
    ExecutionFailedDetails,
    ExecutionStartedDetails,
    ExecutionStoppedDetails,
    ExecutionSucceededDetails,
    ExecutionTimedOutDetails,
    InvocationCompletedDetails,
    StepFailedDetails,
    StepStartedDetails,
    StepSucceededDetails,
    WaitCancelledDetails,
    WaitStartedDetails,
    WaitSucceededDetails,
)
from pytest_durable.model.event_types import event_type_of
from pytest_durable.model.executions import StartDurableExecutionInput
from pytest_durable.model.payloads import EventError, EventInput, EventResult, RetryDetails


@dataclass(frozen=True)
class EventCreationContext:
    """An operation, and all that an event about it may have to tell.

    Payloads are left out unless ``include_execution_data``. ``operation_update`` is the update that caused
    the event, where one did.
    """

    operation: Operation
    event_id: int
    durable_execution_arn: str
    start_durable_execution_input: StartDurableExecutionInput
    durable_execution_invocation_output: DurableExecutionInvocationOutput | None = None
    operation_update: OperationUpdate | None = None
    include_execution_data: bool = False
    child_execution_arn: str | None = None

    @classmethod
    def create(
        cls,
        operation: Operation,
        event_id: int,
        durable_execution_arn: str,
        start_input: StartDurableExecutionInput,
        result: DurableExecutionInvocationOutput | None = None,
        operation_update: OperationUpdate | None = None,
        include_execution_data: bool = False,
    ) -> EventCreationContext:
        """Return a context; ``result`` is what the handler answered."""
        return cls(
            operation,
            event_id,
            durable_execution_arn,
            start_input,
            result,
            operation_update,
            include_execution_data,
        )

    @property
    def sub_type(self) -> str | None:
        """What the operation was written as."""
        return self.operation.sub_type

    @property
    def start_timestamp(self) -> datetime:
        """When the operation began.

        Raises:
            InvalidParameterValueException: it is not known.
        """
        return self._known("start_timestamp")

    @property
    def end_timestamp(self) -> datetime:
        """When the operation ended.

        Raises:
            InvalidParameterValueException: it has not.
        """
        return self._known("end_timestamp")

    def _known(self, member: str) -> datetime:
        moment: datetime | None = getattr(self.operation, member)
        if moment is None:
            raise InvalidParameterValueException(
                f"The event needs the {member} of operation {self.operation.operation_id!r}, which is None."
            )
        return moment

    def get_retry_details(self) -> RetryDetails | None:
        """Return which attempt of a step ended and when the next follows; None for other operations."""
        step = self.operation.step_details
        if step is None:
            return None
        options = self.operation_update.step_options if self.operation_update else None
        return RetryDetails(step.attempt, options.next_attempt_delay_seconds if options else None)

    def result(self) -> EventResult | None:
        """Return the result of the operation or execution; None where it cannot have one."""
        if self.operation.operation_type is OperationType.EXECUTION:
            output = self.durable_execution_invocation_output or _NO_OUTPUT
            return EventResult.from_durable_execution_invocation_output(output, self.include_execution_data)
        outcome = self._outcome()
        return None if outcome is None else EventResult.from_details(outcome, self.include_execution_data)

    def error(self) -> EventError | None:
        """Return the error of the operation or execution; None where it cannot have one."""
        if self.operation.operation_type is OperationType.EXECUTION:
            output = self.durable_execution_invocation_output or _NO_OUTPUT
            return EventError.from_durable_execution_invocation_output(output, self.include_execution_data)
        outcome = self._outcome()
        return None if outcome is None else EventError.from_details(outcome, self.include_execution_data)

    def _outcome(self) -> CallbackDetails | StepDetails | ChainedInvokeDetails | ContextDetails | None:
        operation = self.operation
        return (
            operation.step_details
            or operation.context_details
            or operation.callback_details
            or operation.chained_invoke_details
        )

    def duration(self) -> int | None:
        """Return how many seconds a wait takes."""
        start, end = self.operation.start_timestamp, self._scheduled_end()
        return None if start is None or end is None else round((end - start).total_seconds())

    def _scheduled_end(self) -> datetime | None:
        wait = self.operation.wait_details
        return None if wait is None else wait.scheduled_end_timestamp

    def started_details(self) -> Any:
        """Return the details of the event that begins the operation."""
        update = self.operation_update
        match self.operation.operation_type:
            case OperationType.EXECUTION:
                return ExecutionStartedDetails(
                    self._input(), self.start_durable_execution_input.execution_timeout_seconds
                )
            case OperationType.WAIT:
                return WaitStartedDetails(self.duration(), self._scheduled_end())
            case OperationType.CALLBACK:
                callback = self.operation.callback_details
                options = update.callback_options if update else None
                return CallbackStartedDetails(
                    callback.callback_id if callback else None,
                    options.heartbeat_timeout_seconds or None if options else None,
                    options.timeout_seconds or None if options else None,
                )
            case OperationType.CHAINED_INVOKE:
                if update is None or update.chained_invoke_options is None:
                    return ChainedInvokeStartedDetails(durable_execution_arn=self.child_execution_arn)
                shown = self.include_execution_data
                return ChainedInvokeStartedDetails(
                    update.chained_invoke_options.function_name,
                    update.chained_invoke_options.tenant_id,
                    EventInput(update.payload if shown else None, not shown),
                    self.child_execution_arn,
                )
            case OperationType.STEP:
                return StepStartedDetails()
            case OperationType.CONTEXT:
                return ContextStartedDetails()

    def _input(self) -> EventInput:
        execution = self.operation.execution_details
        if execution is not None:
            return EventInput.from_details(execution, self.include_execution_data)
        return EventInput.from_start_durable_execution_input(
            self.start_durable_execution_input, self.include_execution_data
        )


_NO_OUTPUT = DurableExecutionInvocationOutput.create_pending()

# The details of the events that end an operation: their class, and which members of the context they hold.
_ENDINGS: dict[EventType, tuple[Any, tuple[str, ...]]] = {
    EventType.EXECUTION_SUCCEEDED: (ExecutionSucceededDetails, ("result",)),
    EventType.EXECUTION_FAILED: (ExecutionFailedDetails, ("error",)),
    EventType.EXECUTION_TIMED_OUT: (ExecutionTimedOutDetails, ("error",)),
    EventType.EXECUTION_STOPPED: (ExecutionStoppedDetails, ("error",)),
    EventType.CONTEXT_SUCCEEDED: (ContextSucceededDetails, ("result",)),
    EventType.CONTEXT_FAILED: (ContextFailedDetails, ("error",)),
    EventType.WAIT_SUCCEEDED: (WaitSucceededDetails, ("duration",)),
    EventType.WAIT_CANCELLED: (WaitCancelledDetails, ("error",)),
    EventType.STEP_SUCCEEDED: (StepSucceededDetails, ("result", "retry_details")),
    EventType.STEP_FAILED: (StepFailedDetails, ("error", "retry_details")),
    EventType.CHAINED_INVOKE_SUCCEEDED: (ChainedInvokeSucceededDetails, ("result",)),
    EventType.CHAINED_INVOKE_FAILED: (ChainedInvokeFailedDetails, ("error",)),
    EventType.CHAINED_INVOKE_TIMED_OUT: (ChainedInvokeTimedOutDetails, ("error",)),
    EventType.CHAINED_INVOKE_STOPPED: (ChainedInvokeStoppedDetails, ("error",)),
    EventType.CALLBACK_SUCCEEDED: (CallbackSucceededDetails, ("result",)),
    EventType.CALLBACK_FAILED: (CallbackFailedDetails, ("error",)),
    EventType.CALLBACK_TIMED_OUT: (CallbackTimedOutDetails, ("error",)),
}


def _ending_details(context: EventCreationContext, event_type: EventType) -> Any:
    details_class, members = _ENDINGS[event_type]
    readers = {
        "result": context.result,
        "error": context.error,
        "duration": context.duration,
        "retry_details": context.get_retry_details,
    }
    return details_class(*(readers[member]() for member in members))


class EventFactories:
    """Makes events. Every factory takes its times, ids and payloads from the context's operation."""

    @classmethod
    def _started(cls, context: EventCreationContext, operation_type: OperationType) -> Self:
        return cls._event(context, event_type_of(operation_type, OperationStatus.STARTED))

    @classmethod
    def _ended(cls, context: EventCreationContext, operation_type: OperationType) -> Self:
        return cls._event(context, event_type_of(operation_type, context.operation.status))

    @classmethod
    def _event(cls, context: EventCreationContext, event_type: EventType) -> Self:
        operation = context.operation
        begins = event_type not in _ENDINGS
        member = f"{event_type.name.lower()}_details"
        return cls._made(
            event_type=event_type.value,
            event_timestamp=context.start_timestamp if begins else context.end_timestamp,
            sub_type=operation.sub_type,
            event_id=context.event_id,
            operation_id=operation.operation_id,
            name=operation.name,
            parent_id=operation.parent_id,
            **{member: context.started_details() if begins else _ending_details(context, event_type)},
        )

    @classmethod
    def _made(cls, **fields: Any) -> Self:
        # The fields are Event's, which this class is mixed into.
        made: Self = cast("Any", cls)(**fields)
        return made

    @classmethod
    def create_event_started(cls, context: EventCreationContext) -> Self:
        """Return the event that begins the operation, of whatever type."""
        return cls._started(context, context.operation.operation_type)

    @classmethod
    def create_event_terminated(cls, context: EventCreationContext) -> Self:
        """Return the event that ended the operation, of whatever type and status.

        Raises:
            InvalidParameterValueException: the operation has not ended, or has no such event.
        """
        return cls._ended(context, context.operation.operation_type)

    @classmethod
    def create_invocation_completed(
        cls,
        event_id: int,
        event_timestamp: datetime,
        start_timestamp: datetime,
        end_timestamp: datetime,
        request_id: str,
    ) -> Self:
        """Return the event that ends a run of the handler."""
        return cls._made(
            event_type=EventType.INVOCATION_COMPLETED.value,
            event_timestamp=event_timestamp,
            event_id=event_id,
            invocation_completed_details=InvocationCompletedDetails(
                start_timestamp, end_timestamp, request_id
            ),
        )

    @classmethod
    def create_execution_event(cls, context: EventCreationContext) -> Self:
        """Return the event that put the execution into its status."""
        return cls._ended(context, OperationType.EXECUTION)

    @classmethod
    def create_execution_event_started(cls, context: EventCreationContext) -> Self:
        """Return the event that the execution has begun."""
        return cls._event(context, EventType.EXECUTION_STARTED)

    @classmethod
    def create_execution_event_succeeded(cls, context: EventCreationContext) -> Self:
        """Return the event that the execution has succeeded."""
        return cls._event(context, EventType.EXECUTION_SUCCEEDED)

    @classmethod
    def create_execution_event_failed(cls, context: EventCreationContext) -> Self:
        """Return the event that the execution has failed."""
        return cls._event(context, EventType.EXECUTION_FAILED)

    @classmethod
    def create_execution_event_timed_out(cls, context: EventCreationContext) -> Self:
        """Return the event that the execution took too long."""
        return cls._event(context, EventType.EXECUTION_TIMED_OUT)

    @classmethod
    def create_execution_event_stopped(cls, context: EventCreationContext) -> Self:
        """Return the event that the execution was stopped."""
        return cls._event(context, EventType.EXECUTION_STOPPED)

    @classmethod
    def create_context_event(cls, context: EventCreationContext) -> Self:
        """Return the event that put a context into its status."""
        return cls._ended(context, OperationType.CONTEXT)

    @classmethod
    def create_context_event_started(cls, context: EventCreationContext) -> Self:
        """Return the event that a context has begun."""
        return cls._event(context, EventType.CONTEXT_STARTED)

    @classmethod
    def create_context_event_succeeded(cls, context: EventCreationContext) -> Self:
        """Return the event that a context has succeeded."""
        return cls._event(context, EventType.CONTEXT_SUCCEEDED)

    @classmethod
    def create_context_event_failed(cls, context: EventCreationContext) -> Self:
        """Return the event that a context has failed."""
        return cls._event(context, EventType.CONTEXT_FAILED)

    @classmethod
    def create_wait_event(cls, context: EventCreationContext) -> Self:
        """Return the event that put a wait into its status."""
        return cls._ended(context, OperationType.WAIT)

    @classmethod
    def create_wait_event_started(cls, context: EventCreationContext) -> Self:
        """Return the event that a wait has begun."""
        return cls._event(context, EventType.WAIT_STARTED)

    @classmethod
    def create_wait_event_succeeded(cls, context: EventCreationContext) -> Self:
        """Return the event that a wait has succeeded."""
        return cls._event(context, EventType.WAIT_SUCCEEDED)

    @classmethod
    def create_wait_event_cancelled(cls, context: EventCreationContext) -> Self:
        """Return the event that a wait was cancelled."""
        return cls._event(context, EventType.WAIT_CANCELLED)

    @classmethod
    def create_step_event(cls, context: EventCreationContext) -> Self:
        """Return the event that put an attempt of a step into its status."""
        return cls._ended(context, OperationType.STEP)

    @classmethod
    def create_step_event_started(cls, context: EventCreationContext) -> Self:
        """Return the event that an attempt of a step has begun."""
        return cls._event(context, EventType.STEP_STARTED)

    @classmethod
    def create_step_event_succeeded(cls, context: EventCreationContext) -> Self:
        """Return the event that an attempt of a step has succeeded."""
        return cls._event(context, EventType.STEP_SUCCEEDED)

    @classmethod
    def create_step_event_failed(cls, context: EventCreationContext) -> Self:
        """Return the event that an attempt of a step has failed."""
        return cls._event(context, EventType.STEP_FAILED)

    @classmethod
    def create_chained_invoke_event(cls, context: EventCreationContext) -> Self:
        """Return the event that put an invoked function into its status."""
        return cls._ended(context, OperationType.CHAINED_INVOKE)

    @classmethod
    def create_chained_invoke_event_started(cls, context: EventCreationContext) -> Self:
        """Return the event that an invoked function has begun."""
        return cls._event(context, EventType.CHAINED_INVOKE_STARTED)

    @classmethod
    def create_chained_invoke_event_succeeded(cls, context: EventCreationContext) -> Self:
        """Return the event that an invoked function has succeeded."""
        return cls._event(context, EventType.CHAINED_INVOKE_SUCCEEDED)

    @classmethod
    def create_chained_invoke_event_failed(cls, context: EventCreationContext) -> Self:
        """Return the event that an invoked function has failed."""
        return cls._event(context, EventType.CHAINED_INVOKE_FAILED)

    @classmethod
    def create_chained_invoke_event_timed_out(cls, context: EventCreationContext) -> Self:
        """Return the event that an invoked function took too long."""
        return cls._event(context, EventType.CHAINED_INVOKE_TIMED_OUT)

    @classmethod
    def create_chained_invoke_event_stopped(cls, context: EventCreationContext) -> Self:
        """Return the event that an invoked function was stopped."""
        return cls._event(context, EventType.CHAINED_INVOKE_STOPPED)

    @classmethod
    def create_callback_event(cls, context: EventCreationContext) -> Self:
        """Return the event that put a callback into its status."""
        return cls._ended(context, OperationType.CALLBACK)

    @classmethod
    def create_callback_event_started(cls, context: EventCreationContext) -> Self:
        """Return the event that a callback has begun."""
        return cls._event(context, EventType.CALLBACK_STARTED)

    @classmethod
    def create_callback_event_succeeded(cls, context: EventCreationContext) -> Self:
        """Return the event that a callback has succeeded."""
        return cls._event(context, EventType.CALLBACK_SUCCEEDED)

    @classmethod
    def create_callback_event_failed(cls, context: EventCreationContext) -> Self:
        """Return the event that a callback has failed."""
        return cls._event(context, EventType.CALLBACK_FAILED)

    @classmethod
    def create_callback_event_timed_out(cls, context: EventCreationContext) -> Self:
        """Return the event that a callback took too long."""
        return cls._event(context, EventType.CALLBACK_TIMED_OUT)
