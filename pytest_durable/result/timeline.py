"""Timeline: a run as text, one line for each thing that a developer would tell about it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pytest_durable.history.events import EventType
from pytest_durable.history.fold import RecordedOperation, is_execution
from pytest_durable.history.log import EventLog
from pytest_durable.result.rows import Lane, Row, RowKind, lanes_of, with_faults
from pytest_durable.result.wording import counted, span

# One long name must not push every outcome out of the window.
_WIDEST_LABEL = 44


def execution_of(log: EventLog) -> RecordedOperation | None:
    """Return the EXECUTION operation, None in an empty log."""
    return next((found for found in log.operations.values() if is_execution(found)), None)


def headline(log: EventLog) -> str:
    """Return the run in a line: status, virtual time, invocations."""
    execution = execution_of(log)
    if execution is None:
        return "Nothing has happened yet."
    status = execution.status.value if execution.is_terminal else "RUNNING"
    ended = sum(1 for event in log if event.type is EventType.INVOCATION_COMPLETED)
    name = f" {execution.subject.name}" if execution.subject.name else ""
    elapsed = span(log[len(log) - 1].at - log[0].at)
    return f"execution{name} {status} after {elapsed}, {counted(ended, 'invocation')}"


def timeline(log: EventLog, faults: Mapping[int, Sequence[str]] | None = None) -> str:
    """Write a run in columns: time since the start, invocation, what happened, what came of it.

    A time or number that repeats the line above is left out. ``faults`` are those that struck, as text, by
    the number of the invocation; each gets a line that begins with ``!``.
    """
    lanes = [with_faults(lane, faults or {}) for lane in lanes_of(log)]
    rows = [row for lane in lanes for row in lane.rows]
    time_width = max((len(_time(row)) for row in rows), default=0)
    number_width = len(str(max((lane.number or 0 for lane in lanes), default=0)))
    label_width = min(max((len(_label(row)) for row in rows if row.outcome), default=0), _WIDEST_LABEL)
    lines = [headline(log)]
    shown_time = ""
    for lane in lanes:
        for row in lane.rows:
            time = _time(row)
            number = _number(lane, row)
            repeated = time == shown_time and not number
            shown_time = time or shown_time
            line = (
                f"  {'' if repeated else time:>{time_width}}  {number:>{number_width}}"
                f"  {_label(row):<{label_width}}  {row.outcome}"
            )
            lines.append(line.rstrip())
    return "\n".join(lines)


def _time(row: Row) -> str:
    return "" if row.kind is RowKind.GAP else f"+{span(row.at)}"


def _number(lane: Lane, row: Row) -> str:
    return str(lane.number) if row.kind is RowKind.INVOCATION else ""


def _label(row: Row) -> str:
    if row.kind is RowKind.GAP:
        return f"... {row.label} ..."
    return "  " * row.depth + row.label
