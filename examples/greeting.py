"""The smallest durable function: one step."""

from durable_sdk import DurableContext, StepContext, durable_execution, durable_step


@durable_step
def greet_user(step_context: StepContext, name: str) -> str:
    """Generate a greeting."""
    return f"Hello {name}!"


@durable_execution
def handler(event: dict, context: DurableContext) -> str:
    """Greet whoever the event names."""
    name = event.get("name", "World")
    return context.step(greet_user(name))
