"""wait_for_callback: what it records, what its config reaches, and how each of its errors comes out."""

from __future__ import annotations

from typing import Any

import pytest
from durable_sdk_fakes import FakeLambda, facts, invoke, outcome, run

from durable_sdk import (
    CallbackExternalError,
    CallbackSubmitterError,
    CallbackTimeoutError,
    ChildContextError,
    DurableContext,
    ExecutionError,
    RetryableSerDesError,
    SerDesError,
    StepError,
    ValidationError,
    durable_wait_for_callback,
)
from durable_sdk.config import CallbackConfig, Duration, WaitForCallbackConfig
from durable_sdk.identifier import operation_id
from durable_sdk.retries import RetryDecision, RetryPresets
from durable_sdk.serdes import JsonSerDes, SerDes
from durable_sdk.types import WaitForCallbackContext

PENDING = {"Status": "PENDING"}
NO_RETRY = WaitForCallbackConfig(retry_strategy=RetryPresets.none())
CALLBACK = "approval create callback id"


def submit(callback_id: str, context: WaitForCallbackContext) -> None:
    pass


def approval(
    seen: list[Any], submitter: Any = submit, config: Any = None, name: str | None = "approval"
) -> Any:
    """Return a handler that waits for a callback, and then goes on; ``seen`` gets what came."""

    def handler(event: Any, context: DurableContext) -> str:
        seen.append(outcome(lambda: context.wait_for_callback(submitter, name, config)))
        context.wait(1, "after")
        return "done"

    return handler


def test_it_is_a_context_with_a_callback_and_a_step() -> None:
    service, seen = FakeLambda(), []
    handler = approval(seen)
    assert invoke(handler, service) == PENDING
    assert service.actions == [
        ["START approval", f"START {CALLBACK}"],
        ["START approval submitter", "SUCCEED approval submitter"],
    ]
    context = service.named("approval")
    assert (context["Type"], context["SubType"], context["Id"]) == (
        "CONTEXT",
        "WaitForCallback",
        operation_id(None, 1),
    )
    callback, step = service.named(CALLBACK), service.named("approval submitter")
    assert (callback["SubType"], step["SubType"]) == ("Callback", "Step")
    assert callback["ParentId"] == step["ParentId"] == context["Id"]
    assert callback["Id"] == operation_id(context["Id"], 1)
    assert step["Id"] == operation_id(context["Id"], 2)
    assert seen == []


def test_the_submitter_gets_the_id_and_a_context_with_a_logger_once() -> None:
    service, calls = FakeLambda(), []

    def note(callback_id: str, context: WaitForCallbackContext) -> None:
        context.logger.info("handed out")
        calls.append((callback_id, type(context)))

    handler = approval([], note)
    invoke(handler, service)
    invoke(handler, service)
    assert calls == [(f"id of {CALLBACK}", WaitForCallbackContext)]


@pytest.mark.parametrize("answer", ["plain", "", '{"a": 1}'])
def test_the_answer_is_a_text_as_it_came(answer: str) -> None:
    service, seen = FakeLambda(), []
    handler = approval(seen)
    invoke(handler, service)
    service.settle(CALLBACK, "SUCCEEDED", Result=answer)
    assert run(handler, service)["Result"] == '"done"'
    assert seen == [answer, answer]


def test_an_answer_without_a_result_is_none() -> None:
    service, seen = FakeLambda(), []
    handler = approval(seen)
    invoke(handler, service)
    service.settle(CALLBACK, "SUCCEEDED")
    run(handler, service)
    assert seen == [None, None]


def test_the_context_stores_the_answer_as_typed_json() -> None:
    service = FakeLambda()
    handler = approval([])
    invoke(handler, service)
    service.settle(CALLBACK, "SUCCEEDED", Result='"x"')
    invoke(handler, service)
    assert service.named("approval")["ContextDetails"]["Result"] == '"\\"x\\""'


@pytest.mark.parametrize("name", [None, ""])
def test_without_a_name_the_parts_have_their_bare_names(name: str | None) -> None:
    service = FakeLambda()
    invoke(approval([], name=name), service)
    assert "Name" not in service.operations[operation_id(None, 1)]
    assert service.named("create callback id")["Type"] == "CALLBACK"
    assert service.named("submitter")["Type"] == "STEP"


def test_a_decorated_submitter_gives_its_name_and_its_arguments() -> None:
    service, calls = FakeLambda(), []

    @durable_wait_for_callback
    def ask(callback_id: str, context: WaitForCallbackContext, whom: str, *, urgent: bool) -> None:
        calls.append((callback_id, whom, urgent))

    invoke(approval([], ask("anna", urgent=True), name=None), service)
    assert calls == [("id of ask create callback id", "anna", True)]
    assert service.named("ask")["SubType"] == "WaitForCallback"
    other = FakeLambda()
    invoke(approval([], ask("anna", urgent=True), name="mine"), other)
    assert other.named("mine submitter")["Type"] == "STEP"


