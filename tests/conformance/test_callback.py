"""Conformance of callbacks.

Ids such as ``4-1`` are those of AWS's public cross-SDK conformance suite; requirements of our own have names
instead.
"""

from __future__ import annotations

from typing import Any

import pytest
from conformance import callback_handlers as handlers
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
from conformance.matching import ABSENT, ANY, Pattern

NAME = "approve-Xk31"
OTHER = "confirm-Zp90"
ANSWER = "p4yl0aD1"
OTHER_ANSWER = "p4yl0aD2"
REJECTED = {"ErrorType": "RejectedError", "ErrorMessage": "not approved"}


def begun(
    operation: str = "CALLBACK",
    parent: str | None = None,
    name: Any = NAME,
    timeout: Any = ABSENT,
    heartbeat_timeout: Any = ABSENT,
) -> Event:
    """A callback that begins; its limits are recorded only where it has some."""
    return started(
        "Callback",
        operation,
        parent,
        name=name,
        CallbackId=Pattern("^[A-Za-z0-9+/=]+$"),
        Timeout=timeout,
        HeartbeatTimeout=heartbeat_timeout,
    )


def answered(
    operation: str = "CALLBACK", parent: str | None = None, name: Any = NAME, payload: Any = f'"{ANSWER}"'
) -> Event:
    return succeeded("Callback", operation, parent, name=name, payload=payload)


def refused(payload: Any = REJECTED) -> Event:
    return failed("Callback", "CALLBACK", name=NAME, payload=payload)


def timed_out(payload: Any) -> Event:
    return failed("Callback", "CALLBACK", name=NAME, payload=payload, ending="TimedOut")


TIMEOUT = error("Callback.Timeout", "Callback timed out")
MISSED_HEARTBEAT = error("Callback.Heartbeat", "Callback timed out on heartbeat")

REQUIREMENTS = [
    Case(
        id="4-1",
        handler=handlers.awaits,
        input=NAME,
        answers=[success(ANSWER)],
        # The default is to hand the text over as it came.
        result=f'"{ANSWER}"',
        history=[begun(), invocation_completed(), answered(), execution_succeeded(f'"\\"{ANSWER}\\""')],
    ),
    Case(
        id="4-3",
        handler=handlers.awaits_five_seconds,
        input=NAME,
        status="FAILED",
        history=[
            begun(timeout=5),
            invocation_completed(),
            timed_out(TIMEOUT),
            execution_failed(error(Pattern("CallbackTimeoutError$"), "Callback timed out")),
        ],
    ),
    Case(
        id="4-5",
        handler=handlers.awaits_heartbeats,
        input=NAME,
        answers=[heartbeat(after=0), success(ANSWER)],
        history=[
            begun(heartbeat_timeout=10),
            invocation_completed(),
            answered(),
            execution_succeeded(),
        ],
    ),
    Case(
        id="4-7",
        handler=handlers.does_a_step_first,
        input=NAME,
        answers=[failure(REJECTED)],
        status="FAILED",
        history=[
            begun(),
            step("STEP"),
            invocation_completed(),
            refused(),
            execution_failed(error(Pattern("CallbackExternalError$"), "not approved")),
        ],
    ),
    Case(
        id="4-9",
        handler=handlers.waits_first,
        input=NAME,
        answers=[success(ANSWER)],
        history=[
            begun(),
            started("Wait", "WAIT", Duration=5),
            invocation_completed(),
            answered(),
            invocation_completed(),
            succeeded("Wait", "WAIT", Duration=5),
            execution_succeeded(),
        ],
    ),
    Case(
        id="4-11",
        handler=handlers.waits_longer_than_its_callback,
        input=NAME,
        status="FAILED",
        history=[
            begun(timeout=3),
            started("Wait", "WAIT", Duration=6),
            invocation_completed(),
            timed_out(TIMEOUT),
            invocation_completed(),
            succeeded("Wait", "WAIT", Duration=6),
            execution_failed(error(Pattern("CallbackTimeoutError$"))),
        ],
    ),
    Case(
        id="4-13",
        handler=handlers.catches_then_waits,
        input=NAME,
        answers=[failure(REJECTED)],
        result="failed: not approved",
        history=[
            begun(),
            invocation_completed(),
            refused(),
            waited(2, "WAIT"),
            execution_succeeded('"failed: not approved"'),
        ],
    ),
    Case(
        id="4-15",
        handler=handlers.reads_a_date,
        input=NAME,
        answers=[success({"id": ANSWER, "message": "hello", "timestamp": "2026-01-01T00:00:00.000Z"})],
        result={"received": {"id": ANSWER, "message": "hello", "timestamp": 1_767_225_600}},
        history=[begun(), invocation_completed(), answered(payload=ANY), execution_succeeded()],
    ),
    Case(
        id="4-17",
        handler=handlers.one_after_the_other,
        input=[NAME, OTHER],
        answers=[success(ANSWER), success(OTHER_ANSWER, callback=1)],
        result=[f'"{ANSWER}"', f'"{OTHER_ANSWER}"'],
        history=[
            begun("FIRST"),
            invocation_completed(),
            answered("FIRST"),
            begun("SECOND", name=OTHER),
            invocation_completed(),
            answered("SECOND", name=OTHER, payload=f'"{OTHER_ANSWER}"'),
            execution_succeeded(),
        ],
    ),
    Case(
        id="4-19",
        handler=handlers.both_in_reverse,
        input=[NAME, OTHER],
        answers=[success(OTHER_ANSWER, callback=1, after=4), success(ANSWER, after=1)],
        result=[f'"{ANSWER}"', f'"{OTHER_ANSWER}"'],
        history=[
            begun("FIRST"),
            begun("SECOND", name=OTHER),
            invocation_completed(),
            answered("FIRST"),
            invocation_completed(),
            answered("SECOND", name=OTHER, payload=f'"{OTHER_ANSWER}"'),
            execution_succeeded(),
        ],
    ),
]

