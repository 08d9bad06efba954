"""Conformance of child contexts.

Ids such as ``3-1`` are those of AWS's public cross-SDK conformance suite; requirements of our own have names
instead.
"""

from __future__ import annotations

import itertools
import os
import time
from typing import Any

import pytest
from conformance import child_handlers as handlers
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
from conformance.matching import ABSENT, Logged, Pattern

from durable_sdk import DurableContext, durable_execution

CHILD = "RunInChildContext"
TEXT = "Jw5eRt1x"
STORED = f'"{TEXT}"'

REQUIREMENTS = [
    Case(
        id="3-1",
        handler=handlers.single_step_inside,
        input=TEXT,
        result=TEXT,
        history=[
            started(CHILD, "CHILD"),
            step("STEP", "CHILD", payload=STORED),
            succeeded(CHILD, "CHILD", payload=STORED),
            execution_succeeded(STORED),
        ],
    ),
    Case(
        id="3-3",
        handler=handlers.sequential_steps_inside,
        input=TEXT,
        result=TEXT,
        history=[
            started(CHILD, "CHILD", name="two_steps"),
            step("FIRST", "CHILD", payload=STORED),
            step("SECOND", "CHILD", payload=STORED),
            succeeded(CHILD, "CHILD", name="two_steps", payload=STORED),
            execution_succeeded(STORED),
        ],
    ),
    Case(
        id="3-5",
        handler=handlers.failure_is_caught,
        input=TEXT,
        result=TEXT,
        history=[
            started(CHILD, "CHILD"),
            started("Step", "FIRST", "CHILD"),
            failed("Step", "FIRST", "CHILD", payload=error("ValueError", "the step broke"), attempt=1),
            failed(CHILD, "CHILD", payload=error(Pattern("StepError$"), "the step broke")),
            step("SECOND", payload=STORED),
            execution_succeeded(STORED),
        ],
    ),
    Case(
        id="3-7",
        handler=handlers.step_is_retried,
        input=TEXT,
        result=TEXT,
        history=[
            started(CHILD, "CHILD", name="retried_step"),
            started("Step", "STEP", "CHILD"),
            failed("Step", "STEP", "CHILD", attempt=1, delay=1),
            invocation_completed(),
            step("STEP", "CHILD", payload=STORED, attempt=2),
            succeeded(CHILD, "CHILD", name="retried_step", payload=STORED),
            execution_succeeded(STORED),
        ],
    ),
    Case(
        id="3-9",
        handler=handlers.then_waits,
        input=TEXT,
        result=TEXT,
        history=[
            started(CHILD, "CHILD"),
            step("STEP", "CHILD", payload=STORED),
            succeeded(CHILD, "CHILD", payload=STORED),
            waited(1, "WAIT"),
            execution_succeeded(STORED),
        ],
    ),
    Case(
        id="3-11",
        handler=handlers.large_then_waits,
        input=TEXT,
        result=handlers.LARGE,
        history=[
            started(CHILD, "CHILD", name="large"),
            step("STEP", "CHILD"),
            succeeded(CHILD, "CHILD", name="large", payload=""),
            waited(1, "WAIT"),
            execution_succeeded(),
        ],
        logs=[Logged({"message": Pattern(TEXT)}, count=2)],
    ),
    Case(
        id="3-13",
        handler=handlers.waits_inside,
        input=TEXT,
        result=TEXT,
        history=[
            started(CHILD, "CHILD", name="waiting"),
            waited(1, "WAIT", "CHILD"),
            succeeded(CHILD, "CHILD", name="waiting", payload=STORED),
            step("STEP", payload=STORED),
            execution_succeeded(STORED),
        ],
    ),
    Case(
        id="3-15",
        handler=handlers.raises_inside,
        status="FAILED",
        history=[
            started(CHILD, "CHILD", name="raising"),
            failed(CHILD, "CHILD", name="raising", payload=error("ValueError", "the context broke")),
            execution_failed(error(Pattern("ChildContextError$"), "the context broke")),
        ],
    ),
    Case(
        id="3-17",
        handler=handlers.logs_then_waits,
        input=TEXT,
        result=TEXT,
        history=[
            started(CHILD, "CHILD", name="logging_only"),
            succeeded(CHILD, "CHILD", name="logging_only", payload=STORED),
            waited(1, "WAIT"),
            execution_succeeded(STORED),
        ],
        logs=[Logged({"message": Pattern(TEXT)}, count=1)],
    ),
]

