"""Rows: the lines of a timeline, before anyone decides how they look."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum

from pytest_durable.history.events import (
    Attempt,
    CallbackStart,
    ErrorJson,
    Event,
    EventType,
    ExecutionInput,
    InvokeStart,
    Outcome,
    Pause,
    Subject,
    WaitSchedule,
)
from pytest_durable.result.invocations import WAIT_FOR_CALLBACK, WAIT_FOR_CONDITION, Stretch, stretches
from pytest_durable.result.wording import (
    MICROSECONDS_PER_SECOND,
    error_text,
    kind_of,
    passing,
    shortened,
    span,
    value_text,
)

# What the SDK appends to the name of a ``wait_for_callback`` for its callback.
_CREATE_CALLBACK_ID = "create callback id"

# The timeline says of the SDK's own errors what they are called, and not where they live.
_SDK_ERRORS = "durable_sdk.exceptions."

# Errors say at their end what to do, so they are cut later than values.
# Lambda says of which request an error is; the line stands below its invocation.
_REQUEST = re.compile(r"RequestId: \S+ Error: ")

_ERROR_WIDTH = 300


class RowKind(Enum):
    """What a row is about."""

    INVOCATION = "invocation"
    OPERATION = "operation"
    FAULT = "fault"
    CRASH = "crash"
    GAP = "gap"
    PAUSE = "pause"
    END = "end"


@dataclass(frozen=True, slots=True)
class Row:
    """One line: what happened, and what came of it. ``at`` counts from the start."""

    kind: RowKind
    at: int
    label: str
    outcome: str = ""
    depth: int = 0
    failed: bool = False


@dataclass(frozen=True, slots=True)
class Lane:
    """The rows of one invocation, or of what happened outside of any (``number`` is None)."""

    number: int | None
    rows: list[Row]


_ENDS = {
    EventType.EXECUTION_SUCCEEDED: "succeeded",
    EventType.EXECUTION_FAILED: "FAILED",
    EventType.EXECUTION_TIMED_OUT: "TIMED OUT",
    EventType.EXECUTION_STOPPED: "STOPPED",
}

_FAILURES = (("Failed", "FAILED"), ("TimedOut", "TIMED OUT"), ("Stopped", "STOPPED"))

# Shorter work is noise beside the waits of a durable function.
_SHORTEST_SHOWN = MICROSECONDS_PER_SECOND // 10


class _Lines:
    """Builds lanes while it goes through the history once."""

    def __init__(self, started_at: int, width: int) -> None:
        self._started_at = started_at
        self._width = width
        self._depths: dict[str, int] = {}
        self._names: dict[str, str] = {}
        self._paths: dict[str, tuple[str, ...]] = {}
        self._callbacks: set[str] = set()
        # The operations under whose rows the next one stands. Where branches take turns, or where a
        # context began in an earlier lane, indentation misleads: then the label is the path.
        self._above: list[str] = []
        self._input: str | None = None
        # The rows of operations that began in this lane and have not ended yet, with their begin.
        self._open: dict[str, tuple[int, Event]] = {}
        self._rows: list[Row] = []

    def lane(self, stretch: Stretch, idle_since: int | None) -> Lane:
        """Return the lane of a stretch. ``idle_since`` is when the previous one ended."""
        self._rows, self._open, self._above = [], {}, []
        if idle_since is not None and stretch.started_at - idle_since >= MICROSECONDS_PER_SECOND:
            gap = passing(stretch.started_at - idle_since)
            self._add(RowKind.GAP, idle_since, gap)
        for event in stretch.events:
            if isinstance(event.details, ExecutionInput):
                self._input = event.details.payload
        if stretch.number is not None:
            given = self._value(self._input) if stretch.number == 1 else ""
            self._add(RowKind.INVOCATION, stretch.started_at, stretch.reason, given)
        for event in stretch.events:
            if not stretch.tells(event):
                self._event(event)
        self._leave(stretch)
        return Lane(stretch.number, self._rows)

    def _add(
        self,
        kind: RowKind,
        at: int,
        label: str,
        outcome: str = "",
        depth: int = 0,
        failed: bool = False,
    ) -> None:
        self._rows.append(Row(kind, at - self._started_at, label, outcome, depth, failed))

    def _value(self, text: str | None) -> str:
        return "" if text is None else value_text(text, self._width)

    def _event(self, event: Event) -> None:
        subject = event.subject
        if subject is None or event.type is EventType.EXECUTION_STARTED:
            return
        if isinstance(event.details, Pause):
            label = "resumed" if event.details.timeout_is_paused is None else "paused"
            self._add(RowKind.PAUSE, event.at, label, event.details.reason or "")
            return
        if event.type in _ENDS:
            outcome, failed = self._outcome(event)
            failed = failed or event.type is not EventType.EXECUTION_SUCCEEDED
            self._add(RowKind.END, event.at, _ENDS[event.type], outcome, failed=failed)
            return
        key = subject.operation_id
        if event.type.value.endswith("Started"):
            self._open[key] = (len(self._rows), event)
            self._operation(event.at, subject, self._beginning(event))
            return
        outcome, failed = self._outcome(event)
        opened = self._open.pop(key, None)
        if opened is None:
            self._operation(event.at, subject, outcome, failed)
            return
        index, began = opened
        row = self._rows[index]
        outcome = ", ".join(part for part in (row.outcome, outcome) if part)
        took = event.at - began.at
        if took >= _SHORTEST_SHOWN and event.type is not EventType.WAIT_SUCCEEDED:
            outcome = _with_note(outcome, f"took {span(took)}")
        self._rows[index] = replace(row, outcome=outcome, failed=failed)

    def _operation(self, at: int, subject: Subject, outcome: str, failed: bool = False) -> None:
        # An operation that is seen again keeps the depth it had.
        key, parent_id = subject.operation_id, subject.parent_id or ""
        depth = self._depths.setdefault(key, self._depths.get(parent_id, -1) + 1)
        kind = kind_of(subject.operation_type, subject.sub_type)
        own_name = shown_name = self._own_name(subject, parent_id)
        if subject.sub_type == WAIT_FOR_CALLBACK:
            self._callbacks.add(key)
        if depth and self._above[depth - 1 : depth] != [parent_id]:
            shown_name = "/".join(name for name in (*self._paths[parent_id], own_name) if name)
        self._names[key] = own_name or f"({kind})"
        self._paths[key] = (*self._paths.get(parent_id, ()), self._names[key])
        self._above = [*self._above[: max(depth - 1, 0)], *([parent_id] if depth else []), key]
        self._add(RowKind.OPERATION, at, f"{kind} {shown_name}".rstrip(), outcome, depth + 1, failed)

    def _own_name(self, subject: Subject, parent_id: str) -> str:
        """Return the name, without what the SDK added to it inside of a ``wait_for_callback``."""
        name = subject.name or ""
        if parent_id not in self._callbacks:
            return name
        own = name.removeprefix(f"{self._names[parent_id]} ")
        return "" if own == _CREATE_CALLBACK_ID else own

    def _beginning(self, event: Event) -> str:
        """Return what is known of an operation when it begins."""
        match event.details:
            case WaitSchedule(duration_seconds, _):
                return span(duration_seconds * MICROSECONDS_PER_SECOND)
            case CallbackStart(_, timeout_seconds, heartbeat_timeout_seconds):
                limits = (("timeout", timeout_seconds), ("heartbeat", heartbeat_timeout_seconds))
                return ", ".join(
                    f"{what} {span(seconds * MICROSECONDS_PER_SECOND)}" for what, seconds in limits if seconds
                )
            case InvokeStart(function_name, payload):
                return f"{function_name}({self._value(payload)})"
            case _:
                return ""

    def _outcome(self, event: Event) -> tuple[str, bool]:
        """Return what came of it, and whether that is a failure."""
        details = event.details
        if event.type is EventType.WAIT_SUCCEEDED:
            return "ended", False
        if not isinstance(details, Outcome | Attempt):
            return "", False
        failure = next((word for suffix, word in _FAILURES if event.type.value.endswith(suffix)), None)
        failed = details.error is not None or failure is not None
        text = self._value(details.result) if details.error is None else _error(details.error)
        if event.type is EventType.WAIT_CANCELLED:
            return f"cancelled {text}".rstrip(), False
        if failed and event.type not in _ENDS:
            text = f"{failure or 'FAILED'} {text}".rstrip()
        if isinstance(details, Attempt):
            text = _with_attempt(text, details, event.subject)
        return text, failed

    def _leave(self, stretch: Stretch) -> None:
        """Mark the steps that the end of the invocation cut short, and the crash that did it."""
        error = stretch.outcome.error if stretch.outcome else None
        if stretch.outcome is None:
            left = "has not ended"
        else:
            left = "left unfinished" if error is None else "INTERRUPTED"
        for index, began in self._open.values():
            if began.type is EventType.STEP_STARTED:
                row = self._rows[index]
                self._rows[index] = replace(row, outcome=left, failed=error is not None)
        if stretch.outcome is not None and error is not None:
            text = _error(error)
            self._add(RowKind.CRASH, stretch.outcome.ended_at, "invocation FAILED", text, 1, True)


def _with_note(text: str, note: str) -> str:
    return f"{text[:-1]}, {note})" if text.endswith(")") and "  (" in text else f"{text}  ({note})"


def _error(error: ErrorJson) -> str:
    return shortened(_REQUEST.sub("", error_text(error).removeprefix(_SDK_ERRORS)), _ERROR_WIDTH)


def _with_attempt(text: str, attempt: Attempt, subject: Subject | None) -> str:
    """Add which attempt it was, unless it is the first and only one."""
    is_check = subject is not None and subject.sub_type == WAIT_FOR_CONDITION
    which = f"{'check' if is_check else 'attempt'} {attempt.number}"
    delay = attempt.next_delay_seconds
    if delay is not None:
        return f"{text}  ({which}, again in {span(delay * MICROSECONDS_PER_SECOND)})"
    return f"{text}  ({which})" if attempt.number > 1 else text


def lanes_of(events: Iterable[Event], width: int = 60) -> Iterator[Lane]:
    """Return the rows of a history, by invocation. Values are cut at ``width`` characters."""
    lines: _Lines | None = None
    idle_since: int | None = None
    for stretch in stretches(events):
        if lines is None:
            lines = _Lines(stretch.events[0].at if stretch.events else stretch.started_at, width)
        yield lines.lane(stretch, idle_since)
        idle_since = stretch.outcome.ended_at if stretch.outcome else None


def with_faults(lane: Lane, faults: Mapping[int, Sequence[str]]) -> Lane:
    """Add the faults of an invocation before the line that tells how it ended."""
    struck = faults.get(lane.number or 0, ())
    if not struck:
        return lane
    ends = (RowKind.CRASH, RowKind.END)
    before = next((at for at, row in enumerate(lane.rows) if row.kind in ends), len(lane.rows))
    at = lane.rows[min(before, len(lane.rows) - 1)].at
    added = [Row(RowKind.FAULT, at, f"! {text}") for text in struck]
    return Lane(lane.number, [*lane.rows[:before], *added, *lane.rows[before:]])
