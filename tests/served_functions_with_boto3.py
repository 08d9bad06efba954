"""Functions that have a client of their own; tests serve them beside ``served_functions``."""

from __future__ import annotations

import os
import time
import uuid
from typing import Any

import boto3

from durable_sdk import DurableContext, StepContext, durable_execution
from durable_sdk.config import Duration

own_client = boto3.client("lambda")


@durable_execution(boto3_client=own_client)
def with_own_client(event: Any, context: DurableContext) -> str:
    """Use a client of the handler's own."""
    return str(context.step(lambda _: own_client.meta.endpoint_url, name="where"))


def _note(log: str, *words: object) -> None:
    """Append a line to a file, at once or not at all."""
    file = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(file, (" ".join(str(word) for word in words) + "\n").encode())
    os.close(file)


@durable_execution(boto3_client=own_client)
def journey(event: Any, context: DurableContext) -> list[str]:
    """Take steps, some of them side by side, with waits between them, and keep a log of it in a file.

    ``run`` is noted when the body of a step begins, ``told`` when the handler has been told its result, which
    is another one each time that the body runs.
    """
    log = event["log"]

    def travel(context: DurableContext, name: str) -> str:
        def body(_: StepContext) -> str:
            _note(log, "run", name)
            time.sleep(0.002)
            return uuid.uuid4().hex

        value: str = context.step(body, name=name)
        _note(log, "told", name, value)
        return value

    values = []
    for stage in range(event["stages"]):
        values.append(travel(context, f"{stage}-first"))
        values.append(travel(context, f"{stage}-second"))
        branches = context.parallel(
            [
                lambda branch, name=f"{stage}-{side}": travel(branch, name)  # type: ignore[misc]
                for side in ("left", "right")
            ],
            name=f"{stage}",
        )
        values += branches.get_results()
        context.wait(Duration.from_seconds(60), name=f"{stage}-rest")
    return values
