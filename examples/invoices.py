"""Invoices for a month: one call of another function for each customer, three at a time."""

import time
from collections.abc import Sequence

from durable_sdk import DurableContext, StepContext, durable_execution, durable_step
from durable_sdk.config import CompletionConfig, Duration, MapConfig, StepConfig
from durable_sdk.retries import RetryPresets


def name_of(customer: dict, index: int) -> str:
    """Name the branch of a customer."""
    return customer["name"]


THREE_AT_A_TIME = MapConfig(
    max_concurrency=3, item_namer=name_of, completion_config=CompletionConfig.all_completed()
)
PATIENT = StepConfig(retry_strategy=RetryPresets.fixed(Duration.from_minutes(1)))


def render(event: dict, context: object) -> str:
    """Make the document. This is a function of its own, and an ordinary one: it takes two seconds."""
    time.sleep(2)
    if event["total"] < 0:
        raise ValueError("an invoice has no negative total")
    return f"invoice-{event['name'].lower()}.pdf"


@durable_step
def send(step_context: StepContext, customer: str, document: str) -> str:
    """Mail the document."""
    return f"sent {document} to {customer}"


def bill(context: DurableContext, customer: dict, index: int, customers: Sequence[dict]) -> str:
    """Have the document made, and send it."""
    document = context.invoke("render-invoice:live", customer, name="render")
    return context.step(send(customer["name"], document), config=PATIENT)


@durable_execution
def handler(event: dict, context: DurableContext) -> dict:
    """Bill every customer; those for whom it fails are reported and do not hold up the others."""
    customers = event["customers"]
    batch = context.map(customers, bill, name="invoices", config=THREE_AT_A_TIME)
    failed = {customers[item.index]["name"]: item.error.message for item in batch.failed()}
    return {"sent": batch.success_count, "failed": failed}
