"""with_retry: attempts over operations, its waits, and what it must not take for a failed attempt."""

from __future__ import annotations

from typing import Any

import pytest
from durable_sdk_fakes import FakeLambda, invoke, outcome, run

from durable_sdk import (
    ChildContextError,
    DurableContext,
    ExecutionError,
    InvocationError,
    RetryableSerDesError,
    StepError,
    ValidationError,
    WithRetryConfig,
    with_retry,
)
from durable_sdk.config import ChildConfig, Duration, StepConfig
from durable_sdk.identifier import operation_id
from durable_sdk.retries import RetryDecision, RetryPresets

PENDING = {"Status": "PENDING"}
NO_RETRY = StepConfig(retry_strategy=RetryPresets.none())


def every(seconds: int, attempts: int = 3) -> Any:
    """Return a strategy with a fixed delay, given exactly as it is."""

    def decide(error: Exception, attempts_made: int) -> RetryDecision:
        if attempts_made >= attempts:
            return RetryDecision.no_retry()
        return RetryDecision.retry(Duration(seconds))

    return decide


CONFIG: WithRetryConfig[Any] = WithRetryConfig(every(7))
UNWRAPPED: WithRetryConfig[Any] = WithRetryConfig(every(7), wrap_with_run_in_child_context=False)


def flaky(fails: int, attempts: list[int], error: Exception | None = None) -> Any:
    """Return what fails so many times and then returns the number of its attempt."""

    def body(context: DurableContext, attempt: int) -> int:
        attempts.append(attempt)
        context.step(lambda: attempt, "work")
        if attempt <= fails:
            raise error or ValueError(f"attempt {attempt}")
        return attempt

    return body


def test_a_first_attempt_that_succeeds_is_all() -> None:
    service, attempts = FakeLambda(), []
    output = invoke(lambda event, context: with_retry(context, flaky(0, attempts), CONFIG, "job"), service)
    assert output["Result"] == "1"
    assert attempts == [1]
    assert service.updates == ["START job", "START work", "SUCCEED work", "SUCCEED job"]


def test_attempts_follow_each_other_after_waits_that_are_named_after_them() -> None:
    service, attempts = FakeLambda(), []
    output = run(lambda event, context: with_retry(context, flaky(2, attempts), CONFIG, "job"), service)
    assert output["Result"] == "3"
    # Every invocation runs the earlier attempts again, over their records.
    assert attempts == [1, 1, 2, 1, 2, 3]
    assert service.updates == [
        "START job",
        "START work",
        "SUCCEED work",
        "START job-backoff-1",
        "START work",
        "SUCCEED work",
        "START job-backoff-2",
        "START work",
        "SUCCEED work",
        "SUCCEED job",
    ]
    (start,) = [u for request in service.requests for u in request if u.get("Name") == "job-backoff-2"]
    assert start["WaitOptions"] == {"WaitSeconds": 7}


def test_the_attempts_lie_in_one_child_context() -> None:
    service = FakeLambda()
    run(lambda event, context: with_retry(context, flaky(1, []), CONFIG, "job"), service)
    job = service.named("job")
    assert (job["SubType"], job["Id"]) == ("RunInChildContext", operation_id(None, 1))
    assert service.named("job-backoff-1")["ParentId"] == job["Id"]
    assert service.named("job-backoff-1")["Id"] == operation_id(job["Id"], 2)


@pytest.mark.parametrize("name", [None, ""])
def test_without_a_name_the_waits_have_none(name: str | None) -> None:
    service = FakeLambda()
    run(lambda event, context: with_retry(context, flaky(1, []), CONFIG, name), service)
    (wait,) = [each for each in service.operations.values() if each["Type"] == "WAIT"]
    assert "Name" not in wait


@pytest.mark.parametrize("config", [CONFIG, UNWRAPPED])
def test_a_finished_retry_gives_the_same_on_replay(config: WithRetryConfig[Any]) -> None:
    results: list[int] = []

    def handler(event: Any, context: DurableContext) -> None:
        results.append(with_retry(context, flaky(1, []), config, "job"))
        context.wait(1)

    run(handler, FakeLambda())
    assert results == [2, 2]


