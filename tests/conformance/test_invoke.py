"""Conformance of invoked functions.

Ids such as ``5-1`` are those of AWS's public cross-SDK conformance suite; requirements of our own have names
instead.
"""

from __future__ import annotations

from typing import Any

import pytest
from conformance import invoke_handlers as handlers
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
from conformance.matching import ABSENT, ANY, Pattern

TEXT = "Rq6yHn2s"
NESTED = {"nested": {"key": "value", "items": [1, 2, 3]}, "source": "test"}
NESTED_TEXT = '{"nested": {"key": "value", "items": [1, 2, 3]}, "source": "test"}'
DURABLE_ARN = Pattern("^arn:aws:lambda:.*:function:target:.*/durable-execution/")


def begun(
    operation: str = "INVOKE",
    parent: str | None = None,
    payload: Any = ANY,
    name: Any = ABSENT,
    arn: Any = DURABLE_ARN,
    tenant: Any = ABSENT,
) -> Event:
    return started(
        "ChainedInvoke",
        operation,
        parent,
        name=name,
        FunctionName=Pattern("target"),
        Input={"Payload": payload},
        ExecutedVersion=ANY,
        DurableExecutionArn=arn,
        TenantId=tenant,
    )


def returned(operation: str = "INVOKE", parent: str | None = None, payload: Any = ANY) -> Event:
    return succeeded("ChainedInvoke", operation, parent, payload=payload)


def round_trip(
    payload: str, result: str, operation: str = "INVOKE", parent: str | None = None
) -> list[Event]:
    """A function that is invoked, and returns while no invocation of its caller runs."""
    return [
        begun(operation, parent, payload),
        invocation_completed(),
        returned(operation, parent, result),
    ]


def refused(payload: Any = ANY, ending: str = "Failed") -> Event:
    return failed("ChainedInvoke", "INVOKE", payload=payload, ending=ending)


def stored(text: str) -> str:
    return f'"{text}"'


BROKEN = error("ValueError", "the target broke")

REQUIREMENTS = [
    Case(
        id="5-1",
        handler=handlers.invokes,
        functions={"target": handlers.echo},
        input=TEXT,
        result=TEXT,
        history=[round_trip(stored(TEXT), stored(TEXT)), execution_succeeded(stored(TEXT))],
    ),
    Case(
        id="5-3",
        handler=handlers.invokes,
        functions={"target": handlers.echo},
        input=NESTED,
        result=NESTED,
        history=[round_trip(NESTED_TEXT, NESTED_TEXT), execution_succeeded(NESTED_TEXT)],
    ),
    Case(
        id="5-5",
        handler=handlers.invokes,
        functions={"target": handlers.fail},
        status="FAILED",
        history=[
            begun(),
            invocation_completed(),
            refused(BROKEN),
            execution_failed(error(Pattern("InvokeError$"), "the target broke")),
        ],
    ),
    Case(
        id="5-7",
        handler=handlers.invokes_with_a_large_payload,
        functions={"target": handlers.measure},
        result=handlers.LARGE,
        history=[
            round_trip(stored("x" * handlers.LARGE), str(handlers.LARGE)),
            execution_succeeded(str(handlers.LARGE)),
        ],
    ),
    Case(
        id="5-9",
        handler=handlers.invokes_then_waits,
        functions={"target": handlers.echo},
        result=None,
        history=[round_trip("null", "null"), waited(1, "WAIT"), execution_succeeded("null")],
    ),
    Case(
        id="5-11",
        handler=handlers.does_a_step_first,
        functions={"target": handlers.echo},
        result="from the step",
        history=[
            step("STEP", payload='"from the step"'),
            round_trip('"from the step"', '"from the step"'),
            execution_succeeded(),
        ],
    ),
    Case(
        id="5-13",
        handler=handlers.invokes_in_a_child,
        functions={"target": handlers.echo},
        result="from the child",
        history=[
            started("RunInChildContext", "CHILD"),
            round_trip('"from the child"', '"from the child"', "INVOKE", "CHILD"),
            succeeded("RunInChildContext", "CHILD", payload='"from the child"'),
            execution_succeeded(),
        ],
    ),
    Case(
        id="5-15",
        handler=handlers.sends_capitals,
        functions={"target": handlers.echo},
        input={"data": "hello"},
        result="HELLO",
        history=[round_trip('"HELLO"', '"HELLO"'), execution_succeeded('"HELLO"')],
    ),
]

