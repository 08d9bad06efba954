"""The handlers that the benchmarks run, written once for both SDKs.

``load(sdk)`` imports them from durable_sdk or from AWS's package, whose public names are the same.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Workload:
    """A handler, and what its execution must return."""

    name: str
    handler: Callable[..., Any]
    expected: object


def load(sdk: str) -> dict[str, Workload]:
    """Return the workloads, by name, written with the package ``sdk``."""
    root = importlib.import_module(sdk)
    config = importlib.import_module(f"{sdk}.config")
    retries = importlib.import_module(f"{sdk}.retries")
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
    ]
    return {workload.name: workload for workload in workloads}
