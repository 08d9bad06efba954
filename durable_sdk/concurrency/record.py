"""BatchRecord: what is stored in place of a batch result that is too large, and obeyed by every replay."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from durable_sdk.concurrency.completion import BatchItemStatus, CompletionReason
from durable_sdk.concurrency.models import BatchResult


@dataclass(frozen=True, slots=True)
class BatchRecord:
    """How many branches the result has, which of them were unfinished, and why the batch ended."""

    total: int
    started: frozenset[int]
    reason: CompletionReason

    @classmethod
    def of(cls, result: BatchResult[Any]) -> BatchRecord:
        """Return the record of a result."""
        started = frozenset(item.index for item in result.started())
        return cls(result.total_count, started, result.completion_reason)

    def to_text(self, record_type: str, result: BatchResult[Any], summary: str | None) -> str:
        """Return the text to store: JSON, the members in the order that AWS's SDK writes."""
        started = [item.index for item in result.started()]
        completed = [item.index for item in result.all if item.status is not BatchItemStatus.STARTED]
        record: dict[str, Any] = {
            "type": record_type,
            "totalCount": self.total,
            "completionReason": self.reason.value,
        }
        # The smaller set will do.
        if len(started) <= len(completed):
            record["startedIndexes"] = started
        else:
            record["completedIndexes"] = completed
        record |= {
            "startedCount": result.started_count,
            "successCount": result.success_count,
            "failureCount": result.failure_count,
            "status": result.status.value,
        }
        if summary is not None:
            record["summary"] = summary
        return json.dumps(record)

    @classmethod
    def parse(cls, text: str | None, record_type: str) -> BatchRecord | None:
        """Read a stored text; None if it is no record of that type."""
        try:
            record = json.loads(text or "")
            if record["type"] != record_type:
                return None
            total, reason = record["totalCount"], CompletionReason(record["completionReason"])
            is_started = record.get("startedIndexes") is not None
            indexes = record["startedIndexes" if is_started else "completedIndexes"]
        except (ValueError, KeyError, TypeError, AttributeError):
            return None
        if not isinstance(indexes, list) or any(not _is_count(number) for number in [total, *indexes]):
            return None
        if any(index >= total for index in indexes):
            return None
        listed = frozenset(indexes)
        return cls(total, listed if is_started else frozenset(range(total)) - listed, reason)


def _is_count(number: object) -> bool:
    return type(number) is int and number >= 0
