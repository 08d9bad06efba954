"""Updates: what the SDK asks the service to record, built directly in the service's JSON.

Every update of an operation repeats its id, type, sub type, name and parent.
"""

from __future__ import annotations

import json
from json.encoder import encode_basestring_ascii
from typing import Any, TypeAlias

from durable_sdk._wire.enums import OperationAction, OperationType
from durable_sdk._wire.errors import ErrorObject
from durable_sdk.identifier import OperationIdentifier

UpdateJson: TypeAlias = dict[str, Any]


# Reading a value through the enum costs ten times as much as through a name, and every update does it.
_START = OperationAction.START.value
_SUCCEED = OperationAction.SUCCEED.value
_FAIL = OperationAction.FAIL.value
_RETRY = OperationAction.RETRY.value
_CONTEXT = OperationType.CONTEXT.value
_EXECUTION = OperationType.EXECUTION.value
_TYPES = {member: member.value for member in OperationType}


def _update(identifier: OperationIdentifier, action: str) -> UpdateJson:
    update: UpdateJson = {
        "Id": identifier.operation_id,
        "Type": _TYPES[identifier.operation_type],
        "Action": action,
        "SubType": str(identifier.sub_type),
    }
    if identifier.parent_id:
        update["ParentId"] = identifier.parent_id
    if identifier.name:
        update["Name"] = identifier.name
    return update


def start(identifier: OperationIdentifier) -> UpdateJson:
    """Begin a step or a context."""
    return _update(identifier, _START)


def start_wait(identifier: OperationIdentifier, seconds: int) -> UpdateJson:
    """Begin a wait of ``seconds`` (1 to 31,622,400, a leap year, as the service demands)."""
    return _update(identifier, _START) | {"WaitOptions": {"WaitSeconds": seconds}}


def start_callback(
    identifier: OperationIdentifier, timeout_seconds: int, heartbeat_timeout_seconds: int
) -> UpdateJson:
    """Begin a callback; a timeout of 0 is no limit."""
    return _update(identifier, _START) | {
        "CallbackOptions": {
            "TimeoutSeconds": timeout_seconds,
            "HeartbeatTimeoutSeconds": heartbeat_timeout_seconds,
        }
    }


def start_invoke(
    identifier: OperationIdentifier, function_name: str, payload: str | None, tenant_id: str | None
) -> UpdateJson:
    """Begin to call another function."""
    options = {"FunctionName": function_name}
    if tenant_id is not None:
        options["TenantId"] = tenant_id
    update = _update(identifier, _START) | {"ChainedInvokeOptions": options}
    if payload is not None:
        update["Payload"] = payload
    return update


def succeed(identifier: OperationIdentifier, payload: str | None) -> UpdateJson:
    """End a step with its result; a payload of None is left out."""
    update = _update(identifier, _SUCCEED)
    if payload is not None:
        update["Payload"] = payload
    return update


def succeed_context(
    identifier: OperationIdentifier, payload: str | None, *, replay_children: bool
) -> UpdateJson:
    """End a context; with ``replay_children`` the payload is a summary and replay runs its body again."""
    return succeed(identifier, payload) | {"ContextOptions": {"ReplayChildren": replay_children}}


def fail(identifier: OperationIdentifier, error: ErrorObject) -> UpdateJson:
    """End a step or a context with an error."""
    return _update(identifier, _FAIL) | {"Error": error.to_dict()}


def retry(identifier: OperationIdentifier, error: ErrorObject, delay_seconds: int) -> UpdateJson:
    """End an attempt of a step and ask for another one after ``delay_seconds`` (at least 1)."""
    return _update(identifier, _RETRY) | {
        "Error": error.to_dict(),
        "StepOptions": {"NextAttemptDelaySeconds": delay_seconds},
    }


def poll_again(identifier: OperationIdentifier, state: str | None, delay_seconds: int) -> UpdateJson:
    """End a check of a condition with its state, and ask for another one after ``delay_seconds``."""
    update = _update(identifier, _RETRY) | {"StepOptions": {"NextAttemptDelaySeconds": delay_seconds}}
    if state is not None:
        update["Payload"] = state
    return update


def _execution_update(action: str, now: int) -> UpdateJson:
    return {
        "Id": f"execution-result-{now // 1000}",
        "Type": _EXECUTION,
        "Action": action,
    }


def succeed_execution(payload: str, now: int) -> UpdateJson:
    """Store a result too large for the invocation's output; ``now`` is in microseconds since the epoch."""
    return _execution_update(_SUCCEED, now) | {"Payload": payload}


def fail_execution(error: ErrorObject, now: int) -> UpdateJson:
    """Store an error too large for the invocation's output; ``now`` is in microseconds since the epoch."""
    return _execution_update(_FAIL, now) | {"Error": error.to_dict()}


def is_execution(update: UpdateJson) -> bool:
    """Return whether the update ends the execution."""
    return bool(update["Type"] == _EXECUTION)


def ends_context(update: UpdateJson) -> bool:
    """Return whether the update ends a context, after which nothing below it can be recorded."""
    return bool(update["Type"] == _CONTEXT and update["Action"] != _START)


# Everything but payload and error at its longest: ids, sub type, options, and a name of 256 characters
# all of which have to be escaped.
_ENVELOPE_BYTES = 1024


def size_bytes(update: UpdateJson) -> int:
    """Return how many bytes the update takes in a request, at most (ASCII JSON, as boto3 sends it)."""
    size = _ENVELOPE_BYTES
    payload = update.get("Payload")
    if payload is not None:
        size += len(encode_basestring_ascii(payload))
    error = update.get("Error")
    if error is not None:
        size += len(json.dumps(error))
    return size
