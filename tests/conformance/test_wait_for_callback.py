"""Conformance of wait_for_callback.

Ids such as ``7-1`` are those of AWS's public cross-SDK conformance suite; requirements of our own have names
instead.
"""

from __future__ import annotations

from typing import Any

import pytest
from conformance import wait_for_callback_handlers as handlers
from conformance.driver import Case, check, failure, heartbeat, success
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
from conformance.matching import ABSENT, ANY, Logged, Pattern

KIND = "WaitForCallback"
NAME = "approve-Xk31"
ANSWER = "p4yl0aD1"
OTHER_ANSWER = "p4yl0aD2"
# The payload is JSON, and handed over as the text that it is.
STORED = f'"\\"{ANSWER}\\""'
REJECTED = {"ErrorType": "RejectedError", "ErrorMessage": "not approved"}


def opened(
    name: Any = NAME,
    operation: str = "ASK",
    parent: str | None = None,
    callback_name: Any = f"{NAME} create callback id",
    timeout: Any = ABSENT,
    heartbeat_timeout: Any = ABSENT,
) -> list[Event]:
    """The context and its callback begin."""
    return [
        started(KIND, operation, parent, name=name),
        started(
            "Callback",
            f"{operation}_CALLBACK",
            operation,
            name=callback_name,
            CallbackId=ANY,
            Timeout=timeout,
            HeartbeatTimeout=heartbeat_timeout,
        ),
    ]


def submitted(
    operation: str = "ASK", name: Any = f"{NAME} submitter", attempt: int = 1, payload: Any = ANY
) -> list[Event]:
    """The submitter succeeds, and the execution is suspended."""
    return [
        *step(f"{operation}_STEP", operation, name=name, attempt=attempt, payload=payload),
        invocation_completed(),
    ]


def answered(payload: Any = f'"{ANSWER}"', operation: str = "ASK") -> Event:
    return succeeded("Callback", f"{operation}_CALLBACK", operation, payload=payload)


def unanswered(payload: Any, ending: str = "Failed") -> Event:
    return failed("Callback", "ASK_CALLBACK", "ASK", payload=payload, ending=ending)


def submitter_failed(attempt: int, delay: Any = ABSENT) -> list[Event]:
    return [
        started("Step", "ASK_STEP", "ASK"),
        failed("Step", "ASK_STEP", "ASK", payload=error("ConnectionError"), attempt=attempt, delay=delay),
    ]


def closed(name: Any = NAME, payload: Any = STORED, operation: str = "ASK") -> Event:
    return succeeded(KIND, operation, name=name, payload=payload)


def broken(payload: Any) -> Event:
    return failed(KIND, "ASK", name=NAME, payload=payload)


REQUIREMENTS = [
    Case(
        id="7-1",
        handler=handlers.awaits,
        input=NAME,
        answers=[success(ANSWER)],
        result=f'"{ANSWER}"',
        history=[opened(), submitted(), answered(), closed(), execution_succeeded(STORED)],
    ),
    Case(
        id="7-3",
        handler=handlers.awaits_without_a_name,
        answers=[success(ANSWER)],
        result=f'"{ANSWER}"',
        history=[
            opened(ABSENT, callback_name="create callback id"),
            submitted(name="submitter"),
            answered(),
            closed(ABSENT),
            execution_succeeded(STORED),
        ],
    ),
    Case(
        id="7-5",
        handler=handlers.awaits_three_seconds,
        input=NAME,
        status="FAILED",
        history=[
            opened(timeout=3),
            submitted(),
            unanswered(error("Callback.Timeout"), "TimedOut"),
            broken(error(Pattern("CallbackTimeoutError$"), "Callback timed out")),
            execution_failed(error(Pattern("CallbackTimeoutError$"), "Callback timed out")),
        ],
    ),
    Case(
        id="7-7",
        handler=handlers.submitter_fails,
        input=NAME,
        status="FAILED",
        history=[
            opened(),
            submitter_failed(1, delay=1),
            invocation_completed(),
            submitter_failed(2),
            broken(error(Pattern("StepError$"), "the submitter broke")),
            execution_failed(error(Pattern("CallbackSubmitterError$"), "the submitter broke")),
        ],
    ),
    Case(
        id="7-9",
        handler=handlers.one_after_the_other,
        answers=[success(ANSWER), success(OTHER_ANSWER, callback=1)],
        result=f'"{OTHER_ANSWER}"',
        history=[
            opened("first", "FIRST", callback_name="first create callback id"),
            submitted("FIRST", "first submitter"),
            answered(operation="FIRST"),
            closed("first", operation="FIRST"),
            opened("second", "SECOND", callback_name="second create callback id"),
            submitted("SECOND", "second submitter"),
            answered(f'"{OTHER_ANSWER}"', operation="SECOND"),
            closed("second", operation="SECOND", payload=f'"\\"{OTHER_ANSWER}\\""'),
            execution_succeeded(),
        ],
    ),
    Case(
        id="7-11",
        handler=handlers.reads_an_object,
        input=NAME,
        answers=[success({"status": "approved"})],
        result="approved",
        history=[
            opened(),
            submitted(),
            answered('{"status": "approved"}'),
            closed(payload=ANY),
            execution_succeeded('"approved"'),
        ],
    ),
    Case(
        id="7-13",
        handler=handlers.awaits_heartbeats,
        input=NAME,
        answers=[heartbeat(after=0), success(ANSWER)],
        history=[
            opened(heartbeat_timeout=10),
            submitted(),
            answered(),
            closed(),
            execution_succeeded(),
        ],
    ),
    Case(
        id="7-15",
        handler=handlers.awaits,
        input=NAME,
        answers=[success()],
        result=None,
        history=[
            opened(),
            submitted(),
            answered(ABSENT),
            closed(payload="null"),
            execution_succeeded("null"),
        ],
    ),
]

