"""Conformance of wait_for_condition.

Ids such as ``6-1`` are those of AWS's public cross-SDK conformance suite; requirements of our own have names
instead.
"""

from __future__ import annotations

from typing import Any

import pytest
from conformance import wait_for_condition_handlers as handlers
from conformance.driver import Case, check
from conformance.expected import (
    Event,
    error,
    execution_failed,
    execution_succeeded,
    failed,
    invocation_completed,
    started,
    succeeded,
    waited,
)
from conformance.matching import ABSENT, Logged, Pattern

KIND = "WaitForCondition"


def polled(
    attempt: int,
    payload: Any,
    delay: int = 1,
    operation: str = "POLL",
    parent: str | None = None,
    name: Any = ABSENT,
) -> list[Event]:
    """A check after which polling goes on."""
    return [
        started(KIND, operation, parent, name=name),
        succeeded(KIND, operation, parent, name=name, payload=payload, attempt=attempt, delay=delay),
        invocation_completed(),
    ]


def met(
    attempt: int, payload: Any, operation: str = "POLL", parent: str | None = None, name: Any = ABSENT
) -> list[Event]:
    """The check that finds the condition met."""
    return [
        started(KIND, operation, parent, name=name),
        succeeded(KIND, operation, parent, name=name, payload=payload, attempt=attempt),
    ]


def broken(attempt: int, payload: Any) -> list[Event]:
    """A check that fails."""
    return [started(KIND, "POLL"), failed(KIND, "POLL", payload=payload, attempt=attempt)]


BROKEN = error("ValueError", "the check broke")

REQUIREMENTS = [
    Case(
        id="6-1",
        handler=handlers.counts,
        input=3,
        result=3,
        history=[polled(1, "1"), polled(2, "2"), met(3, "3"), execution_succeeded("3")],
    ),
    Case(
        id="6-3",
        handler=handlers.counts_by_name,
        input=2,
        result=2,
        history=[
            polled(1, "1", name="poll-status"),
            met(2, "2", name="poll-status"),
            execution_succeeded("2"),
        ],
    ),
    Case(
        id="6-5",
        handler=handlers.counts_every_two_seconds,
        input=3,
        result=3,
        history=[polled(1, "1", 2), polled(2, "2", 2), met(3, "3"), execution_succeeded("3")],
    ),
    Case(
        id="6-7",
        handler=handlers.check_raises,
        status="FAILED",
        history=[
            broken(1, BROKEN),
            execution_failed(error(Pattern("WaitForConditionError$"), "the check broke")),
        ],
    ),
    Case(
        id="6-9",
        handler=handlers.threads_an_object,
        result={"status": "DONE", "attempts": 2},
        history=[polled(1, Pattern("PENDING")), met(2, Pattern("DONE")), execution_succeeded()],
    ),
    Case(
        id="6-11",
        handler=handlers.stores_by_a_custom_serdes,
        result="xx",
        history=[polled(1, "state:x"), met(2, "state:xx"), execution_succeeded('"xx"')],
    ),
    Case(
        id="6-13",
        handler=handlers.one_seeds_the_other,
        result=4,
        history=[
            polled(1, "1", operation="FIRST"),
            met(2, "2", operation="FIRST"),
            polled(1, "3", operation="SECOND"),
            met(2, "4", operation="SECOND"),
            execution_succeeded("4"),
        ],
    ),
]

OUR_OWN = [
    Case(
        id="a-condition-may-be-met-at-once",
        handler=handlers.counts,
        input=1,
        result=1,
        history=[met(1, "1"), execution_succeeded("1")],
    ),
    Case(
        id="delays-grow-by-the-backoff-rate-up-to-their-maximum-until-attempts-run-out",
        handler=handlers.gives_up,
        input=5,
        status="FAILED",
        history=[
            polled(1, "1", 1),
            polled(2, "2", 2),
            polled(3, "3", 4),
            polled(4, "4", 5),
            broken(5, error(Pattern("WaitForConditionError$"), Pattern("5 attempts"))),
            execution_failed(error(Pattern("WaitForConditionError$"), Pattern("5 attempts"))),
        ],
    ),
    Case(
        id="a-check-that-raises-can-be-caught-and-raises-again-on-replay",
        handler=handlers.catches,
        result=["the check broke", "ValueError"],
        history=[broken(1, BROKEN), waited(1, "WAIT"), execution_succeeded()],
    ),
    Case(
        id="a-later-check-that-raises-fails-the-operation",
        handler=handlers.raises_later,
        status="FAILED",
        history=[
            polled(1, "1"),
            broken(2, error("ValueError", "the second check broke")),
            execution_failed(),
        ],
    ),
    Case(
        id="checks-see-their-number-and-state-and-log-once",
        handler=handlers.counts,
        input=3,
        history=[polled(1, "1"), polled(2, "2"), met(3, "3"), execution_succeeded("3")],
        logs=[
            Logged({"message": "check 1 of state 0"}, count=1),
            Logged({"message": "check 2 of state 1"}, count=1, after=[{"message": "check 1 of state 0"}]),
            Logged({"message": "check 3 of state 2"}, count=1, after=[{"message": "check 2 of state 1"}]),
            Logged({"message": Pattern("^check")}, count=3),
        ],
    ),
    Case(
        id="what-was-found-is-returned-again-on-replay",
        handler=handlers.counts_then_waits,
        result=2,
        history=[polled(1, "1"), met(2, "2"), waited(1, "WAIT"), execution_succeeded("2")],
        logs=[Logged({"message": Pattern("^check")}, count=2)],
    ),
    Case(
        id="polling-in-a-child-context-has-it-as-its-parent",
        handler=handlers.counts_in_a_child,
        result=2,
        history=[
            started("RunInChildContext", "CHILD"),
            polled(1, "1", parent="CHILD"),
            met(2, "2", parent="CHILD"),
            succeeded("RunInChildContext", "CHILD", payload="2"),
            execution_succeeded("2"),
        ],
    ),
    Case(
        id="branches-poll-side-by-side",
        handler=handlers.counts_in_branches,
        input=[3, 1, 2],
        result=[3, 1, 2],
        history=[started("Parallel", "PARALLEL")],
        is_whole_history=False,
    ),
    Case(
        id="a-state-whose-text-is-empty-is-kept",
        handler=handlers.stays_empty,
        result="done",
        history=[polled(1, ""), met(2, "done"), execution_succeeded('"done"')],
        logs=[
            Logged({"message": 'saw "initial"'}, count=1),
            Logged({"message": 'saw ""'}, count=1),
        ],
    ),
]


@pytest.mark.parametrize("case", REQUIREMENTS + OUR_OWN, ids=lambda case: case.id)
def test_conforms(case: Case) -> None:
    check(case)
