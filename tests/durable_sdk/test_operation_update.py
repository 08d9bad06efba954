"""OperationUpdate: each factory writes what the SDK itself sends."""

from __future__ import annotations

from typing import Any

import pytest

from durable_sdk import _runtime, _updates
from durable_sdk._runtime import ThreadRuntime
from durable_sdk.identifier import OperationIdentifier
from durable_sdk.lambda_service import (
    CallbackOptions,
    ChainedInvokeOptions,
    ContextOptions,
    ErrorObject,
    OperationType,
    OperationUpdate,
    WaitOptions,
)

STEP = OperationIdentifier("id-1", "Step", "parent", "charge", operation_type=OperationType.STEP)
CONTEXT = OperationIdentifier("id-2", "Map", operation_type=OperationType.CONTEXT)
WAIT = OperationIdentifier("id-3", "Wait", operation_type=OperationType.WAIT)
ERROR = ErrorObject("boom", "ValueError", None, None)


class StoppedRuntime(ThreadRuntime):
    """A runtime whose clock stands still."""

    def now(self) -> int:
        return 1_700_000_000_123_456


@pytest.mark.parametrize(
    ("made", "sent"),
    [
        (OperationUpdate.create_step_start(STEP), _updates.start(STEP)),
        (OperationUpdate.create_step_succeed(STEP, "1"), _updates.succeed(STEP, "1")),
        (OperationUpdate.create_step_succeed(STEP, None), _updates.succeed(STEP, None)),
        (OperationUpdate.create_step_fail(STEP, ERROR), _updates.fail(STEP, ERROR)),
        (OperationUpdate.create_step_retry(STEP, ERROR, 3), _updates.retry(STEP, ERROR, 3)),
        (OperationUpdate.create_wait_for_condition_start(STEP), _updates.start(STEP)),
        (OperationUpdate.create_wait_for_condition_succeed(STEP, "1"), _updates.succeed(STEP, "1")),
        (OperationUpdate.create_wait_for_condition_fail(STEP, ERROR), _updates.fail(STEP, ERROR)),
        (OperationUpdate.create_wait_start(WAIT, WaitOptions(9)), _updates.start_wait(WAIT, 9)),
        (OperationUpdate.create_context_start(CONTEXT), _updates.start(CONTEXT)),
        (
            OperationUpdate.create_context_succeed(CONTEXT, "1", context_options=ContextOptions(True)),
            _updates.succeed_context(CONTEXT, "1", replay_children=True),
        ),
        (OperationUpdate.create_context_fail(CONTEXT, ERROR), _updates.fail(CONTEXT, ERROR)),
    ],
)
def test_a_factory_makes_what_the_sdk_sends(made: OperationUpdate, sent: dict[str, Any]) -> None:
    assert made.to_dict() == sent
    assert OperationUpdate.from_dict(sent) == made


@pytest.mark.parametrize(
    ("made", "members"),
    [
        (
            OperationUpdate.create_wait_for_condition_retry(STEP, "2", 4),
            {"Action": "RETRY", "Payload": "2", "StepOptions": {"NextAttemptDelaySeconds": 4}},
        ),
        (
            OperationUpdate.create_callback(STEP, CallbackOptions(5)),
            {
                "Type": "CALLBACK",
                "CallbackOptions": {"TimeoutSeconds": 5, "HeartbeatTimeoutSeconds": 0},
            },
        ),
        (
            OperationUpdate.create_invoke_start(STEP, "3", ChainedInvokeOptions("fn")),
            {"Type": "CHAINED_INVOKE", "Payload": "3", "ChainedInvokeOptions": {"FunctionName": "fn"}},
        ),
    ],
)
def test_options_travel_in_a_block_of_their_own(made: OperationUpdate, members: dict[str, Any]) -> None:
    assert members.items() <= made.to_dict().items()


def test_updates_of_the_execution_are_named_after_the_time() -> None:
    token = _runtime.current.set(StoppedRuntime())
    try:
        now = StoppedRuntime().now()
        assert OperationUpdate.create_execution_succeed("1").to_dict() == _updates.succeed_execution("1", now)
        assert OperationUpdate.create_execution_fail(ERROR).to_dict() == _updates.fail_execution(ERROR, now)
    finally:
        _runtime.current.reset(token)
