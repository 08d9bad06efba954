"""PluginExecutor and PluginHost, called as the SDK calls them."""

from __future__ import annotations

import threading
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from durable_sdk_fakes import Running, wait_for
from plugin_recorder import Recorder, Recording

from durable_sdk._wire.operations import StoredOperation
from durable_sdk.identifier import OperationIdentifier
from durable_sdk.lambda_service import ErrorObject, OperationStatus, OperationType
from durable_sdk.plugin import (
    InvocationEndInfo,
    InvocationStartInfo,
    OperationChangeInfo,
    OperationInfo,
    OperationStartInfo,
    PluginExecutor,
    PluginHost,
    UserFunctionEndInfo,
    UserFunctionOutcome,
)

STEP = OperationIdentifier("id-1", "Step", None, "a", operation_type=OperationType.STEP)
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def stored(operation_id: str, status: str, kind: str = "STEP") -> StoredOperation:
    return StoredOperation({"Id": operation_id, "Type": kind, "Status": status, "Name": operation_id})


def begin(executor: PluginExecutor, *operations: StoredOperation, updated: list[str] | None = None) -> None:
    recorded = {operation.operation_id: operation for operation in operations}
    context: Any = SimpleNamespace(aws_request_id="request")
    executor.on_invocation_start("arn", not operations, NOON, context, {"in": 1}, lambda: recorded, updated)


def test_an_executor_serves_one_invocation() -> None:
    executor = PluginExecutor([Recording()])
    with executor.run():
        pass
    with pytest.raises(RuntimeError, match="has served an invocation"), executor.run():
        pass


def test_it_has_plugins_if_there_is_any_factory() -> None:
    assert PluginExecutor([Recording()]).has_plugins
    assert not PluginExecutor([]).has_plugins
    assert not PluginExecutor(None).has_plugins


def test_the_start_of_an_invocation_is_told_as_it_was_given() -> None:
    recording = Recording()
    begin(PluginExecutor([recording]), stored("a", "SUCCEEDED"), stored("b", "READY"), updated=["b", "gone"])
    (info,) = recording.of(InvocationStartInfo)
    assert (info.request_id, info.execution_arn, info.is_first_invocation) == ("request", "arn", False)
    assert info.execution_start_time == NOON
    assert list(info.operations) == ["a", "b"]
    assert list(info.updated_operations) == ["b"]


def test_an_executor_without_plugins_tells_nobody() -> None:
    executor = PluginExecutor([])
    begin(executor)
    executor.announce_changes()


def test_the_replay_of_an_operation_is_told_once_and_not_if_it_is_over_or_due() -> None:
    recording = Recording()
    executor = PluginExecutor([recording])
    begin(executor)
    for _ in range(2):
        for status in ("STARTED", "PENDING", "READY", "SUCCEEDED", "FAILED", "TIMED_OUT"):
            executor.on_operation_replay(stored(status, status))
    assert [info.name for info in recording.of(OperationStartInfo)] == ["STARTED", "PENDING"]


def test_an_operation_that_was_begun_is_not_replayed_in_the_same_invocation() -> None:
    recording = Recording()
    executor = PluginExecutor([recording])
    begin(executor)
    executor.on_operation_action({"Id": "x", "Type": "WAIT", "Action": "START"})
    executor.on_operation_replay(stored("x", "STARTED", "WAIT"))
    assert len(recording.of(OperationStartInfo)) == 1


def test_an_operation_that_had_ended_before_is_not_reported_when_an_answer_repeats_it() -> None:
    recording = Recording()
    executor = PluginExecutor([recording])
    begin(executor, stored("a", "SUCCEEDED"))
    executor.on_operation_update([stored("a", "SUCCEEDED"), stored("b", "SUCCEEDED")])
    executor.claim_end_hook("a")
    executor.drain_end_hooks()
    assert recording.lines[1:] == ["operation-end b SUCCEEDED"]


def test_the_execution_itself_is_no_operation_that_ends() -> None:
    recording = Recording()
    executor = PluginExecutor([recording])
    begin(executor, stored("execution", "STARTED", "EXECUTION"))
    executor.on_operation_update([stored("execution", "SUCCEEDED", "EXECUTION")])
    executor.drain_end_hooks()
    assert len(recording.lines) == 1


def test_an_answer_that_changes_no_status_is_no_change() -> None:
    recording = Recording()
    executor = PluginExecutor([recording])
    begin(executor, stored("a", "STARTED"))
    executor.on_operation_update([stored("a", "STARTED")])
    executor.announce_changes()
    assert recording.of(OperationChangeInfo) == []