def test_the_callback_gets_the_timeouts_and_the_sub_type() -> None:
    service = FakeLambda()
    config = WaitForCallbackConfig(Duration(60), Duration(5), sub_type="Approval")
    invoke(approval([], config=config), service)
    start = service.requests[0][1]
    assert start["CallbackOptions"] == {"TimeoutSeconds": 60, "HeartbeatTimeoutSeconds": 5}
    assert start["SubType"] == "Approval"
    assert service.named("approval")["SubType"] == "WaitForCallback"
    assert service.named("approval submitter")["SubType"] == "Step"


def test_the_serdes_reads_the_answer_and_stores_what_the_submitter_returns() -> None:
    service, seen = FakeLambda(), []
    handler = approval(seen, lambda callback_id, context: (1,), WaitForCallbackConfig(serdes=JsonSerDes()))
    invoke(handler, service)
    assert service.named("approval submitter")["StepDetails"]["Result"] == "[1]"
    service.settle(CALLBACK, "SUCCEEDED", Result='{"a": [1]}')
    run(handler, service)
    assert seen == [{"a": [1]}, {"a": [1]}]


def test_a_failing_submitter_is_retried_by_the_strategy_of_the_config() -> None:
    service, attempts = FakeLambda(), []

    def flaky(callback_id: str, context: WaitForCallbackContext) -> None:
        attempts.append(callback_id)
        if len(attempts) == 1:
            raise ValueError("not now")

    def strategy(error: Exception, attempt: int) -> RetryDecision:
        return RetryDecision.retry(Duration(7))

    handler = approval([], flaky, WaitForCallbackConfig(retry_strategy=strategy))
    assert invoke(handler, service) == PENDING
    (retry,) = [update for update in service.requests[-1] if update["Action"] == "RETRY"]
    assert retry["StepOptions"] == {"NextAttemptDelaySeconds": 7}
    service.elapse()
    assert invoke(handler, service) == PENDING
    assert attempts == [f"id of {CALLBACK}"] * 2


def seen_twice(handler: Any, seen: list[Any], service: FakeLambda) -> Any:
    """Run to the end; return the error of the first run, having compared it with the replay's."""
    assert run(handler, service)["Result"] == '"done"'
    first, replayed = seen
    assert facts(first) == facts(replayed)
    return first


ERROR = {"ErrorType": "Denied", "ErrorMessage": "no", "ErrorData": "why", "StackTrace": ["line"]}


def test_a_failure_from_outside_comes_out_as_itself() -> None:
    service, seen = FakeLambda(), []
    handler = approval(seen)
    invoke(handler, service)
    service.settle(CALLBACK, "FAILED", Error=ERROR)
    error = seen_twice(handler, seen, service)
    assert type(error) is CallbackExternalError
    assert (error.message, error.data, error.stack_trace) == ("no", "why", ["line"])
    # The type that the outside reported stays on the operation.
    assert error.error_type == "durable_sdk.exceptions.CallbackExternalError"
    assert service.named("approval")["ContextDetails"]["Error"]["ErrorType"] == error.error_type


@pytest.mark.parametrize("message", [None, "Callback timed out on heartbeat"])
def test_a_timeout_comes_out_as_itself(message: str | None) -> None:
    service, seen = FakeLambda(), []
    handler = approval(seen)
    invoke(handler, service)
    details = {} if message is None else {"ErrorMessage": message, "ErrorType": "Callback.Heartbeat"}
    service.settle(CALLBACK, "TIMED_OUT", Error=details)
    error = seen_twice(handler, seen, service)
    assert type(error) is CallbackTimeoutError
    assert str(error) == (message or "Callback timed out")


def test_a_submitter_that_fails_for_good_is_a_submitter_error_caused_by_a_step_error() -> None:
    service, seen = FakeLambda(), []

    def fails(callback_id: str, context: WaitForCallbackContext) -> None:
        raise CallbackExternalError("refused", "X", "data", ["line"])

    error = seen_twice(approval(seen, fails, NO_RETRY), seen, service)
    assert type(error) is CallbackSubmitterError
    assert (error.message, error.data, error.stack_trace) == ("refused", "data", ["line"])
    assert error.error_type == "durable_sdk.exceptions.CallbackSubmitterError"
    assert type(error.__cause__) is StepError
    assert str(error.__cause__) == "refused"
    assert service.named("approval")["ContextDetails"]["Error"]["ErrorType"] == (
        "durable_sdk.exceptions.StepError"
    )


