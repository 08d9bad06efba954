"""Handlers of the requirements for callbacks. The input names the callbacks."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from conformance.step_handlers import give

from durable_sdk import CallbackError, DurableContext, durable_execution
from durable_sdk.config import CallbackConfig, Duration
from durable_sdk.serdes import SerDes, SerDesContext


class Dated(SerDes[dict[str, Any]]):
    """Reads JSON whose member ``timestamp`` is a moment."""

    def serialize(self, value: dict[str, Any], serdes_context: SerDesContext) -> str:
        return json.dumps(value | {"timestamp": value["timestamp"].isoformat()})

    def deserialize(self, data: str, serdes_context: SerDesContext) -> dict[str, Any]:
        value = json.loads(data)
        return value | {"timestamp": datetime.fromisoformat(value["timestamp"])}


class Unreadable(SerDes[Any]):
    """Cannot read anything."""

    def serialize(self, value: Any, serdes_context: SerDesContext) -> str:
        return json.dumps(value)

    def deserialize(self, data: str, serdes_context: SerDesContext) -> Any:
        raise TypeError("cannot be read")


def seconds(count: int) -> Duration:
    """Return so many seconds."""
    return Duration.from_seconds(count)


@durable_execution
def awaits(event: Any, context: DurableContext) -> Any:
    return context.create_callback(name=event).result()


@durable_execution
def awaits_five_seconds(event: Any, context: DurableContext) -> Any:
    return context.create_callback(name=event, config=CallbackConfig(timeout=seconds(5))).result()


@durable_execution
def awaits_heartbeats(event: Any, context: DurableContext) -> Any:
    config = CallbackConfig(heartbeat_timeout=seconds(10))
    return context.create_callback(name=event, config=config).result()


@durable_execution
def does_a_step_first(event: Any, context: DurableContext) -> Any:
    callback = context.create_callback(name=event)
    context.step(give("done meanwhile"))
    return callback.result()


@durable_execution
def waits_first(event: Any, context: DurableContext) -> Any:
    callback = context.create_callback(name=event)
    context.wait(seconds(5))
    return callback.result()


@durable_execution
def waits_longer_than_its_callback(event: Any, context: DurableContext) -> Any:
    callback = context.create_callback(name=event, config=CallbackConfig(timeout=seconds(3)))
    context.wait(seconds(6))
    return callback.result()


@durable_execution
def catches_then_waits(event: Any, context: DurableContext) -> Any:
    try:
        outcome = context.create_callback(name=event).result()
    except CallbackError as error:
        outcome = f"failed: {error}"
    context.wait(seconds(2))
    return outcome


@durable_execution
def reads_a_date(event: Any, context: DurableContext) -> Any:
    received = context.create_callback(name=event, config=CallbackConfig(serdes=Dated())).result()
    return {"received": received | {"timestamp": int(received["timestamp"].timestamp())}}


@durable_execution
def one_after_the_other(event: Any, context: DurableContext) -> Any:
    first = context.create_callback(name=event[0]).result()
    return [first, context.create_callback(name=event[1]).result()]


@durable_execution
def both_in_reverse(event: Any, context: DurableContext) -> Any:
    first = context.create_callback(name=event[0])
    second = context.create_callback(name=event[1])
    later = second.result()
    return [first.result(), later]


# What follows is for requirements of our own.


@durable_execution
def both_in_order(event: Any, context: DurableContext) -> Any:
    first = context.create_callback(name=event[0])
    second = context.create_callback(name=event[1])
    return [first.result(), second.result()]


@durable_execution
def catches(event: Any, context: DurableContext) -> Any:
    config = CallbackConfig(timeout=seconds(8), heartbeat_timeout=seconds(3))
    try:
        return context.create_callback(name=event, config=config).result()
    except CallbackError as error:
        return [type(error).__name__, str(error)]


@durable_execution
def never_looks(event: Any, context: DurableContext) -> Any:
    return bool(context.create_callback(name=event).callback_id)


@durable_execution
def without_a_name(event: Any, context: DurableContext) -> Any:
    return context.create_callback().result()


@durable_execution
def cannot_read(event: Any, context: DurableContext) -> Any:
    return context.create_callback(name=event, config=CallbackConfig(serdes=Unreadable())).result()


@durable_execution
def in_a_child(event: Any, context: DurableContext) -> Any:
    return context.run_in_child_context(lambda child: child.create_callback(name=event).result())


@durable_execution
def hands_its_id_over(event: Any, context: DurableContext) -> Any:
    callback = context.create_callback(name=event)
    told = context.step(give(callback.callback_id), name="tell")
    return [callback.result(), told == callback.callback_id]


@durable_execution
def in_parallel(event: Any, context: DurableContext) -> Any:
    branches = [lambda branch, name=name: branch.create_callback(name=name).result() for name in event]
    return context.parallel(branches).get_results()


@durable_execution
def looks_twice(event: Any, context: DurableContext) -> Any:
    callback = context.create_callback(name=event)
    return [callback.result(), callback.result()]
