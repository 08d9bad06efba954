"""DurableContext: positions, names and parents, what may be passed, and when its logger speaks."""

from __future__ import annotations

import functools
import logging
import random
from collections.abc import Callable
from hashlib import blake2b
from typing import Any

import pytest
from durable_sdk_fakes import ARN, FakeLambda, ServiceError, invoke, run

from durable_sdk import (
    DurableContext,
    StepContext,
    ValidationError,
    durable_step,
    durable_with_child_context,
)
from durable_sdk.config import ParallelBranch, ParallelConfig, StepConfig
from durable_sdk.exceptions import CheckpointError
from durable_sdk.retries import RetryPresets

NO_RETRY = StepConfig(retry_strategy=RetryPresets.none())


def hashed(text: str) -> str:
    return blake2b(text.encode()).hexdigest()[:64]


@durable_step
def charge(step: StepContext, amount: int, *, currency: str = "EUR") -> str:
    return f"{amount} {currency} in attempt {step.attempt}"


@durable_with_child_context
def ship(context: DurableContext, order: str) -> str:
    return context.step(lambda: f"shipped {order}", "label")


class Lines(logging.Handler):
    """Collects what is logged."""

    def __init__(self) -> None:
        super().__init__()
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)

    @property
    def messages(self) -> list[str]:
        return [record.getMessage() for record in self.records]


def lines_and_logger() -> tuple[Lines, logging.Logger]:
    lines, logger = Lines(), logging.Logger("test")
    logger.addHandler(lines)
    return lines, logger


def names_of(handler: Callable[[Any, DurableContext], Any]) -> list[str | None]:
    """Run the handler and return the names of its operations."""
    service = FakeLambda()
    assert run(handler, service)["Status"] == "SUCCEEDED"
    return [operation.get("Name") for operation in list(service.operations.values())[1:]]


def test_ids_are_positions_hashed_under_the_context_they_are_in() -> None:
    service = FakeLambda()

    def child(context: DurableContext) -> None:
        context.step(lambda: 1, "1-1")
        context.step(lambda: 1, "1-2")

    def handler(event: Any, context: DurableContext) -> None:
        context.run_in_child_context(child, "1")
        context.step(lambda: 1, "2")
        context.wait(1, "3")
        branches = [lambda c: c.step(lambda: 1, "4-0-1"), lambda c: c.step(lambda: 1, "4-1-1")]
        context.parallel(branches, "4")

    run(handler, service)
    first, fourth = hashed("1"), hashed("4")
    assert {operation["Name"]: operation["Id"] for operation in list(service.operations.values())[1:]} == {
        "1": first,
        "1-1": hashed(f"{first}-1"),
        "1-2": hashed(f"{first}-2"),
        "2": hashed("2"),
        "3": hashed("3"),
        "4": fourth,
        "parallel-branch-0": hashed(f"{fourth}-0"),
        "parallel-branch-1": hashed(f"{fourth}-1"),
        "4-0-1": hashed(f"{hashed(f'{fourth}-0')}-1"),
        "4-1-1": hashed(f"{hashed(f'{fourth}-1')}-1"),
    }
    parents = {operation.get("Name"): operation.get("ParentId") for operation in service.operations.values()}
    assert parents["1"] is parents["2"] is parents["3"] is parents["4"] is None
    assert parents["1-1"] == first
    assert parents["parallel-branch-1"] == fourth
    assert parents["4-1-1"] == hashed(f"{fourth}-1")


def test_decorated_functions_give_their_names() -> None:
    def handler(event: Any, context: DurableContext) -> None:
        context.step(charge(5))
        context.run_in_child_context(ship("x"))

    assert names_of(handler) == ["charge", "ship", "label"]


def test_an_explicit_name_wins_and_an_empty_one_does_not() -> None:
    def handler(event: Any, context: DurableContext) -> None:
        context.step(charge(5), "mine")
        context.step(charge(5), "")
        context.step(charge(5), name="also mine")

    assert names_of(handler) == ["mine", "charge", "also mine"]


