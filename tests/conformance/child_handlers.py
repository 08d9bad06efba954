"""Handlers of the requirements for child contexts."""

from __future__ import annotations

from typing import Any

from conformance.step_handlers import NO_RETRY, Shouting, fail, give, retrying

from durable_sdk import (
    ChildContextError,
    DurableContext,
    StepContext,
    durable_execution,
    durable_with_child_context,
)
from durable_sdk.config import ChildConfig, Duration, StepConfig

# More than 256 KiB: too much to be stored as the result of a context.
LARGE = 300_000


@durable_with_child_context
def one_step(child: DurableContext, value: Any) -> Any:
    """Return the value by way of a step."""
    return child.step(give(value))


@durable_with_child_context
def two_steps(child: DurableContext, value: Any) -> Any:
    """Return the value by way of two steps."""
    return child.step(give(child.step(give(value), name="first")), name="second")


@durable_with_child_context
def failing_step(child: DurableContext) -> Any:
    """Do a step that fails for good."""
    return child.step(fail("the step broke"), config=NO_RETRY)


@durable_with_child_context
def retried_step(child: DurableContext, value: Any) -> Any:
    """Return the value by way of a step that fails at first."""

    def body(step_context: StepContext) -> Any:
        if step_context.attempt == 1:
            raise ConnectionError("not yet")
        return value

    return child.step(body, config=retrying(3))


@durable_with_child_context
def large(child: DurableContext, value: str) -> str:
    """Log, do a small step, and return a large text."""
    child.logger.with_is_replaying(lambda: False).info("large context runs with %s", value)
    return child.step(give("x")) * LARGE


@durable_with_child_context
def logging_only(child: DurableContext, value: str) -> str:
    """Log and return the value."""
    child.logger.with_is_replaying(lambda: False).info("context runs with %s", value)
    return value


@durable_with_child_context
def waiting(child: DurableContext, value: Any) -> Any:
    """Return the value after a wait."""
    child.wait(Duration.from_seconds(1))
    return value


@durable_with_child_context
def raising(child: DurableContext) -> Any:
    """Raise outside of any operation."""
    raise ValueError("the context broke")


@durable_execution
def single_step_inside(event: Any, context: DurableContext) -> Any:
    return context.run_in_child_context(one_step(event))


@durable_execution
def sequential_steps_inside(event: Any, context: DurableContext) -> Any:
    return context.run_in_child_context(two_steps(event))


@durable_execution
def failure_is_caught(event: Any, context: DurableContext) -> Any:
    try:
        return context.run_in_child_context(failing_step())
    except ChildContextError:
        return context.step(give(event))


@durable_execution
def step_is_retried(event: Any, context: DurableContext) -> Any:
    return context.run_in_child_context(retried_step(event))


@durable_execution
def then_waits(event: Any, context: DurableContext) -> Any:
    value = context.run_in_child_context(one_step(event))
    context.wait(Duration.from_seconds(1))
    return value


@durable_execution
def large_then_waits(event: Any, context: DurableContext) -> int:
    value = context.run_in_child_context(large(event))
    context.wait(Duration.from_seconds(1))
    return len(value)


@durable_execution
def waits_inside(event: Any, context: DurableContext) -> Any:
    value = context.run_in_child_context(waiting(event))
    return context.step(give(value))


@durable_execution
def raises_inside(event: Any, context: DurableContext) -> Any:
    return context.run_in_child_context(raising())


@durable_execution
def logs_then_waits(event: Any, context: DurableContext) -> Any:
    value = context.run_in_child_context(logging_only(event))
    context.wait(Duration.from_seconds(1))
    return value


# What follows is for requirements of our own.


@durable_execution
def named_by_hand(event: Any, context: DurableContext) -> Any:
    return context.run_in_child_context(lambda child: child.step(give(event)), name="chosen")


@durable_execution
def nested(event: Any, context: DurableContext) -> Any:
    def outer(child: DurableContext) -> Any:
        inner = child.run_in_child_context(one_step(event), name="inner")
        child.wait(Duration.from_seconds(1))
        return inner

    return context.run_in_child_context(outer, name="outer")


@durable_execution
def failure_is_not_caught(event: Any, context: DurableContext) -> Any:
    return context.run_in_child_context(failing_step())


@durable_execution
def retries_run_out_inside(event: Any, context: DurableContext) -> Any:
    return context.run_in_child_context(lambda child: child.step(fail("never"), config=retrying(2)))


@durable_execution
def caught_failure_then_waits(event: Any, context: DurableContext) -> Any:
    try:
        outcome = context.run_in_child_context(raising())
    except ChildContextError as error:
        outcome = [str(error), error.error_type]
    context.wait(Duration.from_seconds(1))
    return outcome


@durable_execution
def stored_by_a_custom_serdes(event: Any, context: DurableContext) -> Any:
    config: ChildConfig = ChildConfig(serdes=Shouting())
    return context.run_in_child_context(lambda child: child.step(give(event)), config=config)


@durable_execution
def several(event: Any, context: DurableContext) -> Any:
    first = context.run_in_child_context(one_step(event))
    return context.run_in_child_context(one_step([first, "again"]))


@durable_execution
def large_with_summary(event: Any, context: DurableContext) -> int:
    config: ChildConfig = ChildConfig(summary_generator=lambda result: f"{len(result)} characters")
    value = context.run_in_child_context(lambda child: "x" * LARGE, config=config)
    context.wait(Duration.from_seconds(1))
    return len(value)


@durable_execution
def virtual(event: Any, context: DurableContext) -> Any:
    config: ChildConfig = ChildConfig(is_virtual=True)
    value = context.run_in_child_context(one_step(event), config=config)
    return context.step(give(value))


@durable_execution
def labelled(event: Any, context: DurableContext) -> Any:
    config: ChildConfig = ChildConfig(sub_type="Checkout")
    return context.run_in_child_context(
        lambda child: child.step(give(event), config=StepConfig(sub_type="Charge")), config=config
    )
