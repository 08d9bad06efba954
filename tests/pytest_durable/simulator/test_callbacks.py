"""Callbacks of a running execution: who answers them, when, and what the handler gets."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import corpus
import pytest

from durable_sdk import DurableContext, durable_execution
from durable_sdk.config import (
    CallbackConfig,
    CompletionConfig,
    Duration,
    ParallelConfig,
    WaitForCallbackConfig,
)
from durable_sdk.exceptions import CallbackExternalError, CallbackTimeoutError
from durable_sdk.lambda_service import ErrorObject
from durable_sdk.retries import RetryPresets
from durable_sdk.serdes import JsonSerDes
from pytest_durable.errors import UsageError
from pytest_durable.history.codec import canonical_text
from pytest_durable.result.execution import DurableFunctionTestResult
from pytest_durable.simulator.runner import LocalRunner
from pytest_durable.simulator.service.errors import (
    InvalidParameterValueException,
    ResourceNotFoundException,
)

BOTH_SCHEDULES = pytest.mark.parametrize("random_schedule", [False, True], ids=["in order", "random"])


def config_of(event: dict) -> WaitForCallbackConfig:
    return WaitForCallbackConfig(
        timeout=Duration(event.get("timeout", 0)), heartbeat_timeout=Duration(event.get("heartbeat", 0))
    )


@durable_execution
def approval(event: dict, context: DurableContext) -> Any:
    submitted = event.get("submit", 0)

    def submit(callback_id: str, callback_context: Any) -> None:
        time.sleep(submitted)

    try:
        return context.wait_for_callback(submit, name="approval", config=config_of(event))
    except (CallbackExternalError, CallbackTimeoutError) as error:
        return [type(error).__name__, str(error)]


@durable_execution
def json_approval(event: dict, context: DurableContext) -> Any:
    config = CallbackConfig(serdes=JsonSerDes())
    callback = context.create_callback(name="approval", config=config)
    context.step(corpus.echo(1), name="between")
    return callback.result()


@durable_execution
def rounds(event: dict, context: DurableContext) -> list:
    return [
        context.wait_for_callback(lambda callback_id, _: None, name="round") for _ in range(event["rounds"])
    ]


@durable_execution
def side_by_side(event: dict, context: DurableContext) -> list:
    def branch(name: str) -> Callable[[DurableContext], Any]:
        return lambda child: child.wait_for_callback(lambda callback_id, _: None, name=name)

    def busy(child: DurableContext) -> str:
        child.step(corpus.sleep(600), name="slow")
        child.wait(days=1)
        return "busy"

    config = ParallelConfig(completion_config=CompletionConfig.all_completed())
    return context.parallel([branch("a"), branch("b"), busy], name="work", config=config).get_results()


def start(handler: Any = approval, event: Any = None, **options: Any) -> tuple[LocalRunner, str]:
    runner = corpus.make_runner(handler, **options)
    return runner, runner.run_async(event or {})


# What the test says.


@BOTH_SCHEDULES
@pytest.mark.parametrize(
    ("answer", "value"),
    [
        ({"result": "yes"}, "yes"),
        ({"result": b"yes"}, "yes"),
        ({"result": b""}, None),
        ({}, None),
        ({"value": {"ok": True}}, '{"ok": true}'),
        ({"value": "text"}, '"text"'),
        ({"value": False}, "false"),
    ],
)
def test_an_answer_reaches_the_handler_as_it_was_sent(
    answer: dict, value: Any, random_schedule: bool
) -> None:
    runner, arn = start(random_schedule=random_schedule)
    runner.send_callback_success(runner.wait_for_callback(arn, "approval"), **answer)
    assert runner.wait_for_result(arn).value == value


def test_a_json_answer_is_decoded_by_a_json_serdes() -> None:
    runner, arn = start(json_approval)
    runner.send_callback_success(runner.wait_for_callback(arn), value={"ok": [1, None]})
    assert runner.wait_for_result(arn).value == {"ok": [1, None]}


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (None, "Callback failed"),
        ("no funds", "no funds"),
        ({"ErrorMessage": "no funds", "ErrorType": "Bank"}, "no funds"),
        (ErrorObject("no funds", "Bank", None, None), "no funds"),
        (ValueError("no funds"), "no funds"),
    ],
)
def test_a_failure_reaches_the_handler_with_its_message(error: Any, message: str) -> None:
    runner, arn = start()
    runner.send_callback_failure(runner.wait_for_callback(arn), error)
    assert runner.wait_for_result(arn).value == ["CallbackExternalError", message]


@BOTH_SCHEDULES
def test_the_history_is_that_of_the_service(random_schedule: bool) -> None:
    runner, arn = start(random_schedule=random_schedule)
    runner.send_callback_success(runner.wait_for_callback(arn), "yes")
    assert corpus.event_names(runner.wait_for_result(arn)) == [
        "ContextStarted approval",
        "CallbackStarted approval create callback id",
        "StepStarted approval submitter",
        "StepSucceeded approval submitter",
        "InvocationCompleted",
        "CallbackSucceeded approval create callback id",
        "ContextSucceeded approval",
        "InvocationCompleted",
        "ExecutionSucceeded",
    ]


def test_a_callback_times_out_in_virtual_time() -> None:
    runner, arn = start(event={"timeout": 7 * 86_400})
    began = time.perf_counter()
    result = runner.wait_for_result(arn)
    assert result.value == ["CallbackTimeoutError", "Callback timed out"]
    assert result.virtual_elapsed == timedelta(days=7)
    assert time.perf_counter() - began < 2


def test_a_callback_times_out_without_heartbeats() -> None:
    runner, arn = start(event={"timeout": 3600, "heartbeat": 60})
    callback_id = runner.wait_for_callback(arn)
    for _ in range(3):
        runner.clock.advance(50)
        runner.send_callback_heartbeat(callback_id)
    result = runner.wait_for_result(arn)
    assert result.value == ["CallbackTimeoutError", "Callback timed out on heartbeat"]
    assert result.virtual_elapsed == timedelta(seconds=3 * 50 + 60)


def test_heartbeats_leave_no_trace_in_the_history_and_invoke_nothing() -> None:
    runner, arn = start(event={"heartbeat": 60})
    callback_id = runner.wait_for_callback(arn)
    before = runner.get_execution_history(arn)
    runner.clock.advance(50)
    runner.send_callback_heartbeat(callback_id)
    runner.clock.advance(50)
    assert runner.get_execution_history(arn) == before


def test_a_finished_callback_cannot_be_answered_again() -> None:
    runner, arn = start()
    callback_id = runner.wait_for_callback(arn)
    runner.send_callback_success(callback_id, "first")
    for call in (
        lambda: runner.send_callback_success(callback_id, "second"),
        lambda: runner.send_callback_failure(callback_id, "second"),
        lambda: runner.send_callback_heartbeat(callback_id),
    ):
        with pytest.raises(ResourceNotFoundException, match="the callback has ended"):
            call()
    assert runner.wait_for_result(arn).value == "first"


def test_unknown_and_blank_ids_get_the_services_errors() -> None:
    runner, _ = start()
    with pytest.raises(ResourceNotFoundException, match="no callback id"):
        runner.send_callback_success("nonsense", "x")
    with pytest.raises(InvalidParameterValueException, match="callback_id is required"):
        runner.send_callback_success(" ", "x")
    other, arn = start(seed=1)
    with pytest.raises(ResourceNotFoundException, match="there is no callback"):
        runner.send_callback_success(other.wait_for_callback(arn), "x")


def test_a_callback_of_a_stopped_execution_cannot_be_answered() -> None:
    runner = corpus.make_runner(approval)
    execution = runner.start({})
    callback_id = execution.until_callback("approval")
    execution.stop()
    with pytest.raises(ResourceNotFoundException, match="its execution has ended"):
        runner.send_callback_success(callback_id, "late")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"result": {"ok": True}}, "Pass any JSON value as value="),
        ({"value": {1, 2}}, "value must be JSON"),
        ({"result": "x", "value": 1}, "not both"),
        ({"result": b"\xff"}, "UTF-8"),
    ],
)
def test_a_wrong_answer_is_refused_before_anything_happens(arguments: dict, message: str) -> None:
    runner, arn = start()
    callback_id = runner.wait_for_callback(arn)
    before = runner.get_execution_history(arn)
    with pytest.raises(UsageError, match=message):
        runner.send_callback_success(callback_id, **arguments)
    assert runner.get_execution_history(arn) == before


def test_the_submitter_itself_may_answer() -> None:
    runners: list[LocalRunner] = []

    @durable_execution
    def handler(event: dict, context: DurableContext) -> Any:
        return context.wait_for_callback(
            lambda callback_id, _: runners[0].send_callback_success(callback_id, "at once"), name="fast"
        )

    runners.append(corpus.make_runner(handler))
    result = runners[0].run()
    assert result.value == "at once"
    assert len(result.invocations) == 1


# What the service does about it.


@BOTH_SCHEDULES
def test_every_answer_invokes_the_handler_even_if_it_then_waits_for_another(random_schedule: bool) -> None:
    runner, arn = start(side_by_side, random_schedule=random_schedule)
    first, second = runner.wait_for_callback(arn, "a"), runner.wait_for_callback(arn, "b")
    before = len(_result(runner, arn).invocations)
    runner.send_callback_success(first, "A")
    runner.clock.advance(1)
    assert len(_result(runner, arn).invocations) == before + 1
    runner.send_callback_success(second, "B")
    assert runner.wait_for_result(arn).value == ["A", "B", "busy"]


def _result(runner: LocalRunner, arn: str) -> DurableFunctionTestResult:
    return next(result for result in runner.results if result.history[0]["Id"] in arn)


@BOTH_SCHEDULES
def test_an_answer_during_an_invocation_leads_to_another(random_schedule: bool) -> None:
    runner = corpus.make_runner(side_by_side, random_schedule=random_schedule)
    runner.on_callback("a").succeed("A", after="1m")
    runner.on_callback("b").succeed("B", after="2m")
    result = runner.run()
    # Both come while the busy branch sleeps for ten minutes; nothing else happens for a day after that.
    assert result.value == ["A", "B", "busy"]
    ended = [event for event in result.history if event["EventType"] == "ContextSucceeded"]
    at_ten_minutes = result.history[0]["EventTimestamp"] + timedelta(minutes=10)
    assert [e["EventTimestamp"] for e in ended if e["Name"] in "ab"] == [at_ten_minutes] * 2


def test_an_invocation_is_told_which_callback_was_answered() -> None:
    told: list[list[str]] = []

    def watched(event: Any, context: Any) -> Any:
        told.append(list(event.updated_operation_ids))
        return approval(event, context)

    watched.__durable_execution__ = True  # type: ignore[attr-defined]
    runner, arn = start(watched)
    runner.send_callback_success(runner.wait_for_callback(arn), "yes")
    runner.wait_for_result(arn)
    callback = next(
        event["Id"]
        for event in runner.get_execution_history(arn)
        if event["EventType"] == "CallbackSucceeded"
    )
    assert told == [[], [callback]]


# What scripts say.


@BOTH_SCHEDULES
@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, None),
        ("yes", "yes"),
        (b"yes", "yes"),
        ({"ok": True}, '{"ok": true}'),
        (lambda callback_id: len(callback_id) > 10, "true"),
    ],
)
def test_a_script_succeeds(value: Any, expected: Any, random_schedule: bool) -> None:
    runner = corpus.make_runner(approval, random_schedule=random_schedule)
    runner.on_callback("approval").succeed(value, after="2h")
    result = runner.run()
    assert result.value == expected
    assert result.virtual_elapsed == timedelta(hours=2)
    runner.close()


def test_a_script_fails() -> None:
    runner = corpus.make_runner(approval)
    runner.on_callback("approval").fail("declined")
    assert runner.run().value == ["CallbackExternalError", "declined"]


def test_an_answer_counts_from_the_end_of_the_submitter() -> None:
    runner = corpus.make_runner(approval)
    runner.on_callback("approval").succeed("yes", after="1m")
    assert runner.run({"submit": 30}).virtual_elapsed == timedelta(seconds=90)


def test_a_plain_answer_comes_when_the_handler_waits() -> None:
    runner = corpus.make_runner(approval)
    runner.on_callback("approval").succeed("yes")
    assert len(runner.run({"submit": 30}).invocations) == 2


@BOTH_SCHEDULES
def test_an_early_answer_comes_before_the_handler_waits(random_schedule: bool) -> None:
    runner = corpus.make_runner(approval, random_schedule=random_schedule)
    runner.on_callback("approval").succeed("yes", early=True)
    result = runner.run({"submit": 30})
    assert result.value == "yes"
    assert len(result.invocations) == 1
    names = corpus.event_names(result)
    answered = names.index("CallbackSucceeded approval create callback id")
    assert answered < names.index("StepSucceeded approval submitter")


def test_a_duplicate_answer_changes_nothing() -> None:
    sent: list[str] = []

    def answer(callback_id: str) -> str:
        sent.append(callback_id)
        return f"answer {len(sent)}"

    runner = corpus.make_runner(approval)
    runner.on_callback("approval").succeed(answer, duplicate=True)
    result = runner.run({})
    assert result.value == "answer 1"
    assert len(sent) == 2
    assert len(set(sent)) == 1
    assert corpus.event_names(result).count("CallbackSucceeded approval create callback id") == 1


def test_a_late_answer_comes_after_the_timeout() -> None:
    @durable_execution
    def handler(event: dict, context: DurableContext) -> Any:
        config = WaitForCallbackConfig(timeout=Duration(60))
        try:
            context.wait_for_callback(lambda callback_id, _: None, name="approval", config=config)
        except CallbackTimeoutError:
            context.wait(minutes=5, name="compensate")
            return "compensated"

    runner = corpus.make_runner(handler)
    runner.on_callback("approval").succeed("too late", after="30s", late=True)
    result = runner.run()
    assert result.value == "compensated"
    assert result.virtual_elapsed == timedelta(minutes=6)


def test_late_needs_a_timeout() -> None:
    runner = corpus.make_runner(approval)
    runner.on_callback("approval").succeed("x", late=True)
    with pytest.raises(UsageError, match=r"answers late.*has none"):
        runner.run()


def test_a_missed_heartbeat_counts_as_a_timeout_for_late_answers() -> None:
    runner = corpus.make_runner(approval)
    runner.on_callback("approval").succeed("x", late=True)
    assert runner.run({"heartbeat": 60}).value == [
        "CallbackTimeoutError",
        "Callback timed out on heartbeat",
    ]


@BOTH_SCHEDULES
def test_heartbeats_keep_a_callback_open_until_its_answer(random_schedule: bool) -> None:
    runner = corpus.make_runner(approval, random_schedule=random_schedule)
    runner.on_callback("approval").heartbeat(every="40s", times=5).succeed("done")
    result = runner.run({"heartbeat": 60})
    assert result.value == "done"
    assert result.virtual_elapsed == timedelta(seconds=240)


def test_heartbeats_alone_end_in_a_timeout() -> None:
    runner = corpus.make_runner(approval)
    runner.on_callback("approval").heartbeat(every=30, times=2)
    result = runner.run({"heartbeat": 60})
    assert result.value[1] == "Callback timed out on heartbeat"
    assert result.virtual_elapsed == timedelta(seconds=120)


def test_endless_heartbeats_last_until_the_timeout() -> None:
    runner = corpus.make_runner(approval)
    runner.on_callback("approval").heartbeat(every=30)
    result = runner.run({"heartbeat": 60, "timeout": 3600})
    assert result.value[1] == "Callback timed out"


def test_endless_heartbeats_with_nothing_to_end_them_are_refused() -> None:
    runner = corpus.make_runner(approval)
    runner.on_callback("approval").heartbeat(every=30)
    with pytest.raises(UsageError, match="heartbeats for ever"):
        runner.run({"heartbeat": 60})


def test_an_execution_timeout_ends_endless_heartbeats() -> None:
    runner = corpus.make_runner(approval)
    runner.on_callback("approval").heartbeat(every=30)
    assert runner.run({"heartbeat": 60}, timeout=600).status == "TIMED_OUT"


@BOTH_SCHEDULES
def test_each_callback_of_a_name_gets_the_next_outcome_and_the_last_repeats(random_schedule: bool) -> None:
    runner = corpus.make_runner(rounds, random_schedule=random_schedule)
    runner.on_callback("round").succeed("one").then.succeed("two", after=60)
    result = runner.run({"rounds": 4})
    assert result.value == ["one", "two", "two", "two"]
    assert result.virtual_elapsed == timedelta(minutes=3)


def test_a_script_without_an_outcome_is_refused_when_it_is_needed() -> None:
    runner = corpus.make_runner(approval)
    runner.on_callback("approval")
    with pytest.raises(UsageError, match="does not say what becomes of the callback"):
        runner.run()


def test_the_newest_script_of_a_name_counts() -> None:
    runner = corpus.make_runner(approval)
    runner.on_callback("approval").succeed("old")
    assert runner.run().value == "old"
    runner.on_callback("approval").succeed("new")
    assert runner.run().value == "new"
    runner.close()


def test_a_script_without_a_name_answers_what_no_other_names() -> None:
    runner = corpus.make_runner(side_by_side)
    runner.on_callback("a").succeed("named")
    runner.on_callback().succeed("other")
    assert runner.run().value == ["named", "other", "busy"]


def test_a_raising_answer_function_ends_the_run_with_its_error() -> None:
    def answer(callback_id: str) -> Any:
        raise LookupError("in the test's own function")

    runner = corpus.make_runner(approval)
    runner.on_callback("approval").succeed(answer)
    with pytest.raises(LookupError, match="own function"):
        runner.run()


@pytest.mark.parametrize("seed", range(8))
def test_histories_are_the_same_in_every_run_of_a_seed(seed: int) -> None:
    def run() -> str:
        runner = corpus.make_runner(side_by_side, random_schedule=True, seed=seed)
        runner.on_callback("a").succeed("A")
        runner.on_callback("b").fail("B", after=600)
        return canonical_text(runner.run().history)

    assert run() == run()


def test_check_determinism_covers_scripts() -> None:
    runner = corpus.make_runner(rounds, random_schedule=True)
    runner.on_callback("round", times=2).succeed("one").then.succeed("two")
    assert runner.check_determinism({"rounds": 2}, runs=3).value == ["one", "two"]
    runner.close()


def test_a_submitter_that_is_retried_answers_only_once_it_has_succeeded() -> None:
    tries: list[int] = []

    @durable_execution
    def handler(event: dict, context: DurableContext) -> Any:
        def submit(callback_id: str, _: Any) -> None:
            tries.append(1)
            if len(tries) == 1:
                raise ConnectionError("gateway")

        config = WaitForCallbackConfig(retry_strategy=RetryPresets.fixed(Duration(10)))
        return context.wait_for_callback(submit, name="approval", config=config)

    runner = corpus.make_runner(handler)
    runner.on_callback("approval").succeed(json.dumps("ok"))
    result = runner.run()
    assert result.value == '"ok"'
    assert result.virtual_elapsed == timedelta(seconds=10)
