"""The result of a batch."""

from __future__ import annotations

from typing import Any

import pytest

from durable_sdk._wire.errors import ErrorObject
from durable_sdk.concurrency.completion import CompletionStatus, complete_batch
from durable_sdk.concurrency.models import (
    BatchCompletionError,
    BatchItem,
    BatchItemStatus,
    BatchResult,
    CompletionReason,
)
from durable_sdk.config import CompletionConfig
from durable_sdk.exceptions import ChildContextError, SerDesError, StepError, operation_error_class

ERROR = ErrorObject("boom", "ValueError", "data", ["line"])


def item(index: int, status: str, **members: Any) -> BatchItem[Any]:
    return BatchItem(index, BatchItemStatus(status), **members)


def batch(*items: BatchItem[Any], reason: str = "ALL_COMPLETED") -> BatchResult[Any]:
    return BatchResult(list(items), CompletionReason(reason))


MIXED = batch(
    item(0, "SUCCEEDED", result="a"),
    item(1, "FAILED", error=ERROR),
    item(2, "STARTED"),
    item(4, "SUCCEEDED"),
    item(5, "FAILED"),
    reason="FAILURE_TOLERANCE_EXCEEDED",
)


def test_a_batch_can_be_made_with_its_type_argument() -> None:
    items = [BatchItem[int](0, BatchItemStatus.SUCCEEDED, 1)]
    assert BatchResult[int](items, CompletionReason.ALL_COMPLETED).get_results() == [1]


def test_a_batch_counts_its_branches_by_status() -> None:
    assert (MIXED.success_count, MIXED.failure_count, MIXED.started_count) == (2, 2, 1)
    assert MIXED.total_count == 5
    assert [entry.index for entry in MIXED.succeeded()] == [0, 4]
    assert [entry.index for entry in MIXED.failed()] == [1, 5]
    assert [entry.index for entry in MIXED.started()] == [2]


def test_results_keep_none_and_errors_keep_their_place() -> None:
    assert MIXED.get_results() == ["a", None]
    assert MIXED.get_errors() == [ERROR, None]


def test_a_batch_has_failed_if_one_branch_has() -> None:
    assert MIXED.has_failure
    assert MIXED.status is BatchItemStatus.FAILED
    assert not batch(item(0, "STARTED")).has_failure
    assert batch(item(0, "STARTED")).status is BatchItemStatus.SUCCEEDED
    assert batch().status is BatchItemStatus.SUCCEEDED


def test_the_error_of_the_first_failed_branch_is_raised() -> None:
    with pytest.raises(ChildContextError, match=r"^boom$") as raised:
        MIXED.throw_if_error()
    assert raised.value.error_type == "ValueError"
    assert (raised.value.data, raised.value.stack_trace) == ("data", ["line"])


def test_the_cause_of_a_branch_error_is_the_error_that_escaped() -> None:
    error = ErrorObject("boom", "durable_sdk.exceptions.StepError", None, None)
    with pytest.raises(ChildContextError) as raised:
        batch(item(0, "FAILED", error=error)).throw_if_error()
    assert isinstance(raised.value.__cause__, StepError)


def test_a_branch_that_failed_on_a_value_raises_a_serdes_error() -> None:
    error = ErrorObject("bad", "durable_sdk.exceptions.SerDesError", None, None)
    with pytest.raises(SerDesError, match=r"^bad$"):
        batch(item(0, "FAILED", error=error)).throw_if_error()


def test_a_failure_without_an_error_still_raises() -> None:
    with pytest.raises(ChildContextError, match=r"^Batch item 4 failed without an ErrorObject\.$"):
        batch(item(4, "FAILED")).throw_if_error()


def test_nothing_is_raised_without_a_failure() -> None:
    batch(item(0, "SUCCEEDED"), item(1, "STARTED")).throw_if_error()


def test_the_stored_form_reads_back_as_the_same_batch() -> None:
    assert BatchResult.from_dict(MIXED.to_dict()) == MIXED


