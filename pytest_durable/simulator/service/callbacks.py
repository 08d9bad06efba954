"""Callback ids, and what somebody outside says about a callback.

An id says itself which callback of which execution it stands for.
"""

from __future__ import annotations

import base64
import binascii
import re
from enum import StrEnum
from typing import NamedTuple

from pytest_durable.history.events import ErrorJson
from pytest_durable.simulator.service.errors import InvalidParameterValueException, ResourceNotFoundException

# The pattern of the API's model.
_CALLBACK_ID = re.compile(r"(?=.{1,1024}\Z)[A-Za-z0-9+/]+={0,2}")
_PARTS = re.compile(r"([A-Za-z0-9_-]+):([A-Za-z0-9_-]{1,64})")


class CallbackCall(StrEnum):
    """What can be said about a callback."""

    SUCCESS = "success"
    FAILURE = "failure"
    HEARTBEAT = "heartbeat"


class CallbackAnswer(NamedTuple):
    """SendDurableExecutionCallbackSuccess, ...Failure or ...Heartbeat."""

    call: CallbackCall
    execution_id: str
    operation_id: str
    result: str | None = None
    error: ErrorJson | None = None


def make_callback_id(execution_id: str, operation_id: str) -> str:
    """Return the id of a callback: base64 text, as the API's model demands, the same in every run."""
    return base64.b64encode(f"{execution_id}:{operation_id}".encode()).decode()


def parse_callback_id(callback_id: str, call: CallbackCall) -> tuple[str, str]:
    """Return the ids of the execution and the operation that an id stands for, whether or not they exist.

    Raises:
        InvalidParameterValueException: the id is blank.
        ResourceNotFoundException: the id was never given out.
    """
    if not isinstance(callback_id, str):
        raise InvalidParameterValueException(f"callback_id is a text, got {callback_id!r:.100}")
    if not callback_id or callback_id.isspace():
        raise InvalidParameterValueException("callback_id is required")
    parts = _PARTS.fullmatch(_decoded(callback_id))
    if parts is None or make_callback_id(parts[1], parts[2]) != callback_id:
        raise no_callback(call, f"{callback_id!r:.100} is no callback id")
    return parts[1], parts[2]


def _decoded(callback_id: str) -> str:
    if not _CALLBACK_ID.fullmatch(callback_id):
        return ""
    try:
        return base64.b64decode(callback_id, validate=True).decode("ascii")
    except (binascii.Error, UnicodeDecodeError):
        return ""


def no_callback(call: CallbackCall, why: str) -> ResourceNotFoundException:
    """Return the error for a callback of which this cannot be said."""
    return ResourceNotFoundException(f"Failed to process callback {call.value}: {why}")


def parse_success(callback_id: str, result: bytes | None) -> CallbackAnswer:
    """Decode SendDurableExecutionCallbackSuccess. No result and an empty one are the same.

    Raises:
        InvalidParameterValueException: the id is blank.
        ResourceNotFoundException: the id was never given out, or the result is not UTF-8.
    """
    ids = parse_callback_id(callback_id, CallbackCall.SUCCESS)
    try:
        text = result.decode() if result else None
    except UnicodeDecodeError as error:
        raise no_callback(CallbackCall.SUCCESS, f"the result is not UTF-8 ({error})") from error
    return CallbackAnswer(CallbackCall.SUCCESS, *ids, text)


def parse_failure(callback_id: str, error: ErrorJson | None) -> CallbackAnswer:
    """Decode SendDurableExecutionCallbackFailure. No error is an empty one.

    Raises:
        InvalidParameterValueException: the id is blank.
        ResourceNotFoundException: the id was never given out.
    """
    ids = parse_callback_id(callback_id, CallbackCall.FAILURE)
    return CallbackAnswer(CallbackCall.FAILURE, *ids, error=error or {})


def parse_heartbeat(callback_id: str) -> CallbackAnswer:
    """Decode SendDurableExecutionCallbackHeartbeat.

    Raises:
        InvalidParameterValueException: the id is blank.
        ResourceNotFoundException: the id was never given out.
    """
    return CallbackAnswer(CallbackCall.HEARTBEAT, *parse_callback_id(callback_id, CallbackCall.HEARTBEAT))