OUR_OWN = [
    Case(
        id="a-failure-that-is-not-caught-fails-the-execution",
        handler=handlers.awaits,
        input=NAME,
        answers=[failure(REJECTED)],
        status="FAILED",
        history=[
            begun(),
            invocation_completed(),
            refused(),
            execution_failed(error(Pattern("CallbackExternalError$"), "not approved")),
        ],
    ),
    Case(
        id="a-failure-without-an-error-has-none-invented",
        handler=handlers.catches,
        input=NAME,
        answers=[failure()],
        result=["CallbackExternalError", ANY],
        history=[
            begun(timeout=8, heartbeat_timeout=3),
            invocation_completed(),
            refused({"ErrorType": ABSENT, "ErrorMessage": ABSENT}),
            execution_succeeded(),
        ],
    ),
    Case(
        id="a-callback-without-heartbeats-times-out",
        handler=handlers.awaits_heartbeats,
        input=NAME,
        status="FAILED",
        history=[
            begun(heartbeat_timeout=10),
            invocation_completed(),
            timed_out(MISSED_HEARTBEAT),
            execution_failed(error(Pattern("CallbackTimeoutError$"), "Callback timed out on heartbeat")),
        ],
    ),
    Case(
        id="heartbeats-that-stop-time-out-from-the-last-one",
        handler=handlers.catches,
        input=NAME,
        answers=[heartbeat(after=2), heartbeat(after=4)],
        result=["CallbackTimeoutError", "Callback timed out on heartbeat"],
        history=[
            begun(timeout=8, heartbeat_timeout=3),
            invocation_completed(),
            timed_out(MISSED_HEARTBEAT),
            execution_succeeded(),
        ],
    ),
    Case(
        id="heartbeats-do-not-extend-the-timeout",
        handler=handlers.catches,
        input=NAME,
        answers=[heartbeat(after=2), heartbeat(after=4), heartbeat(after=6)],
        result=["CallbackTimeoutError", "Callback timed out"],
        history=[
            begun(timeout=8, heartbeat_timeout=3),
            invocation_completed(),
            timed_out(TIMEOUT),
            execution_succeeded(),
        ],
    ),
    Case(
        id="a-heartbeat-then-a-failure",
        handler=handlers.awaits_heartbeats,
        input=NAME,
        answers=[heartbeat(after=8), failure(REJECTED, after=15)],
        status="FAILED",
        history=[begun(heartbeat_timeout=10), invocation_completed(), refused(), execution_failed()],
    ),
    Case(
        id="an-answer-after-a-step-is-returned",
        handler=handlers.does_a_step_first,
        input=NAME,
        answers=[success(ANSWER)],
        result=f'"{ANSWER}"',
        history=[begun(), step("STEP"), invocation_completed(), answered(), execution_succeeded()],
    ),
    Case(
        id="a-failure-during-a-wait-is-raised-after-it",
        handler=handlers.waits_first,
        input=NAME,
        answers=[failure(REJECTED)],
        status="FAILED",
        history=[
            begun(),
            started("Wait", "WAIT", Duration=5),
            invocation_completed(),
            refused(),
            invocation_completed(),
            succeeded("Wait", "WAIT", Duration=5),
            execution_failed(error(Pattern("CallbackExternalError$"), "not approved")),
        ],
    ),
    Case(
        id="an-answer-is-returned-again-on-replay",
        handler=handlers.catches_then_waits,
        input=NAME,
        answers=[success(ANSWER)],
        result=f'"{ANSWER}"',
        history=[begun(), invocation_completed(), answered(), waited(2, "WAIT"), execution_succeeded()],
    ),
    Case(
        id="an-answer-after-the-wait-is-awaited-in-another-invocation",
        handler=handlers.waits_first,
        input=NAME,
        answers=[success(ANSWER, after=7)],
        history=[
            begun(),
            waited(5, "WAIT"),
            invocation_completed(),
            answered(),
            execution_succeeded(),
        ],
    ),
    Case(
        id="two-callbacks-are-awaited-in-order",
        handler=handlers.both_in_order,
        input=[NAME, OTHER],
        answers=[success(ANSWER, after=4), success(OTHER_ANSWER, callback=1, after=1)],
        result=[f'"{ANSWER}"', f'"{OTHER_ANSWER}"'],
        history=[
            begun("FIRST"),
            begun("SECOND", name=OTHER),
            invocation_completed(),
            answered("SECOND", name=OTHER, payload=f'"{OTHER_ANSWER}"'),
            invocation_completed(),
            answered("FIRST"),
            execution_succeeded(),
        ],
    ),
    Case(
        id="a-success-without-a-payload-has-no-result",
        handler=handlers.awaits,
        input=NAME,
        answers=[success()],
        result=None,
        history=[
            begun(),
            invocation_completed(),
            answered(payload=ABSENT),
            execution_succeeded("null"),
        ],
    ),
    Case(
        id="a-callback-that-nobody-awaits-does-not-hold-the-execution-up",
        handler=handlers.never_looks,
        input=NAME,
        result=True,
        history=[begun(), execution_succeeded("true")],
    ),
    Case(
        id="a-callback-needs-no-name",
        handler=handlers.without_a_name,
        answers=[success(ANSWER)],
        history=[
            begun(name=ABSENT),
            invocation_completed(),
            answered(name=ABSENT),
            execution_succeeded(),
        ],
    ),
    Case(
        id="an-answer-that-cannot-be-read-fails-the-execution",
        handler=handlers.cannot_read,
        input=NAME,
        answers=[success(ANSWER)],
        status="FAILED",
        history=[
            begun(),
            invocation_completed(),
            answered(),
            execution_failed(error(Pattern("SerDesError$"), Pattern("cannot be read"))),
        ],
    ),
    Case(
        id="a-callback-in-a-child-context-has-it-as-its-parent",
        handler=handlers.in_a_child,
        input=NAME,
        answers=[success(ANSWER)],
        history=[
            started("RunInChildContext", "CHILD"),
            begun(parent="CHILD"),
            invocation_completed(),
            answered(parent="CHILD"),
            succeeded("RunInChildContext", "CHILD", payload=f'"\\"{ANSWER}\\""'),
            execution_succeeded(),
        ],
    ),
    Case(
        id="the-callback-id-is-the-same-on-replay",
        handler=handlers.hands_its_id_over,
        input=NAME,
        answers=[success(ANSWER)],
        result=[f'"{ANSWER}"', True],
        history=[
            begun(),
            step("STEP", name="tell"),
            invocation_completed(),
            answered(),
            execution_succeeded(),
        ],
    ),
    Case(
        id="callbacks-of-branches-are-answered-in-any-order",
        handler=handlers.in_parallel,
        input=[NAME, OTHER],
        answers=[
            success(ANSWER, callback=NAME, after=3),
            success(OTHER_ANSWER, callback=OTHER, after=1),
        ],
        result=[f'"{ANSWER}"', f'"{OTHER_ANSWER}"'],
        history=[started("Parallel", "PARALLEL")],
        is_whole_history=False,
    ),
    Case(
        id="an-answer-may-be-read-more-than-once",
        handler=handlers.looks_twice,
        input=NAME,
        answers=[success(ANSWER)],
        result=[f'"{ANSWER}"', f'"{ANSWER}"'],
        history=[begun(), invocation_completed(), answered(), execution_succeeded()],
    ),
]


@pytest.mark.parametrize("case", REQUIREMENTS + OUR_OWN, ids=lambda case: case.id)
def test_conforms(case: Case) -> None:
    check(case)