OUR_OWN = [
    Case(
        id="a-result-is-read-by-a-custom-serdes",
        handler=handlers.reads_small_letters,
        functions={"target": handlers.echo},
        input="LOUD",
        result="loud",
        history=[round_trip('"LOUD"', '"LOUD"'), execution_succeeded('"loud"')],
    ),
    Case(
        id="a-payload-that-cannot-be-sent-invokes-nothing",
        handler=handlers.cannot_send,
        functions={"target": handlers.echo},
        status="FAILED",
        history=[execution_failed(error(Pattern("SerDesError$"), Pattern("cannot be sent")))],
    ),
    Case(
        id="a-name-is-recorded",
        handler=handlers.named,
        functions={"target": handlers.echo},
        input=1,
        history=[
            begun(name="call", payload="1"),
            invocation_completed(),
            succeeded("ChainedInvoke", "INVOKE", name="call", payload="1"),
            execution_succeeded("1"),
        ],
    ),
    Case(
        id="a-tenant-is-recorded",
        handler=handlers.for_a_tenant,
        functions={"target": handlers.echo},
        input=1,
        history=[begun(tenant="tenant-7"), invocation_completed(), returned(), execution_succeeded("1")],
    ),
    Case(
        id="nothing-is-sent-as-null",
        handler=handlers.invokes_without_a_payload,
        functions={"target": handlers.echo},
        result=None,
        history=[round_trip("null", "null"), execution_succeeded("null")],
    ),
    Case(
        id="a-failure-can-be-caught",
        handler=handlers.catches,
        functions={"target": handlers.fail},
        result=["the target broke", "ValueError"],
        history=[begun(), invocation_completed(), refused(BROKEN), execution_succeeded()],
    ),
    Case(
        id="a-failure-is-raised-again-on-replay",
        handler=handlers.catches_then_waits,
        functions={"target": handlers.fail},
        result=["the target broke", "ValueError"],
        history=[
            begun(),
            invocation_completed(),
            refused(BROKEN),
            waited(1, "WAIT"),
            execution_succeeded(),
        ],
    ),
    Case(
        id="functions-are-invoked-one-after-the-other",
        handler=handlers.invokes_twice,
        functions={"target": handlers.echo},
        input=1,
        result=[1, "again"],
        history=[
            round_trip("1", "1", "FIRST"),
            round_trip('[1, "again"]', '[1, "again"]', "SECOND"),
            execution_succeeded(),
        ],
    ),
    Case(
        id="functions-are-invoked-by-branches",
        handler=handlers.invokes_in_parallel,
        functions={"target": handlers.echo_after_a_wait},
        input=["a", "b", "c"],
        result=["a", "b", "c"],
        history=[started("Parallel", "PARALLEL")],
        is_whole_history=False,
    ),
    Case(
        id="a-target-that-waits-is-awaited",
        handler=handlers.invokes,
        functions={"target": handlers.echo_after_a_wait},
        input=TEXT,
        result=TEXT,
        history=[round_trip(stored(TEXT), stored(TEXT)), execution_succeeded(stored(TEXT))],
    ),
    Case(
        id="a-plain-function-has-no-execution-of-its-own",
        handler=handlers.invokes,
        plain_functions={"target": handlers.plain_echo},
        input=NESTED,
        result=NESTED,
        history=[
            begun(arn=ABSENT, payload=NESTED_TEXT),
            invocation_completed(),
            returned(payload=NESTED_TEXT),
            execution_succeeded(NESTED_TEXT),
        ],
    ),
    Case(
        id="a-plain-function-that-raises-fails",
        handler=handlers.catches,
        plain_functions={"target": handlers.plain_fail},
        result=["the plain target broke", "ValueError"],
        history=[
            begun(arn=ABSENT),
            invocation_completed(),
            refused(error("ValueError", "the plain target broke")),
            execution_succeeded(),
        ],
    ),
    Case(
        id="a-target-that-takes-too-long-times-out",
        handler=handlers.catches,
        functions={"target": handlers.echo_after_a_wait},
        function_timeout_seconds=10,
        result=[Pattern("timed out"), Pattern("Timeout")],
        history=[
            begun(),
            invocation_completed(),
            refused(error(Pattern("Timeout"), Pattern("10 seconds")), "TimedOut"),
            execution_succeeded(),
        ],
    ),
    Case(
        id="a-version-may-be-invoked",
        handler=handlers.invokes_a_version,
        functions={"target": handlers.echo},
        input=TEXT,
        result=TEXT,
        history=[
            started("ChainedInvoke", "INVOKE", FunctionName="target:7", ExecutedVersion="7"),
            invocation_completed(),
            returned(payload=stored(TEXT)),
            execution_succeeded(),
        ],
    ),
    Case(
        id="a-function-that-is-no-longer-awaited-does-not-hold-the-execution-up",
        handler=handlers.first_of_two,
        functions={"target": handlers.echo, "slow": handlers.echo_after_a_wait},
        input=TEXT,
        result=[[TEXT], 1],
        history=[started("Parallel", "PARALLEL")],
        is_whole_history=False,
    ),
    Case(
        id="a-function-that-does-not-exist-fails-at-once",
        handler=handlers.catches,
        result=[Pattern("target"), "ResourceNotFoundException"],
        history=[
            started("ChainedInvoke", "INVOKE", FunctionName="target"),
            refused(error("ResourceNotFoundException")),
            execution_succeeded(),
        ],
    ),
]


@pytest.mark.parametrize("case", REQUIREMENTS + OUR_OWN, ids=lambda case: case.id)
def test_conforms(case: Case) -> None:
    check(case)
