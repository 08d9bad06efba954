"""Running a deployed function, over HTTP with real boto3, at a service that shows recorded executions."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

import corpus
import pytest
from scripted_lambda import FakeClock, Fault, Life, ScriptedLambda

from durable_sdk import DurableContext, durable_execution
from durable_sdk.config import CallbackConfig, Duration, WaitForCallbackConfig
from pytest_durable.cloud.runner import CloudRunner
from pytest_durable.errors import (
    CloudError,
    DurableTestError,
    ExecutionFailedError,
    RefusedError,
    UnusedScriptError,
    UsageError,
)
from pytest_durable.result.execution import DurableFunctionTestResult

Serve = Callable[[Life], ScriptedLambda]
MakeRunner = Callable[..., CloudRunner]

SEQUENTIAL = corpus.BY_NAME["sequential"]


@durable_execution
def approval(event: Any, context: DurableContext) -> Any:
    config = WaitForCallbackConfig(timeout=Duration.from_minutes(1))
    return context.wait_for_callback(lambda callback_id, _: None, "approval", config)


@durable_execution
def waiting(event: Any, context: DurableContext) -> None:
    context.wait(Duration.from_seconds(95))


@durable_execution
def two_callbacks(event: Any, context: DurableContext) -> Any:
    first = context.create_callback("first", CallbackConfig())
    second = context.create_callback("second", CallbackConfig())
    return [first.result(), second.result()]


def recorded(handler: Any, *told: str) -> DurableFunctionTestResult:
    """Run a handler in the simulator, where each callback gets the next answer."""
    runner = corpus.make_runner(handler)
    script = runner.on_callback()
    for answer in told:
        # Later than at once, so that the handler waits for it.
        script = script.succeed(answer, after="10ms").then
    try:
        return runner.run()
    finally:
        runner.release()


def test_run_gives_the_result_that_the_simulator_gave(serve: Serve, make_runner: MakeRunner) -> None:
    here = corpus.run(SEQUENTIAL)
    service = serve(Life.of(here))
    runner = make_runner(service)
    result = runner.run(SEQUENTIAL.input)
    assert (result.status, result.value, result.operations) == (here.status, here.value, here.operations)
    assert result.history == here.history
    assert result.invocations == here.invocations
    assert runner.mode == "cloud"
    (invoked,) = service.of("Invoke")
    assert invoked.json == SEQUENTIAL.input
    assert list(service.started) == ["test_orders-large-order-gw1-0123456789ab-1"]
    assert service.stopped == {}
    assert runner.arns[0].endswith("/test_orders-large-order-gw1-0123456789ab-1/id-1")


@pytest.mark.parametrize("name", ["failing_step", "too_slow_for_its_execution", "invokes"])
def test_every_way_to_end_is_the_same_as_in_the_simulator(
    serve: Serve, make_runner: MakeRunner, name: str
) -> None:
    here = corpus.run(corpus.BY_NAME[name])
    result = make_runner(serve(Life.of(here)), longest_interval_seconds=300).run(timeout="1d")
    assert (result.status, result.result, result.error) == (here.status, here.result, here.error)
    assert result.operations == here.operations
    assert result.notes == ()


def test_polling_is_quick_at_first_and_bounded_later(
    serve: Serve, make_runner: MakeRunner, clock: FakeClock
) -> None:
    here = recorded(waiting)
    began = clock.now()
    make_runner(serve(Life.of(here))).run(timeout="1d")
    took = here.virtual_elapsed.total_seconds()
    assert clock.slept[0] == 0.1
    assert max(clock.slept) == 5.0
    assert took <= clock.now() - began <= took + 5


def test_an_execution_that_is_unknown_at_first_is_waited_for(serve: Serve, make_runner: MakeRunner) -> None:
    service = serve(Life.of(corpus.run(SEQUENTIAL), unknown_seconds=7))
    assert make_runner(service).run().value == SEQUENTIAL.value


def test_an_execution_that_stays_unknown_is_an_error_in_the_end(
    serve: Serve, make_runner: MakeRunner, clock: FakeClock
) -> None:
    service = serve(Life.of(corpus.run(SEQUENTIAL), unknown_seconds=1e9))
    began = clock.now()
    with pytest.raises(RefusedError, match=r"ResourceNotFoundException: GetDurableExecution .* region"):
        make_runner(service).run()
    assert 30 <= clock.now() - began < 40


def test_a_history_that_lags_is_waited_for(serve: Serve, make_runner: MakeRunner) -> None:
    here = corpus.run(SEQUENTIAL)
    result = make_runner(serve(Life.of(here, lag_seconds=6))).run()
    assert result.history == here.history
    assert result.notes == ()


def test_a_history_that_never_comes_to_the_end_is_completed_and_told(
    serve: Serve, make_runner: MakeRunner
) -> None:
    here = corpus.run(SEQUENTIAL)
    result = make_runner(serve(Life.of(here, lag_seconds=1e9))).run()
    assert result.value == here.value
    assert result.notes == ("the history does not tell yet that the execution has ended: SUCCEEDED",)


def test_throttling_and_errors_of_the_service_are_lived_through(
    serve: Serve, make_runner: MakeRunner
) -> None:
    service = serve(Life.of(corpus.run(SEQUENTIAL)))
    faults = [Fault(429, "TooManyRequestsException"), Fault(500), Fault(None)]
    for operation in ("Invoke", "GetDurableExecution", "GetDurableExecutionHistory"):
        service.faults[operation] = list(faults)
    assert make_runner(service).run().value == SEQUENTIAL.value
    assert len(service.started) == 1


def test_an_execution_that_never_ends_is_stopped_when_the_time_is_up(
    serve: Serve, make_runner: MakeRunner, clock: FakeClock
) -> None:
    service = serve(Life.of(recorded(approval, "yes"), ends=False))
    began = clock.now()
    runner = make_runner(service)
    with pytest.raises(TimeoutError, match=r"has not ended after 90 seconds \(status RUNNING\): .*approval"):
        runner.run(timeout="90s")
    assert 90 <= clock.now() - began < 92
    assert list(service.stopped) == runner.arns
    (error,) = service.stopped.values()
    assert error == {"ErrorType": "TestEnded", "ErrorMessage": "The test has given up: TimeoutError."}
    runner.release()
    assert len(service.of("StopDurableExecution")) == 1


def test_what_is_interrupted_is_stopped(serve: Serve, make_runner: MakeRunner, clock: FakeClock) -> None:
    service = serve(Life.of(recorded(approval, "yes"), ends=False))

    def interrupt(seconds: float) -> None:
        raise KeyboardInterrupt

    clock.sleep = interrupt  # type: ignore[method-assign]
    with pytest.raises(KeyboardInterrupt):
        make_runner(service).run()
    assert len(service.stopped) == 1


@pytest.mark.parametrize("has_begun", [True, False])
def test_what_has_begun_when_a_start_is_interrupted_is_stopped(
    serve: Serve, make_runner: MakeRunner, clock: FakeClock, has_begun: bool
) -> None:
    service = serve(Life.of(recorded(approval, "yes"), ends=False))
    service.faults["Invoke"] = [Fault(500, does_it=has_begun)]

    def interrupt(seconds: float) -> None:
        clock.sleep = sleep  # type: ignore[method-assign]
        raise KeyboardInterrupt

    sleep, clock.sleep = clock.sleep, interrupt  # type: ignore[method-assign]
    runner = make_runner(service)
    with pytest.raises(KeyboardInterrupt):
        runner.run()
    runner.release()
    assert len(service.of("Invoke")) == 1
    assert list(service.stopped) == runner.arns
    assert len(runner.arns) == has_begun
    assert runner.following.complaints == []


def test_a_start_that_is_interrupted_where_nobody_may_look_for_it_is_told(
    serve: Serve, make_runner: MakeRunner, clock: FakeClock
) -> None:
    service = serve(Life.of(recorded(approval, "yes"), ends=False))
    service.faults["Invoke"] = [Fault(500, does_it=True)]
    service.faults["ListDurableExecutionsByFunction"] = [Fault(403, "AccessDeniedException", "no")]

    def interrupt(seconds: float) -> None:
        clock.sleep = sleep  # type: ignore[method-assign]
        raise KeyboardInterrupt

    sleep, clock.sleep = clock.sleep, interrupt  # type: ignore[method-assign]
    runner = make_runner(service)
    with pytest.raises(KeyboardInterrupt):
        runner.run()
    (complaint,) = runner.following.complaints
    assert "may have been started: AccessDeniedException" in complaint
    assert "lambda:ListDurableExecutionsByFunction" in complaint


def test_credentials_that_expire_on_the_way_end_the_run_at_once(
    serve: Serve, make_runner: MakeRunner
) -> None:
    service = serve(Life.of(corpus.run(SEQUENTIAL)))
    expired = Fault(403, "ExpiredTokenException", "The security token is expired")
    service.faults["GetDurableExecution"] = [expired]
    service.faults["StopDurableExecution"] = [expired]
    runner = make_runner(service)
    with pytest.raises(RefusedError, match="credentials have expired"):
        runner.run()
    (complaint,) = runner.following.complaints
    assert complaint.startswith(f"{runner.arns[0]} could not be stopped: ExpiredTokenException")


def test_what_was_started_and_not_finished_is_stopped_when_the_runner_is_released(
    serve: Serve, make_runner: MakeRunner
) -> None:
    service = serve(Life.of(corpus.run(SEQUENTIAL)))
    runner = make_runner(service)
    finished, unfinished = runner.run_async(), runner.run_async()
    runner.wait_for_result(finished)
    foreign = finished.replace("-1/id-1", "-2/id-1")
    assert foreign == unfinished
    runner.release()
    assert list(service.stopped) == [unfinished]


def test_an_execution_of_somebody_else_is_looked_at_and_not_stopped(
    serve: Serve, make_runner: MakeRunner
) -> None:
    service = serve(Life.of(recorded(approval, "yes"), ends=False))
    other = make_runner(service).run_async()
    with make_runner(service) as runner:
        with pytest.raises(TimeoutError):
            runner.wait_for_result(other, timeout=1)
        assert runner.get_execution_history(other)[0]["EventType"] == "ExecutionStarted"
    assert service.stopped == {}


def test_wait_for_result_may_be_called_again_after_it_has_timed_out(
    serve: Serve, make_runner: MakeRunner
) -> None:
    service = serve(Life.of(recorded(waiting)))
    runner = make_runner(service)
    arn = runner.run_async()
    with pytest.raises(TimeoutError):
        runner.wait_for_result(arn, timeout=1)
    assert service.stopped == {}
    assert runner.wait_for_result(arn, timeout="1d").status == "SUCCEEDED"
    assert runner.wait_for_result(arn).status == "SUCCEEDED"


def sent(service: ScriptedLambda) -> list[tuple[str, bytes]]:
    return [
        (request.operation.removeprefix("SendDurableExecutionCallback"), request.body)
        for request in service.requests
        if request.operation.startswith("Send")
    ]


def test_a_scripted_answer_is_sent_in_real_time(
    serve: Serve, make_runner: MakeRunner, clock: FakeClock
) -> None:
    service = serve(Life.of(recorded(approval, "yes")))
    runner = make_runner(service)
    runner.on_callback("approval").succeed("yes", after="33s")
    began = clock.now()
    assert runner.run().value == "yes"
    assert sent(service) == [("Success", b"yes")]
    assert 33 <= clock.now() - began < 39
    runner.close()


def test_scripted_heartbeats_come_in_their_interval_until_the_answer(
    serve: Serve, make_runner: MakeRunner, clock: FakeClock
) -> None:
    service = serve(Life.of(recorded(approval, "yes")))
    runner = make_runner(service)
    runner.on_callback("approval").heartbeat(every="10s", times=3).fail("no")
    began = clock.now()
    runner.run()
    assert [what for what, _ in sent(service)] == ["Heartbeat"] * 3 + ["Failure"]
    assert 40 <= clock.now() - began < 46


def test_a_duplicate_answer_is_sent_twice_and_may_be_refused(serve: Serve, make_runner: MakeRunner) -> None:
    service = serve(Life.of(recorded(approval, "yes")))
    runner = make_runner(service)
    runner.on_callback("approval").succeed("yes", duplicate=True)
    assert runner.run().value == "yes"
    assert sent(service) == [("Success", b"yes")] * 2


def test_one_script_answers_one_callback_after_the_other(serve: Serve, make_runner: MakeRunner) -> None:
    service = serve(Life.of(recorded(two_callbacks, "1", "2")))
    runner = make_runner(service)
    runner.on_callback(times=2).succeed("1").then.succeed("2")
    assert runner.run().value == ["1", "2"]
    assert sent(service) == [("Success", b"1"), ("Success", b"2")]
    runner.close()


@pytest.mark.parametrize("before", [[], [Fault(500)]])
def test_an_answer_that_is_wrong_in_itself_ends_the_run(
    serve: Serve, make_runner: MakeRunner, before: list[Fault]
) -> None:
    service = serve(Life.of(recorded(approval, "yes")))
    wrong = Fault(400, "InvalidParameterValueException", "CALLBACK result is too large")
    service.faults["SendDurableExecutionCallbackSuccess"] = [*before, wrong]
    runner = make_runner(service)
    runner.on_callback("approval").succeed("yes")
    with pytest.raises(RefusedError, match=r"InvalidParameterValueException: .* is too large"):
        runner.run()
    assert len(service.stopped) == 1


@pytest.mark.parametrize("code", ["ResourceNotFoundException", "CallbackTimeoutException"])
def test_an_answer_to_a_callback_that_has_just_ended_is_refused_in_vain(
    serve: Serve, make_runner: MakeRunner, code: str
) -> None:
    service = serve(Life.of(recorded(approval, "yes")))
    gone = Fault(404, code, "It has ended.", does_it=True)
    service.faults["SendDurableExecutionCallbackSuccess"] = [gone]
    runner = make_runner(service)
    runner.on_callback("approval").succeed("yes")
    assert runner.run().value == "yes"


def test_an_answer_that_the_service_refuses_to_anybody_ends_the_run(
    serve: Serve, make_runner: MakeRunner
) -> None:
    service = serve(Life.of(recorded(approval, "yes")))
    service.faults["SendDurableExecutionCallbackSuccess"] = [Fault(403, "AccessDeniedException", "no")]
    runner = make_runner(service)
    runner.on_callback("approval").succeed("yes")
    with pytest.raises(RefusedError, match="lambda:SendDurableExecutionCallbackSuccess"):
        runner.run()
    assert len(service.stopped) == 1


def test_a_script_that_was_never_used_fails_like_locally(serve: Serve, make_runner: MakeRunner) -> None:
    runner = make_runner(serve(Life.of(recorded(approval, "yes"))))
    runner.on_callback("approval").succeed("yes")
    runner.on_callback("other").succeed("yes")
    runner.run()
    with pytest.raises(UnusedScriptError, match=r"on_callback\('other'\) was never used.*'approval'"):
        runner.close()
    runner.close()


def test_a_callback_is_awaited_and_answered_by_the_test(serve: Serve, make_runner: MakeRunner) -> None:
    here = recorded(two_callbacks, "1", "2")
    service = serve(Life.of(here))
    runner = make_runner(service)
    arn = runner.run_async()
    first = runner.wait_for_callback(arn, "first")
    assert first == here.get_callback("first").callback_id
    second = runner.wait_for_callback(arn)
    assert second == here.get_callback("second").callback_id
    runner.send_callback_heartbeat(first)
    runner.send_callback_success(first, "1")
    runner.send_callback_success(second, value=2)
    assert runner.wait_for_result(arn).value == ["1", "2"]
    assert sent(service) == [("Heartbeat", b""), ("Success", b"1"), ("Success", b"2")]
    with pytest.raises(DurableTestError, match=r"ended .SUCCEEDED. without callback 'first' to answer"):
        runner.wait_for_callback(arn, "first")


def test_waiting_for_a_callback_of_an_execution_that_fails_says_why(
    serve: Serve, make_runner: MakeRunner
) -> None:
    service = serve(Life.of(corpus.run(corpus.BY_NAME["failing_step"])))
    runner = make_runner(service)
    with pytest.raises(ExecutionFailedError):
        runner.wait_for_callback(runner.run_async(), "approval", timeout="1d")


def test_a_callback_that_does_not_come_is_a_timeout_that_tells_what_is_pending(
    serve: Serve, make_runner: MakeRunner
) -> None:
    runner = make_runner(serve(Life.of(recorded(approval, "yes"))))
    with pytest.raises(TimeoutError, match=r"awaits no callback 'other' after 3 seconds: .*approval"):
        runner.wait_for_callback(runner.run_async(), "other", timeout=3)


def test_an_execution_that_was_started_by_itself_can_be_followed(
    serve: Serve, make_runner: MakeRunner
) -> None:
    service = serve(Life.of(recorded(approval, "yes")))
    execution = make_runner(service).start({"id": 1}, name="order-1")
    assert list(service.started) == ["order-1"]
    callback_id = execution.until("approval").until_callback("approval")
    assert base64.b64decode(callback_id)
    assert any("approval" in pending for pending in execution.pending)
    assert execution.result().status == "RUNNING"
    service.answered[callback_id] = service.requests[0]
    assert execution.finish().value == "yes"
    with pytest.raises(DurableTestError, match=r"ended \(SUCCEEDED\) without operation 'other'"):
        execution.until("other")


def test_an_execution_can_be_paused_resumed_and_stopped(serve: Serve, make_runner: MakeRunner) -> None:
    service = serve(Life.of(recorded(approval, "yes"), ends=False))
    runner = make_runner(service)
    arn = runner.run_async()
    runner.pause_execution(arn)
    assert service.paused == {arn}
    runner.resume_execution(arn)
    assert service.paused == set()
    runner.stop_execution(arn, "enough")
    assert runner.wait_for_result(arn).status == "STOPPED"
    assert service.stopped[arn] == {"ErrorMessage": "enough"}


@pytest.mark.parametrize(
    ("use", "reason"),
    [
        (lambda runner: runner.inject(), "durable_runner.inject needs the simulator"),
        (lambda runner: runner.clock.now, "durable_runner.clock needs the simulator, which owns the time"),
        (lambda runner: runner.on_step("charge"), "replaces bodies of steps"),
        (lambda runner: runner.always(print), "watches every event"),
        (lambda runner: runner.run(plan=1), r"run\(plan=...\) needs the simulator"),
        (lambda runner: runner.on_callback("a").succeed(early=True) and runner.run(), "early=True needs"),
        (
            lambda runner: runner.on_callback("a").succeed(after="5h") and runner.run(),
            r"on_callback\('a'\) answers after 18000 seconds, which needs virtual time",
        ),
    ],
)
def test_what_needs_the_simulator_is_refused_before_anything_is_invoked(
    serve: Serve, make_runner: MakeRunner, use: Callable[[Any], object], reason: str
) -> None:
    service = serve(Life.of(corpus.run(SEQUENTIAL)))
    with pytest.raises(UsageError, match=reason):
        use(make_runner(service))
    assert service.requests == []


def test_an_execution_refuses_what_needs_the_simulator(serve: Serve, make_runner: MakeRunner) -> None:
    execution: Any = make_runner(serve(Life.of(corpus.run(SEQUENTIAL)))).start()
    for name in ("advance", "crash", "until_suspended"):
        with pytest.raises(UsageError, match=f"{name} of an execution needs the simulator"):
            getattr(execution, name)()
    with pytest.raises(AttributeError, match="no attribute 'advanse'"):
        execution.advanse("1h")


@pytest.mark.parametrize("script", [lambda on: on.never(), lambda on: on.succeed(late=True)])
def test_a_timeout_that_is_longer_than_the_test_waits_is_not_waited_for(
    serve: Serve, make_runner: MakeRunner, clock: FakeClock, script: Callable[[Any], object]
) -> None:
    service = serve(Life.of(recorded(approval, "yes")))
    runner = make_runner(service)
    script(runner.on_callback("approval"))
    began = clock.now()
    with pytest.raises(UsageError, match="callback 'approval' is answered after its timeout or never"):
        runner.run(timeout="59s")
    assert clock.now() - began < 1
    assert len(service.stopped) == 1


def test_a_timeout_that_is_shorter_is_waited_for(
    serve: Serve, make_runner: MakeRunner, clock: FakeClock
) -> None:
    here = corpus.make_runner(approval)
    here.on_callback("approval").succeed(late=True)
    result = here.run()
    here.release()
    service = serve(Life.of(result))
    runner = make_runner(service)
    runner.on_callback("approval").succeed(late=True)
    assert runner.run(timeout="90s").status == "FAILED"
    runner.close()


def test_a_mistaken_name_is_a_mistake_and_no_need(serve: Serve, make_runner: MakeRunner) -> None:
    runner: Any = make_runner(serve(Life.of(corpus.run(SEQUENTIAL))))
    with pytest.raises(AttributeError, match="no attribute 'rnu'"):
        runner.rnu()


@pytest.mark.parametrize("wrong", [lambda runner: runner.run(object()), lambda runner: runner.run(timeout=0)])
def test_wrong_arguments_are_told_before_anything_is_invoked(
    serve: Serve, make_runner: MakeRunner, wrong: Callable[[Any], object]
) -> None:
    service = serve(Life.of(corpus.run(SEQUENTIAL)))
    with pytest.raises(UsageError):
        wrong(make_runner(service))
    assert service.requests == []


def test_a_name_with_another_input_is_refused(serve: Serve, make_runner: MakeRunner) -> None:
    runner = make_runner(serve(Life.of(corpus.run(SEQUENTIAL))))
    runner.start(1, name="order")
    with pytest.raises(CloudError, match="DurableExecutionAlreadyStartedException"):
        runner.start(2, name="order")


def test_the_timeline_of_a_run_tells_its_arn(serve: Serve, make_runner: MakeRunner) -> None:
    runner = make_runner(serve(Life.of(corpus.run(SEQUENTIAL))))
    result = runner.run()
    assert runner.timeline() == f"{runner.arns[0]}\n{result.timeline()}"
    assert [repr(known) for known in runner.results] == [repr(result)]