def test_the_stored_form_is_the_services() -> None:
    assert batch(item(1, "FAILED", error=ERROR)).to_dict() == {
        "all": [
            {
                "index": 1,
                "status": "FAILED",
                "result": None,
                "error": {
                    "ErrorMessage": "boom",
                    "ErrorType": "ValueError",
                    "ErrorData": "data",
                    "StackTrace": ["line"],
                },
            }
        ],
        "completionReason": "ALL_COMPLETED",
    }


@pytest.mark.parametrize(
    ("statuses", "reason"),
    [
        ([], CompletionReason.ALL_COMPLETED),
        (["SUCCEEDED", "STARTED"], CompletionReason.ALL_COMPLETED),
        (["SUCCEEDED", "FAILED"], CompletionReason.FAILURE_TOLERANCE_EXCEEDED),
    ],
)
def test_a_missing_reason_is_told_from_the_items(statuses: list[str], reason: CompletionReason) -> None:
    entries = [{"index": index, "status": status} for index, status in enumerate(statuses)]
    assert BatchResult[Any].from_dict({"all": entries}).completion_reason is reason


@pytest.mark.parametrize(
    ("data", "culprit"),
    [
        ({}, "None"),
        ({"all": {}}, "{}"),
        ({"all": [3]}, r"\[3\]"),
        ({"all": [{"status": "FAILED"}]}, "index None"),
        ({"all": [{"index": True, "status": "FAILED"}]}, "index True"),
        ({"all": [{"index": -1, "status": "FAILED"}]}, "index -1"),
        ({"all": [{"index": 0, "status": "LOST"}]}, "'LOST'"),
        ({"all": [{"index": 0}]}, "None"),
        ({"all": [{"index": 0, "status": "FAILED", "error": "x"}]}, "'x'"),
        ({"all": [], "completionReason": "BORED"}, "'BORED'"),
    ],
)
def test_another_form_is_refused_with_its_culprit(data: dict[str, Any], culprit: str) -> None:
    with pytest.raises(SerDesError, match=culprit):
        BatchResult[Any].from_dict(data)


@pytest.mark.parametrize(
    ("config", "statuses", "reason"),
    [
        (None, ["FAILED", "SUCCEEDED"], "FAILURE_TOLERANCE_EXCEEDED"),
        (CompletionConfig.all_completed(), ["FAILED", "SUCCEEDED"], "ALL_COMPLETED"),
        (CompletionConfig(tolerated_failure_count=1), ["FAILED", "SUCCEEDED"], "ALL_COMPLETED"),
        (CompletionConfig(tolerated_failure_count=1), ["FAILED", "FAILED"], "FAILURE_TOLERANCE_EXCEEDED"),
        (CompletionConfig(min_successful=1), ["SUCCEEDED", "STARTED"], "MIN_SUCCESSFUL_REACHED"),
        (CompletionConfig(min_successful=1), ["SUCCEEDED", "FAILED"], "ALL_COMPLETED"),
        (CompletionConfig(min_successful=2), ["SUCCEEDED", "STARTED"], "ALL_COMPLETED"),
    ],
)
def test_a_reason_is_inferred_from_the_items_and_the_criteria(
    config: CompletionConfig | None, statuses: list[str], reason: str
) -> None:
    items = [item(index, status) for index, status in enumerate(statuses)]
    assert BatchResult.from_items(items, config) == batch(*items, reason=reason)
    data = {"all": [each.to_dict() for each in items]}
    assert BatchResult[Any].from_dict(data, config) == batch(*items, reason=reason)


def test_a_function_is_asked_once_for_a_reason_that_is_not_known() -> None:
    asked: list[CompletionStatus] = []

    def predicate(status: CompletionStatus) -> Any:
        asked.append(status)
        return complete_batch()

    config = CompletionConfig(should_complete=predicate)
    result = BatchResult.from_items([item(3, "STARTED"), item(5, "FAILED")], config)
    assert result.completion_reason is CompletionReason.CUSTOM_COMPLETION_SUCCEEDED
    (status,) = asked
    assert (status.success_count, status.failure_count, status.completed_count, status.total_count) == (
        0,
        1,
        1,
        2,
    )
    assert [(each.index, each.name, each.status) for each in status.items] == [
        (3, None, BatchItemStatus.STARTED),
        (5, None, BatchItemStatus.FAILED),
    ]


