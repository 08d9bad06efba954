"""Lifecycle: every operation goes through its states in order, inside contexts that are open."""

from __future__ import annotations

from pytest_durable.errors import CheckerError
from pytest_durable.history.events import Attempt, Event, EventType
from pytest_durable.simulator.checkers.base import Checker
from pytest_durable.simulator.service.records import ExecutionRecord

_STARTS = {
    EventType.EXECUTION_STARTED,
    EventType.CONTEXT_STARTED,
    EventType.STEP_STARTED,
    EventType.WAIT_STARTED,
    EventType.CALLBACK_STARTED,
    EventType.CHAINED_INVOKE_STARTED,
}

_CHANGES_NOTHING = {
    EventType.CALLBACK_HEARTBEAT,
    EventType.EXECUTION_PAUSED,
    EventType.EXECUTION_RESUMED,
}
# These come from outside the handler, so that their context may have ended without waiting for them.
_FROM_OUTSIDE = {
    EventType.STEP_READY,
    EventType.WAIT_SUCCEEDED,
    EventType.CALLBACK_HEARTBEAT,
    EventType.CALLBACK_SUCCEEDED,
    EventType.CALLBACK_FAILED,
    EventType.CALLBACK_TIMED_OUT,
    EventType.CHAINED_INVOKE_SUCCEEDED,
    EventType.CHAINED_INVOKE_FAILED,
    EventType.CHAINED_INVOKE_TIMED_OUT,
    EventType.CHAINED_INVOKE_STOPPED,
}


class LifecycleChecker(Checker):
    """Follows each operation through "new", "started", "pending", "ready" and "ended"."""

    def __init__(self) -> None:
        self._states: dict[tuple[str, str], str] = {}
        self._parents: dict[tuple[str, str], str | None] = {}

    def recorded(self, record: ExecutionRecord, event: Event) -> None:
        """Check that the event may come now."""
        subject = event.subject
        if subject is None:
            return
        key = (record.arn, subject.operation_id)
        before = self._states.get(key, "new")
        after = self._after(before, event)
        if after is None:
            self._fail(record, event, f"comes when it is {before}")
        if self._states.get((record.arn, record.execution.operation_id)) == "ended":
            self._fail(record, event, "comes after the execution has ended")
        parent_id = subject.parent_id
        if parent_id is not None:
            parent = self._states.get((record.arn, parent_id), "new")
            if parent != "started" and not (parent == "ended" and event.type in _FROM_OUTSIDE):
                self._fail(record, event, f"lies in context {parent_id!r}, which is {parent}")
            if event.type not in _FROM_OUTSIDE:
                self._demand_open_above(record, event, parent_id)
        self._states[key] = after or before
        self._parents[key] = parent_id

    def _demand_open_above(self, record: ExecutionRecord, event: Event, context_id: str) -> None:
        """Check the contexts around the event's own: a replay does not look into ended ones."""
        above = self._parents.get((record.arn, context_id))
        while above is not None:
            if self._states.get((record.arn, above)) == "ended":
                self._fail(record, event, f"lies below context {above!r}, which is ended")
            above = self._parents.get((record.arn, above))

    @staticmethod
    def _after(before: str, event: Event) -> str | None:
        if event.type in _STARTS:
            restarts = event.type is EventType.STEP_STARTED and before == "ready"
            return "started" if before == "new" or restarts else None
        if event.type is EventType.STEP_READY:
            return "ready" if before == "pending" else None
        if event.type in _CHANGES_NOTHING:
            return "started" if before == "started" else None
        if before not in ("started", "ready"):
            return None
        attempt = event.details
        if isinstance(attempt, Attempt) and attempt.next_delay_seconds is not None:
            return "pending"
        return "ended"

    @staticmethod
    def _fail(record: ExecutionRecord, event: Event, what: str) -> None:
        name = event.subject and (event.subject.name or event.subject.operation_id)
        raise CheckerError(
            f"{event.type} of operation {name!r} {what} (event {len(record.log)} of {record.arn})."
        )
