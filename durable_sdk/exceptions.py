"""Every exception of the SDK.

::

    Exception
      DurableExecutionsError
        UnrecoverableError            the invocation cannot go on
          ExecutionError              the execution ends FAILED, nothing is retried
            NonDeterministicExecutionError
          InvocationError             the invocation fails, and is retried if is_retryable()
            BotoClientError           a call to the service failed
              CheckpointError
              GetExecutionStateError
            StepInterruptedError      an at-most-once step began but never reported back
            RetryableSerDesError      raised by a serdes to ask for another invocation
        ValidationError               an argument was wrong; nothing was done
        PluginLoadError               a plugin cannot be used; the handler was not decorated
        InvalidStateError             an object was used at the wrong moment
        OrderedLockError              never raised here; for handlers that catch it
        SerDesError                   a value could not be turned into text or back
        DurableOperationError         an operation failed; rebuilt identically on replay
          StepError
          ChildContextError           a child context, or a branch of a batch
          InvokeError                 the invoked function
          WaitForConditionError
          CallbackError
            CallbackExternalError     whoever answers the callback said that it failed
            CallbackTimeoutError      nobody answered in time
            CallbackSubmitterError    the step that hands out the callback's id failed
          BatchCompletionError        in concurrency.models
    BaseException
      SuspendExecution                leaves user code when the handler must be run again later
        TimedSuspendExecution
      BackgroundThreadError           checkpointing failed; carries the cause
      OrphanedChildException          work went on below a context that has already ended

The four at the bottom derive from BaseException so that ``except Exception`` in a handler
cannot swallow them. This module imports nothing of the SDK, so that every other module may import it.
"""

from __future__ import annotations

from enum import Enum
from typing import Any, Self, TypedDict


def qualified_name(cls: type) -> str:
    """Return the name under which an error type is stored: builtins bare, others with their module."""
    if cls.__module__ == "builtins":
        return cls.__qualname__
    return f"{cls.__module__}.{cls.__qualname__}"


class TerminationReason(Enum):
    """Why an execution or an invocation could not go on."""

    UNHANDLED_ERROR = "UNHANDLED_ERROR"
    INVOCATION_ERROR = "INVOCATION_ERROR"
    EXECUTION_ERROR = "EXECUTION_ERROR"
    CHECKPOINT_FAILED = "CHECKPOINT_FAILED"
    NON_DETERMINISTIC_EXECUTION = "NON_DETERMINISTIC_EXECUTION"
    STEP_INTERRUPTED = "STEP_INTERRUPTED"
    SERIALIZATION_ERROR = "SERIALIZATION_ERROR"


class DurableExecutionsError(Exception):
    """Base of every ordinary error of the SDK."""


class UnrecoverableError(DurableExecutionsError):
    """The invocation cannot go on; ``termination_reason`` says why."""

    def __init__(self, message: str, termination_reason: TerminationReason) -> None:
        super().__init__(message)
        self.termination_reason = termination_reason


class ExecutionError(UnrecoverableError):
    """Ends the execution as FAILED. Steps, child contexts and branches never retry or wrap it."""

    def __init__(
        self,
        message: str,
        termination_reason: TerminationReason = TerminationReason.EXECUTION_ERROR,
    ) -> None:
        super().__init__(message, termination_reason)


class NonDeterministicExecutionError(ExecutionError):
    """The handler asked for another operation than the one recorded at this position."""

    def __init__(self, message: str, step_id: str | None = None) -> None:
        super().__init__(message, TerminationReason.NON_DETERMINISTIC_EXECUTION)
        self.step_id = step_id


class InvocationError(UnrecoverableError):
    """Fails this invocation. A retryable one leaves the handler, so that the service invokes again."""

    def __init__(
        self,
        message: str,
        termination_reason: TerminationReason = TerminationReason.INVOCATION_ERROR,
    ) -> None:
        super().__init__(message, termination_reason)

    def is_retryable(self) -> bool:
        """Return whether another invocation may succeed where this one failed."""
        return True


class AwsErrorObj(TypedDict, total=False):
    """The error block of a response of the service."""

    Code: str | None
    Message: str | None


class AwsErrorMetadata(TypedDict, total=False):
    """The metadata of a response of the service."""

    RequestId: str | None
    HostId: str | None
    HTTPStatusCode: int | None
    HTTPHeaders: Any
    RetryAttempts: int | None


class DurableApiErrorCategory(Enum):
    """What a failed call to the service ends."""

    INVOCATION = "INVOCATION"
    """This invocation; another one may do better."""

    EXECUTION = "EXECUTION"
    """The execution: no invocation can mend it."""


CheckpointErrorCategory = DurableApiErrorCategory

BAD_REQUEST_ERROR = 400
TOO_MANY_REQUESTS_ERROR = 429
SERVICE_ERROR = 500

INVALID_PARAMETER_VALUE_EXCEPTION = "InvalidParameterValueException"
INVALID_CHECKPOINT_TOKEN_PREFIX = "Invalid checkpoint token"

