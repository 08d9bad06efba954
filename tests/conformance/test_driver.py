"""The driver fails a case that does not come out as it says, and names everything that differs."""

from __future__ import annotations

from typing import Any

import pytest
from conformance import step_handlers, wait_handlers
from conformance.driver import Case, check, success
from conformance.expected import execution_succeeded, step, waited
from conformance.matching import Logged, Pattern


def greeting(**changes: Any) -> Case:
    """Return a case that comes out as it says, but for the changes."""
    members: dict[str, Any] = {
        "id": "greeting",
        "handler": step_handlers.logs_in_a_step,
        "input": "World",
        "result": "Hello, World!",
        "history": [step("STEP"), execution_succeeded()],
        "logs": [Logged({"message": Pattern("started for: World")}, count=1)],
    }
    return Case(**(members | changes))


def problem(case: Case) -> str:
    with pytest.raises(AssertionError) as caught:
        check(case)
    return str(caught.value)


def test_a_case_that_comes_out_as_it_says_passes() -> None:
    assert check(greeting()).result.value == "Hello, World!"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"status": "FAILED"}, "status: expected 'FAILED', got 'SUCCEEDED'"),
        ({"result": "Hello!"}, "result: expected 'Hello!', got 'Hello, World!'"),
        ({"history": [waited(1, "WAIT")]}, "event 2: expected WaitStarted, got StepStarted"),
        ({"history": [step("STEP")]}, "expected 3 events, got 5"),
        (
            {"history": [step("STEP"), execution_succeeded(), execution_succeeded()]},
            "event 6: is missing, expected InvocationCompleted",
        ),
        ({"history": [step("STEP", attempt=2)], "is_whole_history": False}, "CurrentAttempt: expected 2"),
        ({"logs": [Logged({"level": "INFO"}, count=1)]}, "expected 1 times, got 2"),
    ],
)
def test_what_differs_is_named(changes: dict[str, Any], message: str) -> None:
    assert message in problem(greeting(**changes))


def test_the_history_and_the_logs_are_shown() -> None:
    text = problem(greeting(status="FAILED"))
    assert '"EventType": "StepStarted"' in text
    assert '"message": "Greeting step started for: World"' in text


def test_a_suspended_execution_is_left_where_it_waits() -> None:
    case = Case(
        id="hour", handler=wait_handlers.waits_an_hour, suspends=True, history=[waited(3600, "WAIT")[:2]]
    )
    assert check(case).result.status == "RUNNING"


def test_a_text_that_happens_to_be_json_reaches_the_handler_as_text() -> None:
    check(greeting(input="12345678", result="Hello, 12345678!", logs=[]))


def test_an_answer_to_a_callback_that_never_starts_is_an_error() -> None:
    assert "its callback never started" in problem(greeting(answers=[success("late")]))
