"""Conformance of map.

Ids such as ``9-1`` are those of AWS's public cross-SDK conformance suite; requirements of our own have names
instead.
"""

from __future__ import annotations

import json
from typing import Any

import pytest
from conformance import batch_handlers as handlers
from conformance.batch_handlers import call, constant, counts, mapped, raising, step_after_a_wait, step_of
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

from durable_sdk.config import CompletionConfig
from durable_sdk.serdes import JsonSerDes

BATCH = "Map"
ITEM = "MapIteration"
NOT_EMPTY = Pattern(".")


def begun(name: Any = None) -> Event:
    return started(BATCH, "BATCH", name=name)


def ended(name: Any = None, payload: Any = NOT_EMPTY) -> Event:
    return succeeded(BATCH, "BATCH", name=name, payload=payload)


def item(number: int, *inside: Event | list[Event], payload: Any, name: Any = None) -> list[Event]:
    """An item whose function begins and succeeds, with what happens in it."""
    events = [started(ITEM, f"ITEM{number}", "BATCH", name=name)]
    for entry in inside:
        events += entry if isinstance(entry, list) else [entry]
    return [*events, succeeded(ITEM, f"ITEM{number}", "BATCH", name=name, payload=payload)]


def broken(number: int) -> list[Event]:
    """An item whose function raises."""
    return [
        started(ITEM, f"ITEM{number}", "BATCH"),
        failed(ITEM, f"ITEM{number}", "BATCH", payload=error("ValueError", "broken")),
    ]


def counted(reason: str, status: str, success: int, failure: int, total: int) -> dict[str, Any]:
    return {
        "completionReason": reason,
        "status": status,
        "successCount": success,
        "failureCount": failure,
        "totalCount": total,
    }


OK, BROKEN, NEVER = constant("ok"), raising("broken"), constant("never")

REQUIREMENTS = [
    Case(
        id="9-1",
        handler=mapped(None, handlers.greet_in_a_step, name="map"),
        input=["World", "Kiro"],
        result=["Hello, World!", "Hello, Kiro!"],
        history=[
            begun("map"),
            item(0, step("STEP0", "ITEM0", payload='"Hello, World!"'), payload='"Hello, World!"'),
            item(1, step("STEP1", "ITEM1", payload='"Hello, Kiro!"'), payload='"Hello, Kiro!"'),
            ended("map"),
            execution_succeeded('["Hello, World!", "Hello, Kiro!"]'),
        ],
    ),
    Case(
        id="9-3",
        handler=mapped(None, handlers.add_index, name="indexed"),
        input=[10, 20, 30],
        result=[10, 21, 32],
        history=[
            begun("indexed"),
            item(0, payload="10"),
            item(1, payload="21"),
            item(2, payload="32"),
            ended("indexed"),
            execution_succeeded("[10, 21, 32]"),
        ],
    ),
    Case(
        id="9-5",
        handler=mapped(
            [OK, BROKEN, NEVER],
            call,
            name="failfast",
            show=counts,
            completion_config=CompletionConfig(tolerated_failure_count=0),
        ),
        result=counted("FAILURE_TOLERANCE_EXCEEDED", "FAILED", 1, 1, 2),
        history=[
            begun("failfast"),
            item(0, payload='"ok"'),
            broken(1),
            ended("failfast"),
            execution_succeeded(),
        ],
    ),
    Case(
        id="9-7",
        handler=mapped(
            ["a", "b", "c", "d"],
            handlers.itself,
            name="min-successful",
            show=counts,
            completion_config=CompletionConfig(min_successful=2),
        ),
        result=counted("MIN_SUCCESSFUL_REACHED", "SUCCEEDED", 2, 0, 2),
        history=[
            begun("min-successful"),
            item(0, payload='"a"'),
            item(1, payload='"b"'),
            ended("min-successful"),
            execution_succeeded(),
        ],
    ),
    Case(
        id="9-9",
        handler=mapped(
            [BROKEN, BROKEN, NEVER],
            call,
            name="tolerated-exceeded",
            show=counts,
            completion_config=CompletionConfig(tolerated_failure_count=1),
        ),
        result=counted("FAILURE_TOLERANCE_EXCEEDED", "FAILED", 0, 2, 2),
        history=[
            begun("tolerated-exceeded"),
            broken(0),
            broken(1),
            ended("tolerated-exceeded"),
            execution_succeeded(),
        ],
    ),
    Case(
        id="9-11",
        handler=mapped(["r0", "r1", "r2"], handlers.itself, name="concurrent", max_concurrency=2),
        result=["r0", "r1", "r2"],
        history=[begun("concurrent")],
        is_whole_history=False,
    ),
    Case(
        id="9-13",
        handler=mapped(
            None,
            handlers.tenfold,
            name="named-items",
            item_namer=lambda item, index: f"item-{item}",
        ),
        input=[1, 2],
        result=[10, 20],
        history=[
            begun("named-items"),
            item(0, payload="10", name="item-1"),
            item(1, payload="20", name="item-2"),
            ended("named-items"),
            execution_succeeded("[10, 20]"),
        ],
    ),
    Case(
        id="9-15",
        handler=mapped([step_of("r0"), step_after_a_wait("r1")], call, name="suspend"),
        result=["r0", "r1"],
        history=[
            begun("suspend"),
            item(0, step("STEP0", "ITEM0", payload='"r0"'), payload='"r0"'),
            item(
                1,
                waited(1, "WAIT", "ITEM1"),
                step("STEP1", "ITEM1", payload='"r1"'),
                payload='"r1"',
            ),
            ended("suspend"),
            execution_succeeded(),
        ],
    ),
    Case(
        id="9-17",
        handler=mapped(["a", "b"], handlers.capitals, name="then-wait", wait=True),
        result=["A", "B"],
        history=[
            begun("then-wait"),
            item(0, payload='"A"'),
            item(1, payload='"B"'),
            ended("then-wait"),
            waited(1, "WAIT"),
            execution_succeeded(),
        ],
    ),
    Case(
        id="9-19",
        handler=mapped(
            ["x", "y"],
            handlers.capitals,
            name="op-serde",
            serdes=handlers.Joining(handlers.all_succeeded),
            # Items are stored with the serdes of the batch unless they have one of their own.
            item_serdes=JsonSerDes(),
        ),
        result=["X", "Y"],
        history=[
            begun("op-serde"),
            item(0, payload='"X"'),
            item(1, payload='"Y"'),
            ended("op-serde", payload="OPSERDE:X,Y"),
            execution_succeeded('["X", "Y"]'),
        ],
    ),
]