def test_plain_functions_give_no_name() -> None:
    def handler(event: Any, context: DurableContext) -> None:
        context.step(lambda: 1)
        context.run_in_child_context(lambda child: 1)
        context.wait(1)
        context.parallel([])

    assert names_of(handler) == [None, None, None, None]


def test_branches_are_called_after_their_position_unless_they_have_a_name() -> None:
    def handler(event: Any, context: DurableContext) -> None:
        context.parallel(
            [lambda c: 1, ParallelBranch(lambda c: 2, "mine"), ParallelBranch(lambda c: 3)],
            "batch",
            ParallelConfig(max_concurrency=1),
        )

    assert names_of(handler) == ["batch", "parallel-branch-0", "mine", "parallel-branch-2"]


def test_an_empty_name_of_a_branch_is_kept() -> None:
    def handler(event: Any, context: DurableContext) -> None:
        context.parallel([ParallelBranch(lambda c: 1, "")], "batch")

    assert names_of(handler) == ["batch", None]


@pytest.mark.parametrize("name", ["x" * 257, "naïve", "line\nbreak", "tab\t", 5])
def test_a_name_that_the_service_refuses_is_refused_before_anything_is_recorded(name: Any) -> None:
    service = FakeLambda()

    def handler(event: Any, context: DurableContext) -> None:
        for call in (
            lambda: context.step(lambda: 1, name),
            lambda: context.wait(1, name),
            lambda: context.run_in_child_context(lambda child: 1, name),
            lambda: context.parallel([], name),
            lambda: context.parallel([ParallelBranch(lambda c: 1, name)]),
        ):
            with pytest.raises(ValidationError, match="The name of an operation"):
                call()
        context.step(lambda: 1, "x" * 256)

    assert run(handler, service)["Status"] == "SUCCEEDED"
    assert list(service.operations) == ["execution-id", hashed("1")]


@pytest.mark.parametrize("value", [5, None, "charge"])
def test_a_value_in_place_of_a_function_is_refused_with_a_hint(value: Any) -> None:
    service = FakeLambda()

    def handler(event: Any, context: DurableContext) -> None:
        with pytest.raises(ValidationError, match=r"step takes a function, got .*@durable_step\?"):
            context.step(value)
        with pytest.raises(ValidationError, match=r"run_in_child_context takes a function"):
            context.run_in_child_context(value)
        with pytest.raises(ValidationError, match=r"parallel\(\)\[1\] takes a function"):
            context.parallel([lambda c: 1, value])

    assert run(handler, service)["Status"] == "SUCCEEDED"
    assert service.requests == []


class Service:
    def without(self) -> str:
        return "nothing"

    def with_context(self, step: StepContext) -> int:
        return step.attempt

    def __call__(self, step: StepContext) -> int:
        return step.attempt


def any_arguments(*args: Any) -> int:
    return len(args)


@pytest.mark.parametrize(
    ("func", "result"),
    [
        (lambda: "nothing", '"nothing"'),
        (lambda step: step.attempt, "1"),
        (lambda *, keyword=1: keyword, "1"),
        (any_arguments, "1"),
        (Service().without, '"nothing"'),
        (Service().with_context, "1"),
        (Service(), "1"),
        (functools.partial(lambda amount, step: step.attempt, 5), "1"),
    ],
)
def test_a_step_gets_its_context_if_it_takes_one(func: Any, result: str) -> None:
    assert run(lambda event, context: context.step(func), FakeLambda())["Result"] == result


@pytest.mark.parametrize(
    "func",
    [
        random.random,
        functools.partial(lambda amount: amount, 5),
        functools.lru_cache(lambda: "nothing"),
    ],
)
def test_any_callable_that_takes_nothing_can_be_a_step(func: Any) -> None:
    output = run(lambda event, context: context.step(func, config=NO_RETRY), FakeLambda())
    assert output["Status"] == "SUCCEEDED"