OUR_OWN = [
    Case(
        id="a-failure-fails-the-operation-and-the-execution",
        handler=handlers.awaits,
        input=NAME,
        answers=[failure(REJECTED)],
        status="FAILED",
        history=[
            opened(),
            submitted(),
            unanswered(REJECTED),
            broken(error(Pattern("CallbackExternalError$"), "not approved")),
            execution_failed(error(Pattern("CallbackExternalError$"), "not approved")),
        ],
    ),
    Case(
        id="heartbeats-that-stop-fail-the-operation",
        handler=handlers.awaits_heartbeats,
        input=NAME,
        answers=[heartbeat(after=5)],
        status="FAILED",
        history=[
            opened(heartbeat_timeout=10),
            submitted(),
            unanswered(error("Callback.Heartbeat", "Callback timed out on heartbeat"), "TimedOut"),
            broken(error(Pattern("CallbackTimeoutError$"))),
            execution_failed(error(Pattern("CallbackTimeoutError$"))),
        ],
    ),
    Case(
        id="a-failure-is-raised-again-on-replay",
        handler=handlers.catches_then_waits,
        input=NAME,
        answers=[failure(REJECTED)],
        result=["CallbackExternalError", "not approved"],
        history=[
            opened(),
            submitted(),
            unanswered(REJECTED),
            broken(error(Pattern("CallbackExternalError$"))),
            waited(2, "WAIT"),
            execution_succeeded(),
        ],
        logs=[Logged({"message": Pattern("^submitted")}, count=1)],
    ),
    Case(
        id="an-answer-is-returned-again-on-replay",
        handler=handlers.catches_then_waits,
        input=NAME,
        answers=[success(ANSWER)],
        result=f'"{ANSWER}"',
        history=[opened(), submitted(), answered(), closed(), waited(2, "WAIT"), execution_succeeded()],
        logs=[Logged({"message": Pattern("^submitted")}, count=1)],
    ),
    Case(
        id="a-failed-submitter-can-be-caught",
        handler=handlers.catches_the_submitter,
        input=NAME,
        result=["CallbackSubmitterError", "the submitter broke"],
        history=[
            opened(),
            submitter_failed(1),
            broken(error(Pattern("StepError$"), "the submitter broke")),
            execution_succeeded(),
        ],
    ),
    Case(
        id="a-decorated-submitter-names-the-operation",
        handler=handlers.named_after_its_submitter,
        answers=[success(ANSWER)],
        history=[
            opened("ask", callback_name="ask create callback id"),
            submitted(name="ask submitter"),
            answered(),
            closed("ask"),
            execution_succeeded(),
        ],
        logs=[Logged({"message": "asked Ana"}, count=1)],
    ),
    Case(
        id="the-operation-may-be-in-a-child-context",
        handler=handlers.awaits_in_a_child,
        input=NAME,
        answers=[success(ANSWER)],
        history=[
            started("RunInChildContext", "CHILD"),
            opened(parent="CHILD"),
            submitted(),
            answered(),
            succeeded(KIND, "ASK", "CHILD", name=NAME, payload=STORED),
            succeeded("RunInChildContext", "CHILD", payload=STORED),
            execution_succeeded(STORED),
        ],
    ),
    Case(
        id="branches-are-answered-in-any-order",
        handler=handlers.awaits_in_branches,
        input=["a", "b"],
        answers=[
            success("A", callback="a create callback id", after=3),
            success("B", callback="b create callback id", after=1),
        ],
        result=['"A"', '"B"'],
        history=[started("Parallel", "PARALLEL")],
        is_whole_history=False,
    ),
    Case(
        id="the-callback-is-read-by-a-custom-serdes",
        handler=handlers.reads_capitals,
        input=NAME,
        answers=[success(ANSWER)],
        result=ANSWER.upper(),
        history=[
            opened(),
            submitted(payload="null"),
            answered(),
            closed(payload=f'"{ANSWER.upper()}"'),
            execution_succeeded(),
        ],
    ),
]


@pytest.mark.parametrize("case", REQUIREMENTS + OUR_OWN, ids=lambda case: case.id)
def test_conforms(case: Case) -> None:
    check(case)


def test_a_submitter_that_fails_at_first_is_tried_again() -> None:
    check(
        Case(
            id="retried submitter",
            handler=handlers.retried_submitter(failures=1),
            input=NAME,
            answers=[success(ANSWER, after=3)],
            history=[
                opened(),
                submitter_failed(1, delay=1),
                invocation_completed(),
                submitted(attempt=2),
                answered(),
                closed(),
                execution_succeeded(STORED),
            ],
        )
    )
