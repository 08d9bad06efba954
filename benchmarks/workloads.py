"""The handlers that the benchmarks run, written once for both SDKs.

``load(sdk)`` imports them from durable_sdk or from AWS's package, whose public names are the same. So are
those of the runners' calls for callbacks and invoked functions.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Workload:
    """A handler, and what its execution must return.

    ``answers`` callbacks are answered from outside, one after the other. ``functions`` are the durable
    functions that the handler invokes.
    """

    name: str
    handler: Callable[..., Any]
    expected: object
    answers: int = 0
    functions: Mapping[str, Callable[..., Any]] = field(default_factory=dict)

    def register_functions(self, runner: Any) -> None:
        """Let the handler find the functions that it invokes."""
        for name, function in self.functions.items():
            runner.register_durable_function(name, function)

    def answer_callbacks(self, runner: Any, execution_arn: str) -> None:
        """Answer each callback as soon as the handler waits for it."""
        for number in range(self.answers):
            callback_id = runner.wait_for_callback(execution_arn, name=f"callback-{number}")
            runner.send_callback_success(callback_id, b"1")


def load(sdk: str) -> dict[str, Workload]:
    """Return the workloads, by name, written with the package ``sdk``."""
    root = importlib.import_module(sdk)
    config = importlib.import_module(f"{sdk}.config")
    retries = importlib.import_module(f"{sdk}.retries")
    waiting = importlib.import_module(f"{sdk}.waits")
    seconds = config.Duration.from_seconds

    def steps(count: int) -> Workload:
        @root.durable_execution
        def handler(event: Any, context: Any) -> int:
            total = 0
            for number in range(count):
                total += context.step(lambda _, number=number: number)
            return total

        return Workload(f"{count:,} sequential steps", handler, count * (count - 1) // 2)

    def waits(count: int) -> Workload:
        @root.durable_execution
        def handler(event: Any, context: Any) -> int:
            for _ in range(count):
                context.wait(seconds(3600))
            return count

        return Workload(f"{count} sequential one-hour waits", handler, count)

    def callbacks(count: int) -> Workload:
        @root.durable_execution
        def handler(event: Any, context: Any) -> int:
            total = 0
            for number in range(count):
                total += int(context.create_callback(f"callback-{number}").result())
            return total

        return Workload(f"{count} callbacks in sequence", handler, count, answers=count)

    def mapped(count: int, with_step: bool) -> Workload:
        def item(context: Any, number: int, index: int, items: Any) -> int:
            return context.step(lambda _: number) if with_step else number

        @root.durable_execution
        def handler(event: Any, context: Any) -> int:
            return sum(context.map(list(range(count)), item).get_results())

        name = f"map of {count:,} items{', a step each' if with_step else ''}"
        return Workload(name, handler, count * (count - 1) // 2)

    def branches(count: int) -> Workload:
        @root.durable_execution
        def handler(event: Any, context: Any) -> int:
            functions = [lambda branch: branch.step(lambda _: 1)] * count
            return sum(context.parallel(functions).get_results())

        return Workload(f"{count:,} parallel branches, a step each", handler, count)

    def polls(count: int) -> Workload:
        def decide(state: int, attempt: int) -> Any:
            if state >= count:
                return waiting.WaitForConditionDecision.stop_polling()
            return waiting.WaitForConditionDecision.continue_waiting(seconds(60))

        @root.durable_execution
        def handler(event: Any, context: Any) -> int:
            polling = waiting.WaitForConditionConfig(decide, initial_state=0)
            return context.wait_for_condition(lambda state, _: state + 1, polling)

        return Workload(f"a condition met at poll {count}", handler, count)

    def invokes(count: int) -> Workload:
        @root.durable_execution
        def child(event: Any, context: Any) -> int:
            return context.step(lambda _: event["number"])

        @root.durable_execution
        def handler(event: Any, context: Any) -> int:
            return sum(context.invoke("child", {"number": number}) for number in range(count))

        name = f"{count} invokes of a durable function in sequence"
        return Workload(name, handler, count * (count - 1) // 2, functions={"child": child})

    @root.durable_execution
    def hello(event: Any, context: Any) -> str:
        return context.step(lambda _: "hello")

    @root.durable_execution
    def month(event: Any, context: Any) -> str:
        context.wait(seconds(30 * 86_400))
        return "done"

    @root.durable_execution
    def retried(event: Any, context: Any) -> int:
        def flaky(step_context: Any) -> int:
            if step_context.attempt < 6:
                raise ConnectionError("not yet")
            return step_context.attempt

        strategy = retries.create_retry_strategy(
            retries.RetryStrategyConfig(max_attempts=6, jitter_strategy=config.JitterStrategy.NONE)
        )
        return context.step(flaky, config=config.StepConfig(retry_strategy=strategy))

    def fan_out(waits_seconds: list[int]) -> Callable[..., Any]:
        def branch(number: int) -> Callable[[Any], int]:
            def run(context: Any) -> int:
                context.wait(seconds(waits_seconds[number]))
                return context.step(lambda _: number)

            return run

        @root.durable_execution
        def handler(event: Any, context: Any) -> int:
            return sum(context.parallel([branch(number) for number in range(10)]).get_results())

        return handler

    workloads = [
        Workload("hello", hello, "hello"),
        steps(10),
        steps(100),
        steps(1000),
        steps(5000),
        Workload("30-day wait", month, "done"),
        waits(10),
        waits(300),
        Workload("five exponential retries", retried, 6),
        Workload("ten parallel branches, equal waits", fan_out([5] * 10), 45),
        Workload("ten parallel branches, ten different waits", fan_out(list(range(1, 11))), 45),
        callbacks(20),
        polls(20),
        invokes(20),
        mapped(1000, with_step=False),
        mapped(1000, with_step=True),
        branches(1000),
    ]
    return {workload.name: workload for workload in workloads}
