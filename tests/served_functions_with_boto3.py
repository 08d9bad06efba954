"""A function that has a client of its own; tests serve it beside ``served_functions``."""

from __future__ import annotations

from typing import Any

import boto3

from durable_sdk import DurableContext, durable_execution

own_client = boto3.client("lambda")


@durable_execution(boto3_client=own_client)
def with_own_client(event: Any, context: DurableContext) -> str:
    """Use a client of the handler's own."""
    return str(context.step(lambda _: own_client.meta.endpoint_url, name="where"))
