"""Requests of the SDK: from the service's JSON to values, refusing what the API's model does not allow."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from durable_sdk.lambda_service import OperationAction, OperationType
from pytest_durable.history.events import ErrorJson, Subject
from pytest_durable.simulator.service.errors import InvalidParameterValueException

_OPERATION_ID = re.compile(r"[A-Za-z0-9\-_]{1,64}")
_SUB_TYPE = re.compile(r"[A-Za-z0-9\-_]{1,32}")
# How long a name may be is one of the limits that a test can override.
_NAME = re.compile(r"[\x20-\x7E]+")
_CLIENT_TOKEN = re.compile(r"[\x21-\x7E]{1,64}")
_TENANT_ID = re.compile(r"[A-Za-z0-9._:/=+\-@ ]{1,256}")
_TRACE_ID = re.compile(r"[\s\S]{0,8192}")

_TYPES = {member.value: member for member in OperationType}
_ACTIONS = {member.value: member for member in OperationAction}


def is_tenant_id(value: object) -> bool:
    """Return whether the value can be the id of a tenant."""
    return isinstance(value, str) and _TENANT_ID.fullmatch(value) is not None


class CallbackOptions(NamedTuple):
    """How long a callback may take, in all and between heartbeats; 0 stands for any time."""

    timeout_seconds: int = 0
    heartbeat_timeout_seconds: int = 0


class InvokeOptions(NamedTuple):
    """Which function is to be called, and as which tenant."""

    function_name: str
    tenant_id: str | None = None
    trace_id: str | None = None


class Update(NamedTuple):
    """One update of a checkpoint request."""

    subject: Subject
    action: OperationAction
    payload: str | None = None
    error: ErrorJson | None = None
    replay_children: bool = False
    next_attempt_delay_seconds: int | None = None
    wait_seconds: int | None = None
    callback_options: CallbackOptions | None = None
    invoke_options: InvokeOptions | None = None


class CheckpointRequest(NamedTuple):
    """CheckpointDurableExecution."""

    arn: str
    token: str
    updates: tuple[Update, ...]
    client_token: str | None = None


@dataclass(frozen=True, slots=True)
class StateRequest:
    """GetDurableExecutionState."""

    arn: str
    token: str
    marker: str
    max_items: int


@dataclass(frozen=True, slots=True)
class HistoryRequest:
    """GetDurableExecutionHistory."""

    arn: str
    marker: str = ""
    max_items: int = 0
    reverse_order: bool = False
    include_execution_data: bool = False


def _refuse(what: str) -> InvalidParameterValueException:
    return InvalidParameterValueException(what)


def _text(data: Mapping[str, Any], member: str, pattern: re.Pattern[str], where: str) -> str | None:
    value = data.get(member)
    if value is None or (isinstance(value, str) and pattern.fullmatch(value)):
        return value
    raise _refuse(f"{where}: {member} {value!r:.100} does not match {pattern.pattern}.")


def _member(data: Mapping[str, Any], member: str, kind: type, where: str) -> Any:
    value = data.get(member)
    if value is None or (isinstance(value, kind) and not (kind is int and isinstance(value, bool))):
        return value
    raise _refuse(f"{where}: {member} has an invalid value {value!r:.100}.")


def _parse_update(data: Mapping[str, Any], index: int) -> Update:
    where = f"Updates[{index}]"
    operation_id = _text(data, "Id", _OPERATION_ID, where)
    operation_type = _TYPES.get(data.get("Type") or "")
    action = _ACTIONS.get(data.get("Action") or "")
    if operation_id is None:
        raise _refuse(f"{where}: Id None does not match {_OPERATION_ID.pattern}.")
    if operation_type is None or action is None:
        raise _refuse(f"{where}: unknown Type {data.get('Type')!r} or Action {data.get('Action')!r}.")
    subject = Subject(
        operation_id,
        operation_type,
        _text(data, "SubType", _SUB_TYPE, where),
        _text(data, "Name", _NAME, where) if "Name" in data else None,
        _text(data, "ParentId", _OPERATION_ID, where) if "ParentId" in data else None,
    )
    payload = _member(data, "Payload", str, where) if "Payload" in data else None
    error = _member(data, "Error", dict, where) if "Error" in data else None
    if _OPTIONS.isdisjoint(data):
        return Update(subject, action, payload, error)
    context = _member(data, "ContextOptions", dict, where) or {}
    step = _member(data, "StepOptions", dict, where) or {}
    wait = _member(data, "WaitOptions", dict, where) or {}
    return Update(
        subject,
        action,
        payload,
        error,
        bool(_member(context, "ReplayChildren", bool, where)),
        _member(step, "NextAttemptDelaySeconds", int, where),
        _member(wait, "WaitSeconds", int, where),
        _parse_callback_options(_member(data, "CallbackOptions", dict, where), where),
        _parse_invoke_options(_member(data, "ChainedInvokeOptions", dict, where), where),
    )


_OPTIONS = frozenset(
    {"ContextOptions", "StepOptions", "WaitOptions", "CallbackOptions", "ChainedInvokeOptions"}
)


def _parse_callback_options(options: Mapping[str, Any] | None, where: str) -> CallbackOptions | None:
    if options is None:
        return None
    return CallbackOptions(
        _member(options, "TimeoutSeconds", int, where) or 0,
        _member(options, "HeartbeatTimeoutSeconds", int, where) or 0,
    )


def _parse_invoke_options(options: Mapping[str, Any] | None, where: str) -> InvokeOptions | None:
    if options is None:
        return None
    function_name = _member(options, "FunctionName", str, where)
    if function_name is None:
        raise _refuse(f"{where}: ChainedInvokeOptions has no FunctionName.")
    return InvokeOptions(
        function_name,
        _text(options, "TenantId", _TENANT_ID, where),
        _text(options, "XAmznTraceId", _TRACE_ID, where),
    )


def parse_checkpoint(request: Mapping[str, Any]) -> CheckpointRequest:
    """Decode a CheckpointDurableExecution request.

    Raises:
        InvalidParameterValueException: a member is missing or malformed.
    """
    updates = request.get("Updates") or ()
    return CheckpointRequest(
        request.get("DurableExecutionArn") or "",
        request.get("CheckpointToken") or "",
        tuple(_parse_update(update, index) for index, update in enumerate(updates)),
        _text(request, "ClientToken", _CLIENT_TOKEN, "Request"),
    )


def parse_state(request: Mapping[str, Any]) -> StateRequest:
    """Decode a GetDurableExecutionState request.

    Raises:
        InvalidParameterValueException: a member is missing or malformed.
    """
    return StateRequest(
        request.get("DurableExecutionArn") or "",
        request.get("CheckpointToken") or "",
        request.get("Marker") or "",
        _max_items(request),
    )


def parse_history(request: Mapping[str, Any]) -> HistoryRequest:
    """Decode a GetDurableExecutionHistory request.

    Raises:
        InvalidParameterValueException: a member is missing or malformed.
    """
    with_data = _member(request, "IncludeExecutionData", bool, "Request")
    return HistoryRequest(
        request.get("DurableExecutionArn") or "",
        _member(request, "Marker", str, "Request") or "",
        _max_items(request),
        bool(_member(request, "ReverseOrder", bool, "Request")),
        # botocore's model: "The default is true."
        True if with_data is None else with_data,
    )


def _max_items(request: Mapping[str, Any]) -> int:
    max_items = request.get("MaxItems", 0)
    if type(max_items) is not int or not 0 <= max_items <= 1000:
        raise _refuse(f"MaxItems is 0 to 1000, got {max_items!r}.")
    return max_items
