"""Validation: which updates the service refuses before it looks at what they would do."""

from __future__ import annotations

import json
from collections.abc import Callable

from durable_sdk.lambda_service import OperationAction, OperationType
from pytest_durable.history.fold import RecordedOperation
from pytest_durable.simulator.service.errors import InvalidParameterValueException
from pytest_durable.simulator.service.limits import Limits, fits, too_large
from pytest_durable.simulator.service.requests import Update

LookUp = Callable[[str], RecordedOperation | None]

_WITH_PAYLOAD = {OperationAction.SUCCEED, OperationAction.RETRY}
_WITH_ERROR = {OperationAction.FAIL, OperationAction.RETRY, OperationAction.CANCEL}


def check_request(updates: tuple[Update, ...], limits: Limits) -> None:
    """Refuse updates that are wrong together.

    Raises:
        InvalidParameterValueException: too many; an operation twice, other than started and then ended
            or retried; an update after the one that ends the execution.
    """
    if len(updates) > limits.checkpoint_updates:
        raise InvalidParameterValueException(
            f"A checkpoint has at most {limits.checkpoint_updates} updates, got {len(updates)}."
        )
    seen: dict[str, OperationAction] = {}
    for index, update in enumerate(updates):
        subject = update.subject
        before = seen.get(subject.operation_id)
        if before is not None and not (
            before is OperationAction.START
            and update.action is not OperationAction.START
            and subject.operation_type in (OperationType.STEP, OperationType.CONTEXT)
        ):
            raise InvalidParameterValueException(
                f"Operation {subject.operation_id!r} is updated twice in one request."
            )
        seen[subject.operation_id] = update.action
        if subject.operation_type is OperationType.EXECUTION and index != len(updates) - 1:
            raise InvalidParameterValueException(
                "The update that ends the execution must be the last of its request."
            )


def check_update(
    update: Update,
    recorded: RecordedOperation | None,
    look_up: LookUp,
    limits: Limits,
) -> None:
    """Refuse an update that is wrong in itself or names another operation than the recorded one.

    ``look_up`` sees what the request's earlier updates have already changed.

    Raises:
        InvalidParameterValueException: always says which operation.
    """
    subject = update.subject
    if recorded is not None and recorded.subject != subject:
        raise InvalidParameterValueException(
            f"Operation {_label(update)} was recorded as {recorded.subject} and cannot become {subject}."
        )
    _check_parent(update, look_up)
    _check_content(update, limits)
    if subject.name is not None and len(subject.name) > limits.name_characters:
        raise InvalidParameterValueException(
            f"Name of operation {_label(update):.60} has more than {limits.name_characters} characters."
        )
    _check_delay(update, "WaitSeconds", update.wait_seconds, limits)
    _check_delay(update, "NextAttemptDelaySeconds", update.next_attempt_delay_seconds, limits)
    callback = update.callback_options
    if callback is not None:
        for member, seconds in (
            ("TimeoutSeconds", callback.timeout_seconds),
            ("HeartbeatTimeoutSeconds", callback.heartbeat_timeout_seconds),
        ):
            if not 0 <= seconds <= limits.callback_timeout_seconds:
                raise InvalidParameterValueException(
                    f"{member} of operation {_label(update)} is 0 to {limits.callback_timeout_seconds}, "
                    f"got {seconds}."
                )


def _label(update: Update) -> str:
    return repr(update.subject.name or update.subject.operation_id)


def _check_delay(update: Update, member: str, seconds: int | None, limits: Limits) -> None:
    if seconds is not None and not 1 <= seconds <= limits.delay_seconds:
        raise InvalidParameterValueException(
            f"{member} of operation {_label(update)} is 1 to {limits.delay_seconds}, got {seconds}."
        )


def _check_parent(update: Update, look_up: LookUp) -> None:
    parent_id = update.subject.parent_id
    if parent_id is None:
        return
    parent = look_up(parent_id)
    if parent is None or parent.subject.operation_type is not OperationType.CONTEXT:
        raise InvalidParameterValueException(
            f"Parent {parent_id!r} of operation {_label(update)} is not a context."
        )


def _check_content(update: Update, limits: Limits) -> None:
    kind = update.subject.operation_type
    if update.payload is not None:
        if update.action is OperationAction.START and kind is OperationType.CHAINED_INVOKE:
            _check_invoke_payload(update.payload, limits)
        elif update.action not in _WITH_PAYLOAD:
            raise InvalidParameterValueException(
                f"Cannot provide a Payload for {update.action.value} of operation {_label(update)}."
            )
        if not fits(update.payload, limits.checkpoint_payload_bytes):
            raise InvalidParameterValueException(
                f"{too_large(f'{kind} output', limits.checkpoint_payload_bytes)} Operation {_label(update)}."
            )
    if update.error is not None:
        if update.action not in _WITH_ERROR or update.payload is not None:
            raise InvalidParameterValueException(
                f"Cannot provide an Error for {update.action.value} of operation {_label(update)}"
                f"{' with a Payload' if update.payload is not None else ''}."
            )
        if not fits(json.dumps(update.error), limits.checkpoint_error_bytes):
            raise InvalidParameterValueException(
                f"{kind} error size must be less than or equal to "
                f"{limits.checkpoint_error_bytes} bytes (operation {_label(update)})."
            )


def _check_invoke_payload(payload: str, limits: Limits) -> None:
    if not fits(payload, limits.invoke_payload_bytes):
        raise InvalidParameterValueException(too_large("CHAINED_INVOKE input", limits.invoke_payload_bytes))