def test_a_wrapped_failure_is_a_child_context_error() -> None:
    errors: list[Any] = []

    def handler(event: Any, context: DurableContext) -> None:
        errors.append(outcome(lambda: with_retry(context, flaky(9, []), CONFIG, "job")))
        context.wait(1)

    service = FakeLambda()
    assert run(handler, service)["Status"] == "SUCCEEDED"
    for error in errors:
        assert type(error) is ChildContextError
        assert (str(error), error.error_type) == ("attempt 3", "ValueError")
    assert service.updates.count("FAIL job") == 1


def test_an_unwrapped_failure_is_the_error_itself_and_nothing_is_recorded_around_it() -> None:
    service, mine = FakeLambda(), ValueError("mine")
    errors: list[Any] = []

    def handler(event: Any, context: DurableContext) -> None:
        errors.append(outcome(lambda: with_retry(context, flaky(9, [], mine), UNWRAPPED, "job")))

    run(handler, service)
    assert errors == [mine]
    assert not any(each["Type"] == "CONTEXT" for each in service.operations.values())
    assert "ParentId" not in service.named("job-backoff-1")


def test_a_failed_operation_inside_is_a_failed_attempt() -> None:
    attempts: list[int] = []

    def body(context: DurableContext, attempt: int) -> int:
        attempts.append(attempt)

        def work() -> int:
            if attempt == 1:
                raise ValueError("boom")
            return attempt

        return context.step(work, "work", NO_RETRY)

    seen: list[Any] = []

    def strategy(error: Exception, attempts_made: int) -> RetryDecision:
        seen.append((type(error), attempts_made))
        return RetryDecision.retry(Duration(1))

    output = run(
        lambda event, context: with_retry(context, body, WithRetryConfig(strategy), "job"), FakeLambda()
    )
    assert output["Result"] == "2"
    assert set(seen) == {(StepError, 1)}


@pytest.mark.parametrize("config", [CONFIG, UNWRAPPED])
def test_a_suspension_is_no_failed_attempt(config: WithRetryConfig[Any]) -> None:
    attempts: list[int] = []

    def body(context: DurableContext, attempt: int) -> int:
        attempts.append(attempt)
        context.wait(1)
        return attempt

    assert run(lambda event, context: with_retry(context, body, config), FakeLambda())["Result"] == "1"
    assert attempts == [1, 1]


def test_without_a_config_there_are_three_attempts() -> None:
    attempts: list[int] = []
    output = run(lambda event, context: with_retry(context, flaky(9, attempts)), FakeLambda())
    assert output["Error"]["ErrorMessage"] == "attempt 3"
    assert max(attempts) == 3


def test_the_config_reaches_the_child_context() -> None:
    service = FakeLambda()
    config: WithRetryConfig[int] = WithRetryConfig(every(1), child_context_config=ChildConfig(sub_type="Job"))
    run(lambda event, context: with_retry(context, flaky(1, []), config, "job"), service)
    assert service.named("job")["SubType"] == "Job"


def test_the_child_context_may_be_virtual() -> None:
    service = FakeLambda()
    config: WithRetryConfig[int] = WithRetryConfig(
        every(1), child_context_config=ChildConfig(is_virtual=True)
    )
    output = run(lambda event, context: with_retry(context, flaky(1, []), config, "job"), service)
    assert output["Result"] == "2"
    assert not any(each["Type"] == "CONTEXT" for each in service.operations.values())
    assert service.named("job-backoff-1")["Id"] == operation_id(operation_id(None, 1), 2)


@pytest.mark.parametrize("config", [CONFIG, UNWRAPPED])
@pytest.mark.parametrize(
    "error", [ExecutionError("stop"), RetryableSerDesError("passing"), InvocationError("passing")]
)
def test_defect_s3_errors_that_end_more_than_an_attempt_come_out_at_once(
    error: Exception, config: WithRetryConfig[Any]
) -> None:
    service, attempts = FakeLambda(), []

    def handler(event: Any, context: DurableContext) -> Any:
        return with_retry(context, flaky(9, attempts, error), config, "job")

    if isinstance(error, ExecutionError):
        assert invoke(handler, service)["Error"]["ErrorMessage"] == "stop"
    else:
        with pytest.raises(type(error), match="passing"):
            invoke(handler, service)
    assert attempts == [1]
    assert not any(update in {"FAIL job", "START job-backoff-1"} for update in service.updates)


