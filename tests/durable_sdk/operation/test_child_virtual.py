"""Virtual child contexts: no record of their own, and operations that lie in the context around them."""

from __future__ import annotations

from typing import Any

import pytest
from durable_sdk_fakes import FakeLambda, facts, invoke, run, twice

from durable_sdk import ChildContextError, DurableContext, ExecutionError, RetryableSerDesError, SerDesError
from durable_sdk.config import ChildConfig, StepConfig
from durable_sdk.identifier import operation_id
from durable_sdk.retries import RetryPresets
from durable_sdk.serdes import JsonSerDes

VIRTUAL: ChildConfig[Any] = ChildConfig(is_virtual=True)
NO_RETRY = StepConfig(retry_strategy=RetryPresets.none())


def virtual(context: DurableContext, body: Any, name: str | None = None) -> Any:
    return context.run_in_child_context(body, name, VIRTUAL)


def test_a_virtual_child_leaves_no_record_and_takes_no_request() -> None:
    service = FakeLambda()
    run(lambda event, context: virtual(context, lambda child: 1, "group"), service)
    assert service.requests == []


def test_its_operations_have_ids_under_it_and_the_parent_around_it() -> None:
    service = FakeLambda()

    def around(child: DurableContext) -> None:
        child.step(lambda: 1, "before")
        virtual(child, lambda inner: inner.step(lambda: 1, "inside"))

    run(lambda event, context: context.run_in_child_context(around, "around"), service)
    around_id = service.named("around")["Id"]
    assert service.named("inside")["Id"] == operation_id(operation_id(around_id, 2), 1)
    assert service.named("inside")["ParentId"] == around_id


def test_at_the_root_its_operations_have_no_parent() -> None:
    service = FakeLambda()
    run(lambda event, context: virtual(context, lambda child: child.step(lambda: 1, "inside")), service)
    assert service.named("inside")["Id"] == operation_id(operation_id(None, 1), 1)
    assert "ParentId" not in service.named("inside")


def test_parents_pass_through_any_number_of_virtual_contexts() -> None:
    service = FakeLambda()

    def inner(child: DurableContext) -> Any:
        return child.run_in_child_context(lambda real: real.step(lambda: 1, "deep"), "real")

    run(
        lambda event, context: virtual(context, lambda one: virtual(one, lambda two: virtual(two, inner))),
        service,
    )
    prefix = operation_id(operation_id(operation_id(None, 1), 1), 1)
    assert service.named("real")["Id"] == operation_id(prefix, 1)
    assert "ParentId" not in service.named("real")
    assert service.named("deep")["ParentId"] == service.named("real")["Id"]


def test_a_virtual_child_takes_a_position_like_any_other() -> None:
    service = FakeLambda()

    def handler(event: Any, context: DurableContext) -> None:
        virtual(context, lambda child: 1)
        context.step(lambda: 1, "after")

    run(handler, service)
    assert service.named("after")["Id"] == operation_id(None, 2)


def test_its_body_runs_on_every_replay_and_its_operations_once() -> None:
    bodies: list[int] = []
    steps: list[int] = []

    def body(child: DurableContext) -> str:
        bodies.append(1)
        return child.step(lambda: steps.append(1) or "value")

    assert twice(lambda context: virtual(context, body), FakeLambda()) == ["value", "value"]
    assert len(bodies) == 2
    assert steps == [1]


def test_its_result_is_read_back_by_its_serdes() -> None:
    config: ChildConfig[Any] = ChildConfig(JsonSerDes(), is_virtual=True)
    results = twice(lambda context: context.run_in_child_context(lambda c: (1,), None, config), FakeLambda())
    assert results == [[1], [1]]


def failing(child: DurableContext) -> None:
    raise ValueError("boom")


def failing_step(child: DurableContext) -> None:
    child.step(lambda: failing(child), "failing", NO_RETRY)


@pytest.mark.parametrize("body", [failing, failing_step, lambda child: object()])
def test_what_leaves_it_is_what_leaves_a_recorded_child(body: Any) -> None:
    config: ChildConfig[Any] = ChildConfig()
    errors = [
        error
        for child in (VIRTUAL, config)
        for error in twice(
            lambda context, child=child: context.run_in_child_context(body, None, child), FakeLambda()
        )
    ]
    assert [facts(error) for error in errors] == [facts(errors[0])] * 4
    assert isinstance(errors[0], ChildContextError | SerDesError)


