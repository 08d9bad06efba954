"""What the simulated service does with a handler, seen through the runner."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import corpus
import pytest
from wire_model import faults_of_history

from durable_sdk import DurableContext, _runtime, durable_execution
from durable_sdk.config import Duration, StepConfig, StepSemantics
from durable_sdk.retries import RetryDecision, RetryPresets, create_retry_strategy
from pytest_durable.errors import CheckerError, DurableStuckError, ExecutionFailedError, UsageError
from pytest_durable.result.execution import DurableFunctionTestResult
from pytest_durable.simulator.service.limits import Limits

START = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def runs() -> Iterator[list[str]]:
    """What the bodies of steps note down: here, so that it survives invocations."""
    _noted.clear()
    yield _noted
    _noted.clear()


_noted: list[str] = []


def note(what: str) -> str:
    _noted.append(what)
    return what


def events(result: DurableFunctionTestResult, event_type: str) -> list[dict[str, Any]]:
    return [event for event in result.history if event["EventType"] == event_type]


def seconds_of(result: DurableFunctionTestResult, event_type: str) -> list[float]:
    """Return when the events of a type happened, in seconds since the start."""
    return [(event["EventTimestamp"] - START).total_seconds() for event in events(result, event_type)]


# Waits.


@durable_execution
def waits(event: dict, context: DurableContext) -> str:
    context.step(lambda: note("before"), name="before")
    context.wait(Duration.from_seconds(event["seconds"]), name="pause")
    return context.step(lambda: note("after"), name="after")


@pytest.mark.parametrize("seconds", [1, 30, 30 * 86_400, 31_622_400])
def test_a_wait_invokes_twice_and_runs_each_step_once(runs: list[str], seconds: int) -> None:
    began = time.perf_counter()
    result = corpus.make_runner(waits).run({"seconds": seconds}, timeout=31_622_400)
    if seconds < 31_622_400:
        assert result.status == "SUCCEEDED"
        assert runs == ["before", "after"]
        assert len(result.invocations) == 2
        assert result.virtual_elapsed == timedelta(seconds=seconds)
    else:
        # The execution's own deadline falls on the same instant, at which work comes first.
        assert result.get_wait("pause").status.value == "SUCCEEDED"
    assert time.perf_counter() - began < 5


def test_the_events_of_a_wait_come_in_the_services_order() -> None:
    result = corpus.make_runner(waits).run({"seconds": 30})
    assert corpus.event_names(result) == [
        "StepStarted before",
        "StepSucceeded before",
        "WaitStarted pause",
        "InvocationCompleted",
        "WaitSucceeded pause",
        "StepStarted after",
        "StepSucceeded after",
        "InvocationCompleted",
        "ExecutionSucceeded",
    ]
    (started,) = events(result, "WaitStarted")
    assert started["WaitStartedDetails"] == {
        "Duration": 30,
        "ScheduledEndTimestamp": START + timedelta(seconds=30),
    }
    (ended,) = events(result, "WaitSucceeded")
    assert ended["WaitSucceededDetails"] == {"Duration": 30}
    assert ended["EventTimestamp"] == START + timedelta(seconds=30)


@pytest.mark.parametrize(("seconds", "message"), [(31_622_401, "31622400"), (0, "1 to"), (10**9, "31622400")])
def test_a_wait_out_of_range_fails_the_execution(seconds: int, message: str) -> None:
    result = corpus.make_runner(waits).run({"seconds": seconds})
    assert result.status == "FAILED"
    assert result.error is not None
    assert message in (result.error.message or "")
    assert len(result.invocations) == 1


# Steps and retries.


@durable_execution
def doubling(event: dict, context: DurableContext) -> int:
    return context.step(corpus.fail_before(event["attempt"]), name="flaky", config=corpus.DOUBLING)


def test_exponential_retries_take_exactly_their_delays() -> None:
    result = corpus.make_runner(doubling).run({"attempt": 6})
    assert result.value == 6
    assert seconds_of(result, "StepStarted") == [0, 1, 3, 7, 15, 31]
    details = [event["StepFailedDetails"]["RetryDetails"] for event in events(result, "StepFailed")]
    assert details == [
        {"CurrentAttempt": attempt, "NextAttemptDelaySeconds": 2 ** (attempt - 1)} for attempt in range(1, 6)
    ]
    (succeeded,) = events(result, "StepSucceeded")
    assert succeeded["StepSucceededDetails"]["RetryDetails"] == {"CurrentAttempt": 6}
    assert len(result.invocations) == 6


def test_a_step_that_runs_out_of_attempts_fails_the_execution() -> None:
    result = corpus.make_runner(doubling).run({"attempt": 7})
    assert result.status == "FAILED"
    failed = events(result, "StepFailed")
    assert len(failed) == 6
    assert failed[-1]["StepFailedDetails"]["RetryDetails"] == {"CurrentAttempt": 6}
    assert result.error is not None
    assert result.error.message == "attempt 6"


def test_the_events_of_a_retried_step_come_in_the_services_order() -> None:
    result = corpus.make_runner(doubling).run({"attempt": 2})
    assert corpus.event_names(result) == [
        "StepStarted flaky",
        "StepFailed flaky",
        "InvocationCompleted",
        "StepStarted flaky",
        "StepSucceeded flaky",
        "InvocationCompleted",
        "ExecutionSucceeded",
    ]


def test_a_minute_of_jitter_is_drawn_from_the_seed() -> None:
    case = corpus.BY_NAME["retries_with_jitter"]
    assert corpus.run(case, seed=1).history == corpus.run(case, seed=1).history
    assert corpus.run(case, seed=1).virtual_elapsed != corpus.run(case, seed=2).virtual_elapsed


@durable_execution
def slow_once(event: dict, context: DurableContext) -> str:
    """The step takes an hour in the first invocation."""

    def body() -> str:
        note("body")
        if len(_noted) == 1:
            time.sleep(3600)
        return "done"

    semantics = StepSemantics[event["semantics"]]
    config = StepConfig(retry_strategy=RetryPresets.fixed(Duration(10)), step_semantics=semantics)
    return context.step(body, name="slow", config=config)


def test_an_interrupted_step_runs_again_without_a_second_start(runs: list[str]) -> None:
    result = corpus.make_runner(slow_once, invocation_timeout_seconds=60).run(
        {"semantics": "AT_LEAST_ONCE_PER_RETRY"}
    )
    assert result.value == "done"
    assert runs == ["body", "body"]
    assert corpus.event_names(result) == [
        "StepStarted slow",
        "InvocationCompleted",
        "StepSucceeded slow",
        "InvocationCompleted",
        "ExecutionSucceeded",
    ]


def test_an_interrupted_step_that_runs_at_most_once_has_failed(runs: list[str]) -> None:
    result = corpus.make_runner(slow_once, invocation_timeout_seconds=60).run(
        {"semantics": "AT_MOST_ONCE_PER_RETRY"}
    )
    assert result.value == "done"
    assert corpus.event_names(result) == [
        "StepStarted slow",
        "InvocationCompleted",
        "StepFailed slow",
        "InvocationCompleted",
        "StepStarted slow",
        "StepSucceeded slow",
        "InvocationCompleted",
        "ExecutionSucceeded",
    ]
    (failed,) = events(result, "StepFailed")
    assert "StepInterruptedError" in failed["StepFailedDetails"]["Error"]["Payload"]["ErrorType"]
    assert seconds_of(result, "StepStarted") == [0, 60 + 5 + 10]


# Branches.


@durable_execution
def ten_branches(event: dict, context: DurableContext) -> list:
    def branch(index: int) -> Callable[[DurableContext], Any]:
        def body(child: DurableContext) -> int:
            child.wait(seconds=index + 1, name=f"wait-{index}")
            child.step(corpus.fail_before(1 + index % 4), name=f"step-{index}", config=corpus.DOUBLING)
            note(f"branch-{index}")
            return index

        return body

    return context.parallel([branch(index) for index in range(10)], name="ten").get_results()


def test_ten_branches_wait_and_retry_side_by_side(runs: list[str]) -> None:
    result = corpus.make_runner(ten_branches).run()
    assert result.value == list(range(10))
    assert {name: runs.count(name) for name in runs} == {f"branch-{index}": 1 for index in range(10)}
    # The longest: a wait of 8 s and retries after 1, 2 and 4 s; none waits for another.
    assert result.virtual_elapsed == timedelta(seconds=8 + 1 + 2 + 4)
    for index in range(10):
        step = result.operation(f"ten/parallel-branch-{index}/step-{index}")
        assert (step.status.value, step.attempt) == ("SUCCEEDED", 1 + index % 4)


def test_branches_sleep_side_by_side() -> None:
    result = corpus.run(corpus.BY_NAME["sleeping_branches"])
    assert result.virtual_elapsed == timedelta(seconds=4.5)
    assert len(result.invocations) == 1


def test_an_abandoned_branch_records_nothing_more() -> None:
    result = corpus.run(corpus.BY_NAME["first_of_several"])
    assert not [event for event in result.history if event.get("Name") == "orphan"]


# Timeouts of executions and invocations.


def test_an_execution_timeout_ends_the_execution_at_its_time() -> None:
    result = corpus.make_runner(waits).run({"seconds": 100}, timeout="90s")
    assert result.status == "TIMED_OUT"
    assert result.error is not None
    assert result.error.message == "Execution timed out after 90 seconds."
    assert result.error.type is None
    assert result.virtual_elapsed == timedelta(seconds=90)
    assert result.history[0]["ExecutionStartedDetails"]["ExecutionTimeout"] == 90
    assert corpus.event_names(result)[-1] == "ExecutionTimedOut"


def test_an_execution_timeout_strikes_in_a_running_step(runs: list[str]) -> None:
    result = corpus.make_runner(slow_once, execution_timeout_seconds=90).run(
        {"semantics": "AT_LEAST_ONCE_PER_RETRY"}
    )
    assert result.status == "TIMED_OUT"
    assert runs == ["body"]
    assert result.virtual_elapsed == timedelta(seconds=90)
    assert corpus.event_names(result)[-2:] == ["InvocationCompleted", "ExecutionTimedOut"]


def test_the_timeout_of_a_call_wins_over_that_of_the_options() -> None:
    runner = corpus.make_runner(waits, execution_timeout_seconds=10)
    assert runner.run({"seconds": 20}).status == "TIMED_OUT"
    assert runner.run({"seconds": 20}, timeout="1m").status == "SUCCEEDED"


@pytest.mark.parametrize("timeout", ["1w", -1, 0, "367d", True, float("inf")])
def test_a_timeout_out_of_range_is_refused(timeout: Any) -> None:
    with pytest.raises(UsageError, match="timeout"):
        corpus.make_runner(waits).run({"seconds": 1}, timeout=timeout)


@durable_execution
def always_slow(event: dict, context: DurableContext) -> None:
    time.sleep(event["seconds"])
    context.step(lambda: note("step"), name="step")


def test_an_invocation_timeout_is_recorded_and_retried_five_seconds_later(runs: list[str]) -> None:
    result = corpus.make_runner(always_slow, invocation_timeout_seconds=60).run({"seconds": 61})
    assert result.status == "FAILED"
    completed = [event["InvocationCompletedDetails"] for event in events(result, "InvocationCompleted")]
    assert len(completed) == 5
    for number, details in enumerate(completed):
        error = details["Error"]["Payload"]
        assert error["ErrorType"] == "Sandbox.Timedout"
        assert details["RequestId"] in error["ErrorMessage"]
        assert "Task timed out after 60.00 seconds" in error["ErrorMessage"]
        assert details["StartTimestamp"] == START + timedelta(seconds=65 * number)
        assert details["EndTimestamp"] == START + timedelta(seconds=65 * number + 60)
    assert result.error is not None
    assert result.error.type == "Sandbox.Timedout"
    assert runs == []


def test_a_handler_that_is_done_just_in_time_is_not_timed_out(runs: list[str]) -> None:
    result = corpus.make_runner(always_slow, invocation_timeout_seconds=60).run({"seconds": 60})
    assert result.status == "SUCCEEDED"
    assert runs == ["step"]


@durable_execution
def exits(event: dict, context: DurableContext) -> str:
    note("invocation")
    number = len(_noted)
    waited = number > event["failures"]
    if not waited:
        raise SystemExit(number)
    context.wait(seconds=1)
    return "survived"


@pytest.mark.parametrize(("failures", "status"), [(4, "SUCCEEDED"), (5, "FAILED")])
def test_a_handler_that_exits_is_invoked_five_times_in_a_row(
    runs: list[str], failures: int, status: str
) -> None:
    result = corpus.make_runner(exits).run({"failures": failures})
    assert result.status == status
    failed = [
        event["InvocationCompletedDetails"]
        for event in events(result, "InvocationCompleted")
        if "Error" in event["InvocationCompletedDetails"]
    ]
    assert len(failed) == failures
    starts = [details["StartTimestamp"] for details in failed]
    assert {later - earlier for earlier, later in pairwise(starts)} == {timedelta(seconds=5)}
    assert {details["Error"]["Payload"]["ErrorType"] for details in failed} == {"Runtime.ExitError"}


def test_a_failed_invocation_is_followed_by_five_more_once_one_has_succeeded(runs: list[str]) -> None:
    @durable_execution
    def fails_around_a_wait(event: dict, context: DurableContext) -> str:
        note("invocation")
        if len(runs) != 5:
            # Four failures, a suspension, and four failures again.
            if len(runs) < 10:
                raise SystemExit(1)
            return "survived"
        context.wait(seconds=1)
        raise AssertionError("the wait suspends")

    result = corpus.make_runner(fails_around_a_wait).run()
    assert result.status == "SUCCEEDED"
    assert len(result.invocations) == 10


def test_an_exception_of_the_handler_fails_the_execution_at_once() -> None:
    result = corpus.run(corpus.BY_NAME["raising"])
    assert result.status == "FAILED"
    assert len(result.invocations) == 1
    assert result.invocations[0].error is None
    assert result.error is not None
    assert (result.error.type, result.error.message) == ("LookupError", "nothing there")


def test_an_invocation_that_ends_well_is_recorded_with_its_times_and_request() -> None:
    result = corpus.make_runner(waits).run({"seconds": 30})
    first, second = [event["InvocationCompletedDetails"] for event in events(result, "InvocationCompleted")]
    assert set(first) == {"StartTimestamp", "EndTimestamp", "RequestId"}
    assert first["StartTimestamp"] == first["EndTimestamp"] == START
    assert second["StartTimestamp"] == START + timedelta(seconds=30)
    assert first["RequestId"] != second["RequestId"]
    assert all("Id" not in event and "Name" not in event for event in events(result, "InvocationCompleted"))


# Handlers that answer in their own words.


def answers(output: Any) -> Any:
    """Return what passes for a durable handler, and answers this."""

    def handler(event: Any, context: Any) -> Any:
        if isinstance(output, BaseException):
            raise output
        return output

    handler.__durable_execution__ = True  # type: ignore[attr-defined]
    return handler


@pytest.mark.parametrize(
    ("output", "message"),
    [
        (None, "expected an object"),
        ("text", "expected an object"),
        ({}, "Unexpected invocation status: None."),
        ({"Status": "RETRY"}, "Unexpected invocation status: RETRY."),
        ({"Status": "SUCCEEDED", "Error": {}}, "Cannot provide an Error for SUCCEEDED status."),
        ({"Status": "FAILED", "Result": "1"}, "Cannot provide a Result for FAILED status."),
        ({"Status": "FAILED", "Error": "text"}, "Error is not an object"),
    ],
)
def test_an_invalid_answer_fails_the_execution_at_once(output: Any, message: str) -> None:
    result = corpus.make_runner(answers(output)).run()
    assert result.status == "FAILED"
    assert result.error is not None
    assert result.error.type == "InvalidParameterValueException"
    assert message in (result.error.message or "")
    assert len(result.invocations) == 1


def test_a_failure_without_an_error_is_one() -> None:
    result = corpus.make_runner(answers({"Status": "FAILED"})).run()
    assert result.status == "FAILED"
    assert result.error is None
    assert result.history[-1]["ExecutionFailedDetails"] == {"Error": {"Truncated": False}}
    assert list(faults_of_history(result.history)) == []
    with pytest.raises(ExecutionFailedError):
        result.raise_for_status()


def test_an_answer_larger_than_lambda_allows_fails_the_execution() -> None:
    output = {"Status": "SUCCEEDED", "Result": "x" * (6 * 1024 * 1024)}
    result = corpus.make_runner(answers(output)).run()
    assert result.status == "FAILED"
    assert result.error is not None
    assert "bytes" in (result.error.message or "")


def test_pending_with_nothing_pending_is_tried_three_times() -> None:
    result = corpus.make_runner(answers({"Status": "PENDING"})).run()
    assert result.status == "FAILED"
    assert result.error is not None
    assert result.error.message == "Cannot return PENDING status with no pending operations."
    assert len(result.invocations) == 3
    assert result.virtual_elapsed == timedelta(seconds=10)


@pytest.mark.parametrize(
    ("error", "error_type"),
    [
        (RuntimeError("boom"), "RuntimeError"),
        (MemoryError(), "MemoryError"),
        (SystemExit(1), "Runtime.ExitError"),
    ],
    ids=["RuntimeError", "MemoryError", "SystemExit"],
)
def test_whatever_leaves_a_handler_is_a_failed_invocation(error: BaseException, error_type: str) -> None:
    result = corpus.make_runner(answers(error)).run()
    assert result.status == "FAILED"
    assert len(result.invocations) == 5
    assert result.virtual_elapsed == timedelta(seconds=20)
    assert result.error is not None
    assert result.error.type == error_type


@pytest.mark.parametrize("error", [KeyboardInterrupt("stop"), pytest.fail.Exception("no")], ids=repr)
def test_what_is_meant_for_pytest_leaves_the_run_as_it_is(error: BaseException) -> None:
    runner = corpus.make_runner(answers(error))
    with pytest.raises(type(error), match=str(error)):
        runner.run()
    assert runner.results[0].status == "RUNNING"


@durable_execution
def returns_no_json(event: dict, context: DurableContext) -> object:
    return object()


def test_a_result_that_is_not_json_fails_the_execution_and_says_so() -> None:
    result = corpus.make_runner(returns_no_json).run()
    assert result.status == "FAILED"
    assert result.error is not None
    assert "result is not JSON" in (result.error.message or "")
    assert len(result.invocations) == 1


@durable_execution
def returns_much(event: dict, context: DurableContext) -> str:
    context.step(lambda: "x", name="small")
    return "x" * event["characters"]


def test_a_result_too_large_for_the_answer_is_stored_by_a_checkpoint() -> None:
    result = corpus.make_runner(returns_much, limits=Limits(checkpoint_payload_bytes=8 * 1024 * 1024)).run(
        {"characters": 6_291_500}
    )
    assert result.status == "SUCCEEDED"
    assert len(result.value) == 6_291_500
    assert corpus.event_names(result)[-2:] in (
        ["InvocationCompleted", "ExecutionSucceeded"],
        ["ExecutionSucceeded", "InvocationCompleted"],
    )


def test_an_invocation_is_complete_before_its_execution_is() -> None:
    for case in corpus.CASES:
        names = corpus.event_names(corpus.run(case))
        assert names[-1].startswith("Execution")
        assert names[-2] == "InvocationCompleted" or case.status == "TIMED_OUT"


# Limits.


@durable_execution
def stores(event: dict, context: DurableContext) -> int:
    config = StepConfig(retry_strategy=RetryPresets.none())
    return len(context.step(lambda: "x" * event["characters"], name="store", config=config))


def test_a_payload_over_the_limit_is_refused_in_the_services_words() -> None:
    runner = corpus.make_runner(stores, limits=Limits.overridden({"checkpoint_payload_bytes": 1000}))
    assert runner.run({"characters": 900}).value == 900
    result = runner.run({"characters": 1100})
    assert result.status == "FAILED"
    assert result.error is not None
    assert "STEP output payload size must be less than or equal to 1000 bytes" in (result.error.message or "")


def test_the_size_of_a_payload_is_counted_in_bytes() -> None:
    @durable_execution
    def stores_umlauts(event: dict, context: DurableContext) -> str:
        return context.step(lambda: "ä" * 600, name="store", config=corpus.ONCE)

    runner = corpus.make_runner(stores_umlauts, limits=Limits(checkpoint_payload_bytes=1000))
    assert runner.run().status == "FAILED"


@durable_execution
def names_a_step(event: dict, context: DurableContext) -> str:
    return context.step(lambda: "ok", name=event["name"], config=corpus.ONCE)


@pytest.mark.parametrize(
    ("name", "status"),
    [("n" * 256, "SUCCEEDED"), ("n" * 257, "FAILED"), ("ümlaut", "FAILED"), ("a\n", "FAILED")],
)
def test_a_name_has_at_most_256_printable_characters(name: str, status: str) -> None:
    result = corpus.make_runner(names_a_step).run({"name": name})
    assert result.status == status
    assert result.status == "SUCCEEDED" or "printable ASCII" in (result.error.message or "")


def test_the_services_own_limit_of_a_name_can_be_lowered() -> None:
    runner = corpus.make_runner(names_a_step, limits=Limits(name_characters=10))
    result = runner.run({"name": "n" * 11})
    assert result.status == "FAILED"
    assert "has more than 10 characters" in (result.error.message or "")


@durable_execution
def fails_at_length(event: dict, context: DurableContext) -> None:
    context.step(corpus.fail("x" * 40_000), name="doomed", config=corpus.ONCE)


def test_an_error_over_the_limit_is_cut_rather_than_refused() -> None:
    result = corpus.make_runner(fails_at_length).run()
    assert result.status == "FAILED"
    assert result.error is not None
    assert result.error.type == "durable_sdk.exceptions.StepError"
    assert (result.error.message or "").endswith(" characters)")


@pytest.mark.parametrize(
    "limits",
    [
        Limits(state_page_items=1),
        Limits(state_page_items=3),
        Limits(state_page_bytes=1),
        Limits(state_page_bytes=400),
        Limits(checkpoint_updates=250, state_page_items=2, state_page_bytes=300),
    ],
    ids=["1 item", "3 items", "1 byte", "400 bytes", "both"],
)
@pytest.mark.parametrize("case", corpus.CASES, ids=lambda case: case.name)
def test_paging_of_state_changes_nothing(case: corpus.Case, limits: Limits) -> None:
    paged = corpus.run(case, limits=limits)
    assert (paged.status, paged.value) == (case.status, case.value)
    assert paged.history == corpus.run(case).history


@durable_execution
def invokes_itself_for_ever(event: dict, context: DurableContext) -> None:
    for _ in range(10_000):
        context.wait(seconds=1)


def test_an_execution_that_is_invoked_too_often_is_stopped_by_the_bound() -> None:
    runner = corpus.make_runner(invokes_itself_for_ever, limits=Limits(invocations=20))
    with pytest.raises(CheckerError, match=r"has been invoked 20 times.* The last operation is WAIT"):
        runner.run()


# Calls of the runner.


def test_input_reaches_the_handler() -> None:
    @durable_execution
    def returns_its_event(event: Any, context: DurableContext) -> Any:
        return event

    runner = corpus.make_runner(returns_its_event)
    assert runner.run({"a": [1, None, "x"]}).value == {"a": [1, None, "x"]}
    assert runner.run('{"a": 1}').value == {"a": 1}
    assert runner.run("plain").value == "plain"
    assert runner.run().value == {}
    assert runner.run(0).value == 0
    assert runner.run([]).value == []


def test_input_that_is_not_json_is_refused_before_anything_runs(runs: list[str]) -> None:
    runner = corpus.make_runner(waits)
    with pytest.raises(UsageError, match="input must be JSON"):
        runner.run({"seconds": object()})
    assert runs == []
    assert runner.results == []


def test_a_handler_that_is_not_durable_is_refused() -> None:
    def plain(event: Any, context: Any) -> None:
        """A Lambda handler without the decorator."""

    with pytest.raises(UsageError, match=r"plain'? is not a durable handler"):
        corpus.make_runner(plain)


def test_an_asynchronous_run_goes_on_when_its_result_is_waited_for(runs: list[str]) -> None:
    runner = corpus.make_runner(waits)
    arn = runner.run_async({"seconds": 60})
    assert runs == []
    result = runner.wait_for_result(arn)
    assert (result.status, runs) == ("SUCCEEDED", ["before", "after"])
    assert runner.wait_for_result(arn).history == result.history
    assert runner.get_execution_history(arn) == result.history
    assert runs == ["before", "after"]


def test_waiting_for_a_result_gives_up_after_virtual_time(runs: list[str]) -> None:
    runner = corpus.make_runner(waits)
    arn = runner.run_async({"seconds": 60})
    with pytest.raises(TimeoutError, match=r"has not ended after 59: wait 'pause'"):
        runner.wait_for_result(arn, timeout=59)
    assert runner.clock.now == START + timedelta(seconds=59)
    assert runner.wait_for_result(arn, timeout="1s").status == "SUCCEEDED"


def test_several_executions_run_side_by_side() -> None:
    runner = corpus.make_runner(waits)
    arns = [runner.run_async({"seconds": seconds}) for seconds in (30, 10, 20)]
    assert len(set(arns)) == 3
    runner.wait_for_result(arns[0])
    assert [result.status for result in runner.results] == ["SUCCEEDED"] * 3
    assert [result.virtual_elapsed.total_seconds() for result in runner.results] == [30, 10, 20]


def test_an_execution_of_another_runner_is_unknown() -> None:
    runner = corpus.make_runner(waits)
    arn = runner.run_async({"seconds": 1})
    with pytest.raises(UsageError, match=r"has no execution 'arn:other'; it has arn:aws"):
        runner.wait_for_result("arn:other")
    with pytest.raises(UsageError, match="it has none"):
        corpus.make_runner(waits).get_execution_history(arn)


def test_the_clock_is_virtual_aware_and_moved_by_the_test(runs: list[str]) -> None:
    runner = corpus.make_runner(waits)
    assert runner.clock.now == START
    runner.clock.advance("1h")
    assert runner.clock.now == START + timedelta(hours=1)
    arn = runner.run_async({"seconds": 60})
    runner.clock.advance(timedelta(seconds=59))
    assert runs == ["before"]
    runner.clock.advance(1)
    assert runs == ["before", "after"]
    assert runner.get_execution_history(arn)[0]["EventTimestamp"] == START + timedelta(hours=1)


def test_the_clock_advances_to_the_next_event(runs: list[str]) -> None:
    runner = corpus.make_runner(waits)
    runner.clock.advance_to_next()
    assert runner.clock.now == START
    runner.run_async({"seconds": 60})
    runner.clock.advance_to_next()
    assert (runs, runner.clock.now) == (["before"], START)
    runner.clock.advance_to_next()
    assert (runs, runner.clock.now) == (["before", "after"], START + timedelta(seconds=60))


@pytest.mark.parametrize("duration", ["soon", -1, None, True])
def test_the_clock_refuses_what_is_no_duration(duration: Any) -> None:
    with pytest.raises(UsageError, match="duration"):
        corpus.make_runner(waits).clock.advance(duration)


def test_pending_names_what_is_unfinished_until_it_ends() -> None:
    runner = corpus.make_runner(waits)
    arn = runner.run_async({"seconds": 60})
    assert runner.pending == []
    runner.clock.advance(1)
    assert [str(pending) for pending in runner.pending] == [
        "wait 'pause', STARTED since 2026-01-01 00:00:00, until 2026-01-01 00:01:00"
    ]
    runner.wait_for_result(arn)
    assert runner.pending == []


@durable_execution
def parks_a_branch(event: dict, context: DurableContext) -> list:
    def stuck(child: DurableContext) -> Any:
        return child.step(lambda: _runtime.current.get().signal().wait(), name="asleep")

    def fine(child: DurableContext) -> Any:
        return child.step(lambda: "fine", name="awake")

    return context.parallel([stuck, fine], name="both").get_results()


def run_or_error(runner: Any) -> DurableFunctionTestResult | DurableStuckError:
    try:
        return runner.run()
    except DurableStuckError as error:
        return error


def test_a_handler_that_is_parked_for_ever_ends_in_no_real_time() -> None:
    began = time.perf_counter()
    assert getattr(run_or_error(corpus.make_runner(parks_a_branch)), "status", "FAILED") == "FAILED"
    assert time.perf_counter() - began < 5


def test_a_handler_that_is_parked_for_ever_is_reported_as_stuck() -> None:
    error = run_or_error(corpus.make_runner(parks_a_branch))
    assert isinstance(error, DurableStuckError)
    assert "asleep" in str(error)


def test_closing_leaves_no_task_behind_and_what_is_recorded_readable() -> None:
    runner = corpus.make_runner(parks_a_branch)
    execution = runner.start()
    execution.until("asleep")
    history = execution.result().history
    with runner:
        pass
    assert execution.result().history == history
    runner.close()


def test_a_run_uses_no_more_threads_than_it_has_branches() -> None:
    corpus.make_runner(ten_branches).run()
    before = threading.active_count()
    for _ in range(5):
        corpus.make_runner(ten_branches).run()
    assert threading.active_count() <= before


def test_skip_time_false_takes_real_time() -> None:
    began = time.perf_counter()
    result = corpus.make_runner(waits, skip_time=False).run({"seconds": 1})
    elapsed = time.perf_counter() - began
    assert result.virtual_elapsed == timedelta(seconds=1)
    assert 0.95 < elapsed < 5


def test_the_start_time_is_that_of_the_options() -> None:
    moment = datetime(2030, 5, 6, 7, 8, 9, 10, tzinfo=UTC)
    runner = corpus.make_runner(waits, start_time=moment)
    assert runner.clock.now == moment
    assert runner.run({"seconds": 1}).history[0]["EventTimestamp"] == moment


def test_a_strategy_that_asks_for_no_delay_waits_a_second() -> None:
    def at_once(error: Exception, attempts: int) -> RetryDecision:
        return RetryDecision.retry(Duration(0))

    @durable_execution
    def handler(event: dict, context: DurableContext) -> int:
        return context.step(corpus.fail_before(3), config=StepConfig(retry_strategy=at_once))

    assert corpus.make_runner(handler).run().virtual_elapsed == timedelta(seconds=2)


def test_the_default_strategy_retries_under_the_simulator_in_no_real_time() -> None:
    @durable_execution
    def handler(event: dict, context: DurableContext) -> int:
        return context.step(corpus.fail_before(6), config=StepConfig(create_retry_strategy()))

    began = time.perf_counter()
    assert corpus.make_runner(handler).run().status == "FAILED"
    assert time.perf_counter() - began < 5


@durable_execution
def resumes_beside_a_long_step(event: Any, context: DurableContext) -> Any:
    def waits(branch: DurableContext) -> int:
        text = branch.run_in_child_context(
            lambda outer: outer.run_in_child_context(lambda inner: "x" * 300_000, "inner"), "outer"
        )
        branch.wait(seconds=2, name="pause")
        return len(text)

    def works(branch: DurableContext) -> None:
        branch.step(lambda: time.sleep(5), "long")

    return context.parallel([waits, works], "batch").get_results()


def test_a_branch_that_resumes_in_its_invocation_rebuilds_what_was_too_large_to_store() -> None:
    result = corpus.make_runner(resumes_beside_a_long_step).run()
    assert result.value == [300_000, None]
    assert len(result.invocations) == 1


def test_a_branch_resumes_when_its_wait_ends_to_the_microsecond() -> None:
    @durable_execution
    def handler(event: Any, context: DurableContext) -> Any:
        time.sleep(0.000_5)
        ended: list[float] = []

        def waits(branch: DurableContext) -> None:
            branch.wait(seconds=1)
            ended.append(time.time())

        began = time.time()
        context.parallel([waits, lambda branch: branch.step(lambda: time.sleep(5))])
        return round((ended[0] - began) * 1000)

    # Milliseconds are what the service tells of a time, rounded up.
    assert corpus.make_runner(handler).run().value in (1000, 1001)


def test_the_end_of_an_execution_comes_after_that_of_its_invocation_also_if_its_result_is_large() -> None:
    @durable_execution
    def handler(event: Any, context: DurableContext) -> str:
        context.step(lambda: 1)
        return "x" * 6_291_450

    runner = corpus.make_runner(handler, limits=Limits(checkpoint_payload_bytes=7 * 1024 * 1024))
    kinds = [event["EventType"] for event in runner.run().history]
    assert kinds[-2:] == ["InvocationCompleted", "ExecutionSucceeded"]


def test_a_step_can_be_scripted_while_its_invocation_runs() -> None:
    @durable_execution
    def handler(event: Any, context: DurableContext) -> str:
        context.step(lambda: 1, name="first")
        return context.step(lambda: "real", name="second")

    runner = corpus.make_runner(handler)
    execution = runner.start()
    execution.until("first")
    runner.on_step("second").returns("scripted")
    assert execution.finish().value == "scripted"
    runner.close()


def test_a_history_can_be_read_in_pages_from_both_ends() -> None:
    runner = corpus.make_runner(corpus.sequential)
    arn = runner.run_async({"steps": 7})
    runner.wait_for_result(arn)
    whole = runner.get_execution_history(arn)
    pages, marker = [], None
    while True:
        page = runner.get_execution_history_page(arn, max_items=4, marker=marker)
        pages += page["Events"]
        marker = page.get("NextMarker")
        if marker is None:
            break
    assert pages == whole
    newest = runner.get_execution_history_page(arn, max_items=2, reverse_order=True)["Events"]
    assert newest == whole[:-3:-1]
    bare = runner.get_execution_history_page(arn, include_execution_data=False)["Events"]
    assert "Payload" not in bare[0]["ExecutionStartedDetails"]["Input"]
