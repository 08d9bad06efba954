"""Conformance of waits.

Ids such as ``2-1`` are those of AWS's public cross-SDK conformance suite; requirements of our own have names
instead.
"""

from __future__ import annotations

import pytest
from conformance import wait_handlers as handlers
from conformance.driver import Case, check
from conformance.expected import (
    error,
    execution_failed,
    execution_succeeded,
    invocation_completed,
    started,
    step,
    waited,
)
from conformance.matching import ANY, Pattern

REQUIREMENTS = [
    Case(
        id="2-1",
        handler=handlers.waits,
        result=None,
        history=[waited(2, "WAIT"), execution_succeeded("null")],
    ),
    Case(
        id="2-3",
        handler=handlers.waits_twice,
        result={"completedWaits": 2},
        history=[
            waited(2, "FIRST", name="wait-1"),
            waited(2, "SECOND", name="wait-2"),
            execution_succeeded(),
        ],
    ),
    Case(
        id="2-5",
        handler=handlers.waits_an_hour,
        suspends=True,
        history=[
            started("Wait", "WAIT", Duration=3600, ScheduledEndTimestamp=ANY),
            invocation_completed(),
        ],
    ),
]

OUR_OWN = [
    Case(
        id="an-hour-passes",
        handler=handlers.waits_an_hour,
        result="an hour later",
        history=[waited(3600, "WAIT"), execution_succeeded()],
    ),
    Case(
        id="durations-are-recorded-in-whole-seconds",
        handler=handlers.waits_in_minutes_and_days,
        history=[
            waited(90, "MINUTES", name="minutes"),
            waited(172_800, "DAYS", name="days"),
            execution_succeeded(),
        ],
    ),
    Case(
        id="no-time-to-wait-is-refused-before-anything-is-recorded",
        handler=handlers.waits_no_time,
        status="FAILED",
        history=[execution_failed(error(Pattern("ValidationError$")))],
    ),
    Case(
        id="what-follows-a-wait-runs-in-the-next-invocation",
        handler=handlers.waits_between_steps,
        result=["before", "after"],
        history=[
            step("BEFORE", payload='"before"'),
            waited(5, "WAIT", name="pause"),
            step("AFTER", payload='"after"'),
            execution_succeeded(),
        ],
    ),
]


@pytest.mark.parametrize("case", REQUIREMENTS + OUR_OWN, ids=lambda case: case.id)
def test_conforms(case: Case) -> None:
    check(case)
