"""Comparison: the histories of a test in the simulator and as a deployed function, up to ids and times.

Compared is what each operation has come to, event for event: which operations there are, their names and
places, attempts, results, errors and durations. Left out is what differs between any two runs: times, ids
that the service gives, delays that are drawn, stack traces, the order of branches, and how many invocations
it took.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pytest_durable.result.diff import first_difference
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


def difference(local: Sequence[Sequence[dict[str, Any]]], cloud: Sequence[Sequence[dict[str, Any]]]) -> str:
    """Return where the histories of executions part, empty if nowhere. Executions are in order of start."""
    if len(local) != len(cloud):
        return (
            f"The test has started {counted(len(local), 'execution')} in the simulator, and "
            f"{counted(len(cloud), 'execution')} of the deployed function."
        )
    for number, (left, right) in enumerate(zip(local, cloud, strict=True), 1):
        order = _order(left, right)
        found = first_difference(comparable(left, order), comparable(right, order))
        if found is not None:
            which = f"execution {number} of {len(local)}, " if len(local) > 1 else ""
            return f"The runs differ ({which}left: in the simulator, right: as a deployed function).\n{found}"
    return ""


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
