"""The context that Lambda passes to a handler, in virtual time."""

from __future__ import annotations

import time
from typing import Any

import corpus

from durable_sdk import DurableContext, durable_execution
from durable_sdk.types import LambdaContext

seen: list[Any] = []


@durable_execution
def watches_its_time(event: dict, context: DurableContext) -> None:
    lambda_context = context.lambda_context
    assert lambda_context is not None
    seen.append(lambda_context.get_remaining_time_in_millis())
    context.step(lambda: time.sleep(10), name="slow")
    seen.append(lambda_context.get_remaining_time_in_millis())
    seen.append(lambda_context)
    context.wait(seconds=1)


def test_the_time_that_remains_is_virtual_and_starts_anew_with_each_invocation() -> None:
    seen.clear()
    result = corpus.make_runner(watches_its_time, invocation_timeout_seconds=60).run()
    assert [value for value in seen if type(value) is int] == [60_000, 50_000, 60_000, 60_000]
    contexts = [value for value in seen if type(value) is not int]
    requests = [event["InvocationCompletedDetails"]["RequestId"] for event in invocations(result)]
    assert [context.aws_request_id for context in contexts] == requests


def invocations(result: Any) -> list[dict[str, Any]]:
    return [event for event in result.history if event["EventType"] == "InvocationCompleted"]


def test_the_context_names_the_function_in_all_of_lambdas_forms() -> None:
    seen.clear()
    runner = corpus.make_runner(watches_its_time)
    arn = runner.start().arn
    runner.clock.advance("1m")
    context = seen[2]
    assert context.function_name == "function"
    assert context.function_version == "$LATEST"
    assert arn.startswith(f"{context.invoked_function_arn}/durable-execution/")
    assert context.log_group_name == "/aws/lambda/function"
    assert context.aws_request_id in context.log_stream_name
    assert int(context.memory_limit_in_mb) >= 128


def test_the_time_that_remains_never_becomes_negative() -> None:
    seen.clear()
    runner = corpus.make_runner(watches_its_time, invocation_timeout_seconds=11)
    runner.run()
    runner.clock.advance("1h")
    assert seen[2].get_remaining_time_in_millis() == 0


def test_the_context_has_every_member_that_the_sdk_asks_for() -> None:
    seen.clear()
    corpus.make_runner(watches_its_time).run()
    missing = [name for name in LambdaContext.__annotations__ if not hasattr(seen[2], name)]
    assert missing == []
    assert callable(seen[2].log)