def test_answers_that_arrive_during_a_notification_are_merged_into_the_next() -> None:
    recording, gate, arrived = Recording(), threading.Event(), threading.Event()

    class Slow(Recorder):
        def on_operation_change(self, info: OperationChangeInfo) -> None:
            super().on_operation_change(info)
            arrived.set()
            wait_for(gate)

    class Factory:
        def create_plugin(self, info: InvocationStartInfo, /) -> Recorder:
            return Slow(recording)

    executor = PluginExecutor([Factory()])
    begin(executor)
    executor.on_operation_update([stored("a", "STARTED")])
    delivering = Running(executor.announce_changes)
    wait_for(arrived)
    executor.on_operation_update([stored("a", "PENDING"), stored("b", "STARTED")])
    executor.announce_changes()
    executor.on_operation_update([stored("a", "READY")])
    executor.announce_changes()
    assert len(recording.of(OperationChangeInfo)) == 1
    gate.set()
    delivering.result()
    first, merged = recording.of(OperationChangeInfo)
    assert {name: info.status.value for name, info in first.updated_operations.items()} == {"a": "STARTED"}
    assert {name: info.status.value for name, info in merged.updated_operations.items()} == {
        "a": "READY",
        "b": "STARTED",
    }
    assert merged.operations == merged.updated_operations


def test_the_end_of_a_user_function_repeats_its_start() -> None:
    recording = Recording()
    executor = PluginExecutor([recording])
    begin(executor)
    started = executor.on_user_function_start(STEP, True, 3)
    error = ErrorObject.from_message("boom")
    executor.on_user_function_end(started, error)
    executor.on_user_function_end(started, None, outcome=UserFunctionOutcome.INCOMPLETE)
    failed, incomplete = recording.of(UserFunctionEndInfo)
    assert (failed.outcome, failed.error) == (UserFunctionOutcome.FAILED, error)
    assert incomplete.outcome is UserFunctionOutcome.INCOMPLETE
    for info in (failed, incomplete):
        assert (info.operation_id, info.attempt, info.is_replay_children) == ("id-1", 3, True)
        assert info.start_time == started.start_time


def test_an_operation_is_described_from_its_record() -> None:
    operation = StoredOperation(
        {
            "Id": "id-1",
            "Type": "STEP",
            "SubType": "Step",
            "Name": "a",
            "ParentId": "id-0",
            "Status": "FAILED",
            "StartTimestamp": 1_767_268_800_000,
            "EndTimestamp": NOON,
            "StepDetails": {"Attempt": 2, "Error": {"ErrorMessage": "boom", "StackTrace": ["line"]}},
        }
    )
    info = OperationInfo.from_operation(operation, is_replayed=True)
    assert (info.start_time, info.end_time) == (NOON, NOON)
    assert (info.operation_id, info.sub_type, info.name, info.parent_id) == ("id-1", "Step", "a", "id-0")
    assert (info.status, info.attempt, info.is_replayed) == (OperationStatus.FAILED, 2, True)
    assert info.error is not None
    assert operation.error is not None
    assert info.error == operation.error
    assert info.error.stack_trace is not operation.error.stack_trace


def test_an_operation_that_knows_its_json_is_described_alike() -> None:
    json = {"Id": "id-1", "Type": "WAIT", "Status": "STARTED"}
    described = OperationInfo.from_operation(SimpleNamespace(to_dict=lambda: json))  # type: ignore[arg-type]
    assert described == OperationInfo.from_operation(StoredOperation(json))
    assert described.attempt is None


def output(event: Any, context: Any, executor: PluginExecutor) -> dict[str, Any]:
    begin(executor)
    if isinstance(event, BaseException):
        raise event
    return {"Status": "SUCCEEDED", "Result": event}


def test_a_host_tells_the_end_of_what_it_wraps() -> None:
    recording = Recording()
    handler = PluginHost([recording]).handle_durable_output(output)
    assert handler("1", None) == {"Status": "SUCCEEDED", "Result": "1"}
    assert handler.__name__ == "output"
    assert handler("2", None)["Result"] == "2"
    assert [info.execution_result for info in recording.of(InvocationEndInfo)] == ["1", "2"]


def test_a_host_tells_of_exceptions_and_lets_them_pass() -> None:
    recording = Recording()
    handler = PluginHost([recording]).handle_durable_output(output)
    with pytest.raises(KeyError):
        handler(KeyError("gone"), None)
    assert recording.lines == ["invocation-start first", "invocation-end RETRY"]


def test_a_host_gives_each_invocation_an_executor() -> None:
    host = PluginHost([Recording()])
    with host.invocation() as first, host.invocation() as second:
        assert first is not second
        assert first.has_plugins