def test_a_lambda_that_binds_a_loop_variable_keeps_it() -> None:
    def handler(event: Any, context: DurableContext) -> Any:
        return [context.step(lambda item=item: str(item)) for item in ("a", "b")]

    assert run(handler, FakeLambda())["Result"] == '["a", "b"]'


def test_a_decorated_step_can_be_called_in_a_unit_test() -> None:
    assert charge(StepContext(), 5, currency="USD") == "5 USD in attempt 1"
    assert charge(StepContext(attempt=3), 5) == "5 EUR in attempt 3"


def test_a_decorated_step_passes_its_arguments_when_it_runs() -> None:
    output = run(lambda event, context: context.step(charge(5, currency="USD")), FakeLambda())
    assert output["Result"] == '"5 USD in attempt 1"'


def test_decorated_functions_keep_their_names_and_show_them() -> None:
    assert (charge.__name__, ship.__name__) == ("charge", "ship")  # type: ignore[attr-defined]
    assert repr(charge(5)) == "<call of charge>"


def recorded_as(func: Callable[[DurableContext], Any]) -> FakeLambda:
    """Return a service on which ``func`` and a wait were recorded."""
    service = FakeLambda()

    def handler(event: Any, context: DurableContext) -> None:
        func(context)
        context.wait(1)

    invoke(handler, service)
    return service


@pytest.mark.parametrize(
    ("then", "now", "difference"),
    [
        (
            lambda c: c.step(lambda: 1, "a"),
            lambda c: c.run_in_child_context(lambda child: 1, "a"),
            "type checkpoint='STEP' current='CONTEXT', subtype checkpoint='Step' current='RunInChildContext'",
        ),
        (
            lambda c: c.step(lambda: 1, "a"),
            lambda c: c.step(lambda: 1, "a", StepConfig(sub_type="Charge")),
            "subtype checkpoint='Step' current='Charge'",
        ),
        (
            lambda c: c.step(lambda: 1, "a"),
            lambda c: c.step(lambda: 1, "b"),
            "name checkpoint='a' current='b'",
        ),
        (
            lambda c: c.step(lambda: 1, "a"),
            lambda c: c.step(lambda: 1),
            "name checkpoint='a' current=None",
        ),
    ],
)
def test_another_operation_at_the_same_position_ends_the_execution(
    then: Any, now: Any, difference: str
) -> None:
    service = recorded_as(then)
    requests = len(service.requests)
    output = invoke(lambda event, context: now(context), service)
    assert output == {
        "Status": "FAILED",
        "Error": {
            "ErrorType": "durable_sdk.exceptions.NonDeterministicExecutionError",
            "ErrorMessage": f"Non-deterministic operation identity at id={hashed('1')!r}: {difference}",
        },
    }
    assert len(service.requests) == requests


def test_another_parent_ends_the_execution_too() -> None:
    service = recorded_as(lambda c: c.step(lambda: 1, "a"))
    service.named("a")["ParentId"] = "elsewhere"
    output = invoke(lambda event, context: context.step(lambda: 1, "a"), service)
    assert output["Error"]["ErrorMessage"].endswith("parent_id checkpoint='elsewhere' current=None")


def test_a_log_line_appears_once_per_execution() -> None:
    service = FakeLambda()
    lines, logger = lines_and_logger()

    def child(context: DurableContext) -> None:
        context.logger.info("in the child")
        context.step(lambda step: step.logger.info("in its step"), "inside")
        context.logger.info("after its step")
        context.wait(1)
        context.logger.info("after its wait")

    def handler(event: Any, context: DurableContext) -> None:
        context.set_logger(logger)
        context.logger.info("begin")
        context.step(lambda: 1)
        context.logger.info("after the step")
        context.wait(1)
        context.logger.info("after the wait")
        context.run_in_child_context(child, "child")
        context.logger.info("after the child")

    run(handler, service)
    assert lines.messages == [
        "begin",
        "after the step",
        "after the wait",
        "in the child",
        "in its step",
        "after its step",
        "after its wait",
        "after the child",
    ]


