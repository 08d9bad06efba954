"""Expected events, written short: what they list is compared, see `conformance.matching`.

``kind`` is the SubType of an operation. A name in ``operation`` or ``parent`` is bound to the id that occurs
there, so that the same name is the same operation. An operation without ``parent`` must have none.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from conformance.matching import ABSENT, ANY, Bound

Event = Mapping[str, Any]

# The first word of the EventType. What is not listed is a context.
_FAMILIES = {
    "Step": "Step",
    "WaitForCondition": "Step",
    "Wait": "Wait",
    "Callback": "Callback",
    "ChainedInvoke": "ChainedInvoke",
}


def _event(
    kind: str, ending: str, operation: str, parent: str | None, name: Any, details: dict[str, Any]
) -> Event:
    event_type = _FAMILIES.get(kind, "Context") + ending
    event = {
        "EventType": event_type,
        "SubType": kind,
        "Id": Bound(operation),
        "ParentId": ABSENT if parent is None else Bound(parent),
        "EventTimestamp": ANY,
        f"{event_type}Details": details,
    }
    return event if name is None else event | {"Name": name}


def _payload(value: Any) -> dict[str, Any]:
    return {} if value is ANY else {"Payload": value}


def _retry(attempt: int | None, delay: Any) -> dict[str, Any]:
    if attempt is None:
        return {}
    return {"RetryDetails": {"CurrentAttempt": attempt, "NextAttemptDelaySeconds": delay}}


def error(error_type: Any = ANY, message: Any = ANY) -> dict[str, Any]:
    """An error as the service stores it."""
    return {"ErrorType": error_type, "ErrorMessage": message}


def started(
    kind: str, operation: str, parent: str | None = None, *, name: Any = None, **details: Any
) -> Event:
    """``<kind>Started``. ``details`` are its members, such as ``Duration=2``."""
    return _event(kind, "Started", operation, parent, name, details)


def succeeded(
    kind: str,
    operation: str,
    parent: str | None = None,
    *,
    name: Any = None,
    payload: Any = ANY,
    attempt: int | None = None,
    delay: Any = ABSENT,
    **details: Any,
) -> Event:
    """``<kind>Succeeded``. ``payload`` is its result as stored, ABSENT if there is none."""
    if kind != "Wait":
        details = {"Result": _payload(payload)} | _retry(attempt, delay)
    return _event(kind, "Succeeded", operation, parent, name, details)


def failed(
    kind: str,
    operation: str,
    parent: str | None = None,
    *,
    name: Any = None,
    payload: Any = ANY,
    attempt: int | None = None,
    delay: Any = ABSENT,
    ending: str = "Failed",
) -> Event:
    """``<kind>Failed``. ``payload`` is its `error`; ``ending`` may be another way to fail (``TimedOut``)."""
    details = {"Error": _payload(payload)} | _retry(attempt, delay)
    return _event(kind, ending, operation, parent, name, details)


def waited(duration: int, operation: str, parent: str | None = None, *, name: Any = None) -> list[Event]:
    """A wait that begins, suspends the execution, and ends."""
    return [
        started("Wait", operation, parent, name=name, Duration=duration),
        invocation_completed(),
        succeeded("Wait", operation, parent, name=name, Duration=duration),
    ]


def step(
    operation: str, parent: str | None = None, *, name: Any = None, payload: Any = ANY, attempt: int = 1
) -> list[Event]:
    """A step that begins and succeeds."""
    return [
        started("Step", operation, parent, name=name),
        succeeded("Step", operation, parent, name=name, payload=payload, attempt=attempt),
    ]


def invocation_completed(error: Any = ABSENT) -> Event:
    """An invocation that ends; ``error`` says why it failed, if it did."""
    failure = ABSENT if error is ABSENT else {"Payload": error}
    return {
        "EventType": "InvocationCompleted",
        "EventTimestamp": ANY,
        "Id": ABSENT,
        "InvocationCompletedDetails": {
            "StartTimestamp": ANY,
            "EndTimestamp": ANY,
            "RequestId": ANY,
            "Error": failure,
        },
    }


def execution_succeeded(payload: Any = ANY) -> list[Event]:
    """The last invocation ends, and with it the execution."""
    ended = {
        "EventType": "ExecutionSucceeded",
        "EventTimestamp": ANY,
        "ExecutionSucceededDetails": {"Result": _payload(payload)},
    }
    return [invocation_completed(), ended]


def execution_failed(payload: Any = ANY) -> list[Event]:
    """The last invocation ends, and with it the execution, with an `error`."""
    ended = {
        "EventType": "ExecutionFailed",
        "EventTimestamp": ANY,
        "ExecutionFailedDetails": {"Error": _payload(error() if payload is ANY else payload)},
    }
    return [invocation_completed(), ended]
