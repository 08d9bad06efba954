"""Errors that the simulated service answers, those of faults included."""

from __future__ import annotations

from typing import Any

from pytest_durable.service_errors import (
    DurableExecutionAlreadyStartedException,
    InvalidParameterValueException,
    InvalidRequestContentException,
    ResourceNotFoundException,
    ServiceError,
)

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
