"""Events fold into operations, the same way for every backend."""

from __future__ import annotations

import corpus
import pytest

from durable_sdk.lambda_service import OperationStatus, OperationType
from pytest_durable.errors import HistoryError
from pytest_durable.history.codec import event_from_json
from pytest_durable.history.events import (
    Attempt,
    CallbackStart,
    Event,
    EventType,
    ExecutionInput,
    InvocationOutcome,
    InvokeStart,
    Outcome,
    Pause,
    Subject,
    WaitSchedule,
)
from pytest_durable.history.fold import RecordedOperation, fold, is_execution
from pytest_durable.history.log import EventLog

STEP = Subject("s", OperationType.STEP, "Step", "charge")
WAIT = Subject("w", OperationType.WAIT)
CONTEXT = Subject("c", OperationType.CONTEXT)
EXECUTION = Subject("e", OperationType.EXECUTION)
CALLBACK = Subject("b", OperationType.CALLBACK, "Callback", "approval")
INVOKE = Subject("i", OperationType.CHAINED_INVOKE, "ChainedInvoke", "charge")
SECOND = 1_000_000
ERROR = {"ErrorType": "E"}


def fold_all(*events: Event) -> RecordedOperation:
    operation = None
    for event in events:
        operation = fold(operation, event)
    assert operation is not None
    return operation


def test_a_step_through_a_retry() -> None:
    started = Event(EventType.STEP_STARTED, 10, STEP)
    failed = Event(EventType.STEP_FAILED, 20, STEP, Attempt(1, None, ERROR, 3))
    ready = Event(EventType.STEP_READY, 30, STEP)
    again = Event(EventType.STEP_STARTED, 40, STEP)
    done = Event(EventType.STEP_SUCCEEDED, 50, STEP, Attempt(2, "1"))
    pending = fold_all(started, failed)
    assert (pending.status, pending.attempt, pending.error) == (OperationStatus.PENDING, 1, ERROR)
    assert (pending.next_attempt_at, pending.ended_at) == (20 + 3_000_000, None)
    assert fold_all(started, failed, ready).next_attempt_at is None
    ended = fold_all(started, failed, ready, again, done)
    assert (ended.status, ended.attempt, ended.result) == (OperationStatus.SUCCEEDED, 2, "1")
    assert (ended.started_at, ended.ended_at, ended.error) == (10, 50, None)


def test_a_step_that_was_never_started_began_when_it_ended() -> None:
    ended = fold_all(Event(EventType.STEP_FAILED, 20, STEP, Attempt(1, None, ERROR)))
    assert (ended.status, ended.started_at, ended.ended_at) == (OperationStatus.FAILED, 20, 20)


def test_a_wait_keeps_its_schedule() -> None:
    started = Event(EventType.WAIT_STARTED, 0, WAIT, WaitSchedule(3, 3_000_000))
    ended = fold_all(started, Event(EventType.WAIT_SUCCEEDED, 3_000_000, WAIT, WaitSchedule(3)))
    assert (ended.duration_seconds, ended.scheduled_end_at, ended.ended_at) == (3, 3_000_000, 3_000_000)
    cancelled = fold_all(started, Event(EventType.WAIT_CANCELLED, 1, WAIT, Outcome(error=ERROR)))
    assert (cancelled.status, cancelled.error) == (OperationStatus.CANCELLED, ERROR)


def awaited(timeout_seconds: int, heartbeat_timeout_seconds: int) -> Event:
    start = CallbackStart("aWQ=", timeout_seconds, heartbeat_timeout_seconds)
    return Event(EventType.CALLBACK_STARTED, 10, CALLBACK, start)


@pytest.mark.parametrize(
    ("timeout_seconds", "heartbeat_timeout_seconds", "deadline_at"),
    [
        (0, 0, None),
        (3, 0, 10 + 3 * SECOND),
        (0, 2, 10 + 2 * SECOND),
        (3, 2, 10 + 2 * SECOND),
        (1, 2, 10 + 1 * SECOND),
    ],
)
def test_a_callback_has_the_earlier_of_its_deadlines(
    timeout_seconds: int, heartbeat_timeout_seconds: int, deadline_at: int | None
) -> None:
    started = fold_all(awaited(timeout_seconds, heartbeat_timeout_seconds))
    assert (started.status, started.callback_id) == (OperationStatus.STARTED, "aWQ=")
    assert started.deadline_at == deadline_at


def test_a_heartbeat_moves_its_own_deadline_only() -> None:
    beaten = fold_all(awaited(60, 5), Event(EventType.CALLBACK_HEARTBEAT, 4 * SECOND, CALLBACK))
    assert (beaten.heartbeat_timeout_at, beaten.timeout_at) == (9 * SECOND, 10 + 60 * SECOND)
    assert beaten.status is OperationStatus.STARTED
    without = fold_all(awaited(60, 0), Event(EventType.CALLBACK_HEARTBEAT, 4 * SECOND, CALLBACK))
    assert without == fold_all(awaited(60, 0))