# Codes of customer-managed keys that another attempt cannot mend, whatever the HTTP status.
_TERMINAL_CODES = frozenset(
    {
        "KMSAccessDeniedException",
        "KMSDisabledException",
        "KMSInvalidStateException",
        "KMSNotFoundException",
    }
)


class BotoClientError(InvocationError):
    """A call to the service failed.

    ``error_category`` says what that ends, ``error`` is the error block of the response (``Code``,
    ``Message``) or None when no response came, ``response_metadata`` its metadata (``HTTPStatusCode``,
    ``RequestId``).
    """

    def __init__(
        self,
        message: str,
        error_category: DurableApiErrorCategory = DurableApiErrorCategory.INVOCATION,
        error: AwsErrorObj | None = None,
        response_metadata: AwsErrorMetadata | None = None,
        termination_reason: TerminationReason = TerminationReason.INVOCATION_ERROR,
    ) -> None:
        super().__init__(message, termination_reason)
        self.error_category = error_category
        self.error = error
        self.response_metadata = response_metadata

    @classmethod
    def from_exception(cls, exception: Exception) -> Self:
        """Wrap what a client raised, keeping the service's error block where there is one."""
        response: dict[str, Any] = getattr(exception, "response", None) or {}
        error, metadata = response.get("Error"), response.get("ResponseMetadata")
        return cls(str(exception), _category(error, metadata), error, metadata)

    def is_retryable(self) -> bool:
        """Return whether another invocation may succeed where this one failed."""
        return self.error_category is DurableApiErrorCategory.INVOCATION

    def is_retriable(self) -> bool:
        """Return the same as `is_retryable`."""
        return self.is_retryable()

    def build_logger_extras(self) -> dict[str, Any]:
        """Return what a log line about it should carry: ``Error`` and ``ResponseMetadata``."""
        extras = {"Error": self.error, "ResponseMetadata": self.response_metadata}
        return {name: value for name, value in extras.items() if value}


def _category(error: AwsErrorObj | None, metadata: AwsErrorMetadata | None) -> DurableApiErrorCategory:
    """Classify by the service's answer: only a definite client error ends the execution.

    4xx answers with an error block are final, except throttling (429) and a checkpoint token that another
    invocation has replaced; server errors, lost connections and anything unknown are worth another one.
    """
    code = (error or {}).get("Code") or ""
    if code in _TERMINAL_CODES:
        return DurableApiErrorCategory.EXECUTION
    status = (metadata or {}).get("HTTPStatusCode")
    if (
        not error
        or status is None
        or not BAD_REQUEST_ERROR <= status < SERVICE_ERROR
        or status == TOO_MANY_REQUESTS_ERROR
    ):
        return DurableApiErrorCategory.INVOCATION
    message = error.get("Message") or ""
    if code == INVALID_PARAMETER_VALUE_EXCEPTION and message.startswith(INVALID_CHECKPOINT_TOKEN_PREFIX):
        return DurableApiErrorCategory.INVOCATION
    return DurableApiErrorCategory.EXECUTION


class CheckpointError(BotoClientError):
    """CheckpointDurableExecution failed."""

    def __init__(
        self,
        message: str,
        error_category: DurableApiErrorCategory = DurableApiErrorCategory.INVOCATION,
        error: AwsErrorObj | None = None,
        response_metadata: AwsErrorMetadata | None = None,
    ) -> None:
        super().__init__(
            message, error_category, error, response_metadata, TerminationReason.CHECKPOINT_FAILED
        )


class GetExecutionStateError(BotoClientError):
    """GetDurableExecutionState failed."""

    def __init__(
        self,
        message: str,
        error_category: DurableApiErrorCategory = DurableApiErrorCategory.INVOCATION,
        error: AwsErrorObj | None = None,
        response_metadata: AwsErrorMetadata | None = None,
    ) -> None:
        super().__init__(message, error_category, error, response_metadata)


class StepInterruptedError(InvocationError):
    """An at-most-once step was found started but unfinished: its body may have run, and must not again."""

    def __init__(self, message: str, step_id: str | None = None) -> None:
        super().__init__(message, TerminationReason.STEP_INTERRUPTED)
        self.step_id = step_id


class RetryableSerDesError(InvocationError):
    """Raised by a serdes whose trouble is passing (a store out of reach): the invocation is retried."""

    def __init__(
        self,
        message: str,
        termination_reason: TerminationReason = TerminationReason.SERIALIZATION_ERROR,
    ) -> None:
        super().__init__(message, termination_reason)


def ends_more_than_an_operation(error: Exception) -> bool:
    """Return whether the error ends the execution or this invocation, so that no operation may keep it."""
    if isinstance(error, ExecutionError):
        return True
    return isinstance(error, InvocationError) and error.is_retryable()


class ValidationError(DurableExecutionsError):
    """An argument was wrong. Raised before anything is checkpointed."""