def test_an_execution_error_passes_through() -> None:
    def body(child: DurableContext) -> None:
        raise ExecutionError("stop")

    output = invoke(lambda event, context: virtual(context, body), FakeLambda())
    assert output["Error"] == {"ErrorMessage": "stop", "ErrorType": "durable_sdk.exceptions.ExecutionError"}


def test_a_retryable_error_passes_through() -> None:
    def body(child: DurableContext) -> None:
        raise RetryableSerDesError("passing")

    with pytest.raises(RetryableSerDesError):
        invoke(lambda event, context: virtual(context, body), FakeLambda())


def changed(then: ChildConfig[Any], now: ChildConfig[Any]) -> tuple[FakeLambda, str]:
    service = FakeLambda()
    configs = [then, now]

    def handler(event: Any, context: DurableContext) -> None:
        context.run_in_child_context(lambda child: child.wait(60, "inside"), "group", configs.pop(0))

    assert invoke(handler, service) == {"Status": "PENDING"}
    output = invoke(handler, service)
    assert output["Error"]["ErrorType"] == "durable_sdk.exceptions.NonDeterministicExecutionError"
    return service, output["Error"]["ErrorMessage"]


def test_a_recorded_child_cannot_become_virtual() -> None:
    _, message = changed(ChildConfig(), VIRTUAL)
    assert message == (
        f"Non-deterministic child context at id={operation_id(None, 1)!r}: checkpoint contains a non-virtual "
        "child context but current child context is virtual"
    )


def test_a_virtual_child_cannot_become_recorded() -> None:
    service, message = changed(VIRTUAL, ChildConfig())
    group = operation_id(None, 1)
    assert message == (
        f"Non-deterministic operation identity at id={service.named('inside')['Id']!r}: "
        f"parent_id checkpoint=None current={group!r}"
    )


def test_a_large_child_is_rebuilt_through_its_virtual_children() -> None:
    ran: list[int] = []

    def body(child: DurableContext) -> str:
        text: str = virtual(child, lambda inner: inner.step(lambda: ran.append(1) or "x" * 200_000))
        return 2 * text

    first, replayed = twice(lambda context: context.run_in_child_context(body), FakeLambda())
    assert first == replayed
    assert ran == [1]


class Lines:
    """A logger that keeps its lines."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def _add(self, msg: object, *args: object, extra: Any = None) -> None:
        self.lines.append(str(msg))

    debug = info = warning = error = exception = _add


def lines_of(body: Any) -> list[str]:
    """Return the lines of a handler that is invoked until it is done."""
    kept = Lines()

    def handler(event: Any, context: DurableContext) -> None:
        context.set_logger(kept)
        body(context)

    run(handler, FakeLambda())
    return kept.lines


def test_lines_in_and_around_a_virtual_child_appear_once() -> None:
    def body(context: DurableContext) -> None:
        def inside(child: DurableContext) -> None:
            child.logger.info("begins")
            child.step(lambda: 1)
            child.logger.info("after its step")
            child.wait(1)
            child.logger.info("after its wait")

        context.logger.info("first")
        context.step(lambda: 1)
        context.logger.info("before")
        virtual(context, inside)
        context.logger.info("after")
        context.wait(1)
        context.logger.info("last")

    assert lines_of(body) == [
        "first",
        "before",
        "begins",
        "after its step",
        "after its wait",
        "after",
        "last",
    ]


def test_lines_in_nested_virtual_children_appear_once() -> None:
    def body(context: DurableContext) -> None:
        def inner(child: DurableContext) -> None:
            child.logger.info("inner")
            child.wait(1)
            child.logger.info("inner after its wait")

        def outer(child: DurableContext) -> None:
            child.logger.info("outer")
            virtual(child, inner)
            child.logger.info("outer after")

        context.logger.info("first")
        virtual(context, outer)
        context.wait(1)
        context.logger.info("last")

    assert lines_of(body) == ["first", "outer", "inner", "inner after its wait", "outer after", "last"]


def test_a_virtual_child_whose_first_operation_is_new_speaks_at_once() -> None:
    def body(context: DurableContext) -> None:
        def inside(child: DurableContext) -> None:
            child.logger.info("begins")
            child.step(lambda: 1)

        context.wait(1)
        virtual(context, inside)
        context.wait(1)

    assert lines_of(body) == ["begins"]
