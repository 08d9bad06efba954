"""Conformance of steps.

Ids such as ``1-11`` are those of AWS's public cross-SDK conformance suite; requirements of our own have
names instead.
"""

from __future__ import annotations

import itertools
import os
import time
from typing import Any

import pytest
from conformance import step_handlers as handlers
from conformance.driver import Case, check
from conformance.expected import (
    error,
    execution_failed,
    execution_succeeded,
    failed,
    invocation_completed,
    started,
    step,
    succeeded,
    waited,
)
from conformance.matching import ABSENT, ANY, Logged, Pattern

from durable_sdk import DurableContext, durable_execution

EXIT = error("Runtime.ExitError")

REQUIREMENTS = [
    Case(
        id="1-1",
        handler=handlers.greets,
        input="World",
        result="Hello, World!",
        history=[step("STEP", payload='"Hello, World!"'), execution_succeeded('"Hello, World!"')],
    ),
    Case(
        id="1-3",
        handler=handlers.second_depends_on_first,
        result="first_second",
        history=[
            step("FIRST", payload='"first"'),
            step("SECOND", payload='"first_second"'),
            execution_succeeded('"first_second"'),
        ],
    ),
    Case(
        id="1-5",
        handler=handlers.returns_nothing,
        result=None,
        history=[step("STEP", name=ABSENT), execution_succeeded("null")],
    ),
    Case(
        id="1-7",
        handler=handlers.logs_in_a_step,
        input="q7Zt0aBc",
        result="Hello, q7Zt0aBc!",
        history=[step("STEP"), execution_succeeded()],
        logs=[
            Logged({"message": Pattern("Greeting step started for: q7Zt0aBc")}, count=1),
            Logged(
                {"message": Pattern("Greeting step completed with: Hello, q7Zt0aBc!")},
                count=1,
                after=[{"message": Pattern("started for")}],
            ),
            Logged({"level": "ERROR"}, count=0),
        ],
    ),
    Case(
        id="1-9",
        handler=handlers.step_then_wait,
        result="cached_value",
        history=[step("STEP"), waited(1, "WAIT"), execution_succeeded('"cached_value"')],
        logs=[Logged({"message": "step executed"}, count=1)],
    ),
    Case(
        id="1-11",
        handler=handlers.retried,
        result="Operation succeeded",
        history=[
            started("Step", "STEP"),
            failed("Step", "STEP", attempt=1, delay=1),
            invocation_completed(),
            step("STEP", attempt=2),
            execution_succeeded('"Operation succeeded"'),
        ],
    ),
    Case(
        id="1-13",
        handler=handlers.retried_by_default,
        history=[
            started("Step", "STEP"),
            failed("Step", "STEP", attempt=1, payload=error(), delay=Pattern("^[1-5]$")),
            invocation_completed(),
            started("Step", "STEP"),
            failed("Step", "STEP", attempt=2, payload=error(), delay=Pattern("^([1-9]|10)$")),
            invocation_completed(),
            step("STEP", attempt=3),
            execution_succeeded(),
        ],
    ),
    Case(
        id="1-15",
        handler=handlers.retried_if_transient,
        history=[
            started("Step", "STEP"),
            failed(
                "Step",
                "STEP",
                payload=error(Pattern("TransientError$"), "attempt 1 failed"),
                attempt=1,
                delay=1,
            ),
            invocation_completed(),
            step("STEP", attempt=2),
            execution_succeeded(),
        ],
    ),
    Case(
        id="1-17",
        handler=handlers.dies_at_most_once,
        input="Vb81kQyz",
        status="FAILED",
        history=[
            started("Step", "STEP", name="at_most_once_flaky_step"),
            invocation_completed(EXIT),
            failed("Step", "STEP", name="at_most_once_flaky_step", payload=error(), attempt=1),
            execution_failed(),
        ],
        logs=[Logged({"message": Pattern("Vb81kQyz")}, count=1)],
    ),
    Case(
        id="1-19",
        handler=handlers.fails,
        status="FAILED",
        history=[
            started("Step", "STEP"),
            failed("Step", "STEP", payload=error("ValueError", "it broke"), attempt=1),
            execution_failed(error(Pattern("StepError$"), "it broke")),
        ],
    ),
]

