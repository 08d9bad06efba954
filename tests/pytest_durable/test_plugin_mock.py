"""The fixture durable_mock, in projects of their own."""

from __future__ import annotations

from textwrap import dedent

import moto.iam.urls
import moto.s3.urls
import moto.sts.urls
import pytest

# Runs of pytest in this process forget what they have imported, but a package keeps its attributes: what
# they import has to be there before them, or they would meet two classes of one name.
from pytest_durable.campaign import given, replay, telling
from pytest_durable.endpoint import mocking

IMPORTED = (moto.iam.urls, moto.s3.urls, moto.sts.urls, given, replay, telling, mocking)

SHOP = """
    import moto  # before the clients
    import boto3
    from durable_sdk import durable_execution
    from durable_sdk.config import Duration

    s3 = boto3.client("s3", region_name="us-east-1")

    @durable_execution
    def order(event, context):
        context.step(lambda _: s3.put_object(Bucket="orders", Key="new", Body=b"1")["ETag"], name="store")
        context.wait(Duration.from_days(3), "cool")
        return context.step(read, name="read")

    def read(_):
        return s3.get_object(Bucket="orders", Key="new")["Body"].read().decode()

    @durable_execution
    def careless(event, context):
        s3.put_object(Bucket="orders", Key="outside", Body=b"1")
        context.wait(Duration.from_days(3), str(event))
        keys = s3.list_objects_v2(Bucket="orders")["KeyCount"]
        context.wait(Duration.from_days(3), f"{keys} keys")
        s3.put_object(Bucket="orders", Key=context.step(lambda _: "later", name="key"), Body=b"1")
"""

AROUND = """
    import json

    import moto
    import boto3
    import pytest

    from shop import careless, order, s3

    client = boto3.client("lambda", region_name="us-east-1")

    @pytest.fixture
    def aws():
        with moto.mock_aws():
            s3.create_bucket(Bucket="orders")
            yield

    def invoked(name, event):
        answer = client.invoke(FunctionName=f"{name}:$LATEST", Payload=json.dumps(event))
        return json.load(answer["Payload"])
"""


@pytest.fixture
def project(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    pytester.makepyfile(shop=dedent(SHOP))
    return pytester


def run(project: pytest.Pytester, tests: str, *arguments: str) -> pytest.RunResult:
    project.makepyfile(test_shop=dedent(AROUND) + dedent(tests))
    return project.runpytest_inprocess("-W", "error", *arguments)


def test_boto3_talks_to_the_runner_of_the_marker(project: pytest.Pytester) -> None:
    result = run(
        project,
        """
        @pytest.mark.durable_execution(handler=order, lambda_function_name="order")
        def test_order(aws, durable_mock, durable_runner):
            durable_mock.on_step("read").returns("scripted")
            assert invoked("order", {}) == "scripted"
            assert [result.status for result in durable_runner.results] == ["SUCCEEDED"]
        """,
    )
    result.assert_outcomes(passed=1)


def test_without_the_marker_functions_are_registered(project: pytest.Pytester) -> None:
    result = run(
        project,
        """
        def test_order(aws, durable_mock):
            durable_mock.register("order", order)
            assert invoked("order", {}) == "1"
        """,
    )
    result.assert_outcomes(passed=1)


@pytest.mark.slow
def test_steps_with_boto3_are_explored_without_a_false_alarm(project: pytest.Pytester) -> None:
    result = run(
        project,
        """
        runs = []

        @pytest.mark.durable_execution(handler=order, lambda_function_name="order")
        @pytest.mark.durable_explore(crashes="all", interleavings=3)
        def test_order(aws, durable_mock):
            runs.append(1)
            assert invoked("order", {}) == "1"

        @pytest.mark.durable_execution(handler=order)
        @moto.mock_aws
        def test_decorated(durable_runner):
            s3.create_bucket(Bucket="orders")
            assert durable_runner.run({}).value == "1"
            # Each run of the exploration was one of its own.
            assert len(runs) > 10
        """,
    )
    result.assert_outcomes(passed=2)


def test_calls_outside_of_steps_are_found(project: pytest.Pytester) -> None:
    result = run(
        project,
        """
        @pytest.mark.durable_execution(handler=careless, lambda_function_name="careless")
        def test_careless(aws, durable_mock):
            invoked("careless", {})
        """,
    )
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*NonDeterminismError*keys*"])


def test_a_test_that_fails_shows_the_timeline(project: pytest.Pytester) -> None:
    result = run(
        project,
        """
        @pytest.mark.durable_execution(handler=order, lambda_function_name="order")
        def test_order(aws, durable_mock):
            assert invoked("order", {}) == "2"
        """,
    )
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*durable execution*", "*store*", "*cool*"])


def test_a_script_that_is_never_used_fails_the_test(project: pytest.Pytester) -> None:
    result = run(
        project,
        """
        @pytest.mark.durable_execution(handler=order, lambda_function_name="order")
        def test_order(aws, durable_mock):
            durable_mock.on_step("lost").returns(1)
            invoked("order", {})
        """,
    )
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*'lost'*"])


def test_examples_of_a_property_each_have_a_world_of_their_own(project: pytest.Pytester) -> None:
    result = run(
        project,
        """
        from hypothesis import given, settings, strategies as st

        @pytest.mark.durable_execution(handler=order, lambda_function_name="order")
        @settings(max_examples=5, deadline=None, database=None)
        @given(number=st.integers())
        def test_order(durable_mock, number):
            assert durable_mock.results == []
            with moto.mock_aws():
                s3.create_bucket(Bucket="orders")
                assert invoked("order", number) == "1"
        """,
    )
    result.assert_outcomes(passed=1)


@pytest.mark.slow
def test_moto_alone_sees_virtual_time_in_calls_of_the_test_and_real_time_afterwards(
    project: pytest.Pytester,
) -> None:
    tests = """
        import time

        sqs = boto3.client("sqs", region_name="us-east-1")

        def moment_of_moto():
            queue = sqs.create_queue(QueueName="q")["QueueUrl"]
            attributes = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["CreatedTimestamp"])
            return float(attributes["Attributes"]["CreatedTimestamp"])

        @pytest.mark.durable_execution(handler=order)
        def test_virtual(aws, durable_runner):
            durable_runner.run()
            stored = s3.head_object(Bucket="orders", Key="new")["LastModified"]
            assert stored.isoformat() == "2026-01-01T00:00:00+00:00"
            assert moment_of_moto() == durable_runner.clock.now.timestamp() == stored.timestamp() + 3 * 86_400

        @pytest.mark.durable_execution(handler=order, clock="real")
        def test_real(aws, durable_runner):
            durable_runner.run()
            assert abs(moment_of_moto() - time.time()) < 60

        def test_afterwards(aws):
            assert abs(moment_of_moto() - time.time()) < 60
            handler = moto.core.botocore_stubber.BotocoreStubber.__call__
            assert not hasattr(handler, "of_pytest_durable")
    """
    run(project, tests).assert_outcomes(passed=3)


def test_workers_do_not_disturb_one_another(project: pytest.Pytester) -> None:
    project.makepyfile(
        test_shop=dedent(AROUND)
        + dedent(
            """
            @pytest.mark.parametrize("number", range(6))
            def test_order(aws, durable_mock, number):
                durable_mock.register("order", order)
                assert invoked("order", number) == "1"
                assert len(durable_mock.results) == 1
            """
        )
    )
    project.runpytest_subprocess("-n", "2", "-p", "xdist", "-W", "error").assert_outcomes(passed=6)
