"""Comparison: the histories of a test in the simulator and as a deployed function, up to ids and times.

Compared is what each operation has come to, event for event: which operations there are, their names and
places, attempts, results, errors and durations. Left out is what differs between any two runs: times, ids
that the service gives, delays that are drawn, stack traces, the order of branches, and how many invocations
it took. Functions that were invoked are compared like that, too, where both have ended and can be read.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pytest_durable.result.diff import first_difference
from pytest_durable.result.execution import DurableFunctionTestResult
from pytest_durable.result.wording import counted

_LEFT_OUT = frozenset(
    {
        "CallbackId",
        "DurableExecutionArn",
        "EventId",
        "ExecutedVersion",
        "ExecutionTimeout",
        "NextAttemptDelaySeconds",
        "RequestId",
        "StackTrace",
        "Truncated",
    }
)
_NOT_COMPARED = "InvocationCompleted"

_BEGINNING, _END = "the beginning of the execution", "the end of the execution"


@dataclass(frozen=True, slots=True)
class Recorded:
    """A history, and those of the durable functions that were invoked: by the id of the invoke, each with the
    name of its function."""

    history: Sequence[dict[str, Any]]
    invoked: Mapping[str, tuple[str, Recorded]] = field(default_factory=dict)

    @classmethod
    def of(cls, result: DurableFunctionTestResult) -> Recorded:
        """Return what a result tells, as far as it can be had."""
        # The last part of an ARN is the id of the operation that stands for the execution.
        invoked = {one.history[0]["Id"]: one for one in result.invoked if one.history}
        found = {}
        for event in result.history:
            details = event.get("ChainedInvokeStartedDetails", {})
            one = invoked.get(details.get("DurableExecutionArn", "").rpartition("/")[2])
            if one is not None:
                found[event["Id"]] = (details["FunctionName"], cls.of(one))
        return cls(result.history, found)

    @property
    def has_ended(self) -> bool:
        """Whether the history tells how the execution has ended."""
        return any(_identity(event) == _END for event in self.history)


def difference(local: Sequence[Recorded], cloud: Sequence[Recorded]) -> str:
    """Return where executions part, empty if nowhere. They are in order of start."""
    if len(local) != len(cloud):
        return (
            f"The test has started {counted(len(local), 'execution')} in the simulator, and "
            f"{counted(len(cloud), 'execution')} of the deployed function."
        )
    for number, (left, right) in enumerate(zip(local, cloud, strict=True), 1):
        for path, one, other in _pairs((), left, right):
            order = _order(one.history, other.history)
            found = first_difference(comparable(one.history, order), comparable(other.history, order))
            if found is not None:
                which = f"execution {number} of {len(local)}, " if len(local) > 1 else ""
                which += f"in {' > '.join(path)}, " if path else ""
                sides = "left: in the simulator, right: as a deployed function"
                return f"The runs differ ({which}{sides}).\n{found}"
    return ""


def _pairs(
    path: tuple[str, ...], left: Recorded, right: Recorded
) -> Iterator[tuple[tuple[str, ...], Recorded, Recorded]]:
    """Yield both, and what both have invoked and has ended, each after the functions on the way to it."""
    yield path, left, right
    for operation_id, (name, one) in left.invoked.items():
        _, other = right.invoked.get(operation_id, (name, None))
        if other is not None and one.has_ended and other.has_ended:
            yield from _pairs((*path, name), one, other)


def comparable(history: Sequence[dict[str, Any]], order: Mapping[Any, int]) -> list[dict[str, Any]]:
    """Return the events of a history that are compared, operation by operation in the order given."""
    compared = [(event, _without_chance(event)) for event in history if event["EventType"] != _NOT_COMPARED]
    compared.sort(key=lambda pair: order[_identity(pair[0])])
    return [kept for _, kept in compared]


def _order(left: Sequence[dict[str, Any]], right: Sequence[dict[str, Any]]) -> dict[Any, int]:
    order: dict[Any, int] = {}
    for event in [*left, *right]:
        order.setdefault(_identity(event), len(order))
    # What the execution comes to follows from its operations.
    order[_END] = len(order)
    return order


def _identity(event: Mapping[str, Any]) -> Any:
    """Return whose event it is. The execution itself has another id each time."""
    kind = str(event["EventType"])
    if not kind.startswith("Execution"):
        return event.get("Id")
    return _BEGINNING if kind == "ExecutionStarted" else _END


def _without_chance(event: Mapping[str, Any]) -> dict[str, Any]:
    kept = _pruned(event)
    if _identity(event) in (_BEGINNING, _END):
        kept.pop("Id", None)
        kept.pop("Name", None)
    return kept


def _pruned(members: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: _pruned(value) if isinstance(value, Mapping) else value
        for name, value in members.items()
        if name not in _LEFT_OUT and not name.endswith("Timestamp")
    }
