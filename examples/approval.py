"""A large order waits for a human: a manager approves or rejects it within two days."""

from durable_sdk import (
    CallbackExternalError,
    CallbackTimeoutError,
    DurableContext,
    StepContext,
    durable_execution,
    durable_step,
    durable_wait_for_callback,
)
from durable_sdk.config import Duration, WaitForCallbackConfig
from durable_sdk.types import WaitForCallbackContext

TWO_DAYS = WaitForCallbackConfig(timeout=Duration.from_days(2))


@durable_wait_for_callback
def approval(callback_id: str, context: WaitForCallbackContext, order_id: str) -> None:
    """Mail the manager two links that answer the callback."""
    context.logger.info("Asking for approval of %s: %s", order_id, callback_id)


@durable_step
def ship(step_context: StepContext, order_id: str) -> str:
    """Book the carrier, and return the number of the parcel."""
    return f"parcel-{order_id}"


@durable_execution
def handler(event: dict, context: DurableContext) -> dict:
    """Ship an order; one of more than 1000 only if a manager approves it in time."""
    if event["total"] > 1000:
        try:
            context.wait_for_callback(approval(event["id"]), config=TWO_DAYS)
        except CallbackTimeoutError:
            return {"status": "expired"}
        except CallbackExternalError as rejection:
            return {"status": "rejected", "reason": str(rejection)}
    return {"status": "shipped", "parcel": context.step(ship(event["id"]))}
