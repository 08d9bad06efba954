"""The errors of AWS's testing package, under its names.

::

    Exception
      DurableFunctionsTestError               base of what a test may meet; our own errors derive from it
        InvalidInvocationOutputError          the handler answered what the service does not accept
      DurableFunctionsLocalRunnerError        base of what a local service answers
        UnknownRouteError
        SerializationError
        AwsApiException                       an error of the API, with its HTTP status
          InvalidParameterValueException      400
          IllegalArgumentException            400
          ResourceNotFoundException           404
          CallbackTimeoutException            408
          ExecutionAlreadyStartedException    409
          ExecutionConflictException          409
          TooManyRequestsException            429
          ServiceException                    500
          IllegalStateException               500
          RuntimeException                    500

The errors of this plugin itself are in `pytest_durable.errors`.
"""

from __future__ import annotations

from typing import Any, ClassVar


class DurableFunctionsTestError(Exception):
    """Base of the errors that a test of a durable function may meet."""


class InvalidInvocationOutputError(DurableFunctionsTestError):
    """A handler answered what the service does not accept; ``request_id`` names the invocation."""

    def __init__(self, message: str, request_id: str | None = None) -> None:
        super().__init__(message)
        self.request_id = request_id


class DurableFunctionsLocalRunnerError(Exception):
    """Base of the errors of a local durable execution service."""


class UnknownRouteError(DurableFunctionsLocalRunnerError):
    """The local service has no such route."""

    def __init__(self, method: str, path: str) -> None:
        super().__init__(f"Unknown path pattern: {method} {path}")
        self.method = method
        self.path = path


class SerializationError(DurableFunctionsLocalRunnerError):
    """A request or an answer could not be read or written."""


class AwsApiException(DurableFunctionsLocalRunnerError):  # noqa: N818 - AWS's name
    """An error of the API. `to_dict` is the body of the response that carries it."""

    http_status_code: ClassVar[int] = 500

    def to_dict(self) -> dict[str, Any]:
        """Return the body of the response. Each subclass has its own members.

        Raises:
            NotImplementedError: this base class has no body.
        """
        raise NotImplementedError(f"{type(self).__name__} has no response body of its own.")


class _Typed(AwsApiException):
    """An error whose body names its type, under ``error_type`` or the name of the class."""

    error_type: ClassVar[str | None] = None

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message

    def to_dict(self) -> dict[str, Any]:
        """Return the body of the response: the type and the message."""
        return {"Type": self.error_type or type(self).__name__, "message": self.message}


class InvalidParameterValueException(_Typed):
    """A parameter of a request is wrong."""

    http_status_code = 400


class IllegalArgumentException(_Typed):
    """An argument is wrong; the API reports it as InvalidParameterValueException."""

    http_status_code = 400
    error_type = "InvalidParameterValueException"


class CallbackTimeoutException(_Typed):
    """A callback came too late."""

    http_status_code = 408


class ExecutionConflictException(_Typed):
    """The execution is in another state than the request assumes."""

    http_status_code = 409


class TooManyRequestsException(_Typed):
    """The service is throttled."""

    http_status_code = 429


class ExecutionAlreadyStartedException(AwsApiException):
    """An execution of that name is there already, under another input."""

    http_status_code = 409

    # The parameter has the name that it has in the API.
    def __init__(self, message: str, DurableExecutionArn: str) -> None:  # noqa: N803
        super().__init__(message)
        self.message = message
        self.DurableExecutionArn = DurableExecutionArn

    def to_dict(self) -> dict[str, Any]:
        """Return the body of the response, which has no type."""
        return {"message": self.message, "DurableExecutionArn": self.DurableExecutionArn}


class _Capitalized(AwsApiException):
    """An error whose body spells ``Message`` with a capital, as the API does for some."""

    def __init__(self, Message: str) -> None:  # noqa: N803 - the API's spelling
        super().__init__(Message)
        self.Message = Message

    def to_dict(self) -> dict[str, Any]:
        """Return the body of the response: the type and the message."""
        return {"Type": type(self).__name__, "Message": self.Message}


class ResourceNotFoundException(_Capitalized):
    """There is no such execution, callback or function."""

    http_status_code = 404


class ServiceException(_Capitalized):
    """The service failed."""


class _Internal(AwsApiException):
    """A failure of the runner; the API reports it as ServiceException."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message

    def to_dict(self) -> dict[str, Any]:
        """Return the body of the response: the type ServiceException and the message."""
        return {"Type": "ServiceException", "Message": self.message}


class IllegalStateException(_Internal):
    """The runner is in a state that it should not be in."""


class RuntimeException(_Internal):
    """The runner failed."""
