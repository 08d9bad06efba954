"""Liveness: an execution gets somewhere. Invocations that record nothing cannot go on for ever."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pytest_durable.errors import CheckerError
from pytest_durable.history.events import Event
from pytest_durable.simulator.checkers.base import Checker
from pytest_durable.simulator.service.records import ExecutionRecord

# The service itself gives up after five failed invocations in a row, so more than this is a livelock.
IDLE_INVOCATIONS_MAX = 25


class LivenessChecker(Checker):
    """Counts the invocations since anything was recorded."""

    def __init__(self) -> None:
        self._idle: dict[str, int] = {}

    def invoked(self, record: ExecutionRecord, event: Mapping[str, Any]) -> None:
        """Count, and compare with the bounds."""
        idle = self._idle[record.arn] = self._idle.get(record.arn, 0) + 1
        if idle > IDLE_INVOCATIONS_MAX:
            raise CheckerError(
                f"The last {idle - 1} invocations of {record.arn} recorded nothing: "
                "the handler is invoked again and again without getting anywhere."
            )
        if record.invocations > record.limits.invocations:
            *_, last = record.log.operations.values()
            raise CheckerError(
                f"Execution {record.execution.name!r} has been invoked {record.limits.invocations} times, so "
                "its handler probably loops for ever. The last operation is "
                f"{last.subject.operation_type.value} {last.subject.name or 'without a name'!r}, number "
                f"{len(record.log.operations) - 1} of the execution. If the handler is meant to be invoked "
                "that often, raise it: limits={'invocations': ...}."
            )

    def recorded(self, record: ExecutionRecord, event: Event) -> None:
        """Take note of progress."""
        if event.subject is not None:
            self._idle[record.arn] = 0
