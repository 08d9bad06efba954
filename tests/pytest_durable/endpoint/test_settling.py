"""How far a world goes on while nobody outside says anything."""

from __future__ import annotations

from typing import Any

from durable_sdk import DurableContext, durable_execution
from durable_sdk.config import CallbackConfig, Duration, StepConfig
from durable_sdk.retries import RetryStrategyConfig, create_retry_strategy
from pytest_durable.endpoint.settling import settle
from pytest_durable.simulator.identifiers import FunctionVersion
from pytest_durable.simulator.options import SimulatorOptions
from pytest_durable.simulator.scripts.book import ScriptBook
from pytest_durable.simulator.simulator import Simulator

HOUR = 3600 * 1_000_000


def hours(number: int) -> Duration:
    return Duration.from_hours(number)


@durable_execution
def waits(event: dict[str, Any], context: DurableContext) -> str:
    context.wait(hours(event["hours"]))
    return "rested"


@durable_execution
def asks(event: dict[str, Any], context: DurableContext) -> Any:
    config = CallbackConfig(
        timeout=hours(event.get("timeout", 0)), heartbeat_timeout=hours(event.get("heartbeat", 0))
    )
    return context.create_callback("approval", config).result()


class World:
    """A simulator, and what has become of what it was told to start."""

    def __init__(self, scripts: ScriptBook | None = None) -> None:
        self.simulator = Simulator(SimulatorOptions(), scripts=scripts)
        self.began = self.simulator.now

    def start(self, handler: Any, event: str = "{}") -> Any:
        return self.simulator.start(handler, event, function=FunctionVersion("f"))

    def settle(self) -> float:
        """Settle, and return at which hour that ended."""
        settle(self.simulator)
        return (self.simulator.now - self.began) / HOUR


def callback_id(execution: Any) -> str:
    operations = execution.record.log.operations.values()
    return next(operation.callback_id for operation in operations if operation.callback_id)


def test_waits_are_jumped_over() -> None:
    world = World()
    executions = [world.start(waits, f'{{"hours": {number}}}') for number in (3, 1)]
    assert world.settle() == 3
    assert all(execution.closed for execution in executions)


def test_delays_of_retries_are_jumped_over() -> None:
    strategy = create_retry_strategy(RetryStrategyConfig(max_attempts=3, initial_delay=hours(1)))
    attempts = iter([ValueError("first"), ValueError("second"), None])

    def work(_: Any) -> None:
        error = next(attempts)
        if error is not None:
            raise error

    @durable_execution
    def retries(event: Any, context: DurableContext) -> None:
        context.step(work, name="work", config=StepConfig(retry_strategy=strategy))

    world = World()
    execution = world.start(retries)
    world.settle()
    assert execution.record.operation.status.value == "SUCCEEDED"


def test_the_timeout_of_a_callback_is_not_jumped_over_nor_what_lies_beyond_it() -> None:
    world = World()
    asking, before, beyond = (
        world.start(asks, '{"timeout": 2}'),
        world.start(waits, '{"hours": 1}'),
        world.start(waits, '{"hours": 3}'),
    )
    assert world.settle() == 1
    assert [execution.closed for execution in (asking, before, beyond)] == [False, True, False]
    world.simulator.callbacks.succeed(callback_id(asking), '"yes"')
    assert world.settle() == 3
    assert all(execution.closed for execution in (asking, before, beyond))


def test_the_timer_of_a_callback_that_was_answered_moves_nothing() -> None:
    world = World()
    asking = world.start(asks, '{"timeout": 2}')
    assert world.settle() == 0
    world.simulator.callbacks.succeed(callback_id(asking), '"yes"')
    assert world.settle() == 0
    assert world.settle() == 0
    assert asking.closed


def test_a_heartbeat_moves_the_timeout_that_stands_in_the_way() -> None:
    world = World()
    asking, other = world.start(asks, '{"heartbeat": 2}'), world.start(waits, '{"hours": 3}')
    assert world.settle() == 0
    world.simulator.run_until(lambda: False, horizon=world.began + HOUR + 1, between_invocations=False)
    world.simulator.callbacks.heartbeat(callback_id(asking))
    assert world.settle() == 3
    assert other.closed
    assert not asking.closed


def test_what_a_script_is_to_answer_comes_about() -> None:
    scripts = ScriptBook()
    scripts.on_callback("approval", None).succeed("yes", after="90m")
    world = World(scripts)
    asking = world.start(asks, '{"timeout": 2}')
    assert world.settle() == 1.5
    assert asking.closed


def test_the_timeout_of_an_execution_is_nothing_to_wait_for() -> None:
    world = World()
    execution = world.simulator.start(asks, "{}", function=FunctionVersion("f"), timeout_seconds=60)
    assert world.settle() == 0
    assert not execution.closed


def test_an_execution_times_out_on_the_way_to_what_comes_later() -> None:
    world = World()
    execution = world.simulator.start(
        waits, '{"hours": 2}', function=FunctionVersion("f"), timeout_seconds=3600
    )
    assert world.settle() == 1
    assert execution.record.operation.status.value == "TIMED_OUT"
