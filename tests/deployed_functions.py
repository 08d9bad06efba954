"""Functions that tests of cloud mode deploy to an endpoint: what they invoke, and how they fail."""

from __future__ import annotations

import os
import time
from typing import Any

from durable_sdk import DurableContext, ParallelBranch, StepContext, durable_execution
from durable_sdk.config import CallbackConfig, Duration, StepConfig
from durable_sdk.retries import RetryPresets


@durable_execution
def ask(event: Any, context: DurableContext) -> Any:
    """Have somebody outside answer."""
    timeout = Duration.from_seconds((event or {}).get("timeout", 86400))
    return context.create_callback("approval", CallbackConfig(timeout=timeout)).result()


@durable_execution
def supervise(event: Any, context: DurableContext) -> Any:
    """Invoke functions, side by side, and return what they return."""

    def branch(function: str) -> ParallelBranch:
        return ParallelBranch(
            lambda inner: inner.invoke(function, event.get("payload"), name=function.partition(":")[0]),
            name=function,
        )

    batch = context.parallel([branch(function) for function in event["functions"]], name="asked")
    batch.throw_if_error()
    return batch.get_results()


@durable_execution
def delegate(event: Any, context: DurableContext) -> Any:
    """Invoke a function that invokes another one."""
    return context.invoke("supervise:$LATEST", event, name="delegated")


@durable_execution
def charge(event: Any, context: DurableContext) -> Any:
    """Fail in a step, after a wait."""
    context.wait(Duration.from_seconds(5), name="a while")

    def body(_: StepContext) -> None:
        raise ValueError("no such card")

    return context.step(body, name="charge", config=StepConfig(RetryPresets.none()))


@durable_execution
def die(event: Any, context: DurableContext) -> Any:
    """End the process, each time."""
    os._exit(9)


@durable_execution
def long(event: Any, context: DurableContext) -> Any:
    """Wait for two hours, and then take no time."""
    context.wait(Duration.from_hours(2), name="two hours")
    return "done"


@durable_execution
def busy(event: Any, context: DurableContext) -> Any:
    """Work for a minute of real time."""
    return context.step(lambda _: time.sleep(60), name="work")


@durable_execution
def many(event: Any, context: DurableContext) -> Any:
    """Take so many steps that the history has several pages."""
    return sum(context.step(lambda _, n=n: n, name=f"step-{n}") for n in range(event["steps"]))


def double(event: Any, context: Any) -> Any:
    """Answer without durability."""
    return 2 * event["timeout"]
