"""Errors of the service, in the shape in which boto3 raises them."""

from __future__ import annotations

from typing import Any, ClassVar


class ServiceError(Exception):
    """An error answer: ``response`` is what botocore's ClientError carries."""

    code: ClassVar[str]
    status: ClassVar[int]

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message

    @property
    def response(self) -> dict[str, Any]:
        """The error answer as botocore presents it."""
        return {
            "Error": {"Code": self.code, "Message": self.message},
            "ResponseMetadata": {"HTTPStatusCode": self.status},
        }

    def __str__(self) -> str:
        return f"{self.code}: {self.message}"


class InvalidParameterValueException(ServiceError):  # noqa: N818 - the service's name
    """A request that is wrong in itself, or does not fit the state of the execution."""

    code = "InvalidParameterValueException"
    status = 400


class ResourceNotFoundException(ServiceError):  # noqa: N818 - the service's name
    """No such execution."""

    code = "ResourceNotFoundException"
    status = 404


class DurableExecutionAlreadyStartedException(ServiceError):  # noqa: N818 - the service's name
    """The name of an execution is taken by one with another input."""

    code = "DurableExecutionAlreadyStartedException"
    status = 409
