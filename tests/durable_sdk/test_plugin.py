"""The public names of durable_sdk.plugin."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, fields, is_dataclass
from enum import Enum
from typing import Any

import pytest

from durable_sdk import lambda_service, plugin
from durable_sdk.lambda_service import OperationStatus

OPERATION = [
    "operation_id",
    "operation_type",
    "sub_type",
    "name",
    "parent_id",
    "start_time",
    "is_replayed",
    "status",
    "end_time",
    "result",
    "error",
    "attempt",
]
INVOCATION = [
    "request_id",
    "execution_arn",
    "is_first_invocation",
    "execution_start_time",
    "execution_input",
    "operations",
]


@pytest.mark.parametrize(
    ("info", "names"),
    [
        (plugin.OperationInfo, OPERATION),
        (plugin.OperationStartInfo, OPERATION),
        (plugin.OperationEndInfo, OPERATION),
        (plugin.UserFunctionStartInfo, [*OPERATION, "is_replay_children"]),
        (plugin.UserFunctionEndInfo, [*OPERATION, "is_replay_children", "outcome"]),
        (plugin.OperationChangeInfo, ["execution_arn", "updated_operations", "operations"]),
        (plugin.InvocationInfo, INVOCATION),
        (plugin.InvocationStartInfo, [*INVOCATION, "updated_operations"]),
        (plugin.InvocationEndInfo, [*INVOCATION, "status", "error", "execution_result"]),
        (
            plugin.PropagationInput,
            ["execution_arn", "operation_id", "target_function_name", "parent_operation_id"],
        ),
        (plugin.PropagationMetadata, ["x_amzn_trace_id"]),
    ],
)
def test_infos_have_these_fields_and_cannot_be_changed(info: Any, names: list[str]) -> None:
    assert is_dataclass(info)
    assert [field.name for field in fields(info)] == names
    made = object.__new__(info)
    with pytest.raises(FrozenInstanceError):
        setattr(made, names[0], 1)


def test_the_last_members_of_an_operation_are_given_by_name() -> None:
    positional = ("id", plugin.OperationType.STEP, "Step", "a", None, None, False, OperationStatus.STARTED)
    assert plugin.OperationInfo(*positional).attempt is None
    with pytest.raises(TypeError):
        plugin.OperationInfo(*positional, None)  # type: ignore[misc]
    ended = plugin.UserFunctionEndInfo(*positional, True, plugin.UserFunctionOutcome.FAILED, attempt=2)
    assert (ended.is_replay_children, ended.attempt) == (True, 2)


def test_the_payloads_of_an_invocation_take_no_part_in_comparisons() -> None:
    one = plugin.InvocationStartInfo("r", "arn", True, execution_input=[1], operations={})
    other = plugin.InvocationStartInfo("r", "arn", True, execution_input=[2])
    assert one == other
    assert hash(one) == hash(other)
    assert repr(one) == (
        "InvocationStartInfo(request_id='r', execution_arn='arn', is_first_invocation=True, "
        "execution_start_time=None)"
    )


@pytest.mark.parametrize(
    ("enum", "wire"),
    [
        (plugin.InvocationStatus, lambda_service.InvocationStatus),
        (plugin.OperationType, lambda_service.OperationType),
    ],
)
def test_the_enums_of_plugins_are_their_own(enum: type[Enum], wire: type[Enum]) -> None:
    assert [member.value for member in enum] == [member.value for member in wire]
    assert all(member != wire(member.value) and member != member.value for member in enum)


def test_an_error_decides_the_outcome() -> None:
    error = lambda_service.ErrorObject.from_message("boom")
    assert plugin.UserFunctionOutcome.from_error(error) is plugin.UserFunctionOutcome.FAILED
    assert plugin.UserFunctionOutcome.from_error(None) is plugin.UserFunctionOutcome.SUCCEEDED


def test_every_hook_of_the_base_class_does_nothing() -> None:
    base = plugin.DurableInstrumentationPlugin()
    hooks = [name for name in dir(base) if not name.startswith("_")]
    assert hooks == [
        "on_invocation_end",
        "on_invocation_start",
        "on_operation_change",
        "on_operation_end",
        "on_operation_start",
        "on_user_function_end",
        "on_user_function_start",
        "provide_propagation_metadata",
    ]
    assert [getattr(base, hook)(None) for hook in hooks] == [None] * len(hooks)
