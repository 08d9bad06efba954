"""Dispatch: from a request to its answer, and what the answer implies.

Pure: the record is only read. The loop commits the events, acts on the effects, and delivers the answer.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from durable_sdk.lambda_service import OperationType
from pytest_durable.history.events import Event
from pytest_durable.history.fold import RecordedOperation, fold
from pytest_durable.simulator.service.callbacks import CallbackAnswer, make_callback_id, no_callback
from pytest_durable.simulator.service.effects import Effect
from pytest_durable.simulator.service.errors import InvalidParameterValueException, ResourceNotFoundException
from pytest_durable.simulator.service.history_page import history_page
from pytest_durable.simulator.service.paging import Marker, state_page
from pytest_durable.simulator.service.records import ExecutionRecord
from pytest_durable.simulator.service.requests import (
    CheckpointRequest,
    HistoryRequest,
    StateRequest,
    Update,
)
from pytest_durable.simulator.service.tokens import check_token
from pytest_durable.simulator.service.transitions import (
    callback,
    chained_invoke,
    context,
    execution,
    step,
    wait,
)
from pytest_durable.simulator.service.transitions.base import Transition
from pytest_durable.simulator.service.transitions.chained_invoke import Resolve, resolve_nothing
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
    OperationType.CALLBACK: callback.fire,
}


class Applied(NamedTuple):
    """What an accepted checkpoint changes. ``ends_execution`` tells that no token may follow.

    ``operations`` are what the events make of their operations, one for each event.
    """

    events: tuple[Event, ...]
    operations: tuple[RecordedOperation, ...]
    effects: tuple[Effect, ...]
    ends_execution: bool


def repeated_answer(record: ExecutionRecord, request: CheckpointRequest) -> dict[str, Any] | None:
    """Return what the request was answered when it came first, None if it has not come before.

    A client that has lost an answer sends its request again, with the same client token. Nothing is to be
    applied then.

    Raises:
        InvalidParameterValueException: the client token came with another request.
    """
    if request.client_token is None:
        return None
    before = record.client_tokens.get(request.client_token)
    if before is None:
        return None
    if before[0] != request:
        raise InvalidParameterValueException(
            f"ClientToken {request.client_token!r} came with another request before."
        )
    return before[1]


def apply_checkpoint(
    record: ExecutionRecord,
    request: CheckpointRequest,
    now: int,
    resolve: Resolve = resolve_nothing,
) -> Applied:
    """Decide on a checkpoint, all of its updates or none. ``resolve`` finds the functions to invoke.

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
    operations: list[RecordedOperation] = []
    effects: list[Effect] = []
    for update in request.updates:
        is_execution = update.subject.operation_type is OperationType.EXECUTION
        operation_id = record.execution.operation_id if is_execution else update.subject.operation_id
        recorded = look_up(operation_id)
        if is_execution and record.is_invoked:
            chained_invoke.check_output(update.payload, record.limits)
        # The SDK makes up an id for the update that ends the execution, so there is nothing to compare.
        check_update(update, None if is_execution else recorded, look_up, record.limits)
        apply = _APPLY.get(update.subject.operation_type)
        if apply is not None:
            transition = apply(recorded, update, now)
        else:
            transition = _start(record, recorded, update, now, resolve)
        operation = fold(recorded, transition.event)
        events.append(transition.event)
        operations.append(operation)
        if transition.ending is not None:
            operation = fold(operation, transition.ending)
            events.append(transition.ending)
            operations.append(operation)
        changed[operation_id] = operation
        if transition.effect is not None:
            effects.append(transition.effect)
    ends = bool(request.updates) and (request.updates[-1].subject.operation_type is OperationType.EXECUTION)
    return Applied(tuple(events), tuple(operations), tuple(effects), ends)


def _check_arn(record: ExecutionRecord, arn: str) -> None:
    if not arn or arn.isspace():
        raise InvalidParameterValueException("Invalid Durable Execution ARN")
    if arn != record.arn:
        raise ResourceNotFoundException("Durable Execution does not exist")


def _start(
    record: ExecutionRecord, recorded: RecordedOperation | None, update: Update, now: int, resolve: Resolve
) -> Transition:
    """Start what takes more than its own record to start."""
    if update.subject.operation_type is OperationType.CALLBACK:
        callback_id = make_callback_id(record.execution.operation_id, update.subject.operation_id)
        return callback.apply(recorded, update, now, callback_id)
    return chained_invoke.apply(recorded, update, now, resolve, record.arn, record.limits)


def fire_timer(record: ExecutionRecord, operation_id: str, now: int) -> Event | None:
    """Decide what a timer does; None if its operation has moved on by itself."""
    recorded = record.log.operations[operation_id]
    return _FIRE[recorded.subject.operation_type](recorded, now)


def answer_callback(record: ExecutionRecord, answer: CallbackAnswer, now: int) -> Transition:
    """Decide on what somebody outside says about a callback of this execution.

    Raises:
        ResourceNotFoundException: there is no such callback, it has ended, or its execution has.
        InvalidParameterValueException: the result or the error is too large.
    """
    recorded = record.log.operations.get(answer.operation_id)
    if recorded is None or recorded.subject.operation_type is not OperationType.CALLBACK:
        raise no_callback(answer.call, "there is no such callback")
    if recorded.is_terminal:
        raise no_callback(answer.call, f"the callback has ended ({recorded.status.value})")
    if record.closed:
        raise no_callback(answer.call, f"its execution has ended ({record.operation.status.value})")
    return callback.act_on(recorded, answer, now, record.limits)


def checkpoint_answer(record: ExecutionRecord, max_items: int = 0) -> dict[str, Any]:
    """Return the answer to a checkpoint that has been committed: all that the SDK has not been told.

    ``max_items`` bounds its first page; 0 stands for the service's maximum.
    """
    state = state_page(record, Marker.ANSWER, max_items)
    answer: dict[str, Any] = {"NewExecutionState": state}
    if record.token is not None:
        answer["CheckpointToken"] = record.token
    return answer


def state_answer(record: ExecutionRecord, request: StateRequest, max_items: int = 0) -> dict[str, Any]:
    """Return a page of all operations, of ``max_items`` at most, if that is less than what was asked for.

    Raises:
        InvalidParameterValueException: the token is not the current one, or the marker is unknown.
    """
    _check_arn(record, request.arn)
    check_token(request.token, record.token)
    return state_page(record, request.marker, max_items or request.max_items)


def history_answer(record: ExecutionRecord, request: HistoryRequest) -> dict[str, Any]:
    """Return a page of the history.

    Raises:
        InvalidParameterValueException: the marker is unknown.
    """
    _check_arn(record, request.arn)
    return history_page(record.log, request, record.limits)