class FinalError(InvocationError):
    def is_retryable(self) -> bool:
        return False


def test_an_invocation_error_that_is_final_is_a_failed_attempt() -> None:
    attempts: list[int] = []
    output = run(
        lambda event, context: with_retry(context, flaky(1, attempts, FinalError("no")), CONFIG), FakeLambda()
    )
    assert output["Result"] == "2"


@pytest.mark.parametrize("config", [CONFIG, UNWRAPPED])
def test_defect_s3_another_name_of_a_step_inside_ends_the_execution(config: WithRetryConfig[Any]) -> None:
    service = FakeLambda()
    names = ["then", "now"]

    def body(context: DurableContext, attempt: int) -> None:
        context.step(lambda: 1, names[0])
        context.wait(1)

    def handler(event: Any, context: DurableContext) -> None:
        with_retry(context, body, config, "job")

    assert invoke(handler, service) == PENDING
    names.pop(0)
    output = invoke(handler, service)
    assert output["Error"]["ErrorType"] == "durable_sdk.exceptions.NonDeterministicExecutionError"
    assert "START job-backoff-1" not in service.updates


@pytest.mark.parametrize(("seconds", "waits"), [(0, 1), (40_000_000, 31_622_400)])
def test_defect_s3_a_delay_beyond_what_the_service_takes_is_brought_into_its_range(
    seconds: int, waits: int
) -> None:
    service = FakeLambda()
    config: WithRetryConfig[int] = WithRetryConfig(every(seconds))
    output = run(lambda event, context: with_retry(context, flaky(1, []), config, "job"), service)
    assert output["Result"] == "2"
    (start,) = [u for request in service.requests for u in request if u["Type"] == "WAIT"]
    assert start["WaitOptions"] == {"WaitSeconds": waits}


@pytest.mark.parametrize("answer", [None, True, ValueError("strategy")])
def test_a_strategy_that_fails_fails_the_whole(answer: Any) -> None:
    def strategy(error: Exception, attempts_made: int) -> Any:
        if isinstance(answer, Exception):
            raise answer
        return answer

    service = FakeLambda()
    output = invoke(
        lambda event, context: with_retry(context, flaky(9, []), WithRetryConfig(strategy), "job"), service
    )
    assert output["Error"]["ErrorType"] == "durable_sdk.exceptions.ChildContextError"
    assert service.updates[-1] == "FAIL job"


async def asynchronous(context: DurableContext, attempt: int) -> None:
    pass


@pytest.mark.parametrize(
    ("func", "config", "name"),
    [
        (None, None, None),
        (asynchronous, None, None),
        (flaky(0, []), RetryPresets.none(), None),
        (flaky(0, []), None, "é"),
        (flaky(0, []), None, 5),
        # Too long for the names of its waits.
        (flaky(0, []), None, "x" * 250),
        (flaky(0, []), UNWRAPPED, "x" * 250),
    ],
)
def test_a_wrong_argument_takes_no_position(func: Any, config: Any, name: Any) -> None:
    service = FakeLambda()

    def handler(event: Any, context: DurableContext) -> None:
        with pytest.raises(ValidationError):
            with_retry(context, func, config, name)
        context.wait(1, "first")

    assert invoke(handler, service) == PENDING
    assert service.named("first")["Id"] == operation_id(None, 1)


def test_attempts_in_branches_do_not_mix() -> None:
    service = FakeLambda()

    def branch(context: DurableContext, item: int, index: int, inputs: Any) -> int:
        return with_retry(context, flaky(item, []), CONFIG, f"job {item}")

    output = run(lambda event, context: context.map([0, 1, 2], branch).get_results(), service)
    assert output["Result"] == "[1, 2, 3]"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("retry_strategy", "often"),
        ("wrap_with_run_in_child_context", None),
        ("wrap_with_run_in_child_context", 1),
        ("child_context_config", {}),
        ("child_context_config", StepConfig()),
    ],
)
def test_a_field_with_an_impossible_value_is_named(field: str, value: Any) -> None:
    with pytest.raises(ValidationError, match=f"WithRetryConfig.{field} was given "):
        WithRetryConfig(**{field: value})


def test_a_config_can_be_made_with_its_type_argument() -> None:
    assert WithRetryConfig[int]().wrap_with_run_in_child_context is True