OUR_OWN = [
    Case(
        id="a-name-given-by-hand-is-recorded-with-every-event",
        handler=handlers.named_by_hand,
        input=1,
        history=[
            started(CHILD, "CHILD", name="chosen"),
            step("STEP", "CHILD", payload="1"),
            succeeded(CHILD, "CHILD", name="chosen", payload="1"),
            execution_succeeded("1"),
        ],
    ),
    Case(
        id="contexts-nest",
        handler=handlers.nested,
        input=TEXT,
        result=TEXT,
        history=[
            started(CHILD, "OUTER", name="outer"),
            started(CHILD, "INNER", "OUTER", name="inner"),
            step("STEP", "INNER", payload=STORED),
            succeeded(CHILD, "INNER", "OUTER", name="inner", payload=STORED),
            waited(1, "WAIT", "OUTER"),
            succeeded(CHILD, "OUTER", name="outer", payload=STORED),
            execution_succeeded(STORED),
        ],
    ),
    Case(
        id="a-failed-step-that-is-not-caught-fails-its-context-and-the-execution",
        handler=handlers.failure_is_not_caught,
        status="FAILED",
        history=[
            started(CHILD, "CHILD"),
            started("Step", "STEP", "CHILD"),
            failed("Step", "STEP", "CHILD", payload=error("ValueError"), attempt=1),
            failed(CHILD, "CHILD", payload=error(Pattern("StepError$"), "the step broke")),
            execution_failed(error(Pattern("ChildContextError$"), "the step broke")),
        ],
    ),
    Case(
        id="a-context-fails-when-the-retries-of-its-step-run-out",
        handler=handlers.retries_run_out_inside,
        status="FAILED",
        history=[
            started(CHILD, "CHILD"),
            started("Step", "STEP", "CHILD"),
            failed("Step", "STEP", "CHILD", attempt=1, delay=1),
            invocation_completed(),
            started("Step", "STEP", "CHILD"),
            failed("Step", "STEP", "CHILD", attempt=2),
            failed(CHILD, "CHILD", payload=error(Pattern("StepError$"), "never")),
            execution_failed(error(Pattern("ChildContextError$"), "never")),
        ],
    ),
    Case(
        id="a-failed-context-fails-again-on-replay-without-running",
        handler=handlers.caught_failure_then_waits,
        result=["the context broke", "ValueError"],
        history=[
            started(CHILD, "CHILD"),
            failed(CHILD, "CHILD", payload=error("ValueError", "the context broke")),
            waited(1, "WAIT"),
            execution_succeeded(),
        ],
    ),
    Case(
        id="the-first-run-returns-what-a-replay-would-decode",
        handler=handlers.stored_by_a_custom_serdes,
        input="hello child",
        result="HELLO CHILD",
        history=[
            started(CHILD, "CHILD"),
            step("STEP", "CHILD", payload='"hello child"'),
            succeeded(CHILD, "CHILD", payload="HELLO CHILD"),
            execution_succeeded('"HELLO CHILD"'),
        ],
    ),
    Case(
        id="contexts-follow-each-other",
        handler=handlers.several,
        input=1,
        result=[1, "again"],
        history=[
            started(CHILD, "FIRST"),
            step("STEP1", "FIRST", payload="1"),
            succeeded(CHILD, "FIRST", payload="1"),
            started(CHILD, "SECOND"),
            step("STEP2", "SECOND", payload='[1,"again"]'),
            succeeded(CHILD, "SECOND", payload='[1,"again"]'),
            execution_succeeded(),
        ],
    ),
    Case(
        id="a-summary-stands-for-a-large-result",
        handler=handlers.large_with_summary,
        result=handlers.LARGE,
        history=[
            started(CHILD, "CHILD"),
            succeeded(CHILD, "CHILD", payload=f"{handlers.LARGE} characters"),
            waited(1, "WAIT"),
            execution_succeeded(),
        ],
    ),
    Case(
        id="a-virtual-context-leaves-no-events",
        handler=handlers.virtual,
        input=TEXT,
        result=TEXT,
        history=[step("INSIDE", payload=STORED), step("OUTSIDE", payload=STORED), execution_succeeded()],
    ),
    Case(
        id="labels-replace-the-sub-types",
        handler=handlers.labelled,
        input=1,
        history=[
            {"EventType": "ContextStarted", "SubType": "Checkout", "Name": ABSENT},
            {"EventType": "StepStarted", "SubType": "Charge", "Name": "give"},
            {"EventType": "StepSucceeded", "SubType": "Charge", "Name": "give"},
            {"EventType": "ContextSucceeded", "SubType": "Checkout", "Name": ABSENT},
            execution_succeeded("1"),
        ],
    ),
]


@pytest.mark.parametrize("case", REQUIREMENTS + OUR_OWN, ids=lambda case: case.id)
def test_conforms(case: Case) -> None:
    check(case)


def test_a_step_that_was_interrupted_in_a_context_runs_again_without_a_second_start() -> None:
    runs = itertools.count(1)

    @durable_execution
    def handler(event: Any, context: DurableContext) -> Any:
        def body(step_context: Any) -> int:
            number = next(runs)
            step_context.logger.info("run %s", number)
            if number == 1:
                # Long enough for the starts to be sent, which nothing waits for.
                time.sleep(1)
                os._exit(1)
            return number

        return context.run_in_child_context(lambda child: child.step(body))

    check(
        Case(
            id="interrupted",
            handler=handler,
            result=2,
            history=[
                started(CHILD, "CHILD"),
                started("Step", "STEP", "CHILD"),
                invocation_completed(error("Runtime.ExitError")),
                succeeded("Step", "STEP", "CHILD", payload="2", attempt=1),
                succeeded(CHILD, "CHILD", payload="2"),
                execution_succeeded("2"),
            ],
            logs=[Logged({"message": "run 1"}, count=1), Logged({"message": "run 2"}, count=1)],
        )
    )