def test_every_attempt_of_a_step_logs() -> None:
    service = FakeLambda()
    lines, logger = lines_and_logger()

    def body(step: StepContext) -> None:
        step.logger.info("attempt %d", step.attempt)
        if step.attempt < 3:
            raise ValueError

    def handler(event: Any, context: DurableContext) -> None:
        context.set_logger(logger)
        context.step(body, "charge")

    run(handler, service)
    assert lines.messages == ["attempt 1", "attempt 2", "attempt 3"]


def test_lines_are_labelled_with_where_they_come_from() -> None:
    service = FakeLambda()
    lines, logger = lines_and_logger()

    def child(context: DurableContext) -> None:
        context.logger.info("child")
        context.step(lambda step: step.logger.info("step"), "inside")

    def handler(event: Any, context: DurableContext) -> None:
        context.set_logger(logger)
        context.logger.info("root")
        context.run_in_child_context(child, "child")

    run(handler, service)
    names = ("executionArn", "parentId", "operationName", "operationId", "attempt")
    labels = [
        {name: vars(record)[name] for name in names if name in vars(record)} for record in lines.records
    ]
    parent = service.named("child")["Id"]
    arn = labels[0]["executionArn"]
    assert labels == [
        {"executionArn": arn},
        {"executionArn": arn, "parentId": parent},
        {
            "executionArn": arn,
            "parentId": parent,
            "operationName": "inside",
            "operationId": service.named("inside")["Id"],
            "attempt": 1,
        },
    ]


def test_lines_of_a_large_child_are_not_repeated_while_it_is_rebuilt() -> None:
    service = FakeLambda()
    lines, logger = lines_and_logger()

    def child(context: DurableContext) -> str:
        context.logger.info("before")
        context.step(lambda: 1)
        context.step(lambda: 2)
        return "x" * 300_000

    def handler(event: Any, context: DurableContext) -> None:
        context.set_logger(logger)
        context.run_in_child_context(child)
        context.wait(1)
        context.wait(1)

    run(handler, service)
    assert lines.messages == ["before"]


def test_the_last_line_of_a_large_child_is_not_repeated_either() -> None:
    service = FakeLambda()
    lines, logger = lines_and_logger()

    def child(context: DurableContext) -> str:
        context.step(lambda: 1)
        context.logger.info("after the last step")
        return "x" * 300_000

    def handler(event: Any, context: DurableContext) -> None:
        context.set_logger(logger)
        context.run_in_child_context(child)
        context.wait(1)

    run(handler, service)
    assert lines.messages == ["after the last step"]


def test_the_logger_speaks_again_after_an_invocation_that_died() -> None:
    service = FakeLambda()
    lines, logger = lines_and_logger()

    def handler(event: Any, context: DurableContext) -> None:
        context.set_logger(logger)
        context.logger.info("begin")
        context.step(lambda: 1, "a")
        context.logger.info("between")
        context.step(lambda: 2, "b")

    service.fail(1, ServiceError("ServiceException", 500))
    with pytest.raises(CheckpointError):
        invoke(handler, service)
    run(handler, service)
    # It cannot know that the line after the last recorded step was written by the one that died.
    assert lines.messages == ["begin", "between", "between"]


def test_the_root_logger_is_the_default() -> None:
    def handler(event: Any, context: DurableContext) -> bool:
        return context.logger.get_logger() is logging.getLogger()

    assert run(handler, FakeLambda())["Result"] == "true"


def test_a_context_knows_its_execution() -> None:
    service = FakeLambda()
    output = run(lambda event, context: context.execution_context.durable_execution_arn, service)
    assert output["Result"] == f'"{ARN}"'