def test_a_stored_reason_is_not_questioned() -> None:
    data = {"all": [], "completionReason": "CUSTOM_COMPLETION_FAILED"}
    config = CompletionConfig(should_complete=lambda status: complete_batch())
    assert BatchResult[Any].from_dict(data, config).completion_reason.value == "CUSTOM_COMPLETION_FAILED"


@pytest.mark.parametrize(
    ("reason", "statuses", "status"),
    [
        ("CUSTOM_COMPLETION_SUCCEEDED", ["FAILED"], "SUCCEEDED"),
        ("CUSTOM_COMPLETION_SUCCEEDED", [], "SUCCEEDED"),
        ("CUSTOM_COMPLETION_FAILED", ["SUCCEEDED"], "FAILED"),
        ("CUSTOM_COMPLETION_FAILED", [], "FAILED"),
        ("MIN_SUCCESSFUL_REACHED", ["SUCCEEDED", "FAILED"], "FAILED"),
        ("FAILURE_TOLERANCE_EXCEEDED", ["SUCCEEDED"], "SUCCEEDED"),
    ],
)
def test_a_decision_of_a_function_is_the_status(reason: str, statuses: list[str], status: str) -> None:
    items = [item(index, each) for index, each in enumerate(statuses)]
    assert batch(*items, reason=reason).status.value == status


def test_a_batch_that_was_ended_as_failed_raises_even_if_no_branch_failed() -> None:
    with pytest.raises(BatchCompletionError) as caught:
        batch(item(0, "SUCCEEDED"), reason="CUSTOM_COMPLETION_FAILED").throw_if_error()
    assert str(caught.value) == "Batch completed as failed by should_complete (CUSTOM_COMPLETION_FAILED)"
    assert caught.value.completion_reason is CompletionReason.CUSTOM_COMPLETION_FAILED


@pytest.mark.parametrize("reason", ["CUSTOM_COMPLETION_FAILED", "CUSTOM_COMPLETION_SUCCEEDED"])
def test_a_failed_branch_is_raised_before_the_decision(reason: str) -> None:
    with pytest.raises(ChildContextError, match="boom"):
        batch(item(0, "FAILED", error=ERROR), reason=reason).throw_if_error()


def test_a_batch_that_was_ended_as_succeeded_raises_nothing() -> None:
    batch(item(0, "SUCCEEDED"), item(1, "STARTED"), reason="CUSTOM_COMPLETION_SUCCEEDED").throw_if_error()


@pytest.mark.parametrize("module", ["durable_sdk", "aws_durable_execution_sdk_python"])
def test_a_stored_batch_completion_error_is_known_again(module: str) -> None:
    name = f"{module}.concurrency.models.BatchCompletionError"
    assert operation_error_class(name) is BatchCompletionError
    rebuilt = operation_error_class(name).from_error_fields(name, "m", "d", ["line"])
    assert isinstance(rebuilt, BatchCompletionError)
    assert (rebuilt.message, rebuilt.error_type, rebuilt.data, rebuilt.stack_trace) == (
        "m",
        name,
        "d",
        ["line"],
    )
    assert rebuilt.completion_reason is CompletionReason.CUSTOM_COMPLETION_FAILED


def test_a_batch_completion_error_has_awss_signature() -> None:
    error = BatchCompletionError(CompletionReason.CUSTOM_COMPLETION_FAILED, "m", "T", "d", ["line"])
    assert (error.message, error.error_type, error.data, error.stack_trace) == ("m", "T", "d", ["line"])
    assert BatchCompletionError().completion_reason is CompletionReason.CUSTOM_COMPLETION_FAILED
    assert BatchCompletionError().error_type == "durable_sdk.concurrency.models.BatchCompletionError"