class PluginLoadError(DurableExecutionsError):
    """A plugin cannot be used. Raised when the handler is decorated; the message says which and why."""


class InvalidStateError(DurableExecutionsError):
    """An object of the SDK was used at a moment when it cannot be used."""


class OrderedLockError(DurableExecutionsError):
    """Never raised by this SDK, which has no ordered locks; handlers written for AWS's may catch it."""

    def __init__(self, message: str, source_exception: Exception | None = None) -> None:
        super().__init__(message)
        self.source_exception = source_exception


class _RecordedError(DurableExecutionsError):
    """An error with the four members that the service stores."""

    def __init__(
        self,
        message: str | None = None,
        error_type: str | None = None,
        data: str | None = None,
        stack_trace: list[str] | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.error_type = error_type or qualified_name(type(self))
        self.data = data
        self.stack_trace = stack_trace

    def __str__(self) -> str:
        return self.message or ""


class SerDesError(_RecordedError):
    """A value could not be serialized or deserialized. Final: no retry strategy is asked."""


class DurableOperationError(_RecordedError):
    """An operation failed.

    The class tells which kind of operation, ``error_type`` the type of what escaped from it
    (``"ValueError"``, or a name with its module), ``data`` and ``stack_trace`` what the error carried.
    The first run and every replay raise an equal error, rebuilt from the checkpoint; its ``__cause__``
    stands for the original exception, of which only these members are stored.
    """

    @classmethod
    def from_error_fields(
        cls,
        error_type: str | None,
        message: str | None,
        data: str | None,
        stack_trace: list[str] | None,
    ) -> DurableOperationError:
        """Build the error from the members that the service stores.

        A registered class (`register_operation_error`) whose constructor takes other arguments overrides it.
        """
        return cls(message, error_type, data, stack_trace)


class StepError(DurableOperationError):
    """A step failed and its retry strategy gave up."""


class ChildContextError(DurableOperationError):
    """A child context or a branch failed."""


class InvokeError(DurableOperationError):
    """An invoked function failed, timed out or was stopped."""


class WaitForConditionError(DurableOperationError):
    """A check failed, or the condition was not met within the attempts of its strategy."""


class CallbackError(DurableOperationError):
    """A callback did not bring a result. ``error_type`` names the class, not what the outside reported."""


class CallbackExternalError(CallbackError):
    """Whoever was to answer the callback reported a failure."""


class CallbackTimeoutError(CallbackError):
    """Nobody answered the callback in time, or no heartbeat came in time."""


class CallbackSubmitterError(CallbackError):
    """The step of wait_for_callback that hands out the callback's id failed."""


_operation_errors: dict[str, type[DurableOperationError]] = {}


def register_operation_error(error_cls: type[DurableOperationError]) -> None:
    """Let a stored error that names ``error_cls`` be rebuilt as that class.

    Known under the name of this package, the name AWS's SDK stores for the same class, and the bare
    class name of its 1.x releases, so that executions begun under those can be finished here.
    """
    name = error_cls.__name__
    module = error_cls.__module__
    aws_module = module.replace("durable_sdk", "aws_durable_execution_sdk_python", 1)
    for key in (qualified_name(error_cls), f"{aws_module}.{name}", name):
        _operation_errors[key] = error_cls


for _cls in (
    StepError,
    ChildContextError,
    InvokeError,
    WaitForConditionError,
    CallbackError,
    CallbackExternalError,
    CallbackTimeoutError,
    CallbackSubmitterError,
):
    register_operation_error(_cls)

_SERDES_ERROR_NAMES = frozenset(
    {
        qualified_name(SerDesError),
        "aws_durable_execution_sdk_python.exceptions.SerDesError",
        "SerDesError",
    }
)


def names_serdes_error(error_type: str | None) -> bool:
    """Return whether a stored error type stands for SerDesError."""
    return error_type in _SERDES_ERROR_NAMES


def operation_error_class(error_type: str | None) -> type[DurableOperationError]:
    """Return the class that a stored error type stands for, the base class if it is none of the SDK's."""
    return _operation_errors.get(error_type or "", DurableOperationError)


class SuspendExecution(BaseException):
    """Leaves user code because the handler has to wait for something outside this invocation."""


class TimedSuspendExecution(SuspendExecution):
    """A suspension that is known to end: ``resume_at`` is in microseconds since the epoch."""

    def __init__(self, message: str, resume_at: int) -> None:
        super().__init__(message)
        self.resume_at = resume_at


class BackgroundThreadError(BaseException):
    """Checkpointing failed; ``source_exception`` is the cause. Every later checkpoint raises it too."""

    def __init__(self, message: str, source_exception: BaseException) -> None:
        super().__init__(message)
        self.source_exception = source_exception


class OrphanedChildException(BaseException):
    """The operation lies below a context that has ended: nothing it does can be recorded any more."""

    def __init__(self, message: str, operation_id: str) -> None:
        super().__init__(message)
        self.operation_id = operation_id
