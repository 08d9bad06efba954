import pytest
from greeting import greet_user, handler

from durable_sdk import StepContext


@pytest.mark.durable_execution(handler=handler, lambda_function_name="greeting")
def test_greets_by_name(durable_runner):
    with durable_runner:
        result = durable_runner.run(input={"name": "Ada"}, timeout=10)
    assert result.status == "SUCCEEDED"
    assert result.value == "Hello Ada!"
    assert result.get_step("greet_user").value == "Hello Ada!"


@pytest.mark.durable_execution(handler=handler, lambda_function_name="greeting")
def test_greets_the_world_without_a_name(durable_runner):
    assert durable_runner.run().value == "Hello World!"


def test_the_step_is_an_ordinary_function():
    assert greet_user(StepContext(), "Grace") == "Hello Grace!"
