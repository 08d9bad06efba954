"""Two steps with a wait between them."""

from durable_sdk import DurableContext, StepContext, durable_execution, durable_step


@durable_step
def fetch_data(step_context: StepContext, order_id: str) -> dict:
    """Call the API of the order system."""
    step_context.logger.info("Fetching order %s", order_id)
    return {"id": order_id, "items": 3}


@durable_step
def process_data(step_context: StepContext, data: dict) -> dict:
    """Turn the order into an invoice."""
    return {"order": data["id"], "total": data["items"] * 20}


@durable_execution
def handler(event: dict, context: DurableContext) -> dict:
    """Fetch an order, give the customer half a minute to cancel, and process it."""
    data = context.step(fetch_data(event["id"]))
    context.wait(seconds=30, name="time to cancel")
    return context.step(process_data(data))
