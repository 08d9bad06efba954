"""Comparison: whether a replay did what the run did that made the record, and where it first did not."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from durable_sdk.lambda_service import OperationStatus
from pytest_durable.exploration.fingerprint import normalised
from pytest_durable.simulator.replaying.inputs import Input, settings_of
from pytest_durable.simulator.replaying.shadow import Replay
from pytest_durable.simulator.replaying.trace import Trace, TracedCall
from pytest_durable.simulator.replaying.values import is_mutable

_ADDRESS = re.compile(r"0x[0-9a-fA-F]{6,}")


class Kind(Enum):
    """In which way a replay differs."""

    CHANGED = "calls another operation"
    SWAPPED = "calls two operations in another order"
    DROPPED = "does not call an operation that is recorded"
    EXTRA = "calls an operation that the first run did not call"
    SITE = "calls an operation from another line"
    INPUT = "gives an operation another input"
    OUTCOME = "ends in another way"


@dataclass(frozen=True, slots=True)
class Divergence:
    """The first difference. ``then`` is of the first run, ``now`` of the replay; one may be missing."""

    kind: Kind
    then: TracedCall | None = None
    now: TracedCall | None = None
    inputs: tuple[Input, Input] | None = None
    outcomes: tuple[str, str] | None = None

    @property
    def operation(self) -> TracedCall | None:
        """The operation that it is about."""
        return self.now if self.kind is Kind.EXTRA else self.then or self.now

    @property
    def values(self) -> tuple[str, str] | None:
        """The texts of the values that differ, if values do."""
        if self.inputs is not None:
            return self.inputs[0].text, self.inputs[1].text
        return self.outcomes


def compare(
    trace: Trace, replay: Replay, operations: Mapping[str, Mapping[str, Any]], *, is_whole: bool
) -> Divergence | None:
    """Return the first difference between a replay over ``operations`` and the run that recorded them.

    ``is_whole`` tells that they are all that was ever recorded.
    """
    for operation_id, now in replay.calls.items():
        then = trace.calls.get(operation_id)
        if operation_id in operations:
            found = None if then is None else compare_calls(then, now, trace)
            if found is not None:
                return found
        elif then is None and now.call.context_id in trace.ended and now.sites:
            return Divergence(Kind.EXTRA, None, now)
    if replay.broken_off:
        return None
    dropped = _dropped(trace, replay, operations)
    if dropped is not None:
        return Divergence(Kind.DROPPED, dropped)
    return _compare_outcomes(trace, replay) if is_whole else None


def compare_calls(then: TracedCall, now: TracedCall, trace: Trace) -> Divergence | None:
    """Return how two calls at the same position differ, if they do."""
    if then.identity != now.identity:
        return Divergence(Kind.CHANGED, then, now)
    if then.sites and now.sites and then.sites != now.sites:
        return Divergence(Kind.SITE, then, now)
    pairs = [*_pairs(then.inputs, now.inputs)]
    if now.inputs and then.call.inputs.get("config") is not now.call.inputs.get("config"):
        pairs += _pairs(settings_of(then.call.inputs), settings_of(now.call.inputs))
    for before, after in pairs:
        if after.differs_from(before) and not _is_of_the_module(before, trace):
            return Divergence(Kind.INPUT, then, now, (before, after))
    return None


def _pairs(then: tuple[Input, ...], now: tuple[Input, ...]) -> Iterable[tuple[Input, Input]]:
    if [each.label for each in then] == [each.label for each in now]:
        return zip(then, now, strict=True)
    before = {each.label: each for each in then}
    return [(before[each.label], each) for each in now if each.label in before]


def _is_of_the_module(value: Input, trace: Trace) -> bool:
    """Return whether a value is an object that the module of the handler holds, and so of no run."""
    if not is_mutable(value.value):
        return False
    return any(value.value is each for each in trace.surroundings.objects)


def _dropped(trace: Trace, replay: Replay, operations: Mapping[str, Mapping[str, Any]]) -> TracedCall | None:
    for operation_id, then in trace.calls.items():
        if (
            operation_id in operations
            and operation_id not in replay.calls
            and then.sites
            and then.call.context_id in replay.ended
        ):
            return then
    return None


def _compare_outcomes(trace: Trace, replay: Replay) -> Divergence | None:
    operation = trace.execution.record.operation
    if None not in trace.ended or operation.status not in (
        OperationStatus.SUCCEEDED,
        OperationStatus.FAILED,
    ):
        return None
    then = _outcome(operation.status.value, operation.result, operation.error)
    if replay.status == "PENDING" and replay.begins_attempt:
        # The first run went past an attempt whose end it never recorded, such as one that ended it all.
        return None
    now = _outcome(replay.status, replay.result, replay.error)
    if _ADDRESS.sub("0x", then) == _ADDRESS.sub("0x", now):
        return None
    return Divergence(Kind.OUTCOME, outcomes=(then, now))


def _outcome(status: str | None, result: str | None, error: Mapping[str, Any] | None) -> str:
    if status == "PENDING":
        return "waits for something outside"
    if error is not None:
        # Ids, times and numbers in a message are for people.
        return f"{error.get('ErrorType')}: {normalised(str(error.get('ErrorMessage')))}"
    return f"{status}: {result}"


def is_round_trip(then: object, now: object) -> bool:
    """Return whether JSON has made ``now`` of ``then``: a list of a tuple, text of keys that are numbers."""
    try:
        return bool(json.loads(json.dumps(then)) == now) and then != now
    except (TypeError, ValueError, RecursionError):
        return False
