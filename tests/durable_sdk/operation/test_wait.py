"""Waits: every way to write a duration, and what the service is told."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from durable_sdk_fakes import SERVICE_TIME, FakeLambda, invoke, run

from durable_sdk import DurableContext, ValidationError
from durable_sdk._wire.enums import OperationSubType, OperationType
from durable_sdk._wire.operations import StoredOperation
from durable_sdk.config import Duration
from durable_sdk.identifier import OperationIdentifier
from durable_sdk.operation.base import Begin, Completed, Suspend
from durable_sdk.operation.wait import WaitOperation

YEAR = 31_622_400
IDENTIFIER = OperationIdentifier("id", OperationSubType.WAIT, operation_type=OperationType.WAIT)


@pytest.mark.parametrize(
    ("args", "units", "seconds"),
    [
        ((Duration(90),), {}, 90),
        ((timedelta(minutes=2),), {}, 120),
        ((5,), {}, 5),
        ((5.9,), {}, 5),
        ((), {"seconds": 5}, 5),
        ((), {"minutes": 1.5}, 90),
        ((), {"hours": 1, "minutes": 30}, 5400),
        ((), {"days": 1, "hours": 1, "minutes": 1, "seconds": 1}, 90061),
        ((1,), {}, 1),
        ((YEAR,), {}, YEAR),
    ],
)
def test_a_duration_can_be_written_in_many_ways(args: Any, units: Any, seconds: int) -> None:
    service = FakeLambda()

    def handler(event: Any, context: DurableContext) -> str:
        context.wait(*args, name="pause", **units)
        return "over"

    assert run(handler, service)["Result"] == '"over"'
    assert service.actions == [["START pause"]]
    assert service.requests[0][0]["WaitOptions"] == {"WaitSeconds": seconds}


@pytest.mark.parametrize(
    ("args", "units", "message"),
    [
        ((0,), {}, "was given less than a second; it takes 1 to 31622400"),
        ((0.9,), {}, "was given less than a second"),
        ((timedelta(milliseconds=999),), {}, "was given less than a second"),
        ((Duration(),), {}, "was given less than a second"),
        ((YEAR + 1,), {}, "was given 31622401 seconds"),
        ((), {"days": 367}, "it takes 1 to 31622400"),
        ((5,), {"minutes": 1}, "given twice"),
        ((), {}, "No duration was given"),
        ((-1,), {}, "must be finite and not negative"),
        ((float("nan"),), {}, "must be finite"),
        (("5",), {}, "is not a number"),
        ((True,), {}, "is not a number"),
    ],
)
def test_any_other_duration_is_refused_before_anything_is_recorded(
    args: Any, units: Any, message: str
) -> None:
    service = FakeLambda()

    def handler(event: Any, context: DurableContext) -> None:
        with pytest.raises(ValidationError, match=message):
            context.wait(*args, **units)
        # It took no position either: the next operation is the first.
        context.wait(1, "first")

    run(handler, service)
    assert [update["Name"] for request in service.requests for update in request] == ["first"]


def test_a_wait_that_goes_on_suspends_again_without_a_request() -> None:
    service = FakeLambda()

    def handler(event: Any, context: DurableContext) -> None:
        context.wait(60)

    assert invoke(handler, service) == {"Status": "PENDING"}
    assert invoke(handler, service) == {"Status": "PENDING"}
    assert len(service.requests) == 1


def test_a_wait_returns_nothing() -> None:
    service = FakeLambda()

    def handler(event: Any, context: DurableContext) -> Any:
        nothing: Any = context.wait(1)  # type: ignore[func-returns-value]
        return nothing

    assert run(handler, service) == {"Status": "SUCCEEDED", "Result": "null"}


def test_a_wait_begins_synchronously() -> None:
    begin = WaitOperation(IDENTIFIER, 60).decide(None, begun=False)
    assert isinstance(begin, Begin)
    assert begin.synchronous


@pytest.mark.parametrize("begun", [False, True])
def test_a_wait_suspends_until_the_time_that_the_service_recorded(begun: bool) -> None:
    end = SERVICE_TIME + timedelta(seconds=3)
    recorded = StoredOperation(
        {"Id": "id", "Type": "WAIT", "Status": "STARTED", "WaitDetails": {"ScheduledEndTimestamp": end}}
    )
    decision = WaitOperation(IDENTIFIER, 100).decide(recorded, begun=begun)
    assert isinstance(decision, Suspend)
    assert decision.until == int(end.timestamp()) * 1_000_000


@pytest.mark.parametrize("status", ["SUCCEEDED", "CANCELLED", "STOPPED"])
def test_a_wait_that_has_ended_goes_on(status: str) -> None:
    recorded = StoredOperation({"Id": "id", "Type": "WAIT", "Status": status})
    assert WaitOperation(IDENTIFIER, 100).decide(recorded, begun=False) == Completed(None)
