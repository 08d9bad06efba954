"""Errors of the service by the names and statuses of its API, in the shape in which boto3 raises them."""

from __future__ import annotations

from pytest_durable.errors import ServiceError

__all__ = [
    "DurableExecutionAlreadyStartedException",
    "InvalidParameterValueException",
    "InvalidRequestContentException",
    "MethodNotAllowedException",
    "RequestTooLargeException",
    "ResourceConflictException",
    "ResourceNotFoundException",
    "SerializationException",
    "ServiceError",
    "ServiceException",
    "ServiceUnavailableException",
    "UnknownOperationException",
    "UnsupportedMediaTypeException",
]


class InvalidParameterValueException(ServiceError):  # noqa: N818 - the service's name
    """A request that is wrong in itself, or does not fit the state of the execution."""

    code = "InvalidParameterValueException"
    status = 400


class ResourceNotFoundException(ServiceError):  # noqa: N818 - the service's name
    """No such execution or function."""

    code = "ResourceNotFoundException"
    status = 404


class ResourceConflictException(ServiceError):  # noqa: N818 - the service's name
    """The execution is not in a state in which this can be done to it."""

    code = "ResourceConflictException"
    status = 409


class DurableExecutionAlreadyStartedException(ServiceError):  # noqa: N818 - the service's name
    """The name of an execution is taken by one with another input."""

    code = "DurableExecutionAlreadyStartedException"
    status = 409


class InvalidRequestContentException(ServiceError):  # noqa: N818 - the service's name
    """The payload of an invocation is not JSON."""

    code = "InvalidRequestContentException"
    status = 400


class RequestTooLargeException(ServiceError):  # noqa: N818 - the service's name
    """A payload or body is larger than the service takes."""

    code = "RequestTooLargeException"
    status = 413


class UnsupportedMediaTypeException(ServiceError):  # noqa: N818 - the service's name
    """The payload of an invocation says of itself that it is not JSON."""

    code = "UnsupportedMediaTypeException"
    status = 415


class SerializationException(ServiceError):  # noqa: N818 - the service's name
    """A body that has to be a JSON object is none."""

    code = "SerializationException"
    status = 400


class UnknownOperationException(ServiceError):  # noqa: N818 - the service's name
    """No operation has this path."""

    code = "UnknownOperationException"
    status = 404


class MethodNotAllowedException(ServiceError):  # noqa: N818 - the service's name
    """Operations have this path, with other methods."""

    code = "MethodNotAllowedException"
    status = 405


class ServiceException(ServiceError):  # noqa: N818 - the service's name
    """The service itself has failed."""

    code = "ServiceException"
    status = 500


class ServiceUnavailableException(ServiceError):  # noqa: N818 - the service's name
    """The service cannot answer now, and may later."""

    code = "ServiceUnavailableException"
    status = 503
