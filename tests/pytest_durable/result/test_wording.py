"""Durations, words and values, as people read them."""

from __future__ import annotations

import pytest

from durable_sdk.concurrency.models import BatchItem, BatchItemStatus, BatchResult, CompletionReason
from durable_sdk.lambda_service import OperationType
from durable_sdk.serdes import ExtendedTypeSerDes, SerDesContext
from pytest_durable.result.wording import (
    answer_value,
    error_text,
    kind_of,
    passing,
    shortened,
    span,
    value_text,
)

SECOND = 1_000_000


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0s"),
        (30, "30s"),
        (0.25, "0.25s"),
        (60, "1m"),
        (3_661, "1h 1m 1s"),
        (2 * 86_400 + 3 * 3_600, "2d 3h"),
        (-5, "-5s"),
    ],
)
def test_a_span_is_short_and_exact(seconds: float, text: str) -> None:
    assert span(round(seconds * SECOND)) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (1, "1 second passes"),
        (5, "5 seconds pass"),
        (1.5, "1.5 seconds pass"),
        (30 * 86_400, "30 days pass"),
        (86_400 + 60, "1 day 1 minute pass"),
    ],
)
def test_passing_time_is_written_out(seconds: float, text: str) -> None:
    assert passing(round(seconds * SECOND)) == text


def test_a_text_that_fits_is_not_cut() -> None:
    assert shortened("x" * 60) == "x" * 60
    assert shortened("x" * 61) == "x" * 57 + "..."
    assert shortened("a\n\n  b") == "a b"
    assert len(shortened("a" + " " * 10_000 + "b")) <= 60


@pytest.mark.parametrize(
    ("operation_type", "sub_type", "word"),
    [
        (OperationType.STEP, "Step", "step"),
        (OperationType.STEP, None, "step"),
        (OperationType.STEP, "WaitForCondition", "wait for condition"),
        (OperationType.CONTEXT, "RunInChildContext", "context"),
        (OperationType.CONTEXT, "MapIteration", "map iteration"),
        (OperationType.CHAINED_INVOKE, "ChainedInvoke", "invoke"),
        (OperationType.CALLBACK, "Callback", "callback"),
        (OperationType.CALLBACK, "Approval", "callback"),
        (OperationType.CONTEXT, "WaitForCallback", "wait for callback"),
    ],
)
def test_an_operation_is_called_what_the_handler_wrote(
    operation_type: OperationType, sub_type: str | None, word: str
) -> None:
    assert kind_of(operation_type, sub_type) == word


def test_an_error_is_told_as_far_as_it_has_members() -> None:
    assert error_text({"ErrorType": "E", "ErrorMessage": "m"}) == "E: m"
    assert error_text({"ErrorMessage": "m"}) == "m"
    assert error_text({}) == "an error without a message"


@pytest.mark.parametrize(
    ("text", "value"), [("5", 5), ('"x"', "x"), ("x", "x"), ("", ""), ('{"t":"i","v":1}', {"t": "i", "v": 1})]
)
def test_an_answer_is_json_or_stands_for_itself(text: str, value: object) -> None:
    assert answer_value(text) == value


def test_a_batch_is_told_by_its_counts() -> None:
    statuses = [BatchItemStatus.SUCCEEDED] * 3 + [BatchItemStatus.FAILED, BatchItemStatus.STARTED]
    items = [BatchItem(index, status) for index, status in enumerate(statuses)]
    batch: BatchResult[None] = BatchResult(items, CompletionReason.MIN_SUCCESSFUL_REACHED)
    text = ExtendedTypeSerDes().serialize(batch, SerDesContext("", ""))
    assert value_text(text) == "3 succeeded, 1 failed, 1 unfinished (MIN_SUCCESSFUL_REACHED)"
    none: BatchResult[None] = BatchResult([], CompletionReason.ALL_COMPLETED)
    text = ExtendedTypeSerDes().serialize(none, SerDesContext("", ""))
    assert value_text(text) == "nothing started (ALL_COMPLETED)"


@pytest.mark.parametrize("kind", ["MapResult", "ParallelResult"])
def test_a_batch_too_large_to_store_is_told_by_the_counts_of_its_record(kind: str) -> None:
    record = (
        f'{{"type": "{kind}", "totalCount": 10000, "completionReason": "ALL_COMPLETED", "startedIndexes": [],'
        ' "startedCount": 0, "successCount": 9990, "failureCount": 10, "status": "FAILED"}'
    )
    assert value_text(record) == "9,990 succeeded, 10 failed (ALL_COMPLETED)"
    assert value_text(f'{{"type": "{kind}"}}') == "nothing started (None)"


def test_another_value_with_a_type_is_shown_as_it_is() -> None:
    assert value_text('{"type": "Other"}') == "{'type': 'Other'}"
