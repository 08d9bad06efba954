"""Chained invokes: started by the SDK, ended by what the function that they call comes to."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, TypeAlias

from durable_sdk.lambda_service import OperationAction, OperationStatus
from pytest_durable.history.events import ErrorJson, Event, EventType, InvokeStart, Outcome
from pytest_durable.history.fold import RecordedOperation
from pytest_durable.simulator.service.effects import StartInvoke
from pytest_durable.simulator.service.errors import InvalidParameterValueException
from pytest_durable.simulator.service.function_names import (
    FunctionName,
    check_home,
    home_of,
    parse_function_name,
)
from pytest_durable.simulator.service.limits import Limits, fits, too_large
from pytest_durable.simulator.service.requests import Update
from pytest_durable.simulator.service.transitions.base import Transition, refuse


class Target(NamedTuple):
    """A function that exists. ``execution_arn`` is that of the execution to come if it is durable."""

    executed_version: str
    execution_arn: str | None = None


Resolve: TypeAlias = Callable[[FunctionName, str], Target | None]
"""Finds the function for an operation id, None if it does not exist. Must not change anything."""


def resolve_nothing(function: FunctionName, operation_id: str) -> Target | None:
    """Know no function at all."""
    return None


def apply(
    recorded: RecordedOperation | None,
    update: Update,
    now: int,
    resolve: Resolve,
    execution_arn: str,
    limits: Limits,
) -> Transition:
    """Start an invoke of the execution, or start and fail it at once if the function does not exist."""
    if update.action is not OperationAction.START or recorded is not None:
        refuse(update, recorded)
    subject, options, payload = update.subject, update.invoke_options, update.payload
    if options is None:
        raise InvalidParameterValueException(
            f"Cannot START invoke {subject.name or subject.operation_id!r} without ChainedInvokeOptions."
        )
    name = options.function_name
    function = parse_function_name(name, limits.function_name_characters)
    check_home(function, home_of(execution_arn))
    target = resolve(function, subject.operation_id)
    if target is None:
        start = InvokeStart(name, tenant_id=options.tenant_id)
        return Transition(
            Event(EventType.CHAINED_INVOKE_STARTED, now, subject, start),
            ending=Event(EventType.CHAINED_INVOKE_FAILED, now, subject, Outcome(error=_not_found(name))),
        )
    start = InvokeStart(name, payload, options.tenant_id, target.executed_version, target.execution_arn)
    return Transition(
        Event(EventType.CHAINED_INVOKE_STARTED, now, subject, start),
        StartInvoke(
            subject.operation_id, name, payload, options.tenant_id, target.execution_arn, options.trace_id
        ),
    )


def _not_found(function_name: str) -> ErrorJson:
    return {
        "ErrorType": "ResourceNotFoundException",
        "ErrorMessage": f"Function not found: {function_name}. "
        "Register it with register_durable_function or register_function.",
    }


def check_output(result: str | None, limits: Limits) -> None:
    """Refuse a result that an invoked execution must not end with.

    Raises:
        InvalidParameterValueException: it is too large.
    """
    if result is not None and not fits(result, limits.invoke_payload_bytes):
        raise InvalidParameterValueException(too_large("Execution output", limits.invoke_payload_bytes))


def succeed(recorded: RecordedOperation, result: str | None, now: int, limits: Limits) -> Event:
    """End it with what a plain function returned; it fails if that is too large.

    It must not have ended, here as in what follows.
    """
    return _returned(recorded, result, now, limits, "CHAINED_INVOKE")


def _returned(recorded: RecordedOperation, result: str | None, now: int, limits: Limits, what: str) -> Event:
    most = limits.invoke_payload_bytes
    if result is not None and not fits(result, most):
        return fail(recorded, {"ErrorMessage": too_large(f"{what} output", most)}, now)
    return Event(EventType.CHAINED_INVOKE_SUCCEEDED, now, recorded.subject, Outcome(result))


def fail(recorded: RecordedOperation, error: ErrorJson | None, now: int) -> Event:
    """End it with the error of the function."""
    if error is None:
        error = {"ErrorMessage": "Chained invoke failed."}
    return Event(EventType.CHAINED_INVOKE_FAILED, now, recorded.subject, Outcome(error=error))


def time_out(recorded: RecordedOperation, timeout_seconds: int, now: int) -> Event:
    """End it because the execution of the function has run out of time."""
    error = {
        "ErrorType": "ChainedInvoke.Timeout",
        "ErrorMessage": f"CHAINED_INVOKE timed out after {timeout_seconds} seconds.",
    }
    return Event(EventType.CHAINED_INVOKE_TIMED_OUT, now, recorded.subject, Outcome(error=error))


def stop(recorded: RecordedOperation, error: ErrorJson | None, now: int) -> Event:
    """End it because somebody stopped the execution of the function."""
    return Event(EventType.CHAINED_INVOKE_STOPPED, now, recorded.subject, Outcome(error=error or {}))


def conclude(
    recorded: RecordedOperation,
    execution: RecordedOperation,
    timeout_seconds: int,
    now: int,
    limits: Limits,
) -> Event:
    """End it as the ``execution`` of a durable function has ended, which had ``timeout_seconds`` for it."""
    match execution.status:
        case OperationStatus.SUCCEEDED:
            return _returned(recorded, execution.result, now, limits, "Execution")
        case OperationStatus.TIMED_OUT:
            return time_out(recorded, timeout_seconds, now)
        case OperationStatus.STOPPED:
            return stop(recorded, execution.error, now)
        case _:
            return fail(recorded, execution.error or None, now)
