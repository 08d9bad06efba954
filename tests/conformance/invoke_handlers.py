"""Handlers of the requirements for invoked functions, and the functions that they invoke."""

from __future__ import annotations

import json
from typing import Any

from conformance.step_handlers import give

from durable_sdk import DurableContext, InvokeError, durable_execution
from durable_sdk.config import CompletionConfig, Duration, InvokeConfig, ParallelConfig
from durable_sdk.serdes import SerDes, SerDesContext

TARGET = "target"

# Less than a mebibyte, which is what an invoked function takes at most.
LARGE = 1_000_000


class Capitals(SerDes[str]):
    """Sends a text in capitals, and reads one in small letters."""

    def serialize(self, value: str, serdes_context: SerDesContext) -> str:
        return json.dumps(value).upper()

    def deserialize(self, data: str, serdes_context: SerDesContext) -> str:
        text: str = json.loads(data)
        return text.lower()


class Unsendable(SerDes[Any]):
    """Cannot send anything."""

    def serialize(self, value: Any, serdes_context: SerDesContext) -> str:
        raise TypeError("cannot be sent")

    def deserialize(self, data: str, serdes_context: SerDesContext) -> Any:
        return json.loads(data)


@durable_execution
def echo(event: Any, context: DurableContext) -> Any:
    return event


@durable_execution
def fail(event: Any, context: DurableContext) -> Any:
    raise ValueError("the target broke")


@durable_execution
def measure(event: Any, context: DurableContext) -> int:
    return len(event)


@durable_execution
def echo_after_a_wait(event: Any, context: DurableContext) -> Any:
    context.wait(Duration.from_seconds(30), name="inside the target")
    return event


def plain_echo(event: Any, context: Any) -> Any:
    return event


def plain_fail(event: Any, context: Any) -> Any:
    raise ValueError("the plain target broke")


@durable_execution
def invokes(event: Any, context: DurableContext) -> Any:
    return context.invoke(TARGET, event)


@durable_execution
def invokes_with_a_large_payload(event: Any, context: DurableContext) -> Any:
    return context.invoke(TARGET, "x" * LARGE)


@durable_execution
def invokes_then_waits(event: Any, context: DurableContext) -> Any:
    result = context.invoke(TARGET, event)
    context.wait(Duration.from_seconds(1))
    return result


@durable_execution
def does_a_step_first(event: Any, context: DurableContext) -> Any:
    return context.invoke(TARGET, context.step(give("from the step")))


@durable_execution
def invokes_in_a_child(event: Any, context: DurableContext) -> Any:
    return context.run_in_child_context(lambda child: child.invoke(TARGET, "from the child"))


@durable_execution
def sends_capitals(event: Any, context: DurableContext) -> Any:
    return context.invoke(TARGET, event["data"], config=InvokeConfig(serdes_payload=Capitals()))


# What follows is for requirements of our own.


@durable_execution
def reads_small_letters(event: Any, context: DurableContext) -> Any:
    return context.invoke(TARGET, event, config=InvokeConfig(serdes_result=Capitals()))


@durable_execution
def cannot_send(event: Any, context: DurableContext) -> Any:
    return context.invoke(TARGET, event, config=InvokeConfig(serdes_payload=Unsendable()))


@durable_execution
def named(event: Any, context: DurableContext) -> Any:
    return context.invoke(TARGET, event, name="call")


@durable_execution
def for_a_tenant(event: Any, context: DurableContext) -> Any:
    return context.invoke(TARGET, event, config=InvokeConfig(tenant_id="tenant-7"))


@durable_execution
def catches(event: Any, context: DurableContext) -> Any:
    try:
        return context.invoke(TARGET, event)
    except InvokeError as error:
        return [str(error), error.error_type]


@durable_execution
def catches_then_waits(event: Any, context: DurableContext) -> Any:
    try:
        outcome = context.invoke(TARGET, event)
    except InvokeError as error:
        outcome = [str(error), error.error_type]
    context.wait(Duration.from_seconds(1))
    return outcome


@durable_execution
def invokes_twice(event: Any, context: DurableContext) -> Any:
    return context.invoke(TARGET, [context.invoke(TARGET, event), "again"])


@durable_execution
def invokes_in_parallel(event: Any, context: DurableContext) -> Any:
    branches = [lambda branch, item=item: branch.invoke(TARGET, item) for item in event]
    return context.parallel(branches).get_results()


@durable_execution
def invokes_without_a_payload(event: Any, context: DurableContext) -> Any:
    return context.invoke(TARGET, None)


@durable_execution
def invokes_a_version(event: Any, context: DurableContext) -> Any:
    return context.invoke("target:7", event)


@durable_execution
def first_of_two(event: Any, context: DurableContext) -> Any:
    """Return the first answer, and leave the other function alone."""
    config = ParallelConfig(completion_config=CompletionConfig.first_successful())
    batch = context.parallel(
        [lambda branch: branch.invoke("slow", event), lambda branch: branch.invoke(TARGET, event)],
        config=config,
    )
    return [batch.get_results(), batch.started_count]
