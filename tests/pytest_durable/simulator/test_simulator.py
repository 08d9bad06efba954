"""Starting executions: names, and what a name that was used before means."""

from __future__ import annotations

from typing import Any

import corpus
import pytest

from durable_sdk import DurableContext, durable_execution
from pytest_durable.errors import UsageError
from pytest_durable.simulator.service.errors import DurableExecutionAlreadyStartedException


@durable_execution
def waiting(event: Any, context: DurableContext) -> Any:
    context.wait(hours=1)
    return event


@pytest.mark.parametrize("ended", [False, True])
def test_the_same_name_and_input_give_the_same_execution(ended: bool) -> None:
    runner = corpus.make_runner(waiting)
    first = runner.start({"a": 1}, name="order-7")
    if ended:
        first.finish()
    second = runner.start({"a": 1}, name="order-7")
    assert second.arn == first.arn
    assert len(runner.results) == 1
    assert second.finish().value == {"a": 1}


def test_the_same_name_with_another_input_is_refused() -> None:
    runner = corpus.make_runner(waiting)
    runner.start({"a": 1}, name="order-7")
    with pytest.raises(
        DurableExecutionAlreadyStartedException, match="'order-7' of function 'function'"
    ) as caught:
        runner.start({"a": 2}, name="order-7")
    assert caught.value.response["Error"]["Code"] == "DurableExecutionAlreadyStartedException"
    assert len(runner.results) == 1


def test_executions_without_a_name_are_all_new() -> None:
    runner = corpus.make_runner(waiting)
    assert runner.start({"a": 1}).arn != runner.start({"a": 1}).arn


@pytest.mark.parametrize("name", ["", "a b", "x" * 65])
def test_a_malformed_name_is_refused(name: str) -> None:
    with pytest.raises(UsageError, match="name of an execution"):
        corpus.make_runner(waiting).start(name=name)


def test_a_stopped_execution_is_not_stopped_again() -> None:
    runner = corpus.make_runner(waiting)
    execution = runner.start()
    runner.stop_execution(execution.arn, "enough")
    runner.stop_execution(execution.arn, ValueError("again"))
    result = execution.result()
    assert result.status == "STOPPED"
    assert result.error is not None
    assert result.error.message == "enough"


def test_a_history_without_execution_data_leaves_it_out() -> None:
    runner = corpus.make_runner(waiting)
    execution = runner.start({"secret": 1})
    execution.finish()
    full = runner.get_execution_history(execution.arn)
    assert full == execution.result().history
    bare = runner.get_execution_history(execution.arn, include_execution_data=False)
    assert [event["EventType"] for event in bare] == [event["EventType"] for event in full]
    assert "secret" in str(full)
    assert "secret" not in str(bare)
    assert bare[0]["ExecutionStartedDetails"]["Input"] == {"Truncated": True}
