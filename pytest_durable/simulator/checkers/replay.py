"""Replay: what has been recorded of an operation is never contradicted afterwards.

An operation keeps its identity, attempts of a step are counted without a gap, and an invocation is told of
everything that earlier ones have recorded.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pytest_durable.errors import CheckerError
from pytest_durable.history.events import Attempt, Event, Subject
from pytest_durable.simulator.checkers.base import Checker
from pytest_durable.simulator.service.records import ExecutionRecord


class ReplayChecker(Checker):
    """Remembers the first record of each operation and its last attempt."""

    def __init__(self) -> None:
        self._subjects: dict[tuple[str, str], Subject] = {}
        self._attempts: dict[tuple[str, str], int] = {}
        self._counts: dict[str, int] = {}

    def recorded(self, record: ExecutionRecord, event: Event) -> None:
        """Check the identity of the operation and the number of its attempt."""
        subject = event.subject
        if subject is None:
            return
        key = (record.arn, subject.operation_id)
        known = self._subjects.get(key)
        if known is None:
            self._subjects[key] = subject
            self._counts[record.arn] = self._counts.get(record.arn, 0) + 1
        elif known != subject:
            raise CheckerError(
                f"Operation {subject.operation_id!r} was recorded as {known} and is now {subject}."
            )
        if isinstance(event.details, Attempt):
            before = self._attempts.get(key, 0)
            if event.details.number != before + 1:
                raise CheckerError(
                    f"Attempt {event.details.number} of step "
                    f"{subject.name or subject.operation_id!r} follows attempt {before}."
                )
            self._attempts[key] = event.details.number

    def invoked(self, record: ExecutionRecord, event: Mapping[str, Any]) -> None:
        """Check that the first page of state is whole, or says that there is more."""
        state = event["InitialExecutionState"]
        told, known = len(state["Operations"]), self._counts.get(record.arn, 0)
        if told != known and not state.get("NextMarker"):
            raise CheckerError(
                f"An invocation of {record.arn} was told of {told} operations; {known} have been recorded."
            )
