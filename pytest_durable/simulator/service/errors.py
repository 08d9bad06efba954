"""Errors of the service, in the shape in which boto3 raises them."""

from __future__ import annotations

from pytest_durable.errors import ServiceError

__all__ = [
    "DurableExecutionAlreadyStartedException",
    "InvalidParameterValueException",
    "ResourceNotFoundException",
    "ServiceError",
]


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
