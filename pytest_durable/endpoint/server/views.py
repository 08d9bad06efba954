"""Views: what the page shows of executions, as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeAlias

from durable_sdk.lambda_service import OperationStatus
from pytest_durable.history.codec import events_to_json, to_datetime
from pytest_durable.history.events import Event, InvocationOutcome
from pytest_durable.history.fold import RecordedOperation, is_execution
from pytest_durable.history.log import EventLog
from pytest_durable.result.html import html_table
from pytest_durable.result.timeline import headline
from pytest_durable.result.wording import kind_of, span
from pytest_durable.simulator.execution import SimulatedExecution
from pytest_durable.simulator.world import World

Json: TypeAlias = dict[str, Any]

# More are found with the API; a person does not read them.
LISTED_MOST = 200

# Longer texts are cut: a page of megabytes helps nobody.
_TEXT_LENGTH_MAX = 20_000


@dataclass(frozen=True, slots=True)
class Snapshot:
    """An execution at one moment: what rendering needs, which happens on another thread."""

    summary: Json
    events: Sequence[Event]
    now: int


def listed(world: World, function: str | None, status: str | None) -> Json:
    """Return the executions, newest first, of a function and status if they are given."""
    executions = [execution for execution in world.executions.by_arn.values() if not execution.deleted]
    counts: dict[str, int] = {}
    for execution in executions:
        state = _status(execution)
        counts[state] = counts.get(state, 0) + 1
    found = [
        execution
        for execution in reversed(executions)
        if (not function or execution.function.name == function)
        and (not status or _status(execution) == status)
    ]
    return {
        "now": _iso(world.clock.now),
        "counts": counts,
        "found": len(found),
        "functions": sorted({execution.function.name for execution in executions}),
        "executions": [_summary(execution) for execution in found[:LISTED_MOST]],
    }


def snapshot(world: World, arn: str) -> Snapshot | None:
    """Return an execution as it is now, None if there is none."""
    execution = world.executions.by_arn.get(arn)
    if execution is None or execution.deleted:
        return None
    return Snapshot(_summary(execution), list(execution.record.log), world.clock.now)


def detailed(seen: Snapshot) -> Json:
    """Return all that the page shows of an execution."""
    log = EventLog(seen.events)
    operations = list(log.operations.values())
    execution = next(operation for operation in operations if is_execution(operation))
    began = seen.events[0].at
    last = seen.events[-1].at if execution.is_terminal else seen.now
    return {
        **seen.summary,
        "headline": headline(log),
        "input": _cut(execution.input_payload),
        "result": _cut(execution.result),
        "error": _cut(execution.error),
        "callbacks": [
            {
                "id": operation.callback_id,
                "name": operation.subject.name,
                "times_out": _iso(operation.deadline_at),
            }
            for operation in operations
            if operation.callback_id is not None and not operation.is_terminal
        ],
        "length": max(last - began, 1),
        "length_text": span(last - began),
        "bars": [
            *_invocation_bars(seen.events, began),
            *_operation_bars(operations, began),
        ],
        "timeline": html_table(log),
        "events": _cut(events_to_json(seen.events)),
    }


def _summary(execution: SimulatedExecution) -> Json:
    record, operation = execution.record, execution.record.operation
    started_at = operation.started_at or 0
    return {
        "arn": record.arn,
        "name": record.execution.name,
        "function": execution.function.name,
        "status": _status(execution),
        "started": _iso(started_at),
        "ended": _iso(operation.ended_at),
        "took": None if operation.ended_at is None else span(operation.ended_at - started_at),
        "invoked_by": None if execution.invoker is None else execution.invoker.execution.record.arn,
    }


def _status(execution: SimulatedExecution) -> str:
    status = execution.record.operation.status
    if status is not OperationStatus.STARTED:
        return status.value
    return "PAUSED" if execution.paused else "RUNNING"


def _invocation_bars(events: Sequence[Event], began: int) -> list[Json]:
    outcomes = (event.details for event in events if isinstance(event.details, InvocationOutcome))
    return [
        {
            "label": f"invocation {number}",
            "kind": "invocation",
            "depth": 0,
            "status": "FAILED" if outcome.error else "SUCCEEDED",
            "from": outcome.started_at - began,
            "to": outcome.ended_at - began,
            "took": span(outcome.ended_at - outcome.started_at),
        }
        for number, outcome in enumerate(outcomes, 1)
    ]


def _operation_bars(operations: Sequence[RecordedOperation], began: int) -> list[Json]:
    depths: dict[str, int] = {}
    bars = []
    for operation in operations:
        if is_execution(operation) or operation.started_at is None:
            continue
        subject = operation.subject
        depth = depths[subject.operation_id] = depths.get(subject.parent_id or "", -1) + 1
        kind = kind_of(subject.operation_type, subject.sub_type)
        ended_at = operation.ended_at
        bars.append(
            {
                "label": f"{kind} {subject.name or ''}".rstrip(),
                "kind": subject.operation_type.value.lower(),
                "depth": depth,
                "status": operation.status.value,
                "from": operation.started_at - began,
                "to": None if ended_at is None else ended_at - began,
                "took": None if ended_at is None else span(ended_at - operation.started_at),
            }
        )
    return bars


def _iso(microseconds: int | None) -> str | None:
    return None if microseconds is None else to_datetime(microseconds).isoformat(timespec="milliseconds")


def _cut(value: Any) -> Any:
    """Return a value as JSON, with long texts cut."""
    match value:
        case str() if len(value) > _TEXT_LENGTH_MAX:
            return f"{value[:_TEXT_LENGTH_MAX]}... ({len(value)} characters)"
        case datetime():
            return value.isoformat(timespec="milliseconds")
        case dict():
            return {name: _cut(item) for name, item in value.items()}
        case list():
            return [_cut(item) for item in value]
        case _:
            return value
