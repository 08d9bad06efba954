"""Chained invokes of a running execution: what is called, with what, and what comes back."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from contextvars import ContextVar
from datetime import datetime, timedelta
from typing import Any

import corpus
import pytest

from durable_sdk import DurableContext, durable_execution
from durable_sdk.config import CompletionConfig, InvokeConfig, ParallelConfig, StepConfig
from durable_sdk.exceptions import InvokeError
from durable_sdk.retries import RetryPresets
from pytest_durable.errors import DurableStuckError, NonDeterminismError, UsageError
from pytest_durable.history.codec import canonical_text
from pytest_durable.result.execution import DurableFunctionTestResult
from pytest_durable.simulator.runner import LocalRunner

BOTH_SCHEDULES = pytest.mark.parametrize("random_schedule", [False, True], ids=["in order", "random"])


@durable_execution
def calling(event: dict, context: DurableContext) -> Any:
    config: InvokeConfig = InvokeConfig(tenant_id=event.get("tenant"))
    try:
        return context.invoke(event["function"], event.get("payload"), name="call", config=config)
    except InvokeError as error:
        return ["failed", error.error_type, str(error)]


@durable_execution
def child(event: Any, context: DurableContext) -> Any:
    context.step(corpus.echo(event), name="inside")
    context.wait(minutes=1, name="pause")
    return {"got": event}


@durable_execution
def failing_child(event: Any, context: DurableContext) -> Any:
    context.step(corpus.fail("inside"), name="doomed", config=corpus.ONCE)


@durable_execution
def raising_child(event: Any, context: DurableContext) -> Any:
    raise SystemExit(3)


@durable_execution
def slow_child(event: Any, context: DurableContext) -> None:
    context.wait(hours=1)


@durable_execution
def asking_child(event: Any, context: DurableContext) -> Any:
    return context.wait_for_callback(lambda callback_id, _: None, name="question")


@durable_execution
def countdown(event: Any, context: DurableContext) -> Any:
    left = event["left"]
    if left == 0:
        return []
    return [left, *context.invoke("countdown", {"left": left - 1}, name="next")]


def plain(event: Any, context: Any) -> Any:
    return {"plain": event}


def runner_of(handler: Any = calling, **options: Any) -> LocalRunner:
    runner = corpus.make_runner(handler, **options)
    runner.register_durable_function("child", child).register_function("plain", plain)
    return runner


def invoke(function: str = "child", payload: Any = None, **options: Any) -> DurableFunctionTestResult:
    runner = runner_of(**options)
    try:
        return runner.run({"function": function, "payload": payload})
    finally:
        runner.close()


def failure(handler: Callable[[Any, Any], Any], **options: Any) -> list[Any]:
    runner = corpus.make_runner(calling, **options).register_function("bad", handler)
    value: list[Any] = runner.run({"function": "bad"}).value
    return value


# Durable functions.


@BOTH_SCHEDULES
def test_a_durable_function_runs_as_an_execution_of_its_own(random_schedule: bool) -> None:
    runner = runner_of(random_schedule=random_schedule)
    result = runner.run({"function": "child", "payload": {"a": 1}})
    assert result.value == {"got": {"a": 1}}
    assert corpus.event_names(result) == [
        "ChainedInvokeStarted call",
        "InvocationCompleted",
        "ChainedInvokeSucceeded call",
        "InvocationCompleted",
        "ExecutionSucceeded",
    ]
    parent, invoked = runner.results
    assert parent.value == result.value
    assert corpus.event_names(invoked) == [
        "StepStarted inside",
        "StepSucceeded inside",
        "WaitStarted pause",
        "InvocationCompleted",
        "WaitSucceeded pause",
        "InvocationCompleted",
        "ExecutionSucceeded",
    ]
    assert result.virtual_elapsed == timedelta(minutes=1)


def test_the_parent_names_the_execution_that_it_started() -> None:
    runner = runner_of()
    result = runner.run({"function": "child", "payload": [1]})
    details = result.history[1]["ChainedInvokeStartedDetails"]
    assert details["FunctionName"] == "child"
    assert details["Input"]["Payload"] == "[1]"
    arn = details["DurableExecutionArn"]
    assert arn.startswith("arn:aws:lambda:us-east-1:123456789012:function:child:$LATEST/durable-execution/")
    assert runner.get_execution_history(arn)[0]["ExecutionStartedDetails"]["ExecutionTimeout"] == 120
    assert runner.wait_for_result(arn).value == {"got": [1]}


def test_names_of_invoked_executions_depend_on_the_seed_alone() -> None:
    def arn(seed: int) -> str:
        history = invoke(seed=seed).history
        return str(history[1]["ChainedInvokeStartedDetails"]["DurableExecutionArn"])

    assert arn(0) == arn(0) != arn(1)


def test_no_payload_is_null() -> None:
    assert invoke("child").value == {"got": None}


@BOTH_SCHEDULES
def test_functions_invoke_themselves(random_schedule: bool) -> None:
    runner = corpus.make_runner(countdown, random_schedule=random_schedule)
    runner.register_durable_function("countdown", countdown)
    assert runner.run({"left": 5}).value == [5, 4, 3, 2, 1]
    assert len(runner.results) == 6


def test_the_root_is_not_registered_by_itself_and_registering_its_name_does_not_replace_it() -> None:
    runner = corpus.make_runner(calling)
    value = runner.run({"function": "function"}).value
    assert value[:2] == ["failed", "ResourceNotFoundException"]
    runner.register_function("function", plain)
    assert runner.run({"function": "function", "payload": 1}).value == {"plain": 1}


def test_the_error_of_a_durable_function_reaches_the_parent() -> None:
    runner = runner_of().register_durable_function("failing", failing_child)
    kind, error_type, message = runner.run({"function": "failing"}).value
    assert (kind, message) == ("failed", "inside")
    assert error_type.endswith("StepError")


def test_a_durable_function_that_dies_is_invoked_five_times() -> None:
    runner = runner_of().register_durable_function("raising", raising_child)
    assert runner.run({"function": "raising"}).value[:2] == ["failed", "Runtime.ExitError"]
    assert len(runner.results[1].invocations) == 5


@pytest.mark.parametrize("timeout", [120, "2m", timedelta(minutes=2)])
def test_a_durable_function_times_out_at_its_own_limit(timeout: Any) -> None:
    runner = runner_of().register_durable_function("slow", slow_child, timeout)
    result = runner.run({"function": "slow"})
    assert result.value == [
        "failed",
        "ChainedInvoke.Timeout",
        "CHAINED_INVOKE timed out after 120 seconds.",
    ]
    assert result.get_invoke("call").status == "TIMED_OUT"
    assert runner.results[1].status == "TIMED_OUT"


def test_a_stopped_function_stops_the_invoke() -> None:
    runner = runner_of().register_durable_function("slow", slow_child, "2h")
    execution = runner.start({"function": "slow"}).until("call").until_suspended()
    arn = execution.result().history[1]["ChainedInvokeStartedDetails"]["DurableExecutionArn"]
    runner.stop_execution(arn, {"ErrorType": "Operator", "ErrorMessage": "enough"})
    result = execution.finish()
    assert result.value == ["failed", "Operator", "enough"]
    assert result.get_invoke("call").status == "STOPPED"


def test_a_result_beyond_the_limit_fails() -> None:
    @durable_execution
    def large(event: Any, context: DurableContext) -> str:
        return "x" * 2000

    runner = runner_of(limits=corpus.Limits(invoke_payload_bytes=1000))
    runner.register_durable_function("large", large)
    kind, _, message = runner.run({"function": "large"}).value
    assert kind == "failed"
    assert "1000 bytes" in message


def test_a_payload_beyond_the_limit_fails_the_execution() -> None:
    result = invoke("child", "x" * 2000, limits=corpus.Limits(invoke_payload_bytes=1000))
    assert result.status == "FAILED"
    assert result.error is not None
    assert "1000 bytes" in (result.error.message or "")


@BOTH_SCHEDULES
def test_functions_invoked_at_the_same_time_all_come_back(random_schedule: bool) -> None:
    @durable_execution
    def handler(event: Any, context: DurableContext) -> Any:
        def branch(index: int) -> Callable[[DurableContext], Any]:
            name = ["child", "plain"][index % 2]
            return lambda inner: inner.invoke(name, index, name=f"call-{index}")

        config = ParallelConfig(completion_config=CompletionConfig.all_completed())
        return context.parallel([branch(index) for index in range(6)], config=config).get_results()

    runner = runner_of(handler, random_schedule=random_schedule)
    assert runner.run().value == [{["got", "plain"][index % 2]: index} for index in range(6)]


# How functions are found.


@pytest.mark.parametrize(
    "name",
    [
        "child",
        "child:$LATEST",
        "child:live",
        "123456789012:function:child",
        "us-east-1:123456789012:function:child",
        "arn:aws:lambda:us-east-1:123456789012:function:child",
        "arn:aws:lambda:us-east-1:123456789012:function:child:7",
    ],
)
def test_a_function_is_found_by_every_form_of_its_name(name: str) -> None:
    assert invoke(name).value == {"got": None}


def test_a_qualified_registration_wins_and_is_not_found_by_the_bare_name() -> None:
    runner = corpus.make_runner(calling)
    runner.register_function("f:live", lambda event, context: "live")
    assert runner.run({"function": "f"}).value[1] == "ResourceNotFoundException"
    runner.register_function("f", lambda event, context: "bare")
    assert runner.run({"function": "f"}).value == "bare"
    assert runner.run({"function": "f:live"}).value == "live"
    assert runner.run({"function": "f:other"}).value == "bare"


def test_an_unknown_function_fails_in_the_first_answer() -> None:
    result = invoke("nothing")
    assert result.value == [
        "failed",
        "ResourceNotFoundException",
        "Function not found: nothing. Register it with register_durable_function or register_function.",
    ]
    assert corpus.event_names(result) == [
        "ChainedInvokeStarted call",
        "ChainedInvokeFailed call",
        "InvocationCompleted",
        "ExecutionSucceeded",
    ]
    assert "Input" not in result.history[1]["ChainedInvokeStartedDetails"]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("not a name", "Invalid function ARN"),
        ("arn:aws:lambda:us-east-1:999999999999:function:child", "in another account"),
        ("arn:aws:lambda:eu-west-1:123456789012:function:child", "in another region"),
    ],
)
def test_a_name_that_cannot_be_invoked_fails_the_execution_at_once(name: str, message: str) -> None:
    result = invoke(name)
    assert result.status == "FAILED"
    assert result.error is not None
    assert message in (result.error.message or "")
    assert len(result.invocations) == 1


def test_a_name_registered_again_is_replaced() -> None:
    runner = runner_of().register_function("child", lambda event, context: "replaced")
    assert runner.run({"function": "child"}).value == "replaced"


# Plain functions.


@BOTH_SCHEDULES
def test_a_plain_function_is_called_once(random_schedule: bool) -> None:
    calls: list[Any] = []

    def handler(event: Any, context: Any) -> Any:
        calls.append(event)
        time.sleep(90)
        return datetime.now().isoformat()

    runner = corpus.make_runner(calling, random_schedule=random_schedule)
    result = runner.register_function("plain", handler).run({"function": "plain", "payload": {"a": [1]}})
    assert result.value == "2026-01-01T00:01:30"
    assert calls == [{"a": [1]}]
    assert len(runner.results) == 1
    assert "DurableExecutionArn" not in result.history[1]["ChainedInvokeStartedDetails"]


def test_a_plain_function_gets_a_lambda_context() -> None:
    seen: list[Any] = []

    def handler(event: Any, context: Any) -> None:
        time.sleep(10)
        seen.append(
            (
                context.function_name,
                context.function_version,
                context.invoked_function_arn.rpartition(":function:")[2],
                context.tenant_id,
                context.get_remaining_time_in_millis(),
                len(context.aws_request_id),
            )
        )

    runner = corpus.make_runner(calling, invocation_timeout_seconds=60).register_function("f", handler)
    runner.run({"function": "f:live", "tenant": "acme"})
    runner.run({"function": "f:7"})
    assert seen == [
        ("f", "$LATEST", "f:live", "acme", 50_000, 36),
        ("f", "7", "f:7", None, 50_000, 36),
    ]


def test_a_durable_function_gets_the_tenant_of_the_invoke_alone() -> None:
    tenants: list[Any] = []

    @durable_execution
    def handler(event: Any, context: DurableContext) -> None:
        assert context.lambda_context is not None
        tenants.append(context.lambda_context.tenant_id)

    runner = corpus.make_runner(calling).register_durable_function("f", handler)
    runner.run({"function": "f", "tenant": "acme"})
    runner.run({"function": "f"})
    assert tenants == ["acme", None]


def raise_lookup(event: Any, context: Any) -> Any:
    raise LookupError("nothing there")


def test_the_error_of_a_plain_function_reaches_the_parent() -> None:
    assert failure(raise_lookup) == ["failed", "LookupError", "nothing there"]


def test_a_plain_function_that_exits_has_died() -> None:
    kind, error_type, message = failure(lambda event, context: sys.exit(3))
    assert (kind, error_type) == ("failed", "Runtime.ExitError")
    assert message.endswith("Error: Runtime exited")


@pytest.mark.parametrize("output", [{1, 2}, float("nan"), object()])
def test_a_plain_function_has_to_return_json(output: Any) -> None:
    kind, error_type, message = failure(lambda event, context: output)
    assert (kind, error_type) == ("failed", "Runtime.MarshalError")
    assert message.startswith("Unable to marshal response: ")


def test_a_plain_function_times_out() -> None:
    after: list[str] = []

    def handler(event: Any, context: Any) -> None:
        try:
            time.sleep(100)
        finally:
            after.append("unwound")
        after.append("went on")

    runner = corpus.make_runner(calling, invocation_timeout_seconds=30).register_function("slow", handler)
    result = runner.run({"function": "slow"})
    assert result.value[1] == "Sandbox.Timedout"
    assert result.value[2].endswith("Task timed out after 30.00 seconds")
    assert result.virtual_elapsed == timedelta(seconds=30)
    assert after == ["unwound"]


def test_a_plain_function_goes_on_when_its_parent_has_ended() -> None:
    ended: list[str] = []

    def handler(event: Any, context: Any) -> None:
        time.sleep(100)
        ended.append("plain")

    runner = corpus.make_runner(calling).register_function("slow", handler)
    assert runner.run({"function": "slow"}, timeout=10).status == "TIMED_OUT"
    runner.clock.advance(100)
    assert ended == ["plain"]


def test_a_run_ends_with_its_execution_whatever_an_invoked_one_still_does() -> None:
    @durable_execution
    def busy(event: Any, context: DurableContext) -> None:
        context.step(corpus.sleep(3600), name="busy")

    runner = corpus.make_runner(calling).register_durable_function("busy", busy, "2h")
    before = runner.clock.now
    assert runner.run({"function": "busy"}, timeout=10).status == "TIMED_OUT"
    assert runner.clock.now - before == timedelta(seconds=10)
    assert runner.results[1].status == "RUNNING"


def test_waiting_for_one_execution_does_not_carry_another_beyond_its_end() -> None:
    @durable_execution
    def sleeping(event: Any, context: DurableContext) -> None:
        context.step(corpus.sleep(event), name="sleep")

    runner = corpus.make_runner(sleeping, invocation_timeout_seconds=7200)
    runner.run_async(3600)
    before = runner.clock.now
    assert runner.run(10).status == "SUCCEEDED"
    assert runner.clock.now - before == timedelta(seconds=10)


def test_a_test_that_fails_inside_a_function_fails() -> None:
    with pytest.raises(pytest.fail.Exception, match="from inside"):
        failure(lambda event, context: pytest.fail("from inside"))


def test_context_variables_of_the_test_are_seen_everywhere() -> None:
    variable: ContextVar[str] = ContextVar("variable", default="unset")
    seen: list[str] = []

    def note(where: str) -> None:
        seen.append(f"{where}: {variable.get()}")

    @durable_execution
    def inner(event: Any, context: DurableContext) -> None:
        note("child")

    @durable_execution
    def handler(event: Any, context: DurableContext) -> None:
        note("handler")
        context.step(lambda: note("step"))
        context.parallel([lambda branch: note("branch"), lambda branch: branch.step(lambda: note("deep"))])
        # What the handler sets itself stays in its own invocation.
        variable.set("set by the handler")
        context.invoke("inner", None)
        variable.set("set by the handler")
        context.invoke("plain", None)

    runner = corpus.make_runner(handler).register_durable_function("inner", inner)
    runner.register_function("plain", lambda event, context: note("plain"))
    variable.set("set by the test")
    assert runner.run().status == "SUCCEEDED"
    assert {line.partition(": ")[2] for line in seen} == {"set by the test"}
    assert {line.partition(": ")[0] for line in seen} == {
        *("handler", "step", "branch", "deep", "child", "plain")
    }


# Scripts.


@BOTH_SCHEDULES
def test_a_script_answers_for_a_function_that_nobody_registered(random_schedule: bool) -> None:
    runner = corpus.make_runner(calling, random_schedule=random_schedule)
    charge = runner.on_invoke("charge").returns({"id": 1}, after="1h").then.raises("Throttled", "slow down")
    first = runner.run({"function": "charge", "payload": {"sum": 5}})
    assert first.value == {"id": 1}
    assert first.virtual_elapsed == timedelta(hours=1)
    for _ in range(2):
        second = runner.run({"function": "charge", "payload": "again"})
        assert second.value == ["failed", "Throttled", "slow down"]
    assert charge.calls == [{"sum": 5}, "again", "again"]
    runner.close()


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (TimeoutError("gateway"), ["failed", "TimeoutError", "gateway"]),
        ("Throttled", ["failed", "Throttled"]),
        ({"ErrorType": "T", "ErrorMessage": "m"}, ["failed", "T", "m"]),
    ],
)
def test_a_script_raises_what_it_is_given(error: Any, expected: list) -> None:
    runner = corpus.make_runner(calling)
    runner.on_invoke("charge").raises(error)
    value = runner.run({"function": "charge"}).value
    assert value[: len(expected)] == expected


@pytest.mark.parametrize(("after", "seconds"), [(None, 120), ("10m", 600)])
def test_a_script_times_out(after: Any, seconds: int) -> None:
    runner = corpus.make_runner(calling)
    runner.on_invoke("charge").times_out(after=after)
    result = runner.run({"function": "charge"})
    assert result.value[1:] == [
        "ChainedInvoke.Timeout",
        f"CHAINED_INVOKE timed out after {seconds} seconds.",
    ]
    assert result.virtual_elapsed == timedelta(seconds=seconds)


def test_a_script_times_out_at_the_limit_of_the_function_that_is_registered() -> None:
    runner = runner_of().register_durable_function("slow", slow_child, "3m")
    runner.on_invoke("slow").times_out()
    assert runner.run({"function": "slow"}).virtual_elapsed == timedelta(minutes=3)


@BOTH_SCHEDULES
def test_a_script_may_call_the_real_function(random_schedule: bool) -> None:
    runner = runner_of(random_schedule=random_schedule)
    spy = runner.on_invoke("child").raises("Throttled").then.calls_real()
    assert runner.run({"function": "child", "payload": 1}).value[1] == "Throttled"
    assert runner.run({"function": "child", "payload": 2}).value == {"got": 2}
    assert spy.calls == [1, 2]


def test_a_script_without_an_outcome_watches() -> None:
    runner = runner_of()
    spy = runner.on_invoke("plain")
    assert runner.run({"function": "plain", "payload": 1}).value == {"plain": 1}
    assert spy.calls == [1]
    runner.close()


def test_calling_a_real_function_that_is_not_registered_is_refused() -> None:
    runner = corpus.make_runner(calling)
    runner.on_invoke("charge").calls_real()
    with pytest.raises(UsageError, match=r"none of that name is registered"):
        runner.run({"function": "charge"})


def test_a_qualified_script_wins() -> None:
    runner = corpus.make_runner(calling)
    runner.on_invoke("charge:live").returns("live")
    runner.on_invoke("charge").returns("bare")
    assert runner.run({"function": "charge:live"}).value == "live"
    assert runner.run({"function": "charge"}).value == "bare"
    runner.close()


@BOTH_SCHEDULES
def test_invokes_in_one_request_get_one_outcome_each(random_schedule: bool) -> None:
    @durable_execution
    def handler(event: Any, context: DurableContext) -> Any:
        def branch(index: int) -> Callable[[DurableContext], Any]:
            return lambda inner: inner.invoke("charge", index, name=f"call-{index}")

        return context.parallel([branch(index) for index in range(4)]).get_results()

    runner = runner_of(handler, random_schedule=random_schedule)
    runner.register_durable_function("charge", child)
    spy = (
        runner.on_invoke("charge", times=4)
        .returns("one")
        .then.calls_real()
        .then.returns("three")
        .then.returns(4)
    )
    results = runner.run().value
    by_call = dict(zip(spy.calls, ["one", None, "three", 4], strict=True))
    assert results == [{"got": i} if by_call[i] is None else by_call[i] for i in range(4)]
    runner.close()


# Results, getting stuck, determinism.


def test_a_result_shows_the_executions_that_it_has_invoked() -> None:
    runner = runner_of()
    result = runner.run({"function": "child", "payload": 1})
    (invoked,) = result.invoked
    assert invoked.value == {"got": 1}
    assert invoked.invoked == ()
    own, _, inner = result.timeline().partition("\n    invoke call of child at +0s: execution ")
    assert own.startswith("execution ")
    assert "inside" not in own
    assert "inside" in inner
    assert runner.timeline() == result.timeline()


def test_a_result_stays_as_it_was_when_an_invoked_execution_goes_on() -> None:
    execution = runner_of().start({"function": "child"}).until("call").until_suspended()
    early = execution.result()
    execution.finish()
    assert early.invoked[0].status == "RUNNING"
    assert "inside" not in early.timeline()
    assert execution.result().invoked[0].status == "SUCCEEDED"


def test_a_stuck_parent_names_what_its_child_waits_for() -> None:
    runner = corpus.make_runner(calling)
    runner._arrangement.functions.register_all({"asking": asking_child})
    with pytest.raises(DurableStuckError) as caught:
        runner.run({"function": "asking"})
    message = str(caught.value)
    assert "invoke 'call' of function 'asking'" in message
    assert "whose execution waits for callback 'question'" in message
    assert "durable_runner.on_callback('question').succeed(...)" in message


def test_a_function_that_is_parked_for_ever_is_named() -> None:
    import threading

    def handler(event: Any, context: Any) -> None:
        threading.Event().wait()

    runner = corpus.make_runner(calling, stall_seconds=0.2).register_function("hangs", handler)
    with pytest.raises(DurableStuckError, match="function-hangs"):
        runner.run({"function": "hangs"})


@durable_execution
def fan_out(event: Any, context: DurableContext) -> Any:
    def branch(index: int) -> Callable[[DurableContext], Any]:
        config = StepConfig(retry_strategy=RetryPresets.none())
        name = ["child", "plain", "scripted"][index % 3]
        return lambda inner: [
            inner.step(corpus.sleep(index / 2), name=f"sleep-{index}", config=config),
            inner.invoke(name, index, name=f"call-{index}"),
        ]

    return context.parallel([branch(index) for index in range(6)], name="work").get_results()


@pytest.mark.parametrize("seed", range(8))
def test_histories_of_all_executions_are_the_same_in_every_run_of_a_seed(seed: int) -> None:
    def run() -> list[str]:
        runner = runner_of(fan_out, random_schedule=True, seed=seed)
        runner.on_invoke("scripted").returns(1, after=3).then.returns(2)
        assert runner.run().status == "SUCCEEDED"
        return [canonical_text(result.history) for result in runner.results]

    first = run()
    assert first == run()
    assert len(first) == 3


def test_check_determinism_covers_invoked_functions() -> None:
    runner = runner_of(fan_out, random_schedule=True)
    runner.on_invoke("scripted", times=2).returns(1)
    assert runner.check_determinism().status == "SUCCEEDED"
    runner.close()


def test_check_determinism_finds_what_differs_inside_an_invoked_function() -> None:
    numbers = iter(range(10))

    @durable_execution
    def leaking(event: Any, context: DurableContext) -> None:
        context.step(corpus.echo(1), name=f"step-{next(numbers)}")

    runner = corpus.make_runner(calling).register_durable_function("leaking", leaking)
    with pytest.raises(NonDeterminismError, match="step-0"):
        runner.check_determinism({"function": "leaking"})
