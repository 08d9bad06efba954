"""Journal: writes down what happens to executions, and shows it to those who watch."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pytest_durable.history.events import Event, EventType
from pytest_durable.history.fold import RecordedOperation
from pytest_durable.simulator.checkers.base import Checker
from pytest_durable.simulator.execution import SimulatedExecution
from pytest_durable.simulator.service.records import ExecutionRecord

Observe = Callable[[SimulatedExecution, Event], None]


def _ignore(execution: SimulatedExecution, event: Event) -> None:
    """Watch nothing."""


class Journal:
    """Events go to the log of their execution; they, invocations and exchanges also go to the checkers."""

    def __init__(self, checkers: Sequence[Checker]) -> None:
        # Most checkers watch one or two kinds of happening, and there are many of each.
        self._on_invoked = [checker.invoked for checker in checkers if checker.watches("invoked")]
        self._on_exchanged = [checker.exchanged for checker in checkers if checker.watches("exchanged")]
        self._on_recorded = [checker.recorded for checker in checkers if checker.watches("recorded")]
        self._on_finished = [checker.finished for checker in checkers if checker.watches("finished")]
        self._observed: frozenset[EventType] = frozenset()
        self._observe: Observe = _ignore

    def attach(self, observed: frozenset[EventType], observe: Observe) -> None:
        """Set what is to follow from events of these types, once they are recorded."""
        self._observed, self._observe = observed, observe

    def record(
        self,
        execution: SimulatedExecution,
        event: Event,
        operation: RecordedOperation | None = None,
        *,
        outside: bool = False,
    ) -> None:
        """Append an event to the log.

        ``operation`` is what it makes of its operation, if that is known already. ``outside`` tells that no
        request of the SDK has brought it about.
        """
        record = execution.record
        if outside:
            record.commit_outside(event)
        else:
            record.commit(event, operation)
        for check in self._on_recorded:
            check(record, event)
        if event.type in self._observed:
            self._observe(execution, event)

    def invoked(self, record: ExecutionRecord, event: Mapping[str, Any]) -> None:
        """Show the event that an invocation begins with."""
        for check in self._on_invoked:
            check(record, event)

    def exchanged(
        self, record: ExecutionRecord, request: Mapping[str, Any], answer: Mapping[str, Any] | None
    ) -> None:
        """Show a request and its answer; None is that the service refused."""
        for check in self._on_exchanged:
            check(record, request, answer)

    def finished(self, record: ExecutionRecord) -> None:
        """Show that an execution has ended."""
        for check in self._on_finished:
            check(record)
