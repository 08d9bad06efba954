"""What is stored in place of a large batch result: its text, byte for byte, and how it is read back."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from durable_sdk.concurrency.completion import BatchItemStatus, CompletionReason
from durable_sdk.concurrency.models import BatchItem, BatchResult
from durable_sdk.concurrency.record import BatchRecord

LETTERS = {"S": BatchItemStatus.SUCCEEDED, "F": BatchItemStatus.FAILED, "R": BatchItemStatus.STARTED}
ALL = CompletionReason.ALL_COMPLETED


def result(statuses: str, reason: CompletionReason = ALL) -> BatchResult[Any]:
    """Return the result of branches with these statuses; R still run."""
    return BatchResult([BatchItem(index, LETTERS[each]) for index, each in enumerate(statuses)], reason)


def written(batch: BatchResult[Any], summary: str | None = None, kind: str = "MapResult") -> str:
    return BatchRecord.of(batch).to_text(kind, batch, summary)


@pytest.mark.parametrize(
    ("batch", "summary", "text"),
    [
        (
            result("SRF", CompletionReason.FAILURE_TOLERANCE_EXCEEDED),
            None,
            '{"type": "MapResult", "totalCount": 3, "completionReason": "FAILURE_TOLERANCE_EXCEEDED", '
            '"startedIndexes": [1], "startedCount": 1, "successCount": 1, "failureCount": 1, '
            '"status": "FAILED"}',
        ),
        (
            result("RSR", CompletionReason.MIN_SUCCESSFUL_REACHED),
            "",
            '{"type": "MapResult", "totalCount": 3, "completionReason": "MIN_SUCCESSFUL_REACHED", '
            '"completedIndexes": [1], "startedCount": 2, "successCount": 1, "failureCount": 0, '
            '"status": "SUCCEEDED", "summary": ""}',
        ),
        # Of two sets of the same size the started ones are written.
        (
            result("SR", CompletionReason.CUSTOM_COMPLETION_FAILED),
            'é"',
            '{"type": "MapResult", "totalCount": 2, "completionReason": "CUSTOM_COMPLETION_FAILED", '
            '"startedIndexes": [1], "startedCount": 1, "successCount": 1, "failureCount": 0, '
            '"status": "FAILED", "summary": "\\u00e9\\""}',
        ),
        (
            result(""),
            None,
            '{"type": "MapResult", "totalCount": 0, "completionReason": "ALL_COMPLETED", '
            '"startedIndexes": [], "startedCount": 0, "successCount": 0, "failureCount": 0, '
            '"status": "SUCCEEDED"}',
        ),
    ],
)
def test_the_text_is_the_one_of_awss_sdk(batch: BatchResult[Any], summary: str | None, text: str) -> None:
    assert written(batch, summary) == text


@given(
    st.text("SFR", max_size=12),
    st.sampled_from(CompletionReason),
    st.sampled_from(["MapResult", "ParallelResult"]),
)
def test_what_is_written_reads_back(statuses: str, reason: CompletionReason, kind: str) -> None:
    batch = result(statuses, reason)
    record = BatchRecord.parse(written(batch, "any", kind), kind)
    assert record == BatchRecord.of(batch)
    assert record == BatchRecord(
        len(statuses), frozenset(index for index, each in enumerate(statuses) if each == "R"), reason
    )


VALID = {
    "type": "MapResult",
    "totalCount": 3,
    "completionReason": "ALL_COMPLETED",
    "startedIndexes": [1],
    "completedIndexes": [0, 2],
}


def test_the_counts_and_the_summary_are_for_people() -> None:
    for extra in ({}, {"startedCount": 9, "status": 5, "summary": {}, "unknown": 1}):
        assert BatchRecord.parse(json.dumps(VALID | extra), "MapResult") == BatchRecord(
            3, frozenset({1}), ALL
        )


def test_started_indexes_win_over_completed_ones() -> None:
    text = json.dumps(VALID | {"completedIndexes": []})
    assert BatchRecord.parse(text, "MapResult") == BatchRecord(3, frozenset({1}), ALL)
    text = json.dumps(VALID | {"startedIndexes": None})
    assert BatchRecord.parse(text, "MapResult") == BatchRecord(3, frozenset({1}), ALL)


@pytest.mark.parametrize(
    "changes",
    [
        {"type": "ParallelResult"},
        {"type": None},
        {"totalCount": "3"},
        {"totalCount": 3.0},
        {"totalCount": True},
        {"totalCount": -1},
        {"totalCount": 1},
        {"totalCount": None},
        {"completionReason": "BORED"},
        {"completionReason": None},
        {"completionReason": ["ALL_COMPLETED"]},
        {"startedIndexes": "1"},
        {"startedIndexes": {"1": 1}},
        {"startedIndexes": [True]},
        {"startedIndexes": [1.0]},
        {"startedIndexes": ["1"]},
        {"startedIndexes": [3]},
        {"startedIndexes": [-1]},
        {"startedIndexes": [[1]]},
        {"startedIndexes": None, "completedIndexes": None},
        {"startedIndexes": None, "completedIndexes": [3]},
    ],
)
def test_a_malformed_record_is_none(changes: dict[str, Any]) -> None:
    assert BatchRecord.parse(json.dumps(VALID | changes), "MapResult") is None


@pytest.mark.parametrize(
    "text", [None, "", " ", "torn", "[]", "[1]", "5", "null", '"MapResult"', "{}", "NaN"]
)
def test_anything_else_is_no_record(text: str | None) -> None:
    assert BatchRecord.parse(text, "MapResult") is None


@pytest.mark.parametrize("missing", ["type", "totalCount", "completionReason"])
def test_a_record_without_a_member_is_none(missing: str) -> None:
    text = json.dumps({name: value for name, value in VALID.items() if name != missing})
    assert BatchRecord.parse(text, "MapResult") is None
