"""Child contexts: the result is one record, and the body runs again only if it has to."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from durable_sdk_fakes import FakeLambda, ServiceError, facts, invoke, outcome, run

from durable_sdk import (
    ChildContextError,
    DurableContext,
    ExecutionError,
    InvocationError,
    RetryableSerDesError,
    SerDesError,
    StepError,
)
from durable_sdk.config import ChildConfig, StepConfig
from durable_sdk.exceptions import CheckpointError, DurableOperationError
from durable_sdk.retries import RetryPresets
from durable_sdk.serdes import JsonSerDes, PassThroughSerDes, SerDes

LARGE = "x" * (256 * 1024 + 1)
NO_RETRY = StepConfig(retry_strategy=RetryPresets.none())


class FinalInvocationError(InvocationError):
    def is_retryable(self) -> bool:
        return False


class UpperSerDes(SerDes[Any]):
    def serialize(self, value: Any, serdes_context: Any) -> str:
        return str(value)

    def deserialize(self, data: str, serdes_context: Any) -> Any:
        return data.upper()


class NothingSerDes(SerDes[Any]):
    def serialize(self, value: Any, serdes_context: Any) -> Any:
        return None

    def deserialize(self, data: str, serdes_context: Any) -> Any:
        raise AssertionError("there is nothing to deserialize")


class AwaySerDes(SerDes[Any]):
    def serialize(self, value: Any, serdes_context: Any) -> str:
        raise RetryableSerDesError("store away")

    def deserialize(self, data: str, serdes_context: Any) -> Any:
        raise RetryableSerDesError("store away")


def raising(error: Exception) -> Callable[[Any], Any]:
    def body(context: Any) -> Any:
        raise error

    return body


def test_an_empty_child_is_one_request() -> None:
    service = FakeLambda()

    def handler(event: Any, context: DurableContext) -> Any:
        return context.run_in_child_context(lambda child: 1, "child")

    assert run(handler, service)["Result"] == "1"
    assert service.actions == [["START child", "SUCCEED child"]]
    assert service.requests[0][1]["ContextOptions"] == {"ReplayChildren": False}
    assert service.named("child")["SubType"] == "RunInChildContext"


def test_the_start_travels_with_the_first_operation_inside() -> None:
    service = FakeLambda()

    def handler(event: Any, context: DurableContext) -> Any:
        return context.run_in_child_context(lambda child: child.step(lambda: 1, "inside"), "child")

    run(handler, service)
    assert service.actions == [["START child", "START inside", "SUCCEED inside"], ["SUCCEED child"]]
    assert service.named("inside")["ParentId"] == service.named("child")["Id"]
    assert "ParentId" not in service.named("child")


def test_a_recorded_child_does_not_run_again() -> None:
    service = FakeLambda()
    runs: list[int] = []

    def body(child: DurableContext) -> Any:
        runs.append(1)
        return child.step(lambda: (1, 2))

    def handler(event: Any, context: DurableContext) -> Any:
        result = context.run_in_child_context(body)
        context.wait(1)
        return type(result).__name__

    assert run(handler, service)["Result"] == '"tuple"'
    assert runs == [1]


def test_an_unfinished_child_runs_from_its_top_over_its_recorded_operations() -> None:
    service = FakeLambda()
    runs: list[str] = []

    def body(child: DurableContext) -> None:
        runs.append("body")
        child.step(lambda: runs.append("step"))
        child.wait(1)

    def handler(event: Any, context: DurableContext) -> None:
        context.run_in_child_context(body, "child")

    run(handler, service)
    assert runs == ["body", "step", "body"]
    assert service.updates.count("START child") == 1


def test_the_result_is_read_back_on_the_first_run_too() -> None:
    service = FakeLambda()
    seen: list[Any] = []

    def handler(event: Any, context: DurableContext) -> None:
        seen.append(context.run_in_child_context(lambda _: "hello", config=ChildConfig(UpperSerDes())))
        seen.append(context.run_in_child_context(lambda _: (1,), config=ChildConfig(JsonSerDes())))
        seen.append(context.run_in_child_context(lambda _: 1, config=ChildConfig(NothingSerDes())))
        context.wait(1)

    run(handler, service)
    assert seen == ["HELLO", [1], None] * 2


def test_a_result_of_just_256_kib_is_stored() -> None:
    service = FakeLambda()
    config = ChildConfig(PassThroughSerDes())

    def handler(event: Any, context: DurableContext) -> Any:
        return len(context.run_in_child_context(lambda _: LARGE[1:], "child", config))

    run(handler, service)
    details = service.named("child")["ContextDetails"]
    assert details == {"Result": LARGE[1:], "ReplayChildren": False}


@pytest.mark.parametrize(
    ("summarize", "stored"), [(None, ""), (lambda result: f"{len(result)} characters", "262145 characters")]
)
def test_a_large_result_is_rebuilt_by_running_the_body_over_its_recorded_operations(
    summarize: Any, stored: str
) -> None:
    service = FakeLambda()
    runs: list[str] = []
    seen: list[bool] = []
    config = ChildConfig(summary_generator=summarize)

    def body(child: DurableContext) -> str:
        runs.append("body")
        child.step(lambda: runs.append("step"))
        return LARGE

    def handler(event: Any, context: DurableContext) -> None:
        seen.append(context.run_in_child_context(body, "child", config) == LARGE)
        context.wait(1)

    run(handler, service)
    assert service.named("child")["ContextDetails"] == {"Result": stored, "ReplayChildren": True}
    assert seen == [True, True]
    assert runs == ["body", "step", "body"]
    assert [update for update in service.updates if "child" in update] == ["START child", "SUCCEED child"]


def test_the_summary_is_made_of_what_the_body_returned() -> None:
    service = FakeLambda()
    summarized: list[Any] = []

    def summarize(result: Any) -> str:
        summarized.append(result)
        return "summary"

    config = ChildConfig(UpperSerDes(), summary_generator=summarize)

    def handler(event: Any, context: DurableContext) -> Any:
        return context.run_in_child_context(lambda _: LARGE, config=config)[:3]

    assert run(handler, service)["Result"] == '"XXX"'
    assert summarized == [LARGE]


@pytest.mark.parametrize("summary", [42, {"a": 1}])
def test_a_summary_that_is_no_text_fails_the_child(summary: Any) -> None:
    service = FakeLambda()
    config = ChildConfig(summary_generator=lambda result: summary)

    def handler(event: Any, context: DurableContext) -> Any:
        return type(outcome(lambda: context.run_in_child_context(lambda _: LARGE, "c", config))).__name__

    run(handler, service)
    assert service.updates == ["START c", "FAIL c"]


def test_a_summary_generator_that_raises_fails_the_child() -> None:
    service = FakeLambda()
    config = ChildConfig(summary_generator=raising(ValueError("no summary")))

    def handler(event: Any, context: DurableContext) -> Any:
        return str(outcome(lambda: context.run_in_child_context(lambda _: LARGE, "c", config)))

    assert run(handler, service)["Result"] == '"no summary"'
    assert service.updates == ["START c", "FAIL c"]


@pytest.mark.parametrize(
    ("error", "surface", "stored"),
    [
        (ValueError("boom"), ChildContextError, "ValueError"),
        (StepError("boom", "X", "data", ["line"]), ChildContextError, "durable_sdk.exceptions.StepError"),
        (SerDesError("boom", "X", "data", ["line"]), SerDesError, "durable_sdk.exceptions.SerDesError"),
        (FinalInvocationError("boom"), ChildContextError, f"{__name__}.FinalInvocationError"),
    ],
)
def test_a_failure_looks_the_same_on_the_first_run_and_on_replay(
    error: Exception, surface: type[Exception], stored: str
) -> None:
    service = FakeLambda()
    seen: list[Any] = []

    def handler(event: Any, context: DurableContext) -> None:
        with pytest.raises(surface) as caught:
            context.run_in_child_context(raising(error), "child")
        seen.append(facts(caught.value))
        context.wait(1)

    run(handler, service)
    first, replayed = seen
    assert first == replayed
    assert first[:2] == (surface, "boom")
    assert service.named("child")["ContextDetails"]["Error"]["ErrorType"] == stored
    assert service.actions[0] == ["START child", "FAIL child"]


def test_nested_failures_tell_what_escaped_at_each_boundary() -> None:
    service = FakeLambda()
    seen: list[Any] = []

    def inner(child: DurableContext) -> None:
        child.step(raising(ValueError("boom")), "step", NO_RETRY)

    def outer(child: DurableContext) -> None:
        child.run_in_child_context(inner, "inner")

    def handler(event: Any, context: DurableContext) -> None:
        with pytest.raises(ChildContextError) as caught:
            context.run_in_child_context(outer, "outer")
        seen.append(facts(caught.value))
        assert type(caught.value.__cause__) is ChildContextError
        context.wait(1)

    assert run(handler, service)["Status"] == "SUCCEEDED"
    assert seen[0] == seen[1]
    stored = {name: service.named(name) for name in ("step", "inner", "outer")}
    assert stored["step"]["StepDetails"]["Error"]["ErrorType"] == "ValueError"
    assert stored["inner"]["ContextDetails"]["Error"]["ErrorType"].endswith(".StepError")
    assert stored["outer"]["ContextDetails"]["Error"]["ErrorType"].endswith(".ChildContextError")


@pytest.mark.parametrize("is_virtual", [False, True])
def test_a_failure_of_a_virtual_context_looks_like_that_of_a_recorded_one(is_virtual: bool) -> None:
    def body(event: Any, context: DurableContext) -> None:
        def child(below: DurableContext) -> None:
            below.step(raising(ValueError("boom")), name="charge", config=NO_RETRY)

        error = outcome(
            lambda: context.run_in_child_context(child, config=ChildConfig(is_virtual=is_virtual))
        )
        assert isinstance(error, ChildContextError)
        seen.append(facts(error))

    seen: list[Any] = []
    assert run(body, FakeLambda())["Status"] == "SUCCEEDED"
    step_error = "durable_sdk.exceptions.StepError"
    assert seen == [
        (ChildContextError, "boom", step_error, "boom", None, None, StepError, "boom", step_error)
    ]


def test_a_serdes_error_crosses_every_boundary_as_itself() -> None:
    service = FakeLambda()

    def outer(child: DurableContext) -> Any:
        return child.run_in_child_context(lambda inner: inner.step(lambda: object()))

    def handler(event: Any, context: DurableContext) -> None:
        with pytest.raises(SerDesError) as caught:
            context.run_in_child_context(outer)
        assert type(caught.value) is SerDesError
        assert type(caught.value.__cause__) is DurableOperationError

    assert run(handler, service)["Status"] == "SUCCEEDED"


def test_a_result_that_cannot_be_stored_fails_the_child() -> None:
    service = FakeLambda()

    def handler(event: Any, context: DurableContext) -> Any:
        return type(outcome(lambda: context.run_in_child_context(lambda _: object(), "c"))).__name__

    assert run(handler, service)["Result"] == '"SerDesError"'
    assert service.updates == ["START c", "FAIL c"]


@pytest.mark.parametrize("error", [RetryableSerDesError("passing"), CheckpointError("passing")])
def test_a_retryable_error_passes_through_and_records_nothing(error: Exception) -> None:
    service = FakeLambda()

    def handler(event: Any, context: DurableContext) -> None:
        context.run_in_child_context(raising(error), "child")

    with pytest.raises(type(error), match="passing"):
        invoke(handler, service)
    assert "FAIL child" not in service.updates


def test_a_store_out_of_reach_passes_through() -> None:
    service = FakeLambda()

    def handler(event: Any, context: DurableContext) -> None:
        context.run_in_child_context(lambda _: 1, "child", ChildConfig(AwaySerDes()))

    with pytest.raises(RetryableSerDesError):
        invoke(handler, service)
    assert not {"FAIL child", "SUCCEED child"} & set(service.updates)


def test_an_execution_error_is_neither_wrapped_nor_recorded() -> None:
    service = FakeLambda()

    def handler(event: Any, context: DurableContext) -> None:
        context.run_in_child_context(
            lambda child: child.run_in_child_context(raising(ExecutionError("stop")))
        )

    output = run(handler, service)
    assert output == {
        "Status": "FAILED",
        "Error": {"ErrorMessage": "stop", "ErrorType": "durable_sdk.exceptions.ExecutionError"},
    }
    assert not any(update.startswith("FAIL") for update in service.updates)


def test_a_child_that_was_lost_with_its_request_begins_again() -> None:
    service = FakeLambda()
    service.fail(0, ServiceError("ServiceException", 500))

    def handler(event: Any, context: DurableContext) -> Any:
        return context.run_in_child_context(lambda child: child.step(lambda: 1, "s"), "c")

    with pytest.raises(CheckpointError):
        invoke(handler, service)
    assert run(handler, service)["Result"] == "1"
    assert service.actions[1] == ["START c", "START s", "SUCCEED s"]


def test_the_record_is_json_that_tells_types() -> None:
    service = FakeLambda()

    def handler(event: Any, context: DurableContext) -> None:
        context.run_in_child_context(lambda _: (1,), "child")

    run(handler, service)
    stored = json.loads(service.named("child")["ContextDetails"]["Result"])
    assert stored == {"t": "t", "v": [{"t": "i", "v": 1}]}
