"""Wrong arguments of the runner's calls: each is refused before anything runs, by an error that names it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import corpus
import pytest

from durable_sdk import DurableContext, durable_execution
from durable_sdk.lambda_service import ErrorObject
from pytest_durable.errors import UsageError
from pytest_durable.simulator.runner import LocalRunner
from pytest_durable.simulator.service.errors import InvalidParameterValueException

begun: list[str] = []


@durable_execution
def handler(event: Any, context: DurableContext) -> Any:
    begun.append("handler")
    context.step(lambda _: "real", name="charge")
    return context.create_callback(name="approval").result()


@pytest.fixture
def runner() -> LocalRunner:
    begun.clear()
    return corpus.make_runner(handler)


Call = Callable[[LocalRunner, Any], Any]

NO_TEXT = (5, ["approval"], b"approval", "")
CALLS: list[tuple[str, Call, tuple[Any, ...], str]] = [
    (
        "start name",
        lambda runner, given: runner.start(name=given),
        (5, b"x", "", "a b"),
        "name of an execution",
    ),
    *(
        (
            f"{call} arn",
            lambda runner, given, call=call: getattr(runner, call)(given),
            (5, ["x"], None),
            "no execution",
        )
        for call in (
            "wait_for_result",
            "wait_for_callback",
            "get_execution_history",
            "stop_execution",
            "pause_execution",
            "resume_execution",
        )
    ),
    (
        "wait_for_callback name",
        lambda runner, given: runner.wait_for_callback(runner.run_async(), given),
        NO_TEXT,
        "name of the callback is a text",
    ),
    ("until_callback", lambda runner, given: runner.start().until_callback(given), NO_TEXT, "is a text"),
    (
        "until",
        lambda runner, given: runner.start().until(given),
        (*NO_TEXT, None),
        "is a text",
    ),
    ("on_step", lambda runner, given: runner.on_step(given), (*NO_TEXT, None), "on_step takes the name"),
    ("on_invoke", lambda runner, given: runner.on_invoke(given), (*NO_TEXT, None), "on_invoke takes"),
    (
        "on_invoke text",
        lambda runner, given: runner.on_invoke(given),
        ("a b", "a:b:c"),
        "name:qualifier or an ARN",
    ),
    ("on_callback", lambda runner, given: runner.on_callback(given), NO_TEXT, "on_callback takes"),
    (
        "runs",
        lambda runner, runs: runner.check_determinism(runs=runs),
        ("x", 1.5, True, 1),
        "at least 2 runs",
    ),
    (
        "error",
        lambda runner, error: runner.on_callback("approval").fail(error),
        (
            5,
            {"Message": "x"},
            {"ErrorMessage": 5},
            {"StackTrace": "x"},
            {"StackTrace": [1]},
            ErrorObject(5, None, None, None),  # type: ignore[arg-type]
        ),
        "An error is an exception",
    ),
]


@pytest.mark.parametrize(
    ("call", "argument", "message"),
    [
        pytest.param(call, argument, message, id=f"{label}: {argument!r}")
        for label, call, arguments, message in CALLS
        for argument in arguments
    ],
)
def test_a_wrong_argument_is_refused_by_an_error_that_says_what_is_right(
    runner: LocalRunner, call: Call, argument: Any, message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        call(runner, argument)
    assert begun == []


@pytest.mark.parametrize("callback_id", [5, b"id", ["id"]])
@pytest.mark.parametrize("what", ["success", "failure", "heartbeat"])
def test_an_id_of_a_callback_that_is_no_text_is_refused(
    runner: LocalRunner, callback_id: Any, what: str
) -> None:
    with pytest.raises(InvalidParameterValueException, match="callback_id is a text"):
        getattr(runner, f"send_callback_{what}")(callback_id)


@pytest.mark.parametrize("name", [5, None, ["charge"]])
def test_a_lookup_by_anything_but_text_is_refused(runner: LocalRunner, name: Any) -> None:
    result = runner.start().until_suspended().result()
    for lookup in (result.operation, result.get_step, result.get_operation_by_name):
        with pytest.raises(UsageError, match="is a text, got"):
            lookup(name)


def test_an_error_of_what_is_waited_for_reaches_the_test_from_whatever_thread_found_it(
    runner: LocalRunner,
) -> None:
    calls = []

    def predicate() -> bool:
        calls.append(1)
        if len(calls) > 2:
            raise LookupError("in the predicate")
        return False

    runner.start()
    with pytest.raises(LookupError, match="in the predicate"):
        runner._simulator.run_until(predicate, between_invocations=False)


def test_until_takes_a_path() -> None:
    @durable_execution
    def nested(event: Any, context: DurableContext) -> Any:
        def inside(child: DurableContext) -> None:
            child.wait(seconds=5, name="rest")
            child.step(lambda _: None, name="charge")

        context.run_in_child_context(inside, name="first")
        context.run_in_child_context(inside, name="second")

    execution = corpus.make_runner(nested).start()
    execution.until("second/charge")
    assert execution.result().virtual_elapsed.total_seconds() == 10
    assert execution.finish().status == "SUCCEEDED"