OUR_OWN = [
    Case(
        id="items-are-named-after-their-positions",
        handler=mapped([1, 2], handlers.itself),
        history=[
            begun(ABSENT),
            item(0, payload="1", name="map-item-0"),
            item(1, payload="2", name="map-item-1"),
            ended(ABSENT),
            execution_succeeded("[1, 2]"),
        ],
    ),
    Case(
        id="nothing-to-map-completes-at-once",
        handler=mapped([], handlers.itself, show=counts),
        result=counted("ALL_COMPLETED", "SUCCEEDED", 0, 0, 0),
        history=[begun(), ended(), execution_succeeded()],
    ),
    Case(
        id="the-first-failure-ends-a-map-by-default",
        handler=mapped([BROKEN, NEVER], call, show=counts),
        result=counted("FAILURE_TOLERANCE_EXCEEDED", "FAILED", 0, 1, 1),
        history=[begun(), broken(0), ended(), execution_succeeded()],
    ),
    Case(
        id="failures-within-the-tolerance-end-nothing",
        handler=mapped(
            [BROKEN, OK], call, show=counts, completion_config=CompletionConfig(tolerated_failure_count=1)
        ),
        result=counted("ALL_COMPLETED", "FAILED", 1, 1, 2),
        history=[begun(), broken(0), item(1, payload='"ok"'), ended(), execution_succeeded()],
    ),
    Case(
        id="too-large-a-part-of-failures-ends-a-map",
        handler=mapped(
            [BROKEN, OK, BROKEN, NEVER],
            call,
            show=counts,
            completion_config=CompletionConfig(tolerated_failure_percentage=25),
        ),
        result=counted("FAILURE_TOLERANCE_EXCEEDED", "FAILED", 1, 2, 3),
        history=[begun(), broken(0), item(1, payload='"ok"'), broken(2), ended(), execution_succeeded()],
    ),
    Case(
        id="a-failure-is-raised-on-demand",
        handler=mapped([OK, BROKEN], call, show=handlers.throw),
        status="FAILED",
        history=[
            begun(),
            item(0, payload='"ok"'),
            broken(1),
            ended(),
            execution_failed(error(Pattern("ChildContextError$"), "broken")),
        ],
    ),
    Case(
        id="flat-items-leave-no-events",
        handler=mapped(["a", "b"], handlers.greet_in_a_step, nesting_type=handlers.FLAT),
        result=["Hello, a!", "Hello, b!"],
        history=[
            begun(),
            step("STEP0", "BATCH", payload='"Hello, a!"'),
            step("STEP1", "BATCH", payload='"Hello, b!"'),
            ended(),
            execution_succeeded(),
        ],
    ),
    Case(
        id="items-are-stored-by-a-custom-serdes",
        handler=mapped(["x", "y"], handlers.itself, item_serdes=handlers.Wrapping(), wait=True),
        result=["x", "y"],
        history=[
            begun(),
            item(0, payload='{"wrapped": "x"}'),
            item(1, payload='{"wrapped": "y"}'),
            ended(),
            waited(1, "WAIT"),
            execution_succeeded(),
        ],
    ),
    Case(
        id="a-custom-serdes-brings-the-batch-back-on-replay",
        handler=mapped(
            ["x", "y"],
            handlers.capitals,
            serdes=handlers.Joining(handlers.all_succeeded),
            item_serdes=handlers.Wrapping(),
            wait=True,
        ),
        result=["X", "Y"],
        history=[
            begun(),
            item(0, payload='{"wrapped": "X"}'),
            item(1, payload='{"wrapped": "Y"}'),
            ended(payload="OPSERDE:X,Y"),
            waited(1, "WAIT"),
            execution_succeeded(),
        ],
    ),
    Case(
        id="a-map-with-failures-is-not-run-again",
        handler=mapped(
            [BROKEN, OK],
            call,
            show=counts,
            wait=True,
            completion_config=CompletionConfig(tolerated_failure_count=1),
        ),
        result=counted("ALL_COMPLETED", "FAILED", 1, 1, 2),
        history=[
            begun(),
            broken(0),
            item(1, payload='"ok"'),
            ended(),
            waited(1, "WAIT"),
            execution_succeeded(),
        ],
    ),
    Case(
        id="a-retry-in-an-item-suspends-the-execution",
        handler=mapped([handlers.retried_step, OK], call),
        result=["Operation succeeded", "ok"],
        history=[
            begun(),
            started(ITEM, "ITEM0", "BATCH"),
            started("Step", "STEP", "ITEM0"),
            failed("Step", "STEP", "ITEM0", attempt=1, delay=1),
            invocation_completed(),
            step("STEP", "ITEM0", attempt=2),
            succeeded(ITEM, "ITEM0", "BATCH"),
            item(1, payload='"ok"'),
            ended(),
            execution_succeeded(),
        ],
    ),
    Case(
        id="items-that-wait-at-the-same-time-go-on-together",
        handler=mapped(
            [step_after_a_wait("a"), step_after_a_wait("b"), step_after_a_wait("c")],
            call,
            max_concurrency=None,
        ),
        result=["a", "b", "c"],
        history=[begun()],
        is_whole_history=False,
    ),
    Case(
        id="maps-nest",
        handler=handlers.nested_map,
        result=[[10, 20], [30]],
        history=[
            started(BATCH, "OUTER", name="outer"),
            started(ITEM, "A", "OUTER", name="map-item-0"),
            started(BATCH, "INNER_A", "A", name="inner"),
            started(ITEM, "A0", "INNER_A"),
            succeeded(ITEM, "A0", "INNER_A", payload="10"),
            started(ITEM, "A1", "INNER_A"),
            succeeded(ITEM, "A1", "INNER_A", payload="20"),
            succeeded(BATCH, "INNER_A", "A", name="inner"),
            succeeded(ITEM, "A", "OUTER", payload="[10,20]"),
            started(ITEM, "B", "OUTER", name="map-item-1"),
            started(BATCH, "INNER_B", "B", name="inner"),
            started(ITEM, "B0", "INNER_B"),
            succeeded(ITEM, "B0", "INNER_B", payload="30"),
            succeeded(BATCH, "INNER_B", "B", name="inner"),
            succeeded(ITEM, "B", "OUTER", payload="[30]"),
            succeeded(BATCH, "OUTER", name="outer"),
            execution_succeeded("[[10, 20], [30]]"),
        ],
    ),
    Case(
        id="a-record-stands-for-a-large-map",
        handler=mapped(
            ["x" * handlers.LARGE, "y" * handlers.LARGE],
            handlers.itself,
            wait=True,
            show=lambda batch: [len(result) for result in batch.get_results()],
            summary_generator=lambda batch: f"{batch.total_count} texts",
        ),
        result=[handlers.LARGE, handlers.LARGE],
        history=[
            begun(),
            item(0, payload=Pattern("^.x{1000}")),
            item(1, payload=Pattern("^.y{1000}")),
            ended(
                payload=json.dumps(
                    {
                        "type": "MapResult",
                        "totalCount": 2,
                        "completionReason": "ALL_COMPLETED",
                        "startedIndexes": [],
                        "startedCount": 0,
                        "successCount": 2,
                        "failureCount": 0,
                        "status": "SUCCEEDED",
                        "summary": "2 texts",
                    }
                )
            ),
            waited(1, "WAIT"),
            execution_succeeded(),
        ],
    ),
    Case(
        id="a-decision-of-the-user-ends-a-map",
        handler=mapped(
            ["a", "b", "c"],
            handlers.itself,
            show=counts,
            completion_config=CompletionConfig(should_complete=handlers.two_are_enough),
        ),
        result=counted("CUSTOM_COMPLETION_SUCCEEDED", "SUCCEEDED", 2, 0, 2),
        history=[begun(), item(0, payload='"a"'), item(1, payload='"b"'), ended(), execution_succeeded()],
    ),
]


@pytest.mark.parametrize("case", REQUIREMENTS + OUR_OWN, ids=lambda case: case.id)
def test_conforms(case: Case) -> None:
    check(case)
