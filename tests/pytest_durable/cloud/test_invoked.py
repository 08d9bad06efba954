"""Executions that another one has invoked, as far as they may be read."""

from __future__ import annotations

from typing import Any

from scripted_lambda import FakeClock

from durable_sdk.lambda_service import OperationStatus, OperationType
from pytest_durable.cloud.invoked import READ_MAX, Allowance, result_of_invoked
from pytest_durable.history.codec import to_datetime
from pytest_durable.history.events import InvokeStart, Subject
from pytest_durable.history.fold import RecordedOperation

ARN = "arn:aws:lambda:us-west-2:123456789012:function:child:7/durable-execution/name/id-1"
SECOND = 1_000_000


def invoke(status: OperationStatus, **known: Any) -> RecordedOperation:
    subject = Subject("op-1", OperationType.CHAINED_INVOKE, "ChainedInvoke", "call", None)
    start = InvokeStart("child:live", '{"id": 1}', None, "7", ARN)
    return RecordedOperation(subject, status, 5 * SECOND, start=start, **known)


def event(kind: str, at: int, **details: Any) -> dict[str, Any]:
    return {
        "EventType": kind,
        "EventId": at,
        "EventTimestamp": to_datetime(at * SECOND),
        "Id": "id-1",
        f"{kind}Details": details,
    }


STARTED = event("ExecutionStarted", 5, Input={"Payload": '{"id": 1}'})


def test_without_a_history_the_invoke_tells_how_it_ended() -> None:
    ended = invoke(
        OperationStatus.FAILED, ended_at=9 * SECOND, error={"ErrorType": "E", "ErrorMessage": "no"}
    )
    result = result_of_invoked(ended, [], ["denied"], lambda log: [])
    assert (result.status, result.error and result.error.message) == ("FAILED", "no")
    assert result.virtual_elapsed.total_seconds() == 4
    assert result.get_execution().input_payload == '{"id": 1}'
    assert result.notes[0] == "denied"


def test_without_a_history_one_that_goes_on_is_running() -> None:
    result = result_of_invoked(invoke(OperationStatus.STARTED), [], [], lambda log: [])
    assert (result.status, result.operations) == ("RUNNING", [])
    assert result.timeline()


def test_a_history_that_is_behind_is_completed_by_the_invoke() -> None:
    ended = invoke(OperationStatus.SUCCEEDED, ended_at=9 * SECOND, result="42")
    result = result_of_invoked(ended, [STARTED], [], lambda log: [])
    assert (result.status, result.value) == ("SUCCEEDED", 42)
    assert result.notes == ("the history does not tell yet that the execution has ended: SUCCEEDED",)


def test_an_invoke_that_was_given_up_says_nothing_of_an_execution_that_goes_on() -> None:
    given_up = invoke(OperationStatus.TIMED_OUT, ended_at=9 * SECOND)
    assert result_of_invoked(given_up, [STARTED], [], lambda log: []).status == "RUNNING"


def test_its_own_history_counts_before_the_invoke() -> None:
    history = [STARTED, event("ExecutionStopped", 7, Error={"Payload": {"ErrorMessage": "enough"}})]
    result = result_of_invoked(
        invoke(OperationStatus.FAILED, ended_at=9 * SECOND), history, [], lambda log: []
    )
    assert result.status == "STOPPED"
    assert result.virtual_elapsed.total_seconds() == 2


def test_so_many_are_read_for_one_result_and_no_more() -> None:
    allowance = Allowance(FakeClock())
    taken = [allowance.take() for _ in range(READ_MAX + 1)]
    assert all(taken[:-1])
    assert taken[-1] is None


def test_reading_ends_when_nobody_answers_or_it_takes_too_long() -> None:
    clock = FakeClock()
    silent, slow = Allowance(clock), Allowance(clock)
    assert silent.take()
    assert slow.take()
    silent.end()
    assert silent.take() is None
    clock.seconds += 28
    assert slow.take() == clock.seconds + 2
    clock.seconds += 2
    assert slow.take() is None
