"""Functions that tests serve in processes of their own.

Most tests start some, and importing boto3 would take most of the time that a process needs to start.
"""

from __future__ import annotations

import os
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from durable_sdk import DurableContext, InvokeError, StepContext, durable_execution
from durable_sdk.config import CallbackConfig, Duration, InvokeConfig, StepConfig
from durable_sdk.retries import RetryPresets
from durable_sdk.serdes import PassThroughSerDes


@durable_execution
def greet(event: Any, context: DurableContext) -> str:
    """Greet whoever the event names, in a step."""
    return str(context.step(lambda _: f"Hello {event['name']}", name="greet"))


@durable_execution
def nap(event: Any, context: DurableContext) -> str:
    """Wait for as many seconds as the event says, between two steps."""
    context.step(lambda _: "tired", name="before")
    context.wait(Duration.from_seconds(event["seconds"]), name="nap")
    return str(context.step(lambda _: "awake", name="after"))


@durable_execution
def look_at_the_time(event: Any, context: DurableContext) -> list[float]:
    """Return the seconds that pass over a wait, as the handler, the module ``time`` and a step see it."""

    def read(_: StepContext) -> float:
        return datetime.now(UTC).timestamp()

    before, by_time, step_before = datetime.now(UTC), time.time(), context.step(read, name="before")
    begun = context.step(lambda _: before.timestamp(), name="begun")
    context.wait(Duration.from_seconds(event["seconds"]), name="nap")
    step_after = context.step(read, name="after")
    return [step_after - step_before, datetime.now(UTC).timestamp() - begun, time.time() - by_time]


@durable_execution
def ask(event: Any, context: DurableContext) -> Any:
    """Create a callback and return what answers it."""
    timeout = Duration.from_seconds((event or {}).get("timeout", 3600))
    callback = context.create_callback("answer", CallbackConfig(timeout=timeout))
    return callback.result()


@durable_execution
def forward(event: Any, context: DurableContext) -> Any:
    """Wait for a callback as long as the execution may take."""
    return context.create_callback("forward").result()


@durable_execution
def ask_then_nap(event: Any, context: DurableContext) -> Any:
    """Wait for an answer for a day at most, and then for two days."""
    day = Duration.from_days(1)
    context.create_callback("answer", CallbackConfig(day, heartbeat_timeout=Duration.from_hours(1))).result()
    context.wait(Duration.from_days(2), name="nap")
    return "rested"


@durable_execution
def remind(event: Any, context: DurableContext) -> Any:
    """Wait for an answer for a day, which is how long a reminder takes, too."""
    day = Duration.from_days(1)

    def ask(branch: DurableContext) -> Any:
        branch.step(lambda _: time.sleep(0.05), name="prepare")
        return branch.create_callback("answer", CallbackConfig(day)).result()

    def nap(branch: DurableContext) -> str:
        branch.wait(day, name="reminder")
        return "reminded"

    return context.parallel([nap, ask], name="both").get_results()


@durable_execution
def flaky(event: Any, context: DurableContext) -> str:
    """Fail in a step as often as the event says; a file counts."""
    tries = Path(event["file"])

    def body(_: StepContext) -> str:
        with tries.open("a") as file:
            file.write("x")
        if len(tries.read_text()) <= event["fails"]:
            raise RuntimeError("not yet")
        return "done"

    return str(context.step(body, name="flaky", config=StepConfig(RetryPresets.default())))


@durable_execution
def chain(event: Any, context: DurableContext) -> Any:
    """Invoke the functions that the event names, one after the other, each with what the last returned."""
    value: Any = event["value"]
    for name in event["functions"]:
        value = context.invoke(name, {"value": value}, name=name)
    return value


@durable_execution
def pass_on(event: Any, context: DurableContext) -> str:
    """Invoke a function with a text as it is, and tell what is the matter with it."""
    config = InvokeConfig(serdes_payload=PassThroughSerDes())
    try:
        return str(context.invoke("plain", event["text"], config=config))
    except InvokeError as error:
        return str(error)


@durable_execution
def twice(event: Any, context: DurableContext) -> int:
    """Double a value, durably."""
    context.wait(Duration.from_seconds(1))
    return int(context.step(lambda _: event["value"] * 2, name="twice"))


@durable_execution
def misbehave(event: Any, context: DurableContext) -> Any:
    """Do what the event says that no handler should."""
    match event["how"]:
        case "raise":
            raise ValueError("no good")
        case "exit":
            sys.exit(3)
        case "die":
            os._exit(9)
        case "print":
            print("{'not': 'an answer'}")
            os.write(1, b'{"output": "forged"}\n')
        case "hang":
            time.sleep(60)
    return "fine"


def plain(event: Any, context: Any) -> Any:
    """Answer without durability."""
    how = (event or {}).get("how")
    if how == "sleep":
        time.sleep(event.get("seconds", 60))
    if how == "exit":
        sys.exit(1)
    if how == "raise":
        raise ValueError("no good")
    if how == "set":
        return {1, 2}
    if how == "environment":
        return {name: value for name, value in os.environ.items() if name.startswith(("AWS_", "_HANDLER"))}
    if how == "context":
        return [context.function_name, context.invoked_function_arn, context.get_remaining_time_in_millis()]
    if how == "pid":
        return os.getpid()
    return (event or {}).get("value", 0) + 1


@durable_execution
def linger(event: Any, context: DurableContext) -> str:
    """Take a while in a step."""

    def body(_: StepContext) -> str:
        Path(event["file"]).write_text("begun")
        time.sleep(event["seconds"])
        return "long"

    return str(context.step(body, name="linger"))
