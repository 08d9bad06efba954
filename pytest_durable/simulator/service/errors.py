"""Errors of the service, in the shape in which boto3 raises them."""

from __future__ import annotations

from typing import Any

from pytest_durable.errors import ServiceError

__all__ = [
    "DurableExecutionAlreadyStartedException",
    "InjectedServiceError",
    "InvalidParameterValueException",
    "InvalidRequestContentException",
    "ResourceNotFoundException",
    "ServiceError",
]


class InjectedServiceError(ServiceError):
    """An error that a fault makes the service answer; without a status no answer comes at all."""

    def __init__(self, code: str, message: str, status: int | None) -> None:
        super().__init__(message)
        self._code = code
        self._status = status

    @property
    def response(self) -> dict[str, Any]:
        """The error answer as botocore presents it, empty where none came."""
        if self._status is None:
            return {}
        return {
            "Error": {"Code": self._code, "Message": self.message},
            "ResponseMetadata": {"HTTPStatusCode": self._status},
        }

    def __str__(self) -> str:
        return f"{self._code}: {self.message}"


class InvalidParameterValueException(ServiceError):  # noqa: N818 - the service's name
    """A request that is wrong in itself, or does not fit the state of the execution."""

    code = "InvalidParameterValueException"
    status = 400


class InvalidRequestContentException(ServiceError):  # noqa: N818 - the service's name
    """The payload of an invocation is not JSON."""

    code = "InvalidRequestContentException"
    status = 400


class ResourceNotFoundException(ServiceError):  # noqa: N818 - the service's name
    """No such execution."""

    code = "ResourceNotFoundException"
    status = 404


class DurableExecutionAlreadyStartedException(ServiceError):  # noqa: N818 - the service's name
    """The name of an execution is taken by one with another input."""

    code = "DurableExecutionAlreadyStartedException"
    status = 409
