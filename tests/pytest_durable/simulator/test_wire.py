"""Whatever the SDK and the simulated service say to each other is valid under botocore's model of Lambda."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import corpus
import pytest
from wire_model import CHECKPOINT, GET_STATE, HISTORY, Recorder, faults, faults_of_history, model

from durable_sdk import DurableContext, durable_execution
from durable_sdk.lambda_service import OperationType
from pytest_durable.history.codec import events_to_json
from pytest_durable.history.events import Subject
from pytest_durable.simulator.checkers.base import Checker
from pytest_durable.simulator.service import dispatch
from pytest_durable.simulator.service.callbacks import CallbackCall, parse_failure, parse_success
from pytest_durable.simulator.service.limits import Limits
from pytest_durable.simulator.service.records import ExecutionRecord
from pytest_durable.simulator.service.requests import HistoryRequest, parse_checkpoint
from pytest_durable.simulator.service.transitions import chained_invoke, execution
from pytest_durable.simulator.service.transitions.chained_invoke import Target

SMALL_PAGES = Limits(state_page_items=3)

every_case = pytest.mark.parametrize("case", corpus.CASES, ids=lambda case: case.name)


def watch(case: corpus.Case, limits: Limits | None = None) -> Recorder:
    recorder = Recorder()
    corpus.run_watched(case, recorder, limits=limits)
    return recorder


@every_case
def test_everything_that_goes_over_the_wire_is_valid(case: corpus.Case) -> None:
    assert list(watch(case, SMALL_PAGES).faults()) == []


def test_the_corpus_sends_every_kind_of_update() -> None:
    kinds = set()
    options = set()
    for case in corpus.CASES:
        for api, request, _ in watch(case).exchanges:
            if api == CHECKPOINT:
                kinds |= {(update["Type"], update["Action"]) for update in request["Updates"]}
                options |= {
                    name for update in request["Updates"] for name in update if name.endswith("Options")
                }
    shape = model().operation_model(CHECKPOINT).input_shape.members["Updates"].member
    assert options == {name for name in shape.members if name.endswith("Options")}
    assert kinds == {
        *(("STEP", action) for action in ("START", "RETRY", "SUCCEED", "FAIL")),
        *(("CONTEXT", action) for action in ("START", "SUCCEED", "FAIL")),
        *((kind, "START") for kind in ("WAIT", "CALLBACK", "CHAINED_INVOKE")),
    }


@durable_execution
def too_large_for_an_answer(event: dict, context: DurableContext) -> str:
    if event["fails"]:
        raise ValueError("x" * 6_291_456)
    return "x" * 6_291_410


@pytest.mark.parametrize(("fails", "action"), [(False, "SUCCEED"), (True, "FAIL")])
def test_the_update_that_ends_an_execution_is_valid(fails: bool, action: str) -> None:
    recorder = watch(corpus.Case(too_large_for_an_answer, {"fails": fails}))
    [(_, request, _)] = recorder.exchanges
    assert [(update["Type"], update["Action"]) for update in request["Updates"]] == [("EXECUTION", action)]
    assert list(recorder.faults()) == []


@every_case
@pytest.mark.parametrize("limits", [Limits(), SMALL_PAGES], ids=["one page", "many pages"])
def test_every_answer_is_valid(case: corpus.Case, limits: Limits) -> None:
    recorder = watch(case, limits)
    assert recorder.exchanges
    for api, _, answer in recorder.exchanges:
        assert answer is not None
        assert list(faults(answer, model().operation_model(api).output_shape, api)) == []


@every_case
def test_every_history_is_valid(case: corpus.Case) -> None:
    for events in corpus.histories(corpus.run(case)):
        assert list(faults_of_history(events)) == []


@every_case
def test_event_ids_count_from_one_and_time_never_goes_back(case: corpus.Case) -> None:
    events = corpus.run(case).history
    assert [event["EventId"] for event in events] == list(range(1, len(events) + 1))
    times = [event["EventTimestamp"] for event in events]
    assert times == sorted(times)


@every_case
def test_the_state_in_an_invocation_event_is_valid(case: corpus.Case) -> None:
    state = model().operation_model(GET_STATE).output_shape
    arn = model().operation_model(CHECKPOINT).input_shape.members["DurableExecutionArn"]
    for event in watch(case, SMALL_PAGES).invocations:
        assert list(faults(event["InitialExecutionState"], state, "InitialExecutionState")) == []
        assert list(faults(event["DurableExecutionArn"], arn, "DurableExecutionArn")) == []
        assert set(event["UpdatedOperationIds"]) <= set(_ids_of_all_pages(event))


def _ids_of_all_pages(event: Mapping[str, Any]) -> list[str]:
    state = event["InitialExecutionState"]
    if "NextMarker" in state:
        # The rest comes with the next pages; what is updated may be there.
        return list(event["UpdatedOperationIds"])
    return [operation["Id"] for operation in state["Operations"]]


@every_case
def test_an_answer_tells_nothing_that_the_invocation_was_told_before(case: corpus.Case) -> None:
    listener = Listener()
    corpus.run_watched(case, listener)
    assert listener.repeated == []


class Listener(Checker):
    """Notes operations that an answer repeats as they were in an earlier answer or invocation event."""

    def __init__(self) -> None:
        self.told: dict[str, Mapping[str, Any]] = {}
        self.repeated: list[Mapping[str, Any]] = []

    def invoked(self, record: ExecutionRecord, event: Mapping[str, Any]) -> None:
        for operation in event["InitialExecutionState"]["Operations"]:
            self.told[operation["Id"]] = operation

    def exchanged(
        self, record: ExecutionRecord, request: Mapping[str, Any], answer: Mapping[str, Any] | None
    ) -> None:
        assert answer is not None
        for operation in answer["NewExecutionState"]["Operations"]:
            if self.told.get(operation["Id"]) == operation:
                self.repeated.append(operation)
            self.told[operation["Id"]] = operation


def test_a_history_in_progress_is_valid_too() -> None:
    driver = corpus.make_runner(corpus.parallel_waits_and_retries).start({"branches": 4})
    shape = model().operation_model(HISTORY).output_shape
    for _ in range(20):
        driver.advance("2s")
        assert list(faults({"Events": driver.result().history}, shape, HISTORY)) == []


def checkpoint_of(record: ExecutionRecord, *updates: dict[str, Any]) -> dict[str, Any]:
    """Check a request, commit it as the loop does, and return the answer."""
    request = {
        "DurableExecutionArn": record.arn,
        "CheckpointToken": record.token,
        "Updates": list(updates),
        "ClientToken": "once-1",
    }
    shape = model().operation_model(CHECKPOINT).input_shape
    assert list(faults(request, shape, CHECKPOINT)) == []
    child = f"{record.arn.rpartition('/')[0]}/child"
    applied = dispatch.apply_checkpoint(
        record,
        parse_checkpoint(request),
        0,
        lambda function, operation_id: Target(function.version, child) if function.name == "charge" else None,
    )
    for event in applied.events:
        record.commit(event)
    record.next_token()
    record.begin_answer()
    return dispatch.checkpoint_answer(record)


def test_callbacks_and_invokes_are_valid() -> None:
    arn = "arn:aws:lambda:us-east-1:123456789012:function:orders:$LATEST/durable-execution/order-1/e-1"
    subject = Subject("e-1", OperationType.EXECUTION, name="order-1")
    record = ExecutionRecord(arn, subject, 60, Limits())
    record.commit(execution.start(subject, "{}", 60, 0))
    record.begin_invocation()
    options = {"FunctionName": "charge:$LATEST.PUBLISHED", "TenantId": "blue", "XAmznTraceId": "Root=1"}
    updates: list[dict[str, Any]] = [
        {
            "Id": f"c{number}",
            "Type": "CALLBACK",
            "Action": "START",
            "CallbackOptions": {"TimeoutSeconds": 9 * number, "HeartbeatTimeoutSeconds": number},
        }
        for number in range(5)
    ] + [
        {"Id": f"i{number}", "Type": "CHAINED_INVOKE", "Action": "START", "ChainedInvokeOptions": options}
        for number in range(4)
    ]
    updates[-1]["ChainedInvokeOptions"] = {"FunctionName": "ghost"}
    updates[-2]["Payload"] = '{"n": 1}'
    answers = [checkpoint_of(record, *updates)]

    now, operations = 9_000_000, record.log.operations
    success = parse_success(operations["c0"].callback_id or "", b"yes")
    for answer in (success, success._replace(operation_id="c1", result=None)):
        record.commit_outside(dispatch.answer_callback(record, answer, now).event)
    failure = parse_failure(operations["c2"].callback_id or "", None)
    record.commit_outside(dispatch.answer_callback(record, failure, now).event)
    beat = success._replace(call=CallbackCall.HEARTBEAT, operation_id="c4")
    record.commit_outside(dispatch.answer_callback(record, beat, now).event)
    timed_out = dispatch.fire_timer(record, "c3", now)
    assert timed_out is not None
    record.commit_outside(timed_out)
    record.commit_outside(chained_invoke.succeed(operations["i0"], "1", now, Limits()))
    record.commit_outside(chained_invoke.time_out(operations["i1"], 120, now))
    record.commit_outside(chained_invoke.stop(operations["i2"], None, now))
    answers.append(checkpoint_of(record))

    for answered in answers:
        shape = model().operation_model(CHECKPOINT).output_shape
        assert list(faults(answered, shape, CHECKPOINT)) == []
    changed = [operation["Id"] for operation in answers[1]["NewExecutionState"]["Operations"]]
    assert changed == ["c0", "c1", "c2", "c3", "i0", "i1", "i2"]
    shape = model().operation_model(HISTORY).output_shape
    for include in (False, True):
        page = dispatch.history_answer(record, HistoryRequest(arn, include_execution_data=include))
        assert list(faults(page, shape, HISTORY)) == []
    assert {event["EventType"] for event in page["Events"]} >= {
        *(f"Callback{how}" for how in ("Started", "Succeeded", "Failed", "TimedOut")),
        *(f"ChainedInvoke{how}" for how in ("Started", "Succeeded", "Failed", "TimedOut", "Stopped")),
    }


def test_the_history_of_a_watched_world_is_that_of_a_runner() -> None:
    case = corpus.BY_NAME["nested_parallel"]
    execution = corpus.run_watched(case)
    assert events_to_json(execution.record.log) == corpus.run(case).history


@pytest.mark.parametrize(
    ("answer", "fault"),
    [
        ({}, "is missing"),
        ({"NewExecutionState": {}, "CheckpointToken": "no base64!"}, "does not match"),
        ({"NewExecutionState": {}, "CheckpointToken": ""}, "has 0 characters"),
        ({"NewExecutionState": {}, "Extra": 1}, "is unknown"),
        ({"NewExecutionState": {"Operations": [{}]}}, "Operations[0].Id is missing"),
        (
            {
                "NewExecutionState": {
                    "Operations": [{"Id": "a", "Type": "STEP", "StartTimestamp": "now", "Status": "DONE"}]
                }
            },
            "is no timestamp",
        ),
    ],
)
def test_the_check_itself_finds_faults(answer: dict[str, Any], fault: str) -> None:
    shape = model().operation_model(CHECKPOINT).output_shape
    assert any(fault in found for found in faults(answer, shape))
