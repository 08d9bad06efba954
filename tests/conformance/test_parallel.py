"""Conformance of parallel.

Ids such as ``8-1`` are those of AWS's public cross-SDK conformance suite; requirements of our own have names
instead.
"""

from __future__ import annotations

import json
from typing import Any

import pytest
from conformance import batch_handlers as handlers
from conformance.batch_handlers import constant, counts, parallel, raising, step_after_a_wait, step_of, throw
from conformance.driver import Case, check
from conformance.expected import (
    Event,
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
from conformance.matching import ABSENT, Pattern

from durable_sdk import ParallelBranch
from durable_sdk.config import CompletionConfig

BATCH = "Parallel"
BRANCH = "ParallelBranch"
NOT_EMPTY = Pattern(".")


def begun(name: Any = None, parent: str | None = None) -> Event:
    return started(BATCH, "BATCH", parent, name=name)


def ended(name: Any = None, parent: str | None = None, payload: Any = NOT_EMPTY) -> Event:
    return succeeded(BATCH, "BATCH", parent, name=name, payload=payload)


def branch(number: int, *inside: Event | list[Event], payload: Any, name: Any = None) -> list[Event]:
    """A branch that begins and succeeds, with what happens in it."""
    events = [started(BRANCH, f"BRANCH{number}", "BATCH", name=name)]
    for entry in inside:
        events += entry if isinstance(entry, list) else [entry]
    return [*events, succeeded(BRANCH, f"BRANCH{number}", "BATCH", name=name, payload=payload)]


def broken(number: int, message: str = "broken") -> list[Event]:
    """A branch that raises."""
    return [
        started(BRANCH, f"BRANCH{number}", "BATCH"),
        failed(BRANCH, f"BRANCH{number}", "BATCH", payload=error("ValueError", message)),
    ]


def counted(reason: str, status: str, success: int, failure: int, total: int) -> dict[str, Any]:
    return {
        "completionReason": reason,
        "status": status,
        "successCount": success,
        "failureCount": failure,
        "totalCount": total,
    }


REQUIREMENTS = [
    Case(
        id="8-1",
        handler=parallel(step_of("task-1"), step_of("task-2"), name="parallel"),
        result=["task-1", "task-2"],
        history=[
            begun("parallel"),
            branch(0, step("STEP0", "BRANCH0", payload='"task-1"'), payload='"task-1"'),
            branch(1, step("STEP1", "BRANCH1", payload='"task-2"'), payload='"task-2"'),
            ended("parallel"),
            execution_succeeded('["task-1", "task-2"]'),
        ],
    ),
    Case(
        id="8-3",
        handler=parallel(
            ParallelBranch(constant("one"), name="first"),
            ParallelBranch(constant("two"), name="second"),
            name="named",
        ),
        result=["one", "two"],
        history=[
            begun("named"),
            branch(0, payload='"one"', name="first"),
            branch(1, payload='"two"', name="second"),
            ended("named"),
            execution_succeeded(),
        ],
    ),
    Case(
        id="8-5",
        handler=parallel(name="empty", max_concurrency=None),
        result=[],
        history=[begun("empty"), ended("empty"), execution_succeeded("[]")],
    ),
    Case(
        id="8-7",
        handler=parallel(
            raising("broken"),
            constant("never"),
            name="throwing",
            show=throw,
            completion_config=CompletionConfig(tolerated_failure_count=0),
        ),
        status="FAILED",
        history=[
            begun("throwing"),
            broken(0),
            ended("throwing"),
            execution_failed(error(Pattern("ChildContextError$"), "broken")),
        ],
    ),
    Case(
        id="8-9",
        handler=parallel(
            constant("a"),
            raising("broken"),
            constant("c"),
            name="tolerated",
            show=counts,
            completion_config=CompletionConfig(tolerated_failure_count=1),
        ),
        result=counted("ALL_COMPLETED", "FAILED", 2, 1, 3),
        history=[
            begun("tolerated"),
            branch(0, payload='"a"'),
            broken(1),
            branch(2, payload='"c"'),
            ended("tolerated"),
            execution_succeeded(),
        ],
    ),
    Case(
        id="8-11",
        handler=parallel(
            constant("r0"), constant("r1"), constant("r2"), name="concurrent", max_concurrency=2
        ),
        result=["r0", "r1", "r2"],
        history=[begun("concurrent")],
        is_whole_history=False,
    ),
    Case(
        id="8-13",
        handler=parallel(
            raising("broken"),
            raising("broken"),
            constant("never"),
            constant("never"),
            name="tolerated-pct",
            show=counts,
            completion_config=CompletionConfig(tolerated_failure_percentage=25),
        ),
        result=counted("FAILURE_TOLERANCE_EXCEEDED", "FAILED", 0, 2, 2),
        history=[
            begun("tolerated-pct"),
            broken(0),
            broken(1),
            ended("tolerated-pct"),
            execution_succeeded(),
        ],
    ),
    Case(
        id="8-15",
        handler=parallel(constant("x"), constant("y"), name="serde", item_serdes=handlers.Wrapping()),
        result=["x", "y"],
        history=[
            begun("serde"),
            branch(0, payload='{"wrapped": "x"}'),
            branch(1, payload='{"wrapped": "y"}'),
            ended("serde"),
            execution_succeeded('["x", "y"]'),
        ],
    ),
    Case(
        id="8-17",
        handler=parallel(
            constant("a"),
            raising("broken"),
            constant("c"),
            name="min-not-reached",
            show=counts,
            completion_config=CompletionConfig(min_successful=3),
        ),
        result=counted("ALL_COMPLETED", "FAILED", 2, 1, 3),
        history=[
            begun("min-not-reached"),
            branch(0, payload='"a"'),
            broken(1),
            branch(2, payload='"c"'),
            ended("min-not-reached"),
            execution_succeeded(),
        ],
    ),
    Case(
        id="8-21",
        handler=handlers.nested_parallel,
        result=[["i1", "i2"]],
        history=[
            started(BATCH, "OUTER", name="outer"),
            started(BRANCH, "A", "OUTER"),
            started(BATCH, "BATCH", "A", name="inner"),
            branch(0, step("STEP0", "BRANCH0", payload='"i1"'), payload='"i1"'),
            branch(1, step("STEP1", "BRANCH1", payload='"i2"'), payload='"i2"'),
            succeeded(BATCH, "BATCH", "A", name="inner"),
            succeeded(BRANCH, "A", "OUTER"),
            succeeded(BATCH, "OUTER", name="outer"),
            execution_succeeded('[["i1", "i2"]]'),
        ],
    ),
]

OUR_OWN = [
    Case(
        id="no-branches-complete-at-once",
        handler=parallel(show=counts, max_concurrency=None),
        result=counted("ALL_COMPLETED", "SUCCEEDED", 0, 0, 0),
        history=[begun(), ended(), execution_succeeded()],
    ),
    Case(
        id="branches-are-named-after-their-positions",
        handler=parallel(constant(1), constant(2)),
        history=[
            begun(ABSENT),
            branch(0, payload="1", name="parallel-branch-0"),
            branch(1, payload="2", name="parallel-branch-1"),
            ended(ABSENT),
            execution_succeeded("[1, 2]"),
        ],
    ),
    Case(
        id="the-first-failure-ends-a-batch-by-default",
        handler=parallel(raising("broken"), constant("never"), show=counts),
        result=counted("FAILURE_TOLERANCE_EXCEEDED", "FAILED", 0, 1, 1),
        history=[begun(), broken(0), ended(), execution_succeeded()],
    ),
    Case(
        id="enough-successes-end-a-batch",
        handler=parallel(
            constant("a"),
            raising("broken"),
            constant("c"),
            constant("never"),
            show=counts,
            completion_config=CompletionConfig(min_successful=2),
        ),
        result=counted("MIN_SUCCESSFUL_REACHED", "FAILED", 2, 1, 3),
        history=[
            begun(),
            branch(0, payload='"a"'),
            broken(1),
            branch(2, payload='"c"'),
            ended(),
            execution_succeeded(),
        ],
    ),
    Case(
        id="the-first-success-ends-a-batch",
        handler=parallel(
            raising("broken"),
            constant("b"),
            constant("never"),
            show=counts,
            completion_config=CompletionConfig.first_successful(),
        ),
        result=counted("MIN_SUCCESSFUL_REACHED", "FAILED", 1, 1, 2),
        history=[begun(), broken(0), branch(1, payload='"b"'), ended(), execution_succeeded()],
    ),
    Case(
        id="all-succeed-with-the-last-one-that-is-needed",
        handler=parallel(
            constant("a"), constant("b"), show=counts, completion_config=CompletionConfig(min_successful=2)
        ),
        result=counted("ALL_COMPLETED", "SUCCEEDED", 2, 0, 2),
        history=[begun(), branch(0, payload='"a"'), branch(1, payload='"b"'), ended(), execution_succeeded()],
    ),
    Case(
        id="too-many-failures-end-a-batch",
        handler=parallel(
            raising("broken"),
            raising("broken"),
            constant("never"),
            show=counts,
            completion_config=CompletionConfig(tolerated_failure_count=1),
        ),
        result=counted("FAILURE_TOLERANCE_EXCEEDED", "FAILED", 0, 2, 2),
        history=[begun(), broken(0), broken(1), ended(), execution_succeeded()],
    ),
    Case(
        id="a-quarter-of-the-branches-may-fail-where-a-quarter-is-tolerated",
        handler=parallel(
            raising("broken"),
            constant("b"),
            constant("c"),
            constant("d"),
            show=counts,
            completion_config=CompletionConfig(tolerated_failure_percentage=25),
        ),
        result=counted("ALL_COMPLETED", "FAILED", 3, 1, 4),
        history=[
            begun(),
            broken(0),
            branch(1, payload='"b"'),
            branch(2, payload='"c"'),
            branch(3, payload='"d"'),
            ended(),
            execution_succeeded(),
        ],
    ),
    Case(
        id="all-branches-may-fail",
        handler=parallel(
            raising("broken"),
            raising("broken"),
            show=counts,
            completion_config=CompletionConfig.all_completed(),
        ),
        result=counted("ALL_COMPLETED", "FAILED", 0, 2, 2),
        history=[begun(), broken(0), broken(1), ended(), execution_succeeded()],
    ),
    Case(
        id="flat-branches-leave-no-events",
        handler=parallel(step_of("a"), step_of("b"), nesting_type=handlers.FLAT),
        result=["a", "b"],
        history=[
            begun(),
            step("STEP0", "BATCH", payload='"a"'),
            step("STEP1", "BATCH", payload='"b"'),
            ended(),
            execution_succeeded(),
        ],
    ),
    Case(
        id="the-batch-is-stored-by-a-custom-serdes",
        handler=parallel(
            constant("x"),
            constant("y"),
            serdes=handlers.Joining(handlers.all_succeeded),
            item_serdes=handlers.Wrapping(),
            wait=True,
        ),
        result=["x", "y"],
        history=[
            begun(),
            branch(0, payload='{"wrapped": "x"}'),
            branch(1, payload='{"wrapped": "y"}'),
            ended(payload="OPSERDE:x,y"),
            waited(1, "WAIT"),
            execution_succeeded('["x", "y"]'),
        ],
    ),
    Case(
        id="a-wait-in-a-branch-suspends-the-execution",
        handler=parallel(step_of("a"), step_after_a_wait("b")),
        result=["a", "b"],
        history=[
            begun(),
            branch(0, step("STEP0", "BRANCH0"), payload='"a"'),
            branch(1, waited(1, "WAIT", "BRANCH1"), step("STEP1", "BRANCH1"), payload='"b"'),
            ended(),
            execution_succeeded(),
        ],
    ),
    Case(
        id="a-retry-in-a-branch-suspends-the-execution",
        handler=parallel(handlers.retried_step),
        result=["Operation succeeded"],
        history=[
            begun(),
            started(BRANCH, "BRANCH0", "BATCH"),
            started("Step", "STEP", "BRANCH0"),
            failed("Step", "STEP", "BRANCH0", attempt=1, delay=1),
            invocation_completed(),
            step("STEP", "BRANCH0", attempt=2),
            succeeded(BRANCH, "BRANCH0", "BATCH"),
            ended(),
            execution_succeeded(),
        ],
    ),
    Case(
        id="a-failed-step-fails-its-branch",
        handler=parallel(
            handlers.failing_step,
            show=lambda batch: [each.message for each in batch.get_errors()],
        ),
        result=["broken"],
        history=[
            begun(),
            started(BRANCH, "BRANCH0", "BATCH"),
            started("Step", "STEP", "BRANCH0"),
            failed("Step", "STEP", "BRANCH0", payload=error("ValueError", "broken"), attempt=1),
            failed(BRANCH, "BRANCH0", "BATCH", payload=error(Pattern("StepError$"), "broken")),
            ended(),
            execution_succeeded(),
        ],
    ),
    Case(
        id="a-batch-that-has-ended-is-not-run-again",
        handler=parallel(constant("a"), raising("broken"), show=counts, wait=True),
        result=counted("FAILURE_TOLERANCE_EXCEEDED", "FAILED", 1, 1, 2),
        history=[
            begun(),
            branch(0, payload='"a"'),
            broken(1),
            ended(),
            waited(1, "WAIT"),
            execution_succeeded(),
        ],
    ),
    Case(
        id="a-record-stands-for-a-large-batch",
        handler=parallel(
            constant("x" * handlers.LARGE),
            constant("y" * handlers.LARGE),
            wait=True,
            show=lambda batch: [len(result) for result in batch.get_results()],
        ),
        result=[handlers.LARGE, handlers.LARGE],
        history=[
            begun(),
            branch(0, payload=Pattern("^.x{1000}")),
            branch(1, payload=Pattern("^.y{1000}")),
            ended(
                payload=json.dumps(
                    {
                        "type": "ParallelResult",
                        "totalCount": 2,
                        "completionReason": "ALL_COMPLETED",
                        "startedIndexes": [],
                        "startedCount": 0,
                        "successCount": 2,
                        "failureCount": 0,
                        "status": "SUCCEEDED",
                    }
                )
            ),
            waited(1, "WAIT"),
            execution_succeeded(),
        ],
    ),
    Case(
        id="a-branch-that-waits-is-left-behind-when-enough-have-succeeded",
        handler=parallel(
            handlers.long_wait,
            step_of("b"),
            max_concurrency=None,
            completion_config=CompletionConfig.first_successful(),
            show=lambda batch: [batch.get_results(), batch.started_count, counts(batch)],
            wait=True,
        ),
        result=[["b"], 1, counted("MIN_SUCCESSFUL_REACHED", "SUCCEEDED", 1, 0, 2)],
        history=[begun(), started(BRANCH, "BRANCH0", "BATCH")],
        is_whole_history=False,
    ),
    Case(
        id="a-branch-that-waits-keeps-its-place",
        handler=parallel(*handlers.order_of_waits(2, 1), max_concurrency=1),
        result=[2, 1],
        history=[
            begun(),
            branch(0, waited(2, "WAIT0", "BRANCH0"), step("STEP0", "BRANCH0"), payload="2"),
            branch(1, waited(1, "WAIT1", "BRANCH1"), step("STEP1", "BRANCH1"), payload="1"),
            ended(),
            execution_succeeded("[2, 1]"),
        ],
    ),
    Case(
        id="branches-that-wait-go-on-when-their-time-comes",
        handler=parallel(*handlers.order_of_waits(3, 1, 2), max_concurrency=None),
        result=[3, 1, 2],
        history=[begun()],
        is_whole_history=False,
    ),
    Case(
        id="a-decision-of-the-user-ends-a-batch",
        handler=parallel(
            constant("a"),
            raising("broken"),
            constant("c"),
            constant("never"),
            show=counts,
            completion_config=CompletionConfig(should_complete=handlers.two_are_enough),
        ),
        result=counted("CUSTOM_COMPLETION_SUCCEEDED", "SUCCEEDED", 2, 1, 3),
        history=[
            begun(),
            branch(0, payload='"a"'),
            broken(1),
            branch(2, payload='"c"'),
            ended(),
            execution_succeeded(),
        ],
    ),
    Case(
        id="a-decision-of-the-user-fails-a-batch",
        handler=parallel(
            raising("broken"),
            constant("never"),
            show=counts,
            completion_config=CompletionConfig(should_complete=handlers.one_failure_is_too_many),
        ),
        result=counted("CUSTOM_COMPLETION_FAILED", "FAILED", 0, 1, 1),
        history=[begun(), broken(0), ended(), execution_succeeded()],
    ),
]


@pytest.mark.parametrize("case", REQUIREMENTS + OUR_OWN, ids=lambda case: case.id)
def test_conforms(case: Case) -> None:
    check(case)


@pytest.mark.parametrize(
    ("case_id", "options"),
    [
        pytest.param("8-19", {"max_concurrency": 0}, id="8-19"),
        pytest.param(
            "more-needed-than-there-are",
            {"completion_config": lambda: CompletionConfig(min_successful=3)},
            id="more-successes-needed-than-there-are-branches",
        ),
        pytest.param(
            "negative-tolerance",
            {"completion_config": lambda: CompletionConfig(tolerated_failure_count=-1)},
            id="a-negative-tolerance",
        ),
    ],
)
def test_a_wrong_option_fails_the_execution_before_anything_is_recorded(
    case_id: str, options: dict[str, Any]
) -> None:
    check(
        Case(
            id=case_id,
            handler=handlers.wrongly_configured(options),
            status="FAILED",
            history=[execution_failed(error(Pattern("ValidationError$")))],
        )
    )
