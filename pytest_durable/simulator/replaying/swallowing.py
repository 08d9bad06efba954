"""Suspensions that the handler has caught, though only the SDK is to see them."""

from __future__ import annotations

import math
from typing import NamedTuple

from durable_sdk.lambda_service import OperationStatus
from pytest_durable.simulator.replaying.trace import Trace, TracedCall

# Operations whose call returns only when they have ended.
_BLOCKING = ("STEP", "WAIT", "CONTEXT", "CHAINED_INVOKE")


def swallowed(trace: Trace) -> str:
    """Tell of an operation that had not ended when the next one was called, or the handler returned.

    Empty if there is none.
    """
    spans = _spans(trace)
    by_place = {(call.call.context_id, call.call.position): call for call in trace.calls.values()}
    # Branches of a batch go on beside one another.
    batches = {call.call.context_id for call in trace.calls.values() if call.call.position == 0}
    for (context_id, position), call in by_place.items():
        span = spans.get(call.call.operation_id)
        if context_id in batches or span is None or call.call.operation_type not in _BLOCKING:
            continue
        following = by_place.get((context_id, position + 1))
        if following is not None:
            later = spans.get(following.call.operation_id)
            # What a context's body calls on the one around it comes while the context goes on.
            is_body = call.call.operation_type == "CONTEXT"
            was_open = later is not None and later.began < span.ended and not is_body
        else:
            was_open = context_id is None and _has_succeeded(trace) and span.ended == _NEVER
        if not was_open:
            continue
        what = "the handler ended" if following is None else f"{following.label} was called"
        lines = [
            f"{call.label} had not ended when {what}: an except clause has caught the exception with which "
            "the SDK leaves the handler until it has.",
            *(f"  {_line(each)}" for each in (call, following) if each is not None and each.sites),
            "Catch the class that you expect, such as StepError: a bare except and except BaseException "
            "catch the suspension, too, and an operation in a finally runs before the wait is over.",
        ]
        return "\n".join(lines)
    return ""


class _Span(NamedTuple):
    """The places in the log of the first and the last event of an operation."""

    began: int
    ended: float


_NEVER = math.inf


def _spans(trace: Trace) -> dict[str, _Span]:
    log = trace.execution.record.log
    began: dict[str, int] = {}
    last: dict[str, int] = {}
    for index, event in enumerate(log):
        if event.subject is not None:
            began.setdefault(event.subject.operation_id, index)
            last[event.subject.operation_id] = index
    return {
        operation_id: _Span(began[operation_id], last[operation_id] if operation.is_terminal else _NEVER)
        for operation_id, operation in log.operations.items()
    }


def _has_succeeded(trace: Trace) -> bool:
    record = trace.execution.record
    return record.log.operations[record.execution.operation_id].status is OperationStatus.SUCCEEDED


def _line(call: TracedCall) -> str:
    return f"{call.label} at {call.sites[0].shown}"
