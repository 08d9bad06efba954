"""durable_execution: events in, answers out, and how every kind of error ends an invocation."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from durable_sdk_fakes import (
    ARN,
    TIMEOUT_SECONDS,
    FakeLambda,
    Running,
    ServiceError,
    invalid,
    invoke,
    run,
    start,
    wait_for,
)

from durable_sdk import (
    DurableContext,
    ExecutionError,
    InvocationError,
    RetryableSerDesError,
    SerDesError,
    ValidationError,
    _runtime,
    durable_execution,
)
from durable_sdk._boto_client import BotoClient
from durable_sdk._invocation_input import BoundInvocation
from durable_sdk._runtime import ThreadRuntime
from durable_sdk._wire.invocation import InvocationEvent
from durable_sdk.exceptions import CheckpointError, GetExecutionStateError, StepInterruptedError
from durable_sdk.execution import is_durable

LIMIT = 6 * 1024 * 1024 - 50
PENDING = {"Status": "PENDING"}


class FinalInvocationError(InvocationError):
    def is_retryable(self) -> bool:
        return False


def raising(error: BaseException) -> Callable[[Any, Any], Any]:
    def handler(event: Any, context: Any) -> Any:
        raise error

    return handler


def step(event: Any, context: DurableContext) -> Any:
    return context.step(lambda: 1, "step")


def test_the_result_is_plain_json_and_takes_no_request() -> None:
    service = FakeLambda()
    output = run(lambda event, context: {"a": [1, None, (2,)]}, service)
    assert output == {"Status": "SUCCEEDED", "Result": '{"a": [1, null, [2]]}'}
    assert service.requests == []


@pytest.mark.parametrize(
    ("payload", "event"),
    [('{"a": 1}', {"a": 1}), ("[1]", [1]), ("null", None), ('"x"', "x"), (None, {}), ("", {}), (" \n", {})],
)
def test_the_handler_gets_the_decoded_input(payload: str | None, event: Any) -> None:
    assert run(lambda event, context: [event], FakeLambda(payload))["Result"] == json.dumps([event])


def test_an_execution_without_its_operation_has_an_empty_input() -> None:
    service = FakeLambda()
    service.operations.clear()
    assert run(lambda event, context: event, service)["Result"] == "{}"


def test_an_input_that_is_not_json_leaves_the_handler() -> None:
    with pytest.raises(json.JSONDecodeError):
        invoke(lambda event, context: event, FakeLambda("{"))


@pytest.mark.parametrize("event", [None, [], "text", {}, {"DurableExecutionArn": ARN}])
def test_a_malformed_event_is_an_execution_error_and_the_handler_does_not_run(event: Any) -> None:
    handler = durable_execution(boto3_client=FakeLambda())(raising(AssertionError()))
    with pytest.raises(ExecutionError, match="Unexpected payload provided to start the durable execution"):
        handler(event, None)


def test_the_state_may_be_absent_from_the_event() -> None:
    service = FakeLambda()
    event = service.event()
    del event["InitialExecutionState"]
    assert durable_execution(boto3_client=service)(lambda event, context: event)(event)["Result"] == "{}"


class NotedRuntime(ThreadRuntime):
    """Threads; notes that it was closed."""

    closed = False

    def close(self) -> None:
        super().close()
        self.closed = True


@pytest.mark.parametrize("func", [step, lambda event, context: 1 / 0])
def test_a_test_runner_brings_a_client_and_a_runtime_which_is_closed_at_the_end(func: Any) -> None:
    service, runtime = FakeLambda(), NotedRuntime()
    event = InvocationEvent.from_json_dict(service.event())
    output = durable_execution(func)(BoundInvocation(event, BotoClient(service), runtime))
    assert output["Status"] == ("SUCCEEDED" if func is step else "FAILED")
    assert runtime.closed
    assert _runtime.current.get() is not runtime


def test_the_handler_runs_on_the_calling_thread() -> None:
    service = FakeLambda()
    event = service.event()
    handler = durable_execution(boto3_client=service)(lambda event, context: threading.get_ident())
    assert handler(event, None)["Result"] == str(threading.get_ident())


def test_an_invocation_leaves_no_thread_behind() -> None:
    before = set(threading.enumerate())
    service = FakeLambda()

    def handler(event: Any, context: DurableContext) -> Any:
        return context.parallel([lambda c: c.step(lambda: 1), lambda c: c.step(lambda: 2)]).get_results()

    run(handler, service)
    assert {thread for thread in threading.enumerate() if thread.is_alive()} <= before


def test_the_decorator_works_with_and_without_parentheses() -> None:
    @durable_execution
    def bare(event: Any, context: DurableContext) -> None:
        """A docstring."""

    @durable_execution()
    def called(event: Any, context: DurableContext) -> None: ...

    assert is_durable(bare)
    assert is_durable(called)
    assert (bare.__name__, bare.__doc__) == ("bare", "A docstring.")
    assert not is_durable(len)


def test_anything_but_a_function_is_refused_where_it_is_decorated() -> None:
    client: Any = FakeLambda()
    with pytest.raises(ValidationError, match="Options are passed by name"):
        durable_execution(client)


def test_the_handler_gets_the_lambda_context_and_the_arn() -> None:
    service, lambda_context = FakeLambda(), object()
    seen: list[Any] = []

    def func(event: Any, context: DurableContext) -> None:
        seen.append((context.lambda_context, context.execution_context.durable_execution_arn))

    context: Any = lambda_context
    durable_execution(boto3_client=service)(func)(service.event(), context)
    assert seen == [(lambda_context, ARN)]


@pytest.mark.parametrize(
    ("error", "stored"),
    [
        (ValueError("boom"), {"ErrorMessage": "boom", "ErrorType": "ValueError"}),
        (
            ExecutionError("boom"),
            {"ErrorMessage": "boom", "ErrorType": "durable_sdk.exceptions.ExecutionError"},
        ),
        (
            SerDesError("boom", "X", "data", ["line"]),
            {
                "ErrorMessage": "boom",
                "ErrorType": "durable_sdk.exceptions.SerDesError",
                "ErrorData": "data",
                "StackTrace": ["line"],
            },
        ),
        (
            FinalInvocationError("boom"),
            {"ErrorMessage": "boom", "ErrorType": f"{__name__}.FinalInvocationError"},
        ),
        (
            CheckpointError("boom", {"Code": "X"}, {"HTTPStatusCode": 400}),
            {"ErrorMessage": "boom", "ErrorType": "durable_sdk.exceptions.CheckpointError"},
        ),
    ],
)
def test_a_final_error_fails_the_execution(error: Exception, stored: dict[str, Any]) -> None:
    assert invoke(raising(error), FakeLambda()) == {"Status": "FAILED", "Error": stored}


@pytest.mark.parametrize(
    "error",
    [
        InvocationError("boom"),
        RetryableSerDesError("boom"),
        StepInterruptedError("boom"),
        CheckpointError("boom"),
        SystemExit(3),
        KeyboardInterrupt(),
    ],
)
def test_a_passing_error_and_the_end_of_the_process_leave_the_handler(error: BaseException) -> None:
    with pytest.raises(type(error)) as caught:
        invoke(raising(error), FakeLambda())
    assert caught.value is error


@pytest.mark.parametrize("result", [object(), {1, 2}, float("nan"), [float("inf")], {(1, 2): 3}])
def test_a_result_that_is_not_json_fails_the_execution(result: Any) -> None:
    output = invoke(lambda event, context: result, FakeLambda())
    assert output["Status"] == "FAILED"
    assert output["Error"]["ErrorType"] in {"TypeError", "ValueError"}
    assert output["Error"]["ErrorMessage"].startswith("The handler's result is not JSON: ")


def test_a_failure_is_logged_with_its_traceback_and_the_execution(caplog: pytest.LogCaptureFixture) -> None:
    invoke(raising(RuntimeError("no stock")), FakeLambda())
    (logged,) = caplog.records
    assert logged.getMessage() == f"The execution {ARN} has failed."
    assert "raise error" in caplog.text
    assert "RuntimeError: no stock" in caplog.text


def test_a_result_that_contains_itself_fails_the_execution() -> None:
    circle: list[Any] = []
    circle.append(circle)
    assert invoke(lambda event, context: circle, FakeLambda())["Error"]["ErrorType"] == "ValueError"


def test_a_result_of_just_the_limit_is_answered() -> None:
    service = FakeLambda()
    output = invoke(lambda event, context: "x" * (LIMIT - 2), service)
    assert len(output["Result"]) == LIMIT
    assert service.requests == []


def test_a_result_beyond_the_limit_is_recorded_instead() -> None:
    service = FakeLambda()
    assert invoke(lambda event, context: "x" * (LIMIT - 1), service) == {"Status": "SUCCEEDED", "Result": ""}
    ((update,),) = service.requests
    assert (update["Type"], update["Action"], len(update["Payload"])) == ("EXECUTION", "SUCCEED", LIMIT + 1)


def test_an_error_beyond_the_limit_is_recorded_instead() -> None:
    service = FakeLambda()
    assert invoke(raising(ValueError("x" * LIMIT)), service) == {"Status": "FAILED"}
    ((update,),) = service.requests
    assert (update["Type"], update["Action"]) == ("EXECUTION", "FAIL")
    assert update["Error"]["ErrorType"] == "ValueError"


def test_a_suspended_invocation_answers_pending_and_nothing_else() -> None:
    def handler(event: Any, context: DurableContext) -> None:
        try:
            context.wait(60)
        except Exception:
            raise AssertionError("an except Exception must not see a suspension") from None

    assert invoke(handler, FakeLambda()) == PENDING


def test_all_pages_of_the_state_are_read_before_the_handler_runs() -> None:
    service = FakeLambda()
    ran: list[int] = []

    def seven(event: Any, context: DurableContext) -> Any:
        results = []
        for index in range(7):

            def body(index: int = index) -> int:
                ran.append(index)
                return index

            results.append(context.step(lambda _, body=body: body()))
        context.wait(1)
        return results

    invoke(seven, service)
    service.elapse()
    service.page_size = 3
    assert invoke(seven, service)["Result"] == "[0, 1, 2, 3, 4, 5, 6]"
    assert ran == list(range(7))
    # 9 operations: EXECUTION, seven steps, a wait.
    assert service.markers == ["3", "6"]


def paged() -> FakeLambda:
    service = FakeLambda()

    def handler(event: Any, context: DurableContext) -> None:
        context.step(lambda: 1)
        context.step(lambda: 2)
        context.wait(1)

    invoke(handler, service)
    service.page_size = 2
    return service


def test_a_page_that_is_refused_for_good_fails_the_execution() -> None:
    service = paged()
    service.fail_page(0, ServiceError("AccessDeniedException", 403, "no"))
    output = invoke(raising(AssertionError()), service)
    assert output["Status"] == "FAILED"
    assert output["Error"]["ErrorType"] == "durable_sdk.exceptions.GetExecutionStateError"


@pytest.mark.parametrize(
    "error",
    [
        ServiceError("ServiceException", 500),
        ServiceError("TooManyRequestsException", 429),
        invalid("Invalid checkpoint token"),
        ConnectionError("reset"),
    ],
)
def test_a_page_that_cannot_be_read_now_fails_the_invocation(error: Exception) -> None:
    service = paged()
    service.fail_page(0, error)
    with pytest.raises(GetExecutionStateError):
        invoke(raising(AssertionError()), service)


@pytest.mark.parametrize(
    "error",
    [
        ServiceError("ServiceException", 500),
        ServiceError("TooManyRequestsException", 429),
        invalid("Invalid checkpoint token"),
        ConnectionError("reset"),
    ],
)
def test_a_checkpoint_that_fails_for_now_fails_the_invocation_with_its_own_error(error: Exception) -> None:
    service = FakeLambda()
    service.fail(0, error)
    with pytest.raises(CheckpointError) as caught:
        invoke(step, service)
    assert str(caught.value) == str(error)
    assert invoke(step, service)["Result"] == "1"


def test_a_failed_checkpoint_shows_the_error_of_the_client_as_its_cause() -> None:
    service, error = FakeLambda(), ServiceError("ServiceException", 500)
    service.fail(0, error)
    with pytest.raises(CheckpointError) as caught:
        invoke(step, service)
    assert caught.value.__cause__ is error


@pytest.mark.parametrize(
    "error",
    [
        ServiceError("AccessDeniedException", 403, "no"),
        ServiceError("KMSDisabledException", 502, "no"),
        invalid("Invalid Checkpoint Token"),
    ],
)
def test_a_checkpoint_that_is_refused_for_good_fails_the_execution(error: ServiceError) -> None:
    service = FakeLambda()
    service.fail(0, error)
    output = invoke(step, service)
    assert output["Status"] == "FAILED"
    assert output["Error"] == {
        "ErrorMessage": str(error),
        "ErrorType": "durable_sdk.exceptions.CheckpointError",
    }


def test_a_handler_cannot_go_on_after_a_failed_checkpoint() -> None:
    service = FakeLambda()
    service.fail(0, ServiceError("ServiceException", 500))
    reached: list[str] = []

    def handler(event: Any, context: DurableContext) -> None:
        try:
            context.step(lambda: 1)
        except Exception:
            reached.append("except Exception")
        finally:
            try:
                context.step(lambda: reached.append("body"))
            finally:
                reached.append("finally")

    with pytest.raises(CheckpointError):
        invoke(handler, service)
    assert reached == ["finally"]
    assert len(service.requests) == 1


def then_return(context: DurableContext) -> str:
    return "done"


def then_fail(context: DurableContext) -> str:
    raise ValueError("boom")


def then_retry(context: DurableContext) -> str:
    raise InvocationError("boom")


def then_step(context: DurableContext) -> str:
    context.step(lambda: 1)
    raise AssertionError("not reached")


@pytest.mark.parametrize("then", [then_return, then_fail, then_retry, then_step])
def test_a_revoked_token_ends_the_invocation_as_pending_whatever_the_handler_does(
    then: Callable[[DurableContext], str],
) -> None:
    service = FakeLambda()
    service.revoked_at = 0

    def handler(event: Any, context: DurableContext) -> str:
        try:
            context.step(lambda: 1)
        except BaseException:
            return then(context)
        raise AssertionError("the token was withdrawn")

    assert invoke(handler, service) == PENDING
    assert len(service.requests) == 1


def test_what_was_accepted_when_the_token_was_revoked_is_durable() -> None:
    service = FakeLambda()
    service.revoked_at = 0
    ran: list[int] = []

    def handler(event: Any, context: DurableContext) -> None:
        context.step(lambda: ran.append(1))

    assert invoke(handler, service) == PENDING
    assert invoke(handler, service)["Status"] == "SUCCEEDED"
    assert ran == [1]


def test_every_answer_brings_the_token_of_the_next_request() -> None:
    service = FakeLambda()

    def handler(event: Any, context: DurableContext) -> Any:
        return sum(context.step(lambda: 1) for _ in range(5))

    # The service refuses every token but the newest.
    assert invoke(handler, service)["Result"] == "5"
    assert len(service.requests) == 5


def test_handlers_may_be_invoked_at_the_same_time() -> None:
    services = [FakeLambda(str(number)) for number in range(4)]
    meet = threading.Barrier(4, timeout=20)

    def func(event: Any, context: DurableContext) -> Any:
        meet.wait()
        return context.step(lambda: event * 10)

    calls = [Running(lambda service=service: invoke(func, service)) for service in services]
    assert [call.result()["Result"] for call in calls] == ["0", "10", "20", "30"]


def test_a_handler_draws_from_the_runtime_of_its_invocation() -> None:
    # On Lambda that is the generator of the process.
    service = FakeLambda()
    state = random.getstate()
    try:

        def handler(event: Any, context: DurableContext) -> None:
            def body() -> None:
                raise ValueError

            context.step(body)

        random.seed(7)
        expected = random.random()
        random.seed(7)
        assert invoke(handler, service) == PENDING
    finally:
        random.setstate(state)
    delay = service.requests[0][1]["StepOptions"]["NextAttemptDelaySeconds"]
    assert delay == max(1, -int(-expected * 5 // 1))


def test_importing_the_package_imports_neither_boto3_nor_botocore() -> None:
    code = "import durable_sdk, sys; print([name for name in sys.modules if name.startswith('boto')])"
    completed = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    assert completed.stdout.strip() == "[]"


def test_the_end_of_the_process_in_a_request_does_not_hang_the_invocation() -> None:
    service = FakeLambda()
    gate = service.hold(0)
    queued = threading.Event()

    def interrupt() -> None:
        gate()
        raise KeyboardInterrupt

    service.before[0] = interrupt

    def sends(branch: DurableContext) -> None:
        branch.step(lambda: 1)

    def waits(branch: DurableContext) -> None:
        wait_for(gate.arrived)
        branch.step(queued.set)

    invocation = start(lambda event, context: context.parallel([sends, waits]), service)
    wait_for(queued)
    # A moment for the second branch to get from its body to its checkpoint.
    assert not invocation.has_ended(within_seconds=0.1)
    gate.open.set()
    assert invocation.has_ended(TIMEOUT_SECONDS)


def test_defect_s9_the_end_of_an_invocation_waits_for_nothing() -> None:
    """An update that nobody waits for is sent after 100 ms; an invocation that ends does not wait for it."""

    def handler(event: Any, context: DurableContext) -> None:
        context.step(lambda: 1)

    def seconds() -> float:
        begun = time.perf_counter()
        invoke(handler, FakeLambda())
        return time.perf_counter() - begun

    assert min(seconds() for _ in range(5)) < 0.05


def test_a_result_that_only_fits_without_its_escapes_is_sent_to_the_service_before() -> None:
    service = FakeLambda()
    result = [{"k": "v"}] * 480_000
    output = invoke(lambda event, context: result, service)
    assert output == {"Status": "SUCCEEDED", "Result": ""}
    (update,) = service.requests[0]
    assert json.loads(update["Payload"]) == result


def test_a_context_that_is_used_after_it_has_ended_fails_the_execution_at_once() -> None:
    service = FakeLambda()

    def handler(event: Any, context: DurableContext) -> None:
        kept: list[DurableContext] = []
        context.run_in_child_context(kept.append, "ended")
        kept[0].step(lambda: 1, "late")

    output = invoke(handler, service)
    assert output["Status"] == "FAILED"
    assert output["Error"]["ErrorType"] == "durable_sdk.exceptions.ExecutionError"
    assert "'late' lies below context" in output["Error"]["ErrorMessage"]
