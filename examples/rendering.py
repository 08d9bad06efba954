"""A job that somebody else works on: ask how far it is until it is done, less and less often."""

from durable_sdk import (
    DurableContext,
    StepContext,
    WaitForConditionError,
    durable_execution,
    durable_step,
)
from durable_sdk.config import Duration, JitterStrategy
from durable_sdk.types import WaitForConditionCheckContext
from durable_sdk.waits import WaitForConditionConfig, WaitStrategyConfig, create_wait_strategy


class RenderFarm:
    """Stands for the client of the system that does the work."""

    def submit(self, film: str) -> str:
        return f"job-{film}"

    def status(self, job_id: str) -> str:
        raise NotImplementedError("the farm is not reachable from here")


farm = RenderFarm()


@durable_step
def submit(step_context: StepContext, film: str) -> str:
    """Hand the film in."""
    return farm.submit(film)


def check(state: dict, context: WaitForConditionCheckContext) -> dict:
    """Ask how far the job is."""
    return {**state, "status": farm.status(state["job"])}


LESS_AND_LESS_OFTEN = create_wait_strategy(
    WaitStrategyConfig(
        should_continue_polling=lambda state: state["status"] == "RUNNING",
        max_attempts=6,
        initial_delay=Duration.from_minutes(1),
        max_delay=Duration.from_minutes(30),
        backoff_rate=2,
        jitter_strategy=JitterStrategy.NONE,
    )
)


@durable_execution
def handler(event: dict, context: DurableContext) -> str:
    """Have a film rendered."""
    job = context.step(submit(event["film"]))
    config = WaitForConditionConfig(
        wait_strategy=LESS_AND_LESS_OFTEN, initial_state={"job": job, "status": "RUNNING"}
    )
    try:
        state = context.wait_for_condition(check, config, name="rendered")
    except WaitForConditionError:
        return f"{job} takes too long"
    return f"{job} {state['status']}"
