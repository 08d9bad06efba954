"""What the code of users may rely on inside a simulated run, and what their tests may ask of it."""

from __future__ import annotations

import asyncio
import logging
from contextvars import ContextVar
from datetime import datetime
from typing import Any

import boto3
import corpus
import moto
import pytest

from durable_sdk import DurableContext, StepContext, durable_execution
from durable_sdk.config import CallbackConfig, Duration, StepConfig
from durable_sdk.exceptions import DurableOperationError
from durable_sdk.retries import RetryPresets
from pytest_durable.errors import DurableStuckError, ExecutionFailedError

ONCE = StepConfig(retry_strategy=RetryPresets.none())


# Time.


def test_staggered_timers_of_every_kind_take_their_time_on_the_virtual_clock_alone() -> None:
    seen: dict[str, float] = {}
    start = datetime.fromisoformat("2026-01-01")

    def note(name: str) -> None:
        seen[name] = (datetime.now() - start).total_seconds()

    def waits(child: DurableContext) -> None:
        child.wait(days=30)
        note("wait")

    def retries(child: DurableContext) -> None:
        strategy = RetryPresets.fixed(Duration.from_hours(1))
        child.step(corpus.fail_before(3), config=StepConfig(retry_strategy=strategy))
        note("retry")

    def times_out(child: DurableContext) -> None:
        config = CallbackConfig(timeout=Duration.from_days(2), heartbeat_timeout=Duration.from_days(1))
        with pytest.raises(DurableOperationError):
            child.create_callback(config=config).result()
        note("heartbeat")

    @durable_execution
    def handler(event: Any, context: DurableContext) -> None:
        context.parallel([waits, retries, times_out])

    assert corpus.make_runner(handler).run().status == "SUCCEEDED"
    assert seen == {"retry": 2 * 3600, "heartbeat": 86_400, "wait": 30 * 86_400}


# Callbacks by the name that the user wrote, without threads or polling.


@durable_execution
def approval(event: Any, context: DurableContext) -> Any:
    return context.wait_for_callback(lambda callback_id, _: None, name="approval")


def test_a_callback_goes_by_the_users_name_in_every_call() -> None:
    scripted = corpus.make_runner(approval)
    scripted.on_callback("approval").succeed("yes", after="2h")
    assert scripted.run().value == "yes"

    runner = corpus.make_runner(approval)
    arn = runner.run_async()
    assert runner.wait_for_callback(arn, "approval") == runner.wait_for_callback(arn)
    assert runner.start().until_callback("approval")


def test_an_execution_that_fails_before_its_callback_shows_its_own_error() -> None:
    @durable_execution
    def handler(event: Any, context: DurableContext) -> Any:
        context.step(corpus.fail("no luck"), name="doomed", config=ONCE)
        return context.create_callback(name="approval").result()

    runner = corpus.make_runner(handler)
    with pytest.raises(ExecutionFailedError, match="no luck"):
        runner.wait_for_callback(runner.run_async(), "approval")


def test_a_run_that_cannot_go_on_names_what_it_waits_for_and_what_would_answer() -> None:
    with pytest.raises(
        DurableStuckError, match=r"callback 'approval'.*no timeout(.|\n)*on_callback\('approval'\)"
    ):
        corpus.make_runner(approval).run()


# Invokes.

ARN = "arn:aws:lambda:us-east-1:123456789012:function:charge"
INVOKED = ["charge", "charge:live", ARN, f"{ARN}:live", "123456789012:function:charge"]


@pytest.mark.parametrize("scripted", INVOKED)
@pytest.mark.parametrize("invoked", INVOKED)
def test_a_script_is_found_by_name_qualifier_and_arn_alike(scripted: str, invoked: str) -> None:
    @durable_execution
    def handler(event: Any, context: DurableContext) -> Any:
        return context.invoke(invoked, {"amount": 1})

    runner = corpus.make_runner(handler)
    script = runner.on_invoke(scripted).returns("paid")
    result = runner.run()
    # What is said of one version of a function says nothing of the others.
    is_found = "live" in invoked or "live" not in scripted
    assert result.value == ("paid" if is_found else None)
    assert script.calls == ([{"amount": 1}] if is_found else [])
    if not is_found:
        assert result.error is not None
        assert result.error.message is not None
        assert "Function not found" in result.error.message


# Bodies of steps.


def test_a_stand_in_for_a_step_gets_its_context_and_goes_through_retries_and_serdes() -> None:
    attempts: list[int] = []

    def stand_in(step_context: StepContext) -> tuple[int, str]:
        attempts.append(step_context.attempt)
        if step_context.attempt < 3:
            raise ConnectionError("gateway")
        return 1, "two"

    @durable_execution
    def handler(event: Any, context: DurableContext) -> Any:
        config = StepConfig(retry_strategy=RetryPresets.fixed(Duration(9)))
        done = context.step(corpus.echo("real"), name="charge", config=config)
        return [type(done).__name__, *done]

    runner = corpus.make_runner(handler)
    runner.on_step("charge").calls(stand_in)
    result = runner.run()
    assert (result.value, attempts) == (["tuple", 1, "two"], [1, 2, 3])
    assert result.get_step("charge").attempt == 3


# Results.


def test_values_are_decoded_whatever_stores_them() -> None:
    @durable_execution
    def handler(event: Any, context: DurableContext) -> Any:
        when = context.step(lambda: datetime(2026, 5, 1), name="when")
        child = context.run_in_child_context(lambda inner: inner.step(lambda: [1], name="x"), name="c")
        context.map([1, 2], lambda ctx, item, index, items: item * 10, name="m")
        return {"when": when.isoformat(), "child": child}

    result = corpus.make_runner(handler).run({"a": 1})
    assert result.value == {"when": "2026-05-01T00:00:00", "child": [1]}
    assert result.get_step("when").value == datetime(2026, 5, 1)
    assert result.get_context("c").value == [1]
    assert isinstance(result.result, str)


