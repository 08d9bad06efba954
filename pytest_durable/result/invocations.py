"""Invocations: the runs of the handler, and what caused each.

Only events that a history shows are looked at, so the answer is the same for every backend.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import takewhile

from durable_sdk.lambda_service import ErrorObject, OperationSubType
from pytest_durable.history.codec import to_datetime
from pytest_durable.history.events import (
    INTERNAL_EVENT_TYPES,
    Attempt,
    Event,
    EventType,
    InvocationOutcome,
    Subject,
)

_CAUSES_SHOWN = 3

WAIT_FOR_CALLBACK = OperationSubType.WAIT_FOR_CALLBACK.value
WAIT_FOR_CONDITION = OperationSubType.WAIT_FOR_CONDITION.value

# What ends an operation from outside: the service wakes the handler for it.
_ENDED = {
    EventType.WAIT_SUCCEEDED: ("wait", "ended"),
    EventType.CALLBACK_SUCCEEDED: ("callback", "answered"),
    EventType.CALLBACK_FAILED: ("callback", "failed"),
    EventType.CALLBACK_TIMED_OUT: ("callback", "timed out"),
    EventType.CHAINED_INVOKE_SUCCEEDED: ("invoke", "returned"),
    EventType.CHAINED_INVOKE_FAILED: ("invoke", "failed"),
    EventType.CHAINED_INVOKE_TIMED_OUT: ("invoke", "timed out"),
    EventType.CHAINED_INVOKE_STOPPED: ("invoke", "stopped"),
}

# What the service does on its own, and the handler never.
SERVICE_EVENT_TYPES = frozenset(
    {
        EventType.EXECUTION_STARTED,
        EventType.EXECUTION_SUCCEEDED,
        EventType.EXECUTION_FAILED,
        EventType.EXECUTION_TIMED_OUT,
        EventType.EXECUTION_STOPPED,
        EventType.EXECUTION_PAUSED,
        EventType.EXECUTION_RESUMED,
        *_ENDED,
    }
)


@dataclass(frozen=True, slots=True)
class Invocation:
    """One run of the handler, why it took place, and its error if the run itself failed."""

    number: int
    request_id: str
    start: datetime
    end: datetime
    reason: str
    error: ErrorObject | None = None


@dataclass(frozen=True, slots=True)
class Stretch:
    """The events from the end of one invocation to the end of the next.

    ``number`` is None if no invocation is among them, ``outcome`` if it has not ended.
    """

    number: int | None
    started_at: int
    reason: str
    events: list[Event]
    outcome: InvocationOutcome | None = None
    after_failure: bool = False

    def tells(self, event: Event) -> bool:
        """Return whether `reason` already tells all of the event. Of an answer it does not tell the value."""
        return (
            self.number is not None
            and not self.after_failure
            and event.type is EventType.WAIT_SUCCEEDED
            and event.at <= self.started_at
        )


@dataclass(frozen=True, slots=True)
class _Retry:
    due_at: int
    attempt: int
    subject: Subject

    def __str__(self) -> str:
        if self.subject.sub_type == WAIT_FOR_CONDITION:
            return f"check {self.attempt} of {_named('wait for condition', self.subject)}"
        return f"retry {self.attempt} of {_named('step', self.subject)}"


def _named(kind: str, subject: Subject | None) -> str:
    return f"{kind} {subject.name!r}" if subject and subject.name else f"unnamed {kind}"


def _joined(causes: Iterable[str]) -> str:
    distinct = list(dict.fromkeys(causes))
    text = ", ".join(distinct[:_CAUSES_SHOWN])
    more = len(distinct) - _CAUSES_SHOWN
    return f"{text} and {more} more" if more > 0 else text


class _Names:
    """The names that the handler wrote, of operations that it did not name itself.

    The callback of ``wait_for_callback`` has a name that the SDK made of that of its context.
    """

    def __init__(self) -> None:
        self._contexts: dict[str, Subject] = {}

    def note(self, events: Iterable[Event]) -> None:
        """Take note of contexts that begin."""
        for event in events:
            subject = event.subject
            if event.type is EventType.CONTEXT_STARTED and subject and subject.sub_type == WAIT_FOR_CALLBACK:
                self._contexts[subject.operation_id] = subject

    def ends(self, events: Iterable[Event]) -> list[str]:
        """Tell what has ended from outside."""
        return [self._end(event) for event in events if event.type in _ENDED]

    def _end(self, event: Event) -> str:
        kind, how = _ENDED[event.type]
        subject = event.subject
        if subject is not None and subject.parent_id is not None:
            subject = self._contexts.get(subject.parent_id, subject)
        return f"{_named(kind, subject)} {how}"


def _chunks(events: Iterable[Event]) -> Iterator[tuple[list[Event], InvocationOutcome | None]]:
    chunk: list[Event] = []
    for event in events:
        if isinstance(event.details, InvocationOutcome):
            yield chunk, event.details
            chunk = []
        elif event.type not in INTERNAL_EVENT_TYPES:
            chunk.append(event)
    if chunk:
        yield chunk, None


def stretches(events: Iterable[Event]) -> Iterator[Stretch]:
    """Cut a history at the ends of its invocations."""
    retries: dict[str, _Retry] = {}
    names = _Names()
    before: Stretch | None = None
    for number, (chunk, outcome) in enumerate(_chunks(events), 1):
        if outcome is not None:
            started_at = outcome.started_at
        else:
            from_handler = (event for event in chunk if event.type not in SERVICE_EVENT_TYPES)
            first = next(from_handler, None)
            if first is None:
                yield Stretch(None, chunk[0].at, "", chunk)
                return
            started_at = first.at
        failed = before is not None and _failed(before)
        names.note(chunk)
        reason = _reason(before, chunk, started_at, retries, names)
        before = Stretch(number, started_at, reason, chunk, outcome, failed)
        _note_retries(chunk, retries)
        yield before


def _failed(stretch: Stretch) -> bool:
    return stretch.outcome is not None and stretch.outcome.error is not None


def _reason(
    before: Stretch | None,
    chunk: list[Event],
    started_at: int,
    retries: dict[str, _Retry],
    names: _Names,
) -> str:
    if before is None:
        return "started"
    if before.outcome is not None and before.outcome.error is not None:
        return f"retry after {before.outcome.error.get('ErrorType') or 'an error'}"
    arrived = takewhile(lambda event: event.type in _ENDED and event.at <= started_at, chunk)
    due = [str(retry) for retry in retries.values() if retry.due_at <= started_at]
    # The last resort is for what ended while the handler was about to suspend.
    return _joined([*names.ends(arrived), *due]) or _joined(names.ends(before.events)) or "resumed"


def _note_retries(events: Iterable[Event], retries: dict[str, _Retry]) -> None:
    for event in events:
        subject = event.subject
        if subject is None:
            continue
        retries.pop(subject.operation_id, None)
        details = event.details
        if isinstance(details, Attempt) and details.next_delay_seconds is not None:
            due_at = event.at + details.next_delay_seconds * 1_000_000
            retries[subject.operation_id] = _Retry(due_at, details.number + 1, subject)


def invocations_of(events: Iterable[Event]) -> list[Invocation]:
    """Return the invocations that have ended, in the order in which they did."""
    return [
        Invocation(
            stretch.number,
            stretch.outcome.request_id,
            to_datetime(stretch.outcome.started_at),
            to_datetime(stretch.outcome.ended_at),
            stretch.reason,
            None if stretch.outcome.error is None else ErrorObject.from_dict(stretch.outcome.error),
        )
        for stretch in stretches(events)
        if stretch.number is not None and stretch.outcome is not None
    ]
