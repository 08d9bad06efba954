"""Handlers of the requirements for wait_for_callback. The input names the operation."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from conformance.callback_handlers import seconds
from conformance.step_handlers import retrying

from durable_sdk import (
    CallbackError,
    DurableContext,
    durable_execution,
    durable_wait_for_callback,
)
from durable_sdk.config import WaitForCallbackConfig
from durable_sdk.serdes import JsonSerDes, SerDes, SerDesContext
from durable_sdk.types import WaitForCallbackContext


def submit(callback_id: str, submitter_context: WaitForCallbackContext) -> None:
    """Do nothing durable with the id."""
    submitter_context.logger.info("submitted %s", callback_id)


def refuse(callback_id: str, submitter_context: WaitForCallbackContext) -> None:
    """Raise."""
    raise ConnectionError("the submitter broke")


@durable_execution
def awaits(event: Any, context: DurableContext) -> Any:
    return context.wait_for_callback(submit, name=event)


@durable_execution
def awaits_without_a_name(event: Any, context: DurableContext) -> Any:
    return context.wait_for_callback(lambda callback_id, submitter_context: None)


@durable_execution
def awaits_three_seconds(event: Any, context: DurableContext) -> Any:
    return context.wait_for_callback(submit, name=event, config=WaitForCallbackConfig(timeout=seconds(3)))


@durable_execution
def submitter_fails(event: Any, context: DurableContext) -> Any:
    config = WaitForCallbackConfig(retry_strategy=retrying(2).retry_strategy)
    return context.wait_for_callback(refuse, name=event, config=config)


@durable_execution
def one_after_the_other(event: Any, context: DurableContext) -> Any:
    context.wait_for_callback(submit, name="first")
    return context.wait_for_callback(submit, name="second")


@durable_execution
def reads_an_object(event: Any, context: DurableContext) -> Any:
    config = WaitForCallbackConfig(serdes=JsonSerDes())
    return context.wait_for_callback(submit, name=event, config=config)["status"]


@durable_execution
def awaits_heartbeats(event: Any, context: DurableContext) -> Any:
    config = WaitForCallbackConfig(heartbeat_timeout=seconds(10))
    return context.wait_for_callback(submit, name=event, config=config)


# What follows is for requirements of our own.


@durable_wait_for_callback
def ask(callback_id: str, submitter_context: WaitForCallbackContext, whom: str) -> None:
    """Ask somebody."""
    submitter_context.logger.info("asked %s", whom)


@durable_execution
def named_after_its_submitter(event: Any, context: DurableContext) -> Any:
    return context.wait_for_callback(ask("Ana"))


@durable_execution
def catches_then_waits(event: Any, context: DurableContext) -> Any:
    try:
        outcome = context.wait_for_callback(submit, name=event)
    except CallbackError as error:
        outcome = [type(error).__name__, str(error)]
    context.wait(seconds(2))
    return outcome


@durable_execution
def catches_the_submitter(event: Any, context: DurableContext) -> Any:
    config = WaitForCallbackConfig(retry_strategy=retrying(1).retry_strategy)
    try:
        return context.wait_for_callback(refuse, name=event, config=config)
    except CallbackError as error:
        return [type(error).__name__, str(error)]


@durable_execution
def awaits_in_a_child(event: Any, context: DurableContext) -> Any:
    return context.run_in_child_context(lambda child: child.wait_for_callback(submit, name=event))


@durable_execution
def awaits_in_branches(event: Any, context: DurableContext) -> Any:
    branches = [lambda branch, name=name: branch.wait_for_callback(submit, name=name) for name in event]
    return context.parallel(branches).get_results()


class Capitals(SerDes[Any]):
    """Reads JSON in capitals. It also stores what the submitter returns."""

    def serialize(self, value: Any, serdes_context: SerDesContext) -> str:
        return json.dumps(value)

    def deserialize(self, data: str, serdes_context: SerDesContext) -> Any:
        return json.loads(data.upper().replace("NULL", "null"))


@durable_execution
def reads_capitals(event: Any, context: DurableContext) -> Any:
    return context.wait_for_callback(submit, name=event, config=WaitForCallbackConfig(serdes=Capitals()))


def retried_submitter(failures: int) -> Callable[..., Any]:
    """Return a handler whose submitter fails so many times."""
    left = [failures]

    def submitter(callback_id: str, submitter_context: WaitForCallbackContext) -> None:
        if left[0]:
            left[0] -= 1
            raise ConnectionError("not yet")

    @durable_execution
    def handler(event: Any, context: DurableContext) -> Any:
        config = WaitForCallbackConfig(retry_strategy=retrying(3).retry_strategy)
        return context.wait_for_callback(submitter, name=event, config=config)

    return handler
