"""ErrorObject: an exception in the form in which the service stores it."""

from __future__ import annotations

import builtins
from collections.abc import Callable
from dataclasses import dataclass, replace
from json.encoder import encode_basestring_ascii
from typing import Any, NoReturn, Self

from durable_sdk.exceptions import (
    CallbackError,
    DurableOperationError,
    SerDesError,
    names_serdes_error,
    operation_error_class,
    qualified_name,
)

# Leaves room for the type, the data and the stack trace.
_LONGEST_MESSAGE_BYTES = 24 * 1024

_UNKNOWN_ERROR = "Unknown error. No ErrorObject exists on the Checkpoint Operation."


@dataclass(frozen=True, slots=True)
class ErrorObject:
    """A stored error. Members that are None are left out of the JSON; an empty error is ``{}``."""

    message: str | None
    type: str | None
    data: str | None
    stack_trace: list[str] | None

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Self:
        """Decode the service's form."""
        return cls(
            message=data.get("ErrorMessage"),
            type=data.get("ErrorType"),
            data=data.get("ErrorData"),
            stack_trace=data.get("StackTrace"),
        )

    def to_dict(self) -> dict[str, Any]:
        """Encode to the service's form."""
        members = {
            "ErrorMessage": self.message,
            "ErrorType": self.type,
            "ErrorData": self.data,
            "StackTrace": self.stack_trace,
        }
        return {name: value for name, value in members.items() if value is not None}

    def fitted(self) -> ErrorObject:
        """Return it with a message short enough for an update; the service refuses errors beyond 32 KiB."""
        message = self.message
        if message is None or len(encode_basestring_ascii(message)) <= _LONGEST_MESSAGE_BYTES:
            return self
        # Escaped, a character takes up to twelve bytes.
        kept = message[: _LONGEST_MESSAGE_BYTES // 12]
        return replace(self, message=f"{kept}... ({len(message):,} characters)")

    def to_durable_operation_error(self) -> DurableOperationError:
        """Return the operation error that the type names, the base class if it names none."""
        return operation_error_class(self.type)(self.message, self.type, self.data, self.stack_trace)

    def raise_as_operation_error(self, operation_error_cls: builtins.type[DurableOperationError]) -> NoReturn:
        """Raise the exception that user code sees if an operation of that class failed with this error.

        Raises:
            DurableOperationError: the class given; its ``__cause__`` stands for what escaped.
            SerDesError: the error says that a value could not be read or written.
        """
        raise rebuild_error(self, operation_error_cls)

    @classmethod
    def from_message(cls, message: str) -> Self:
        """Build an error that has a message only."""
        return cls(message=message, type=None, data=None, stack_trace=None)

    @classmethod
    def from_exception(cls, exception: BaseException) -> Self:
        """Describe ``exception``: errors of operations and serdes keep their data and stack trace."""
        if isinstance(exception, SerDesError):
            return cls(
                exception.message,
                qualified_name(SerDesError),
                exception.data,
                exception.stack_trace,
            )
        if isinstance(exception, DurableOperationError):
            return cls(
                exception.message,
                qualified_name(type(exception)),
                exception.data,
                exception.stack_trace,
            )
        return cls(str(exception), qualified_name(type(exception)), None, None)


Surface = Callable[[str | None], type[DurableOperationError]]
"""Says which class user code sees for a stored error, given its type."""


def rebuild_error(
    error: ErrorObject | None, surface: type[DurableOperationError] | Surface
) -> DurableOperationError | SerDesError:
    """Build the exception that user code sees for a stored error.

    ``surface`` is the class of the operation that failed. The same call serves the first run and every
    replay, which is what makes the two alike. Its ``__cause__`` stands for what escaped, if that is not
    the same error; it is never the original object.
    """
    if error is not None and not error.to_dict():
        # The service stores an error without any member as readily as none.
        error = None
    error_type = None if error is None else error.type
    cls: type[DurableOperationError]
    cls = surface if isinstance(surface, type) else surface(error_type)
    if error is None:
        return cls.from_error_fields(None, _UNKNOWN_ERROR, None, None)
    built: DurableOperationError | SerDesError
    if names_serdes_error(error_type):
        built = SerDesError(error.message, error_type, error.data, error.stack_trace)
    else:
        # The type of a callback's error is its own: what the outside reported stays on the operation.
        own = issubclass(cls, CallbackError)
        built = cls.from_error_fields(
            None if own else error_type, error.message, error.data, error.stack_trace
        )
    cause = operation_error_class(error_type)
    # The error of a callback that leaves a wait_for_callback is the one that came out of the callback.
    if cause is not cls or not issubclass(cls, CallbackError):
        built.__cause__ = cause.from_error_fields(error_type, error.message, error.data, error.stack_trace)
    return built
