"""Dispatch: from a request to its answer, and what the answer implies.

Pure: the record is only read. The loop commits the events, acts on the effects, and delivers the answer.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from durable_sdk.lambda_service import OperationType
from pytest_durable.history.events import Event
from pytest_durable.history.fold import RecordedOperation, fold
from pytest_durable.simulator.service.effects import Effect
from pytest_durable.simulator.service.errors import InvalidParameterValueException, ResourceNotFoundException
from pytest_durable.simulator.service.paging import Marker, state_page
from pytest_durable.simulator.service.records import ExecutionRecord
from pytest_durable.simulator.service.requests import CheckpointRequest, StateRequest, Update
from pytest_durable.simulator.service.tokens import check_token
from pytest_durable.simulator.service.transitions import context, execution, step, wait
from pytest_durable.simulator.service.transitions.base import Transition
from pytest_durable.simulator.service.validation import check_request, check_update

_Apply = Callable[[RecordedOperation | None, Update, int], Transition]
_Fire = Callable[[RecordedOperation, int], Event | None]

_APPLY: dict[OperationType, _Apply] = {
    OperationType.STEP: step.apply,
    OperationType.WAIT: wait.apply,
    OperationType.CONTEXT: context.apply,
    OperationType.EXECUTION: execution.apply,
}
_FIRE: dict[OperationType, _Fire] = {
    OperationType.STEP: step.fire,
    OperationType.WAIT: wait.fire,
}


@dataclass(frozen=True, slots=True)
class Applied:
    """What an accepted checkpoint changes. ``ends_execution`` tells that no token may follow."""

    events: tuple[Event, ...]
    effects: tuple[Effect, ...]
    ends_execution: bool


def apply_checkpoint(record: ExecutionRecord, request: CheckpointRequest, now: int) -> Applied:
    """Decide on a checkpoint, all of its updates or none.

    Raises:
        InvalidParameterValueException: the token is not the current one, or an update is refused.
    """
    _check_arn(record, request.arn)
    check_token(request.token, record.token)
    check_request(request.updates, record.limits)
    # What earlier updates of the same request have changed, over what is recorded.
    changed: dict[str, RecordedOperation] = {}
    stored = record.log.operations

    def look_up(operation_id: str) -> RecordedOperation | None:
        return changed.get(operation_id) or stored.get(operation_id)

    events: list[Event] = []
    effects: list[Effect] = []
    for update in request.updates:
        is_execution = update.subject.operation_type is OperationType.EXECUTION
        operation_id = record.execution.operation_id if is_execution else update.subject.operation_id
        recorded = look_up(operation_id)
        # The SDK makes up an id for the update that ends the execution, so there is nothing to compare.
        check_update(update, None if is_execution else recorded, look_up, record.limits)
        transition = _transition(recorded, update, now)
        changed[operation_id] = fold(recorded, transition.event)
        events.append(transition.event)
        if transition.effect is not None:
            effects.append(transition.effect)
    ends = bool(request.updates) and (request.updates[-1].subject.operation_type is OperationType.EXECUTION)
    return Applied(tuple(events), tuple(effects), ends)


def _check_arn(record: ExecutionRecord, arn: str) -> None:
    if arn != record.arn:
        raise ResourceNotFoundException("Durable Execution does not exist")


def _transition(recorded: RecordedOperation | None, update: Update, now: int) -> Transition:
    operation_type = update.subject.operation_type
    apply = _APPLY.get(operation_type)
    if apply is None:
        raise InvalidParameterValueException(f"Operations of type {operation_type.value} are not simulated.")
    return apply(recorded, update, now)


def fire_timer(record: ExecutionRecord, operation_id: str, now: int) -> Event | None:
    """Decide what a timer does; None if its operation has moved on by itself."""
    recorded = record.log.operations[operation_id]
    return _FIRE[recorded.subject.operation_type](recorded, now)


def checkpoint_answer(record: ExecutionRecord) -> dict[str, Any]:
    """Return the answer to a checkpoint that has been committed: all that the SDK has not been told."""
    state = state_page(record, Marker.ANSWER)
    answer: dict[str, Any] = {"NewExecutionState": state}
    if record.token is not None:
        answer["CheckpointToken"] = record.token
    return answer


def state_answer(record: ExecutionRecord, request: StateRequest) -> dict[str, Any]:
    """Return a page of all operations.

    Raises:
        InvalidParameterValueException: the token is not the current one, or the marker is unknown.
    """
    _check_arn(record, request.arn)
    check_token(request.token, record.token)
    return state_page(record, request.marker, request.max_items)