OUR_OWN = [
    Case(
        id="a-name-given-by-hand-is-recorded-with-every-event",
        handler=handlers.named_by_hand,
        input=1,
        history=[step("STEP", name="chosen"), execution_succeeded("1")],
    ),
    Case(
        id="a-decorated-function-names-its-step",
        handler=handlers.named_after_function,
        input=1,
        history=[step("STEP", name="give"), execution_succeeded("1")],
    ),
    Case(
        id="the-first-run-returns-what-a-replay-would-decode",
        handler=handlers.stored_by_a_custom_serdes,
        input="quiet",
        result="QUIET",
        history=[step("STEP", payload="QUIET"), execution_succeeded('"QUIET"')],
    ),
    Case(
        id="a-result-that-cannot-be-stored-fails-the-step-without-a-retry",
        handler=handlers.cannot_be_stored,
        input=1,
        status="FAILED",
        history=[
            started("Step", "STEP"),
            failed("Step", "STEP", payload=error(Pattern("SerDesError$")), attempt=1),
            execution_failed(error(Pattern("SerDesError$"))),
        ],
    ),
    Case(
        id="a-caught-failure-does-not-end-the-execution",
        handler=handlers.failure_is_caught,
        result="recovered from it broke",
        history=[
            started("Step", "FIRST"),
            failed("Step", "FIRST", payload=error("ValueError", "it broke"), attempt=1),
            step("SECOND", payload='"recovered from it broke"'),
            execution_succeeded(),
        ],
    ),
    Case(
        id="a-failed-step-fails-again-on-replay-without-running",
        handler=handlers.caught_failure_then_wait,
        result=["it broke", "ValueError"],
        history=[
            started("Step", "STEP"),
            failed("Step", "STEP", payload=error("ValueError", "it broke"), attempt=1),
            waited(1, "WAIT"),
            execution_succeeded(),
        ],
    ),
    Case(
        id="the-last-failed-attempt-has-no-next-one",
        handler=handlers.retries_run_out,
        status="FAILED",
        history=[
            started("Step", "STEP"),
            failed("Step", "STEP", attempt=1, delay=1),
            invocation_completed(),
            started("Step", "STEP"),
            failed("Step", "STEP", attempt=2, delay=1),
            invocation_completed(),
            started("Step", "STEP"),
            failed("Step", "STEP", payload=error("ValueError", "never"), attempt=3),
            execution_failed(error(Pattern("StepError$"), "never")),
        ],
    ),
    Case(
        id="delays-grow-by-the-backoff-rate-up-to-their-maximum",
        handler=handlers.backs_off,
        history=[
            *(
                event
                for attempt, delay in ((1, 2), (2, 4), (3, 5))
                for event in (
                    started("Step", "STEP"),
                    failed("Step", "STEP", attempt=attempt, delay=delay),
                    invocation_completed(),
                )
            ),
            step("STEP", attempt=4),
            execution_succeeded(),
        ],
    ),
    Case(
        id="an-error-of-another-type-is-not-retried",
        handler=handlers.retries_one_type_only,
        status="FAILED",
        history=[
            started("Step", "STEP"),
            failed("Step", "STEP", payload=error(Pattern("PermanentError$")), attempt=1),
            execution_failed(),
        ],
    ),
    Case(
        id="an-error-with-another-message-is-not-retried",
        handler=handlers.retries_by_message,
        status="FAILED",
        history=[
            started("Step", "STEP"),
            failed("Step", "STEP", attempt=1, delay=1),
            invocation_completed(),
            started("Step", "STEP"),
            failed("Step", "STEP", payload=error(ANY, "attempt 2 failed"), attempt=2),
            execution_failed(),
        ],
    ),
    Case(
        id="an-interrupted-at-most-once-attempt-counts",
        handler=handlers.dies_at_most_once_and_retries,
        input="Kd03mWxa",
        result="Kd03mWxa",
        history=[
            started("Step", "STEP", name="careful"),
            invocation_completed(EXIT),
            failed("Step", "STEP", payload=error(Pattern("StepInterruptedError$")), attempt=1, delay=1),
            invocation_completed(),
            step("STEP", attempt=2),
            execution_succeeded('"Kd03mWxa"'),
        ],
        logs=[
            Logged({"message": Pattern("Kd03mWxa"), "attempt": 1}, count=1),
            Logged({"message": Pattern("Kd03mWxa"), "attempt": 2}, count=1),
        ],
    ),
    Case(
        id="an-error-outside-of-steps-fails-the-execution",
        handler=handlers.raises,
        status="FAILED",
        history=[step("STEP"), execution_failed(error(Pattern("PermanentError$"), "not in a step"))],
    ),
    Case(
        id="a-result-larger-than-a-batch-of-updates-is-sent-alone",
        handler=handlers.large_step,
        result=800_000,
        history=[step("STEP"), execution_succeeded("800000")],
    ),
    Case(
        id="a-result-too-large-for-the-answer-is-checkpointed",
        handler=handlers.large_result,
        history=[step("STEP"), execution_succeeded('"' + "x" * (6 * 1024 * 1024 - 10) + '"')],
    ),
    Case(
        id="typed-values-survive-a-replay",
        handler=handlers.structured,
        input="in",
        result=["tuple", "in", {"nested": [1, 2.5, None, True]}],
        history=[step("STEP"), waited(1, "WAIT"), execution_succeeded()],
    ),
]


@pytest.mark.parametrize("case", REQUIREMENTS + OUR_OWN, ids=lambda case: case.id)
def test_conforms(case: Case) -> None:
    check(case)


def test_an_at_least_once_step_that_was_interrupted_runs_again_without_a_second_start() -> None:
    runs = itertools.count(1)

    @durable_execution
    def handler(event: Any, context: DurableContext) -> Any:
        def body(step_context: Any) -> int:
            number = next(runs)
            if number == 1:
                # Long enough for the start to be sent, which nothing waits for.
                time.sleep(1)
                os._exit(1)
            return number

        context.wait(handlers.Duration.from_seconds(1))
        return context.step(body)

    check(
        Case(
            id="interrupted",
            handler=handler,
            result=2,
            history=[
                waited(1, "WAIT"),
                started("Step", "STEP"),
                invocation_completed(EXIT),
                succeeded("Step", "STEP", payload="2", attempt=1),
                execution_succeeded("2"),
            ],
        )
    )