@pytest.mark.parametrize("count", [1, 3])
def test_repeated_names_are_found_by_path_and_index(count: int) -> None:
    @durable_execution
    def handler(event: Any, context: DurableContext) -> Any:
        for order in range(count):
            context.run_in_child_context(
                lambda child, order=order: [
                    child.step(corpus.echo([order, item]), name="charge") for item in range(2)
                ],
                name="order",
            )

    result = corpus.make_runner(handler).run()
    for order in range(count):
        for item in range(2):
            assert result.operation(f"order[{order}]/charge[{item}]").value == [order, item]
    assert result.operation("order/charge").value == [0, 0]
    assert (
        len([operation for operation in result.get_all_operations() if operation.name == "charge"])
        == 2 * count
    )


# Errors.


def test_every_error_is_the_same_on_its_first_run_and_on_replay() -> None:
    seen: list[list[tuple[Any, ...]]] = []

    def failing(context: DurableContext) -> list[Any]:
        config = CallbackConfig(timeout=Duration(5))
        return [
            lambda: context.step(corpus.fail("step"), name="step", config=ONCE),
            lambda: context.run_in_child_context(lambda child: child.step(corpus.fail("x"), config=ONCE)),
            lambda: context.invoke("missing", None),
            lambda: context.create_callback(config=config).result(),
            lambda: context.wait_for_callback(lambda callback_id, _: 1 / 0, config=None),
            lambda: context.map([0], lambda ctx, item, index, items: 1 / item).throw_if_error(),
        ]

    @durable_execution
    def handler(event: Any, context: DurableContext) -> None:
        errors = []
        for call in failing(context):
            with pytest.raises(DurableOperationError) as caught:
                call()
            error = caught.value
            cause = error.__cause__
            errors.append((type(error), str(error), error.error_type, error.data, type(cause), str(cause)))
        seen.append(errors)
        context.wait(seconds=1)

    assert corpus.make_runner(handler).run().status == "SUCCEEDED"
    assert len(seen) == 2
    assert seen[0] == seen[1]


# Logs.


def test_a_log_line_comes_once_with_where_it_comes_from(caplog: pytest.LogCaptureFixture) -> None:
    @durable_execution
    def handler(event: Any, context: DurableContext) -> None:
        context.logger.info("begun")
        context.step(lambda step: step.logger.info("charging"), name="charge")
        context.wait(seconds=5)
        context.logger.info("rested")
        context.wait(seconds=5)
        context.logger.info("done")

    with caplog.at_level(logging.INFO):
        runner = corpus.make_runner(handler)
        arn = runner.start().finish().get_execution().name
    assert caplog.messages == ["begun", "charging", "rested", "done"]
    charging = caplog.records[1]
    assert (charging.operationName, charging.attempt) == ("charge", 1)
    assert all(arn in record.executionArn for record in caplog.records)


# Threads, context variables, event loops, mocks.

tenant: ContextVar[str] = ContextVar("tenant", default="nobody")


def test_context_variables_reach_steps_branches_and_later_invocations() -> None:
    @durable_execution
    def handler(event: Any, context: DurableContext) -> list[Any]:
        first = context.step(lambda: tenant.get(), name="first")
        context.wait(seconds=1)
        branches = [lambda child: child.step(lambda: tenant.get())] * 2
        return [first, tenant.get(), *context.parallel(branches).get_results()]

    token = tenant.set("blue")
    try:
        assert corpus.make_runner(handler).run().value == ["blue"] * 4
    finally:
        tenant.reset(token)


@pytest.mark.parametrize("random_schedule", [False, True])
def test_a_step_may_run_asynchronous_code(random_schedule: bool) -> None:
    async def fetch(number: int) -> int:
        await asyncio.sleep(0)
        return number * 2

    async def fetch_all() -> list[int]:
        return await asyncio.gather(*map(fetch, range(3)))

    @durable_execution
    def handler(event: Any, context: DurableContext) -> list[Any]:
        branches = [lambda child: child.step(lambda: asyncio.run(fetch_all()))] * 3
        return context.parallel(branches).get_results()

    runner = corpus.make_runner(handler, random_schedule=random_schedule)
    assert runner.run().value == [[0, 2, 4]] * 3


@pytest.mark.parametrize("random_schedule", [False, True])
def test_moto_mocks_what_steps_of_branches_call_by_virtual_time(
    random_schedule: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")

    def put(number: int) -> Any:
        def body() -> str:
            client = boto3.client("s3", region_name="us-east-1")
            client.put_object(Bucket="orders", Key=str(number), Body=b"paid")
            return str(client.head_object(Bucket="orders", Key=str(number))["LastModified"].year)

        def branch(child: DurableContext) -> str:
            child.wait(days=365)
            return child.step(body, name=f"put-{number}")

        return branch

    @durable_execution
    def handler(event: Any, context: DurableContext) -> list[Any]:
        return context.parallel([put(number) for number in range(4)]).get_results()

    with moto.mock_aws():
        client = boto3.client("s3", region_name="us-east-1")
        client.create_bucket(Bucket="orders")
        result = corpus.make_runner(handler, random_schedule=random_schedule).run()
        assert result.raise_for_status().value == ["2027"] * 4
        keys = [item["Key"] for item in client.list_objects_v2(Bucket="orders")["Contents"]]
    assert keys == ["0", "1", "2", "3"]
