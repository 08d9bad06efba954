"""Steps: what is recorded and when, what runs again, and what user code sees."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from durable_sdk_fakes import FakeLambda, ServiceError, facts, invoke, outcome, run, start

from durable_sdk import DurableContext, ExecutionError, InvocationError, RetryableSerDesError, SerDesError
from durable_sdk.config import Duration, StepConfig, StepSemantics
from durable_sdk.exceptions import NonDeterministicExecutionError, StepError, StepInterruptedError
from durable_sdk.retries import RetryDecision, RetryPresets
from durable_sdk.serdes import JsonSerDes, SerDes
from durable_sdk.types import StepContext

AT_MOST_ONCE = StepSemantics.AT_MOST_ONCE_PER_RETRY
NO_RETRY = StepConfig(retry_strategy=RetryPresets.none())
SECOND = Duration(1)


def retry_until(attempts: int, delay: int = 5) -> Callable[[Exception, int], RetryDecision]:
    def strategy(error: Exception, attempts_made: int) -> RetryDecision:
        if attempts_made < attempts:
            return RetryDecision.retry(Duration(delay))
        return RetryDecision.no_retry()

    return strategy


@dataclass
class Body:
    """A body that notes its attempts and fails the first few."""

    failures: int = 0
    error: Callable[[], BaseException] = lambda: ValueError("boom")
    result: Any = "done"
    attempts: list[int] = field(default_factory=list)

    def __call__(self, step: StepContext) -> Any:
        self.attempts.append(step.attempt)
        if len(self.attempts) <= self.failures:
            raise self.error()
        return self.result


class NothingSerDes(SerDes[Any]):
    def serialize(self, value: Any, serdes_context: Any) -> Any:
        return None

    def deserialize(self, data: str, serdes_context: Any) -> Any:
        raise AssertionError("there is nothing to deserialize")


class BrokenSerDes(SerDes[Any]):
    """Fails in either direction, if told so."""

    def __init__(self, *, writing: Exception | None = None, reading: Exception | None = None) -> None:
        self.writing = writing
        self.reading = reading

    def serialize(self, value: Any, serdes_context: Any) -> str:
        if self.writing:
            raise self.writing
        return json.dumps(value)

    def deserialize(self, data: str, serdes_context: Any) -> Any:
        if self.reading:
            raise self.reading
        return json.loads(data)


def test_a_plain_step_is_one_request() -> None:
    service, body = FakeLambda(), Body()

    def handler(event: Any, context: DurableContext) -> Any:
        return context.step(body, "charge")

    assert run(handler, service) == {"Status": "SUCCEEDED", "Result": '"done"'}
    assert service.actions == [["START charge", "SUCCEED charge"]]
    assert service.named("charge")["StepDetails"]["Result"] == '"done"'
    assert service.named("charge")["SubType"] == "Step"


def test_steps_in_a_row_are_one_request_each() -> None:
    service = FakeLambda()

    def handler(event: Any, context: DurableContext) -> Any:
        return [context.step(lambda: 1, "a"), context.step(lambda: 2, "b")]

    run(handler, service)
    assert service.actions == [["START a", "SUCCEED a"], ["START b", "SUCCEED b"]]


def test_an_at_most_once_start_is_durable_before_the_body_runs() -> None:
    service = FakeLambda()
    seen: list[str] = []

    def handler(event: Any, context: DurableContext) -> Any:
        config = StepConfig(step_semantics=AT_MOST_ONCE)
        return context.step(lambda: seen.append(service.named("charge")["Status"]), "charge", config)

    run(handler, service)
    assert seen == ["STARTED"]
    assert service.actions == [["START charge"], ["SUCCEED charge"]]


def test_the_body_of_an_at_most_once_step_does_not_run_if_its_start_is_refused() -> None:
    service, body = FakeLambda(), Body()
    service.fail(0, ServiceError("ServiceException", 500))

    def handler(event: Any, context: DurableContext) -> Any:
        return context.step(body, config=StepConfig(step_semantics=AT_MOST_ONCE))

    with pytest.raises(InvocationError):
        invoke(handler, service)
    assert body.attempts == []


def test_a_recorded_step_does_not_run_again() -> None:
    service, body = FakeLambda(), Body()
    results: list[Any] = []

    def handler(event: Any, context: DurableContext) -> None:
        results.append(context.step(body))
        context.wait(1)

    run(handler, service)
    assert body.attempts == [1]
    assert results == ["done", "done"]


def test_a_failed_attempt_is_recorded_with_its_delay_and_suspends() -> None:
    service, body = FakeLambda(), Body(failures=2)

    def handler(event: Any, context: DurableContext) -> Any:
        return context.step(body, "charge", StepConfig(retry_strategy=retry_until(9, delay=7)))

    assert invoke(handler, service) == {"Status": "PENDING"}
    (request,) = service.requests
    assert service.actions == [["START charge", "RETRY charge"]]
    assert request[1]["StepOptions"] == {"NextAttemptDelaySeconds": 7}
    assert request[1]["Error"] == {"ErrorMessage": "boom", "ErrorType": "ValueError"}
    service.elapse()
    assert run(handler, service)["Result"] == '"done"'
    assert body.attempts == [1, 2, 3]
    assert service.actions == [
        ["START charge", "RETRY charge"],
        ["START charge", "RETRY charge"],
        ["START charge", "SUCCEED charge"],
    ]


def test_a_delay_of_nothing_becomes_a_second() -> None:
    service, body = FakeLambda(), Body(failures=1)

    def handler(event: Any, context: DurableContext) -> Any:
        return context.step(body, config=StepConfig(retry_strategy=retry_until(2, delay=0)))

    run(handler, service)
    assert service.requests[0][1]["StepOptions"] == {"NextAttemptDelaySeconds": 1}


def test_a_step_whose_next_attempt_is_not_due_suspends_without_a_request() -> None:
    service, body = FakeLambda(), Body(failures=1)

    def handler(event: Any, context: DurableContext) -> Any:
        return context.step(body, config=StepConfig(retry_strategy=retry_until(2)))

    invoke(handler, service)
    assert invoke(handler, service) == {"Status": "PENDING"}
    assert len(service.requests) == 1
    assert body.attempts == [1]


def test_the_strategy_is_asked_with_the_error_and_the_attempts_made() -> None:
    service, body = FakeLambda(), Body(failures=3)
    asked: list[tuple[str, int]] = []

    def strategy(error: Exception, attempts_made: int) -> RetryDecision:
        asked.append((repr(error), attempts_made))
        return RetryDecision.retry(SECOND)

    def handler(event: Any, context: DurableContext) -> Any:
        return context.step(body, config=StepConfig(retry_strategy=strategy))

    run(handler, service)
    assert asked == [("ValueError('boom')", 1), ("ValueError('boom')", 2), ("ValueError('boom')", 3)]


def test_a_step_without_a_strategy_is_tried_six_times() -> None:
    service, body = FakeLambda(), Body(failures=100)

    def handler(event: Any, context: DurableContext) -> Any:
        return context.step(body)

    output = run(handler, service)
    assert body.attempts == [1, 2, 3, 4, 5, 6]
    assert output["Error"]["ErrorType"] == "durable_sdk.exceptions.StepError"


@pytest.mark.parametrize(
    "error",
    [
        lambda: ValueError("boom"),
        lambda: KeyError("key"),
        lambda: ValueError(),
        lambda: StepError("inner", "ValueError", "data", ["line"]),
        lambda: InvocationError("passing"),
        lambda: SerDesError("boom", "X", "data", ["line"]),
    ],
)
@pytest.mark.parametrize("config", [NO_RETRY, StepConfig(retry_strategy=retry_until(2))])
def test_a_failure_looks_the_same_on_the_first_run_and_on_replay(
    error: Callable[[], Exception], config: StepConfig
) -> None:
    service, body = FakeLambda(), Body(failures=100, error=error)
    seen: list[Any] = []

    def handler(event: Any, context: DurableContext) -> None:
        with pytest.raises((StepError, SerDesError)) as caught:
            context.step(body, "charge", config)
        seen.append(facts(caught.value))
        context.wait(1)

    run(handler, service)
    first, replayed = seen
    assert first == replayed


def test_a_failure_is_recorded_raw_and_raised_as_a_step_error() -> None:
    service, body = FakeLambda(), Body(failures=1)
    caught: list[Any] = []

    def handler(event: Any, context: DurableContext) -> None:
        caught.append(outcome(lambda: context.step(body, "charge", NO_RETRY)))

    run(handler, service)
    assert service.requests[0][1]["Error"] == {"ErrorMessage": "boom", "ErrorType": "ValueError"}
    (error,) = caught
    assert type(error) is StepError
    assert (error.message, error.error_type) == ("boom", "ValueError")


def test_an_uncaught_failure_ends_the_execution() -> None:
    service = FakeLambda()

    def handler(event: Any, context: DurableContext) -> None:
        context.step(Body(failures=1), "charge", NO_RETRY)

    assert run(handler, service) == {
        "Status": "FAILED",
        "Error": {"ErrorMessage": "boom", "ErrorType": "durable_sdk.exceptions.StepError"},
    }


def test_an_interrupted_at_least_once_step_runs_again_without_a_new_start() -> None:
    service, body = FakeLambda(), Body()

    def handler(event: Any, context: DurableContext) -> Any:
        return context.step(body, "charge", StepConfig(step_semantics=AT_MOST_ONCE))

    service.fail(1, ServiceError("ServiceException", 500))
    with pytest.raises(InvocationError):
        invoke(handler, service)

    def at_least_once(event: Any, context: DurableContext) -> Any:
        return context.step(body, "charge")

    assert run(at_least_once, service)["Result"] == '"done"'
    assert body.attempts == [1, 1]
    assert service.actions[-1] == ["SUCCEED charge"]


def interrupted(config: StepConfig) -> tuple[FakeLambda, Body, Any]:
    """Return a service whose step was interrupted in its first attempt, and the handler."""
    service, body = FakeLambda(), Body()

    def handler(event: Any, context: DurableContext) -> Any:
        return context.step(body, "charge", config)

    service.fail(1, ServiceError("ServiceException", 500))
    with pytest.raises(InvocationError):
        invoke(handler, service)
    return service, body, handler


def test_an_interrupted_at_most_once_step_asks_its_strategy_and_does_not_run() -> None:
    asked: list[tuple[Exception, int]] = []

    def strategy(error: Exception, attempts_made: int) -> RetryDecision:
        asked.append((error, attempts_made))
        return RetryDecision.no_retry()

    service, body, handler = interrupted(StepConfig(retry_strategy=strategy, step_semantics=AT_MOST_ONCE))
    output = run(handler, service)
    ((error, attempts_made),) = asked
    assert isinstance(error, StepInterruptedError)
    assert error.step_id == service.named("charge")["Id"]
    assert attempts_made == 1
    assert body.attempts == [1]
    assert service.actions[-1] == ["FAIL charge"]
    assert output["Error"]["ErrorType"] == "durable_sdk.exceptions.StepError"
    stored = service.named("charge")["StepDetails"]["Error"]
    assert stored["ErrorType"] == "durable_sdk.exceptions.StepInterruptedError"


def test_an_interrupted_attempt_counts() -> None:
    config = StepConfig(retry_strategy=retry_until(2), step_semantics=AT_MOST_ONCE)
    service, body, handler = interrupted(config)
    assert run(handler, service)["Result"] == '"done"'
    assert body.attempts == [1, 2]
    assert service.updates[-3:] == ["RETRY charge", "START charge", "SUCCEED charge"]


def test_a_tuple_stays_a_tuple() -> None:
    service = FakeLambda()
    seen: list[Any] = []

    def handler(event: Any, context: DurableContext) -> None:
        seen.append(context.step(lambda: (1, "a")))
        context.wait(1)

    run(handler, service)
    assert seen == [(1, "a"), (1, "a")]


def test_the_first_run_sees_what_a_replay_will_see() -> None:
    service = FakeLambda()
    seen: list[Any] = []

    def handler(event: Any, context: DurableContext) -> None:
        seen.append(context.step(lambda: (1, {2: 3}), config=StepConfig(serdes=JsonSerDes())))
        context.wait(1)

    run(handler, service)
    assert seen == [[1, {"2": 3}]] * 2


def test_the_result_is_not_the_object_that_the_body_returned() -> None:
    mine = [1, [2]]
    service = FakeLambda()

    def handler(event: Any, context: DurableContext) -> bool:
        result = context.step(lambda: mine)
        return result == mine and result is not mine and result[1] is not mine[1]

    assert run(handler, service)["Result"] == "true"


def test_a_serdes_may_store_nothing() -> None:
    service = FakeLambda()
    seen: list[Any] = []

    def handler(event: Any, context: DurableContext) -> None:
        seen.append(context.step(lambda: "value", "s", StepConfig(serdes=NothingSerDes())))
        context.wait(1)

    run(handler, service)
    assert seen == [None, None]
    assert "Payload" not in service.requests[0][1]


@pytest.mark.parametrize(
    ("serdes", "message"),
    [
        (BrokenSerDes(writing=SerDesError("full", "Full", "data", ["line"])), "full"),
        (BrokenSerDes(reading=SerDesError("torn", "Torn")), "torn"),
        (BrokenSerDes(writing=OSError("disk")), "error: disk."),
        (BrokenSerDes(reading=OSError("disk")), "error: disk."),
    ],
)
def test_a_value_that_cannot_be_stored_fails_the_step_at_once(serdes: SerDes[Any], message: str) -> None:
    service, body = FakeLambda(), Body()
    seen: list[Any] = []

    def strategy(error: Exception, attempts_made: int) -> RetryDecision:
        raise AssertionError("not asked")

    def handler(event: Any, context: DurableContext) -> None:
        with pytest.raises(SerDesError) as caught:
            context.step(body, "s", StepConfig(retry_strategy=strategy, serdes=serdes))
        seen.append(facts(caught.value))
        context.wait(1)

    run(handler, service)
    first, replayed = seen
    assert first == replayed
    assert first[1].endswith(message)
    assert body.attempts == [1]
    assert service.actions[0] == ["START s", "FAIL s"]
    assert service.named("s")["StepDetails"]["Error"]["ErrorType"] == "durable_sdk.exceptions.SerDesError"


def test_a_result_of_an_unknown_type_cannot_be_stored() -> None:
    service = FakeLambda()

    def handler(event: Any, context: DurableContext) -> None:
        context.step(lambda: {1, 2})

    output = run(handler, service)
    assert output["Error"]["ErrorType"] == "durable_sdk.exceptions.SerDesError"
    assert "set" in output["Error"]["ErrorMessage"]


@pytest.mark.parametrize(
    "config",
    [
        StepConfig(serdes=BrokenSerDes(writing=RetryableSerDesError("store away"))),
        StepConfig(serdes=BrokenSerDes(reading=RetryableSerDesError("store away"))),
    ],
)
def test_a_retryable_serdes_error_fails_the_invocation_and_records_nothing(config: StepConfig) -> None:
    service, body = FakeLambda(), Body()

    def handler(event: Any, context: DurableContext) -> None:
        context.step(body, config=config)

    for _ in range(2):
        with pytest.raises(RetryableSerDesError, match="store away"):
            invoke(handler, service)
    assert body.attempts == [1, 1]
    assert not any(update.startswith(("SUCCEED", "FAIL", "RETRY")) for update in service.updates)


def test_a_record_that_cannot_be_read_fails_the_step_without_a_request() -> None:
    service = FakeLambda()
    serdes = BrokenSerDes()

    def handler(event: Any, context: DurableContext) -> Any:
        try:
            context.step(lambda: 1, "s", StepConfig(serdes=serdes))
        except SerDesError as error:
            return str(error)
        context.wait(1)

    invoke(handler, service)
    service.elapse()
    serdes.reading = OSError("disk")
    assert "error: disk." in invoke(handler, service)["Result"]
    serdes.reading = RetryableSerDesError("store away")
    with pytest.raises(RetryableSerDesError):
        invoke(handler, service)
    assert service.updates == ["START s", "SUCCEED s", "START Wait"]


@pytest.mark.parametrize("error", [ExecutionError("stop"), NonDeterministicExecutionError("stop")])
def test_an_execution_error_is_neither_retried_nor_wrapped_nor_recorded(error: Exception) -> None:
    service, body = FakeLambda(), Body(failures=100, error=lambda: error)

    def handler(event: Any, context: DurableContext) -> None:
        context.step(body)

    output = run(handler, service)
    assert body.attempts == [1]
    assert output["Status"] == "FAILED"
    assert output["Error"]["ErrorType"] == f"durable_sdk.exceptions.{type(error).__name__}"
    assert service.updates in ([], ["START Step"])


def test_a_strategy_that_raises_fails_the_step_with_its_error() -> None:
    service, body = FakeLambda(), Body(failures=100)
    seen: list[Any] = []

    def strategy(error: Exception, attempts_made: int) -> RetryDecision:
        raise LookupError("no such strategy")

    def handler(event: Any, context: DurableContext) -> None:
        with pytest.raises(StepError) as caught:
            context.step(body, "s", StepConfig(retry_strategy=strategy))
        seen.append(facts(caught.value))
        context.wait(1)

    run(handler, service)
    first, replayed = seen
    assert first == replayed
    assert first[1:3] == ("no such strategy", "LookupError")
    assert body.attempts == [1]
    assert service.actions[0] == ["START s", "FAIL s"]


def test_a_strategy_that_answers_no_decision_fails_the_step_too() -> None:
    service, body = FakeLambda(), Body(failures=1)

    def handler(event: Any, context: DurableContext) -> str:
        strategy: Any = lambda error, attempts_made: None  # noqa: E731
        return type(outcome(lambda: context.step(body, "s", StepConfig(strategy)))).__name__

    assert run(handler, service)["Result"] == '"StepError"'
    assert service.actions == [["START s", "FAIL s"]]


@pytest.mark.parametrize("control", [SystemExit(3), KeyboardInterrupt()])
def test_the_end_of_the_process_is_not_a_failed_attempt(control: BaseException) -> None:
    service = FakeLambda()

    def handler(event: Any, context: DurableContext) -> None:
        context.step(Body(failures=1, error=lambda: control))

    with pytest.raises(type(control)):
        invoke(handler, service)
    assert not any(update.startswith(("SUCCEED", "FAIL", "RETRY")) for update in service.updates)


def test_a_sub_type_is_repeated_by_every_update() -> None:
    service = FakeLambda()

    def handler(event: Any, context: DurableContext) -> None:
        context.step(Body(failures=1), config=StepConfig(retry_until(2), sub_type="Charge"))

    run(handler, service)
    assert {update["SubType"] for request in service.requests for update in request} == {"Charge"}


def test_a_step_with_a_large_result_is_sent_though_its_start_is_queued_before_it() -> None:
    service = FakeLambda()

    def handler(event: Any, context: DurableContext) -> int:
        return len(context.step(lambda: "x" * 800_000, "big"))

    assert start(handler, service).result()["Result"] == "800000"
    assert service.actions == [["START big"], ["SUCCEED big"]]


def test_a_strategy_that_returns_no_decision_fails_the_step_and_says_so() -> None:
    service = FakeLambda()
    config = StepConfig(retry_strategy=lambda error, attempt: None)  # type: ignore[arg-type, return-value]

    def handler(event: Any, context: DurableContext) -> None:
        def fail() -> None:
            raise ValueError("no")

        context.step(fail, "charge", config)

    output = invoke(handler, service)
    message = output["Error"]["ErrorMessage"]
    assert message == "The retry strategy of step 'charge' returned None; it returns a RetryDecision."