class Broken(SerDes[Any]):
    """Reads nothing."""

    def serialize(self, value: Any, serdes_context: Any) -> str:
        return "stored"

    def deserialize(self, data: str, serdes_context: Any) -> Any:
        if data == "stored":
            return None
        raise ValueError("unreadable")


def test_an_answer_that_cannot_be_read_is_a_serdes_error() -> None:
    service, seen = FakeLambda(), []
    handler = approval(seen, config=WaitForCallbackConfig(serdes=Broken()))
    invoke(handler, service)
    service.settle(CALLBACK, "SUCCEEDED", Result="x")
    error = seen_twice(handler, seen, service)
    assert type(error) is SerDesError
    assert "unreadable" in str(error)


def test_a_submitter_whose_result_cannot_be_stored_is_a_serdes_error() -> None:
    service, seen = FakeLambda(), []
    error = seen_twice(approval(seen, lambda callback_id, context: object()), seen, service)
    assert type(error) is SerDesError


def test_an_execution_error_of_the_submitter_ends_the_execution() -> None:
    def fails(callback_id: str, context: WaitForCallbackContext) -> None:
        raise ExecutionError("stop")

    def handler(event: Any, context: DurableContext) -> None:
        context.wait_for_callback(fails, "approval")

    output = invoke(handler, FakeLambda())
    assert output["Error"] == {"ErrorMessage": "stop", "ErrorType": "durable_sdk.exceptions.ExecutionError"}


def test_a_retryable_error_of_the_submitter_fails_the_invocation() -> None:
    def fails(callback_id: str, context: WaitForCallbackContext) -> None:
        raise RetryableSerDesError("passing")

    with pytest.raises(RetryableSerDesError):
        invoke(lambda event, context: context.wait_for_callback(fails, "approval"), FakeLambda())


@pytest.mark.parametrize(
    "prefix", ["", "aws_durable_execution_sdk_python.exceptions.", "durable_sdk.exceptions."]
)
@pytest.mark.parametrize(
    ("stored", "cls"),
    [
        ("CallbackTimeoutError", CallbackTimeoutError),
        ("CallbackExternalError", CallbackExternalError),
        ("StepError", CallbackSubmitterError),
        ("CallbackSubmitterError", CallbackSubmitterError),
        ("SerDesError", SerDesError),
        ("InvokeError", ChildContextError),
        ("ChildContextError", ChildContextError),
    ],
)
def test_defect_s8_errors_recorded_by_either_generation_of_awss_sdk_come_out_as_themselves(
    prefix: str, stored: str, cls: type
) -> None:
    service, seen = FakeLambda(), []
    handler = approval(seen)
    invoke(handler, service)
    service.named("approval").update(
        {"Status": "FAILED", "ContextDetails": {"Error": {"ErrorType": prefix + stored, "ErrorMessage": "m"}}}
    )
    assert invoke(handler, service) == PENDING
    assert type(seen[0]) is cls
    assert str(seen[0]) == "m"


def test_an_error_of_another_kind_stays_a_child_context_error() -> None:
    service, seen = FakeLambda(), []
    handler = approval(seen)
    invoke(handler, service)
    service.named("approval").update(
        {"Status": "FAILED", "ContextDetails": {"Error": {"ErrorType": "KeyError", "ErrorMessage": "m"}}}
    )
    invoke(handler, service)
    assert type(seen[0]) is ChildContextError
    assert seen[0].error_type == "KeyError"


async def asynchronous(callback_id: str, context: WaitForCallbackContext) -> None:
    pass


@durable_wait_for_callback
def decorated(callback_id: str, context: WaitForCallbackContext) -> None:
    pass


@pytest.mark.parametrize(
    ("submitter", "name", "config"),
    [
        (None, None, None),
        ("text", None, None),
        (asynchronous, None, None),
        (decorated, None, None),
        (submit, 5, None),
        (submit, "é", None),
        (submit, "x" * 257, None),
        # Too long for the names that are derived from it.
        (submit, "x" * 250, None),
        (submit, None, CallbackConfig()),
        (submit, None, {}),
    ],
)
def test_a_wrong_argument_takes_no_position(submitter: Any, name: Any, config: Any) -> None:
    service = FakeLambda()

    def handler(event: Any, context: DurableContext) -> None:
        with pytest.raises(ValidationError):
            context.wait_for_callback(submitter, name, config)
        context.wait(1, "first")

    assert invoke(handler, service) == PENDING
    assert service.updates == ["START first"]
    assert service.named("first")["Id"] == operation_id(None, 1)