@pytest.mark.parametrize(
    ("ending", "outcome", "status"),
    [
        (EventType.CALLBACK_SUCCEEDED, Outcome("yes"), OperationStatus.SUCCEEDED),
        (EventType.CALLBACK_FAILED, Outcome(error=ERROR), OperationStatus.FAILED),
        (EventType.CALLBACK_TIMED_OUT, Outcome(error=ERROR), OperationStatus.TIMED_OUT),
    ],
)
def test_a_callback_keeps_its_id_to_the_end(
    ending: EventType, outcome: Outcome, status: OperationStatus
) -> None:
    ended = fold_all(awaited(60, 5), Event(ending, 20, CALLBACK, outcome))
    assert (ended.status, ended.result, ended.error) == (status, outcome.result, outcome.error)
    assert (ended.started_at, ended.ended_at, ended.callback_id) == (10, 20, "aWQ=")
    assert (ended.timeout_at, ended.heartbeat_timeout_at) == (10 + 60 * SECOND, None)
    assert ended.function_name is None


@pytest.mark.parametrize(
    ("ending", "outcome", "status"),
    [
        (EventType.CHAINED_INVOKE_SUCCEEDED, Outcome("1"), OperationStatus.SUCCEEDED),
        (EventType.CHAINED_INVOKE_FAILED, Outcome(error=ERROR), OperationStatus.FAILED),
        (EventType.CHAINED_INVOKE_TIMED_OUT, Outcome(error=ERROR), OperationStatus.TIMED_OUT),
        (EventType.CHAINED_INVOKE_STOPPED, Outcome(error=ERROR), OperationStatus.STOPPED),
    ],
)
def test_an_invoke_keeps_what_it_called(ending: EventType, outcome: Outcome, status: OperationStatus) -> None:
    start = InvokeStart("charge", '{"n": 1}', None, "7", "arn:1")
    started = Event(EventType.CHAINED_INVOKE_STARTED, 10, INVOKE, start)
    ended = fold_all(started, Event(ending, 20, INVOKE, outcome))
    assert (ended.status, ended.result, ended.error) == (status, outcome.result, outcome.error)
    assert (ended.function_name, ended.execution_arn, ended.start) == ("charge", "arn:1", start)
    assert (ended.callback_id, ended.deadline_at) == (None, None)


@pytest.mark.parametrize("ending", [EventType.CALLBACK_FAILED, EventType.CHAINED_INVOKE_FAILED])
def test_an_answer_whose_beginning_is_not_in_the_history_began_when_it_came(ending: EventType) -> None:
    ended = fold_all(Event(ending, 20, CALLBACK, Outcome(error=ERROR)))
    assert (ended.started_at, ended.ended_at, ended.callback_id) == (20, 20, None)


def test_a_callback_that_never_started_has_no_heartbeat() -> None:
    with pytest.raises(HistoryError, match="CallbackHeartbeat for callback 'approval', which never started"):
        fold(None, Event(EventType.CALLBACK_HEARTBEAT, 0, CALLBACK))


def test_a_beginning_with_foreign_details_cannot_be_folded() -> None:
    with pytest.raises(HistoryError, match="StepStarted of operation 'charge' cannot hold Outcome"):
        fold(None, Event(EventType.STEP_STARTED, 0, STEP, Outcome()))


def test_a_context_keeps_whether_its_children_are_replayed() -> None:
    ended = fold_all(
        Event(EventType.CONTEXT_STARTED, 0, CONTEXT),
        Event(EventType.CONTEXT_SUCCEEDED, 1, CONTEXT, Outcome("s", replay_children=True)),
    )
    assert (ended.replay_children, ended.result) == (True, "s")


@pytest.mark.parametrize("ending", ["Succeeded", "Failed", "TimedOut", "Stopped"])
def test_an_execution_keeps_its_input(ending: str) -> None:
    started = Event(EventType.EXECUTION_STARTED, 0, EXECUTION, ExecutionInput("1", 60))
    ended = fold_all(started, Event(EventType(f"Execution{ending}"), 5, EXECUTION, Outcome()))
    assert (ended.input_payload, ended.is_terminal) == ("1", True)
    assert is_execution(ended)
    assert not is_execution(fold_all(Event(EventType.STEP_STARTED, 0, STEP)))


def test_a_pause_changes_nothing_but_needs_an_execution() -> None:
    started = Event(EventType.EXECUTION_STARTED, 0, EXECUTION, ExecutionInput("1", 60))
    paused = Event(EventType.EXECUTION_PAUSED, 5, EXECUTION, Pause(4, "lunch", False))
    resumed = Event(EventType.EXECUTION_RESUMED, 6, EXECUTION, Pause(6))
    assert fold_all(started, paused, resumed) == fold_all(started)
    with pytest.raises(HistoryError, match="ExecutionPaused for execution None, which never started"):
        fold(None, paused)


def test_an_event_about_no_operation_cannot_be_folded() -> None:
    with pytest.raises(HistoryError, match="InvocationCompleted is about no operation"):
        fold(None, Event(EventType.INVOCATION_COMPLETED, 0, None, InvocationOutcome("r", 0, 0)))


def test_a_step_that_never_started_cannot_be_ready() -> None:
    with pytest.raises(HistoryError, match="StepReady for step 'charge', which never started"):
        fold(None, Event(EventType.STEP_READY, 0, STEP))


@pytest.mark.parametrize("case", corpus.CASES, ids=lambda case: case.name)
def test_a_history_that_was_sent_and_read_folds_into_the_same_operations(case: corpus.Case) -> None:
    result = corpus.run(case)
    log = EventLog(event_from_json(event) for event in result.history)
    read = {operation.subject.operation_id: operation for operation in log.operations.values()}
    execution = corpus.run_watched(case)
    for operation_id, operation in execution.record.log.operations.items():
        # What a history does not show: that a retry is ready, and that children are replayed.
        if operation.is_terminal and not operation.replay_children:
            assert read[operation_id] == operation
