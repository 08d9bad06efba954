"""Quotes from three carriers at the same time, one of which is unreliable."""

from datetime import UTC, datetime

from durable_sdk import DurableContext, ParallelBranch, StepContext, durable_execution, durable_step
from durable_sdk.config import Duration, JitterStrategy, StepConfig
from durable_sdk.retries import RetryStrategyConfig, create_retry_strategy

# Within a minute, two of these attempts fall into the ten seconds in which the drone flies.
PATIENT = StepConfig(
    retry_strategy=create_retry_strategy(
        RetryStrategyConfig(
            max_attempts=12,
            initial_delay=Duration.from_seconds(5),
            backoff_rate=1,
            jitter_strategy=JitterStrategy.NONE,
        )
    )
)

PRICES = {"post": 7, "courier": 12, "drone": 3}


class DroneGroundedError(Exception):
    """The drone flies in the first ten seconds of a minute only."""


@durable_step
def quote(step_context: StepContext, carrier: str) -> int:
    """Ask a carrier for its price."""
    if carrier == "drone" and datetime.now(UTC).second >= 10:
        raise DroneGroundedError("come back at the full minute")
    return PRICES[carrier]


def ask(carrier: str) -> ParallelBranch:
    """Return the branch that gets a quote from a carrier."""

    def branch(context: DurableContext) -> int:
        return context.step(quote(carrier), config=PATIENT)

    return ParallelBranch(branch, name=carrier)


@durable_execution
def handler(event: dict, context: DurableContext) -> dict:
    """Choose the cheapest carrier."""
    quotes = context.parallel([ask(carrier) for carrier in PRICES], name="quotes")
    prices = dict(zip(PRICES, quotes.get_results(), strict=True))
    cheapest = min(prices, key=lambda carrier: prices[carrier])
    return {"carrier": cheapest, "price": prices[cheapest]}
