"""Record histories with AWS's runner, as data for tests of what reads them.

python record_histories.py DIRECTORY     in an environment with AWS's packages
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from aws_durable_execution_sdk_python import durable_execution
from aws_durable_execution_sdk_python.config import CallbackConfig, Duration, StepConfig
from aws_durable_execution_sdk_python.retries import RetryStrategyConfig, create_retry_strategy
from aws_durable_execution_sdk_python_testing import DurableFunctionTestRunner

RETRY = create_retry_strategy(RetryStrategyConfig(max_attempts=2, initial_delay=Duration.from_seconds(30)))


@durable_execution
def everything(event: Any, context: Any) -> Any:
    """Use every kind of operation that succeeds."""
    attempts: list[int] = []

    def flaky(step_context: Any) -> str:
        attempts.append(step_context.attempt)
        if step_context.attempt < 2:
            raise ConnectionError("try again")
        return "done"

    context.step(flaky, name="flaky", config=StepConfig(retry_strategy=RETRY))
    context.wait(Duration.from_hours(1), name="rest")
    context.run_in_child_context(lambda child: child.step(lambda s: 1, name="inner"), name="child")
    context.map(["a", "b"], lambda inner, item, index, items: item, name="each")
    called = context.invoke("plain", {"n": 1}, name="call")
    callback = context.create_callback(name="ask", config=CallbackConfig(timeout=Duration.from_minutes(5)))
    return {"called": called, "answer": callback.result()}


@durable_execution
def failing(event: Any, context: Any) -> Any:
    """Fail in a step of a child context."""

    def body(step_context: Any) -> None:
        raise ValueError("no stock")

    config = StepConfig(retry_strategy=create_retry_strategy(RetryStrategyConfig(max_attempts=1)))
    return context.run_in_child_context(
        lambda child: child.step(body, name="pick", config=config), name="order"
    )


def main(directory: Path) -> None:
    """Run both handlers and write their histories."""
    for handler in (everything, failing):
        with DurableFunctionTestRunner(handler) as runner:
            runner.register_function("plain", lambda event, context: event["n"] + 1)
            arn = runner.run_async(input='{"order": 7}')
            if handler is everything:
                runner.send_callback_success(runner.wait_for_callback(arn, name="ask"), b"yes")
            result = runner.wait_for_result(arn)
            history = runner.get_execution_history(arn, include_execution_data=True)
        recorded = {
            "execution": {
                "DurableExecutionArn": arn,
                "DurableExecutionName": "execution-name",
                "FunctionArn": "arn:aws:lambda:us-west-2:123456789012:function:test-function",
                "Status": result.execution_status.value,
                "StartTimestamp": history.events[0].event_timestamp,
                "Result": result.result,
                "Error": result.error.to_dict() if result.error else None,
            },
            "history": history.to_dict(),
            "operations": [
                [
                    operation.operation_id,
                    operation.name,
                    operation.operation_type.value,
                    operation.status.value,
                ]
                for operation in result.get_all_operations()
            ],
        }
        text = json.dumps(recorded, indent=1, default=lambda moment: moment.isoformat())
        (directory / f"{handler.__name__}.json").write_text(text + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
