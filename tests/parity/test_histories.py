"""Histories that AWS's runner recorded are read, written again as they were, and made into results."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from durable_sdk.lambda_service import InvocationStatus, OperationStatus
from pytest_durable.model import (
    GetDurableExecutionHistoryResponse,
    GetDurableExecutionResponse,
    events_to_operations,
)
from pytest_durable.runner import DurableFunctionTestResult

HISTORIES = {
    path.stem: json.loads(path.read_text()) for path in Path(__file__).parent.glob("histories/*.json")
}


def _without_none(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_none(inside) for key, inside in value.items() if inside is not None}
    return [_without_none(inside) for inside in value] if isinstance(value, list) else value


def result_of(name: str) -> DurableFunctionTestResult:
    recorded = HISTORIES[name]
    return DurableFunctionTestResult.from_execution_history(
        GetDurableExecutionResponse.from_dict(recorded["execution"]),
        GetDurableExecutionHistoryResponse.from_dict(recorded["history"]),
    )


def test_there_are_histories() -> None:
    assert set(HISTORIES) == {"everything", "failing"}


@pytest.mark.parametrize("name", HISTORIES)
def test_a_history_is_written_as_it_was_read(name: str) -> None:
    recorded = HISTORIES[name]["history"]
    read = GetDurableExecutionHistoryResponse.from_dict(recorded)
    assert all(isinstance(event.event_timestamp, datetime) for event in read.events)
    written = json.loads(json.dumps(read.to_dict(), default=lambda moment: moment.isoformat()))
    assert written == _without_none(recorded)


@pytest.mark.parametrize("name", HISTORIES)
def test_its_operations_are_those_that_the_runner_had(name: str) -> None:
    history = GetDurableExecutionHistoryResponse.from_dict(HISTORIES[name]["history"])
    execution, *operations = events_to_operations(history.events)
    assert execution.execution_details is not None
    assert execution.execution_details.input_payload == '{"order": 7}'
    found = [
        [operation.operation_id, operation.name, operation.operation_type.value, operation.status.value]
        for operation in operations
    ]
    assert sorted(found) == sorted(HISTORIES[name]["operations"])


@pytest.mark.parametrize("name", HISTORIES)
def test_its_result_is_the_one_that_the_runner_gave(name: str) -> None:
    recorded, result = HISTORIES[name], result_of(name)
    assert result.result == recorded["execution"]["Result"]
    assert (result.error.to_dict() if result.error else None) == recorded["execution"]["Error"]
    found = [
        [operation.operation_id, operation.name, operation.operation_type.value, operation.status.value]
        for operation in result.get_all_operations()
    ]
    assert sorted(found) == sorted(recorded["operations"])


def test_the_parts_of_a_result_from_a_history() -> None:
    result = result_of("everything")
    assert result.status is InvocationStatus.SUCCEEDED
    assert result.execution_status == "SUCCEEDED"
    assert result.value == {"called": 2, "answer": "yes"}
    assert result.get_step("flaky").attempt == 2
    assert result.get_callback("ask").value == "yes"
    assert result.get_invoke("call").value == 2
    assert result.get_context("child").get_step("inner").value == 1
    failed = result_of("failing")
    assert failed.status is InvocationStatus.FAILED
    assert failed.get_context("order").status is OperationStatus.FAILED


def test_the_answer_of_the_service_fills_in_what_a_history_without_data_lacks() -> None:
    recorded = HISTORIES["everything"]
    events = [
        {**event, "ExecutionSucceededDetails": {"Result": {"Truncated": True}}}
        if event["EventType"] == "ExecutionSucceeded"
        else event
        for event in recorded["history"]["Events"]
    ]
    result = DurableFunctionTestResult.from_execution_history(
        GetDurableExecutionResponse.from_dict(recorded["execution"]),
        GetDurableExecutionHistoryResponse.from_dict({"Events": events}),
    )
    assert result.value == {"called": 2, "answer": "yes"}


def test_an_execution_that_goes_on_is_pending() -> None:
    recorded = HISTORIES["everything"]
    result = DurableFunctionTestResult.from_execution_history(
        GetDurableExecutionResponse.from_dict(recorded["execution"] | {"Status": "RUNNING", "Result": None}),
        GetDurableExecutionHistoryResponse.from_dict({"Events": recorded["history"]["Events"][:3]}),
    )
    assert result.status is InvocationStatus.PENDING
    assert result.execution_status == "RUNNING"
