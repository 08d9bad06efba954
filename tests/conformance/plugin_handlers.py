"""Handlers of the requirements for plugins, and plugins that log what they are told.

A record is a JSON object with the members of the info that the hook was given; members that are None are left
out.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Callable
from datetime import datetime
from enum import Enum
from typing import Any

from conformance.batch_handlers import tenfold
from conformance.driver import PLUGIN_LOGGER
from conformance.step_handlers import NO_RETRY, fail, give, retrying, succeed_at
from conformance.wait_for_callback_handlers import submit
from conformance.wait_for_condition_handlers import increment, up_to

from durable_sdk import DurableContext, ParallelBranch, StepContext, durable_execution
from durable_sdk.config import (
    ChildConfig,
    Duration,
    MapConfig,
    NestingType,
    ParallelConfig,
    StepConfig,
    StepSemantics,
)
from durable_sdk.plugin import (
    DurableInstrumentationPlugin,
    InvocationEndInfo,
    InvocationInfo,
    InvocationStartInfo,
    OperationChangeInfo,
    OperationEndInfo,
    OperationInfo,
    OperationStartInfo,
    PropagationInput,
    PropagationMetadata,
    UserFunctionEndInfo,
    UserFunctionStartInfo,
)

_logger = logging.getLogger(PLUGIN_LOGGER)


class Recorder(DurableInstrumentationPlugin):
    """Logs every hook."""

    def __init__(self, name: str, arn: str | None) -> None:
        self._name = name
        self._arn = arn

    def on_invocation_start(self, info: InvocationStartInfo) -> None:
        self._record(
            "invocation-start", _invocation(info) | {"updatedOperationsCount": len(info.updated_operations)}
        )
        for operation in info.updated_operations.values():
            self._record("updated-on-invoke", _operation(operation) | {"first": info.is_first_invocation})

    def on_invocation_end(self, info: InvocationEndInfo) -> None:
        status = _plain(info.status)
        self._record(
            "invocation-end",
            _invocation(info)
            | {
                "status": status,
                "terminal": status in ("SUCCEEDED", "FAILED"),
                "executionResult": info.execution_result,
                "executionError": None if info.error is None else info.error.message,
                "errorType": None if info.error is None else info.error.type,
            },
        )

    def on_operation_start(self, info: OperationStartInfo) -> None:
        self._record("operation-start", _operation(info))

    def on_operation_end(self, info: OperationEndInfo) -> None:
        self._record("operation-end", _operation(info))

    def on_operation_change(self, info: OperationChangeInfo) -> None:
        for operation in info.updated_operations.values():
            self._record("operation-change", _operation(operation))

    def on_user_function_start(self, info: UserFunctionStartInfo) -> None:
        self._record(_function_hook(info, "start"), _function(info))

    def on_user_function_end(self, info: UserFunctionEndInfo) -> None:
        self._record(_function_hook(info, "end"), _function(info) | {"outcome": info.outcome})

    def _record(self, hook: str, members: dict[str, Any]) -> None:
        members = {"plugin": self._name, "hook": hook, "durableExecutionArn": self._arn} | members
        _logger.info(json.dumps({key: _plain(value) for key, value in members.items() if value is not None}))


class Faulty(Recorder):
    """Logs every hook, and then raises."""

    def _record(self, hook: str, members: dict[str, Any]) -> None:
        super()._record(hook, members)
        if hook != "updated-on-invoke":
            raise RuntimeError(f"{self._name} fails in {hook}")


class Tracer(Recorder):
    """Gives what is invoked a trace."""

    def provide_propagation_metadata(self, info: PropagationInput) -> PropagationMetadata | None:
        self._record(
            "propagation",
            {
                "op": info.operation_id,
                "parentId": info.parent_operation_id,
                "target": info.target_function_name,
            },
        )
        return PropagationMetadata("Root=1-5759e988-bd862e3fe1be46a994272793")


class Factory:
    """Makes a plugin for each invocation."""

    def __init__(self, name: str = "CONFPLUGIN", plugin: type[Recorder] = Recorder) -> None:
        self._name = name
        self._plugin = plugin

    def create_plugin(self, info: InvocationStartInfo) -> Recorder:
        """Return the plugin of one invocation."""
        return self._plugin(self._name, info.execution_arn)


def _plain(value: Any) -> Any:
    if isinstance(value, Enum):
        return value.value
    return value.isoformat() if isinstance(value, datetime) else value


def _invocation(info: InvocationInfo) -> dict[str, Any]:
    return {
        "first": info.is_first_invocation,
        "isFirstInvocation": info.is_first_invocation,
        "requestId": info.request_id,
        "operationsCount": len(info.operations),
        "executionStartTimestamp": info.execution_start_time,
        "executionInput": info.execution_input,
    }


def _operation(info: OperationInfo) -> dict[str, Any]:
    return {
        "op": info.operation_id,
        "id": info.operation_id,
        "type": info.operation_type,
        "subType": info.sub_type,
        "name": info.name,
        "parent": info.parent_id or "NONE",
        "parentId": info.parent_id,
        "startTimestamp": info.start_time,
        "endTimestamp": info.end_time,
        "replay": info.is_replayed,
        "isReplay": info.is_replayed,
        "status": info.status,
        "result": info.result,
        "error": None if info.error is None else info.error.message,
        "attempt": info.attempt,
    }


def _function(info: UserFunctionStartInfo | UserFunctionEndInfo) -> dict[str, Any]:
    return _operation(info) | {"n": info.attempt, "isReplayingChildren": info.is_replay_children}


def _function_hook(info: OperationInfo, moment: str) -> str:
    return f"{'attempt' if _plain(info.operation_type) == 'STEP' else 'fn'}-{moment}"


def recorded(body: Callable[[Any, DurableContext], Any], *factories: Any) -> Callable[..., Any]:
    """Return a durable handler that is watched by plugins, by one recorder unless others are given."""
    return durable_execution(body, plugins=list(factories) or [Factory()])


def greets(event: Any, context: DurableContext) -> Any:
    def greet(step_context: StepContext) -> str:
        step_context.logger.info("Greeting step running for: %s", event)
        return f"Hello, {event}!"

    return context.step(greet)


def greets_in_a_child(event: Any, context: DurableContext) -> Any:
    return context.run_in_child_context(lambda child: child.step(lambda step_context: f"Hello, {event}!"))


def retries(event: Any, context: DurableContext) -> Any:
    return context.step(succeed_at(2), config=retrying(3))


def retries_flaky(event: Any, context: DurableContext) -> Any:
    context.step(succeed_at(2), name="flaky", config=retrying(3))
    return "ok"


def succeeds_then_retries(event: Any, context: DurableContext) -> Any:
    context.step(give("first"))
    return context.step(succeed_at(2), config=retrying(3))


def fails_twice(event: Any, context: DurableContext) -> Any:
    return context.step(fail("never"), config=retrying(2))


def fails_once(event: Any, context: DurableContext) -> Any:
    return context.step(fail("never"), config=NO_RETRY)


def waits(event: Any, context: DurableContext) -> Any:
    context.wait(Duration.from_seconds(2))


def waits_then_returns(event: Any, context: DurableContext) -> Any:
    context.wait(Duration.from_seconds(2))
    return f"done-{event}"


def two_branches(event: Any, context: DurableContext) -> Any:
    def first(branch: DurableContext) -> str:
        branch.step(give("x"), name="inner")
        branch.wait(Duration.from_seconds(2))
        return "a-done"

    branches = [
        ParallelBranch(first, name="branch-a"),
        ParallelBranch(lambda branch: "b-done", name="branch-b"),
    ]
    config = ParallelConfig(max_concurrency=1)
    return context.parallel(branches, name="ctx", config=config).get_results()


# What follows is for requirements of our own.


def step_and_wait(event: Any, context: DurableContext) -> Any:
    value = context.step(give(1), name="before")
    context.wait(Duration.from_seconds(2), name="pause")
    return value


def large_child(event: Any, context: DurableContext) -> Any:
    value = context.run_in_child_context(lambda child: "x" * 300_000, name="large")
    context.wait(Duration.from_seconds(1))
    return len(value)


def virtual_child(event: Any, context: DurableContext) -> Any:
    config: ChildConfig = ChildConfig(is_virtual=True)
    return context.run_in_child_context(lambda child: child.step(give(1)), name="virtual", config=config)


def flat_branches(event: Any, context: DurableContext) -> Any:
    config = ParallelConfig(max_concurrency=1, nesting_type=NestingType.FLAT)
    return context.parallel([lambda branch: branch.step(give(1))], config=config).get_results()


def invokes(event: Any, context: DurableContext) -> Any:
    return context.invoke("target", event)


def awaits_a_callback(event: Any, context: DurableContext) -> Any:
    return context.create_callback(name="approval").result()


def exits(event: Any, context: DurableContext) -> Any:
    context.step(give(1))
    raise SystemExit(1)


def polls(event: Any, context: DurableContext) -> Any:
    return context.wait_for_condition(increment, up_to(2), name="poll")


def maps(event: Any, context: DurableContext) -> Any:
    config: MapConfig = MapConfig(max_concurrency=1)
    return context.map(event, tenfold, name="batch", config=config).get_results()


def child_fails(event: Any, context: DurableContext) -> Any:
    def body(child: DurableContext) -> Any:
        raise ValueError("the context broke")

    return context.run_in_child_context(body, name="broken")


def asks(event: Any, context: DurableContext) -> Any:
    return context.wait_for_callback(submit, name="ask")


def dies(event: Any, context: DurableContext) -> Any:
    def body(step_context: StepContext) -> Any:
        if step_context.attempt == 1:
            os._exit(1)
        return "survived"

    config = StepConfig(retrying(2).retry_strategy, StepSemantics.AT_MOST_ONCE_PER_RETRY)
    return context.step(body, config=config)
