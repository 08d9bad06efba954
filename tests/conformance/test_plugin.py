"""Conformance of plugins.

Ids such as ``10-1`` are those of AWS's public cross-SDK conformance suite; requirements of our own have names
instead.
"""

from __future__ import annotations

from typing import Any

import pytest
from conformance import invoke_handlers
from conformance import plugin_handlers as handlers
from conformance.driver import Case, check, success
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
from conformance.matching import ABSENT, ANY, Bound, Logged, Pattern
from conformance.plugin_handlers import Factory, Faulty, Tracer, recorded

TEXT = "Tb2oVx8k"
GREETING = f"Hello, {TEXT}!"
STEP, OTHER, CHILD = Bound("STEP"), Bound("OTHER"), Bound("CHILD")
TIMESTAMP = Pattern(r"^\d{4}-")


def record(hook: str, plugin: str = "CONFPLUGIN", **members: Any) -> dict[str, Any]:
    """What a log record of a hook must hold."""
    return {"plugin": plugin, "hook": hook} | members


def logged(hook: str, count: int = 1, after: list[dict[str, Any]] | None = None, **members: Any) -> Logged:
    """So many log records of a hook."""
    return Logged(record(hook, **members), count=count, after=after or [])


def retried() -> list[Event]:
    """A step that fails once, up to its second start."""
    return [
        started("Step", "STEP"),
        failed("Step", "STEP", attempt=1, delay=1),
        invocation_completed(),
    ]


def attempts(*outcomes: str) -> list[Logged]:
    """The hooks of each attempt, in order."""
    logs: list[Logged] = []
    before: list[dict[str, Any]] = []
    for number, outcome in enumerate(outcomes, 1):
        start = record("attempt-start", n=number, op=STEP)
        end = record("attempt-end", n=number, outcome=outcome, op=STEP)
        logs += [Logged(start, count=1, after=before), Logged(end, count=1, after=[start])]
        before = [end]
    return [*logs, logged("attempt-start", 0, n=len(outcomes) + 1)]


HOOKS = (
    "invocation-start",
    "operation-start",
    "attempt-start",
    "attempt-end",
    "operation-end",
    "invocation-end",
)

REQUIREMENTS = [
    Case(
        id="10-1",
        handler=recorded(handlers.greets),
        input=TEXT,
        result=GREETING,
        history=[step("STEP"), execution_succeeded()],
        logs=[
            logged("invocation-start", first=True),
            Logged(
                {"message": f"Greeting step running for: {TEXT}"},
                count=1,
                after=[record("invocation-start", first=True)],
            ),
            logged(
                "invocation-end",
                status="SUCCEEDED",
                after=[{"message": f"Greeting step running for: {TEXT}"}],
            ),
            logged("invocation-start", 0, first=False),
        ],
    ),
    Case(
        id="10-3",
        handler=recorded(handlers.retries),
        result="Operation succeeded",
        history=[retried(), step("STEP", attempt=2), execution_succeeded()],
        logs=attempts("FAILED", "SUCCEEDED"),
    ),
    Case(
        id="10-5",
        handler=recorded(handlers.greets, Factory("CONFPLUGIN-A"), Factory("CONFPLUGIN-B")),
        input=TEXT,
        result=GREETING,
        history=[step("STEP"), execution_succeeded()],
        logs=[
            log
            for plugin in ("CONFPLUGIN-A", "CONFPLUGIN-B")
            for log in (
                logged("invocation-start", plugin=plugin),
                logged(
                    "invocation-end",
                    plugin=plugin,
                    status="SUCCEEDED",
                    after=[record("invocation-start", plugin)],
                ),
            )
        ],
    ),
    Case(
        id="10-7",
        handler=recorded(handlers.fails_once),
        status="FAILED",
        history=[
            started("Step", "STEP"),
            failed("Step", "STEP", payload=error(), attempt=1),
            execution_failed(),
        ],
        logs=[
            logged("invocation-start", first=True),
            logged("invocation-end", status="FAILED", after=[record("invocation-start", first=True)]),
            logged("invocation-end", 0, status="SUCCEEDED"),
        ],
    ),
    Case(
        id="10-9",
        handler=recorded(handlers.waits),
        history=[waited(2, "STEP"), execution_succeeded()],
        logs=[
            logged("updated-on-invoke", op=STEP, status="SUCCEEDED", first=False),
            logged("updated-on-invoke", 0, first=True),
        ],
    ),
    Case(
        id="10-11",
        handler=recorded(handlers.greets_in_a_child),
        input=TEXT,
        result=GREETING,
        history=[
            started("RunInChildContext", "CHILD"),
            step("STEP", "CHILD"),
            succeeded("RunInChildContext", "CHILD"),
            execution_succeeded(),
        ],
        logs=[
            logged("operation-end", op=STEP, parent=CHILD, status="SUCCEEDED"),
            logged("operation-end", op=CHILD, parent="NONE", status="SUCCEEDED"),
        ],
    ),
    Case(
        id="10-13",
        handler=recorded(handlers.succeeds_then_retries),
        result="Operation succeeded",
        history=[step("OTHER"), retried(), step("STEP", attempt=2), execution_succeeded()],
        logs=[
            logged("operation-start", op=OTHER, replay=False),
            logged("operation-start", 0, op=OTHER, replay=True),
            logged("operation-end", op=OTHER, status="SUCCEEDED"),
            logged("operation-start", op=STEP, replay=False),
            Logged(record("operation-start", op=STEP, replay=True), min_count=1),
            logged("operation-end", op=STEP, status="SUCCEEDED"),
            logged("operation-end", 0, op=STEP, status="FAILED"),
        ],
    ),
    Case(
        id="10-15",
        handler=recorded(handlers.fails_twice),
        status="FAILED",
        history=[
            retried(),
            started("Step", "STEP"),
            failed("Step", "STEP", payload=error(), attempt=2),
            execution_failed(),
        ],
        logs=[
            *attempts("FAILED", "FAILED"),
            logged("attempt-end", 0, outcome="SUCCEEDED"),
            logged("operation-end", op=STEP, status="FAILED", after=[record("attempt-start", n=2, op=STEP)]),
        ],
    ),
    Case(
        id="10-17",
        handler=recorded(
            handlers.greets, Factory("CONFPLUGIN-FAULTY", Faulty), Factory("CONFPLUGIN-HEALTHY")
        ),
        input=TEXT,
        result=GREETING,
        history=[step("STEP"), execution_succeeded()],
        logs=[
            *(logged(hook, plugin="CONFPLUGIN-FAULTY") for hook in HOOKS),
            logged("invocation-start", plugin="CONFPLUGIN-HEALTHY", first=True),
            logged("operation-start", plugin="CONFPLUGIN-HEALTHY", op=STEP),
            logged("attempt-start", plugin="CONFPLUGIN-HEALTHY", op=STEP),
            logged("attempt-end", plugin="CONFPLUGIN-HEALTHY", op=STEP, outcome="SUCCEEDED"),
            logged("operation-end", plugin="CONFPLUGIN-HEALTHY", op=STEP, status="SUCCEEDED"),
            logged(
                "invocation-end",
                plugin="CONFPLUGIN-HEALTHY",
                status="SUCCEEDED",
                after=[record("invocation-start", "CONFPLUGIN-HEALTHY", first=True)],
            ),
        ],
    ),
    Case(
        id="10-19",
        handler=recorded(handlers.waits_then_returns),
        input=TEXT,
        result=f"done-{TEXT}",
        history=[waited(2, "WAIT"), execution_succeeded()],
        logs=[
            logged(
                "invocation-start",
                isFirstInvocation=True,
                requestId=Pattern(".+"),
                operationsCount=Pattern(r"^\d+$"),
                executionStartTimestamp=TIMESTAMP,
            ),
            logged(
                "invocation-start", isFirstInvocation=False, updatedOperationsCount=Pattern(r"^[1-9]\d*$")
            ),
            *(
                logged(hook, 2, **{member: Pattern(".+")})
                for hook in ("invocation-start", "invocation-end")
                for member in ("requestId", "operationsCount", "executionStartTimestamp")
            ),
            logged("invocation-end", isFirstInvocation=True, terminal=False, status=Pattern(".+")),
            logged("invocation-end", isFirstInvocation=False, terminal=True, status="SUCCEEDED"),
            logged("invocation-end", 0, executionError=ANY),
        ],
    ),
    Case(
        id="10-21",
        handler=recorded(handlers.retries_flaky),
        result="ok",
        history=[retried(), step("STEP", attempt=2), execution_succeeded()],
        logs=[
            logged("attempt-start", id=STEP, name="flaky", type="STEP", attempt=1, startTimestamp=TIMESTAMP),
            logged(
                "attempt-end",
                id=STEP,
                name="flaky",
                type="STEP",
                attempt=1,
                outcome="FAILED",
                error=Pattern(".+"),
                startTimestamp=TIMESTAMP,
                endTimestamp=TIMESTAMP,
                after=[record("attempt-start", id=STEP, attempt=1)],
            ),
            logged(
                "attempt-start",
                id=STEP,
                name="flaky",
                type="STEP",
                attempt=2,
                startTimestamp=TIMESTAMP,
                after=[record("attempt-end", id=STEP, attempt=1, outcome="FAILED")],
            ),
            logged(
                "attempt-end",
                id=STEP,
                name="flaky",
                type="STEP",
                attempt=2,
                outcome="SUCCEEDED",
                startTimestamp=TIMESTAMP,
                endTimestamp=TIMESTAMP,
                after=[record("attempt-start", id=STEP, attempt=2)],
            ),
            logged("attempt-start", 2, isReplay=ANY),
            logged("attempt-end", 2, isReplay=ANY),
            logged("attempt-start", 0, attempt=3),
            logged("attempt-end", 0, outcome="SUCCEEDED", error=ANY),
        ],
    ),
    Case(
        id="10-23",
        handler=recorded(handlers.two_branches),
        result=["a-done", "b-done"],
        history=[started("Parallel", "CHILD", name="ctx")],
        is_whole_history=False,
        logs=[
            logged("operation-start", id=CHILD, type="CONTEXT", subType="Parallel", isReplay=False),
            logged(
                "operation-start", name="branch-a", type="CONTEXT", subType="ParallelBranch", isReplay=False
            ),
            logged(
                "operation-start", name="branch-b", type="CONTEXT", subType="ParallelBranch", isReplay=False
            ),
            Logged(record("fn-start", name="branch-a", isReplayingChildren=False), min_count=1),
            Logged(record("fn-start", name="branch-b", isReplayingChildren=False), min_count=1),
            Logged(record("fn-start", name="branch-a", isReplayingChildren=ANY), min_count=2),
            Logged(record("fn-start", name="branch-b", isReplayingChildren=ANY), min_count=1),
        ],
    ),
]


def in_order(*records: dict[str, Any]) -> list[Logged]:
    """Records that occur once each, in this order."""
    logs = []
    for number, each in enumerate(records):
        logs.append(Logged(each, count=1, after=[records[number - 1]] if number else []))
    return logs


OUR_OWN = [
    Case(
        id="invocations-after-the-first-are-not-the-first",
        handler=recorded(handlers.waits),
        history=[waited(2, "STEP"), execution_succeeded()],
        logs=in_order(
            record("invocation-start", first=True, updatedOperationsCount=0),
            record("invocation-end", first=True, status="PENDING", executionResult=ABSENT),
            record("invocation-start", first=False, updatedOperationsCount=1),
            record("invocation-end", first=False, status="SUCCEEDED", executionResult="null"),
        ),
    ),
    Case(
        id="a-faulty-plugin-changes-nothing",
        handler=recorded(handlers.greets, Factory(plugin=Faulty)),
        input=TEXT,
        result=GREETING,
        history=[step("STEP"), execution_succeeded()],
        logs=[logged(hook) for hook in HOOKS],
    ),
    Case(
        id="the-hooks-of-a-step-come-in-order",
        handler=recorded(handlers.greets),
        input=TEXT,
        history=[step("STEP"), execution_succeeded()],
        logs=in_order(
            record("invocation-start"),
            record("operation-start", op=STEP),
            record("attempt-start", op=STEP, n=1),
            {"message": f"Greeting step running for: {TEXT}"},
            record("attempt-end", op=STEP, n=1),
            record("operation-end", op=STEP, status="SUCCEEDED"),
            record("invocation-end"),
        ),
    ),
    Case(
        id="a-wait-ends-once-in-the-invocation-after-it",
        handler=recorded(handlers.step_and_wait),
        history=[
            step("OTHER", name="before", payload="1"),
            waited(2, "STEP", name="pause"),
            execution_succeeded(),
        ],
        logs=[
            logged("operation-end", op=OTHER, status="SUCCEEDED"),
            logged("operation-start", 0, op=OTHER, replay=True),
            logged("operation-start", op=STEP, replay=False),
            logged(
                "operation-end", op=STEP, status="SUCCEEDED", after=[record("invocation-start", first=False)]
            ),
        ],
    ),
    Case(
        id="operation-hooks-tell-what-is-known",
        handler=recorded(handlers.step_and_wait),
        history=[
            step("OTHER", name="before", payload="1"),
            waited(2, "STEP", name="pause"),
            execution_succeeded(),
        ],
        logs=[
            logged(
                "operation-start",
                id=OTHER,
                name="before",
                type="STEP",
                subType="Step",
                parentId=ABSENT,
                isReplay=False,
            ),
            logged(
                "operation-end",
                id=OTHER,
                name="before",
                type="STEP",
                subType="Step",
                parentId=ABSENT,
                status="SUCCEEDED",
                attempt=1,
                result="1",
                error=ABSENT,
                startTimestamp=TIMESTAMP,
                endTimestamp=TIMESTAMP,
            ),
            logged(
                "operation-end",
                id=STEP,
                name="pause",
                type="WAIT",
                subType="Wait",
                status="SUCCEEDED",
                startTimestamp=TIMESTAMP,
                endTimestamp=TIMESTAMP,
            ),
        ],
    ),
    Case(
        id="a-failed-operation-tells-its-error",
        handler=recorded(handlers.fails_once),
        status="FAILED",
        history=[started("Step", "STEP"), failed("Step", "STEP", attempt=1), execution_failed()],
        logs=[
            logged("operation-end", id=STEP, status="FAILED", error="never", attempt=1),
            logged(
                "invocation-end", status="FAILED", executionError="never", errorType=Pattern("StepError$")
            ),
        ],
    ),
    Case(
        id="every-record-knows-the-arn-of-the-execution",
        handler=recorded(handlers.waits),
        history=[waited(2, "STEP"), execution_succeeded()],
        logs=[
            Logged(
                {
                    "plugin": "CONFPLUGIN",
                    "durableExecutionArn": Pattern(
                        r"^arn:aws:lambda:[a-z0-9-]+:\d{12}:function:function:[^/]+/durable-execution/[^/]+/[^/]+$"
                    ),
                },
                min_count=6,
            ),
            Logged({"plugin": "CONFPLUGIN", "durableExecutionArn": ABSENT}, count=0),
        ],
    ),
    Case(
        id="a-context-that-is-rebuilt-says-so",
        handler=recorded(handlers.large_child),
        result=300_000,
        history=[
            started("RunInChildContext", "CHILD", name="large"),
            succeeded("RunInChildContext", "CHILD", name="large"),
            waited(1, "WAIT"),
            execution_succeeded(),
        ],
        logs=[
            logged("fn-start", name="large", isReplayingChildren=False),
            logged("fn-start", name="large", isReplayingChildren=True),
            logged("operation-end", name="large", replay=False),
            logged("operation-end", name="large", replay=True),
        ],
    ),
    Case(
        id="a-body-that-is-suspended-is-incomplete",
        handler=recorded(handlers.two_branches),
        history=[started("Parallel", "CHILD")],
        is_whole_history=False,
        logs=in_order(
            record("fn-end", name="branch-a", outcome="INCOMPLETE"),
            record("invocation-end", status="PENDING"),
            record("fn-end", name="branch-a", outcome="SUCCEEDED"),
            record("operation-end", name="branch-a", status="SUCCEEDED"),
            record("fn-end", name="branch-b", outcome="SUCCEEDED"),
            record("operation-end", name="ctx", status="SUCCEEDED"),
        ),
    ),
    Case(
        id="a-virtual-context-ends-though-it-was-never-recorded",
        handler=recorded(handlers.virtual_child),
        history=[step("STEP"), execution_succeeded()],
        logs=[
            logged("operation-start", 0, name="virtual"),
            logged("operation-end", name="virtual", status="SUCCEEDED", replay=False, attempt=ABSENT),
        ],
    ),
    Case(
        id="a-completed-callback-ends-once",
        handler=recorded(handlers.awaits_a_callback),
        answers=[success("yes")],
        history=[
            started("Callback", "STEP"),
            invocation_completed(),
            succeeded("Callback", "STEP"),
            execution_succeeded(),
        ],
        logs=[
            logged("operation-start", op=STEP, replay=False),
            logged("operation-end", op=STEP, status="SUCCEEDED", type="CALLBACK", result='"yes"'),
            logged("updated-on-invoke", op=STEP, status="SUCCEEDED"),
        ],
    ),
    Case(
        id="an-invoked-function-is-told-the-trace-once",
        handler=recorded(handlers.invokes, Factory(plugin=Tracer)),
        functions={"target": invoke_handlers.echo},
        input=TEXT,
        result=TEXT,
        history=[
            started("ChainedInvoke", "STEP"),
            invocation_completed(),
            succeeded("ChainedInvoke", "STEP"),
            execution_succeeded(),
        ],
        logs=[
            logged("propagation", op=STEP, target="target", parentId=ABSENT),
            logged("operation-end", op=STEP, status="SUCCEEDED", type="CHAINED_INVOKE"),
        ],
    ),
    Case(
        id="each-check-of-a-condition-is-an-attempt",
        handler=recorded(handlers.polls),
        result=2,
        history=[
            started("WaitForCondition", "STEP"),
            succeeded("WaitForCondition", "STEP", attempt=1, delay=1),
            invocation_completed(),
            started("WaitForCondition", "STEP"),
            succeeded("WaitForCondition", "STEP", attempt=2),
            execution_succeeded("2"),
        ],
        logs=[
            *attempts("SUCCEEDED", "SUCCEEDED"),
            logged("operation-start", op=STEP, replay=False),
            logged("operation-end", op=STEP, status="SUCCEEDED", subType="WaitForCondition", attempt=2),
        ],
    ),
    Case(
        id="a-batch-tells-of-its-items",
        handler=recorded(handlers.maps),
        input=[1, 2],
        result=[10, 20],
        history=[started("Map", "CHILD", name="batch")],
        is_whole_history=False,
        logs=[
            *in_order(
                record("operation-start", name="batch", subType="Map", parentId=ABSENT),
                record("operation-start", name="map-item-0", subType="MapIteration", parentId=CHILD),
                record("fn-start", name="map-item-0", attempt=1),
                record("fn-end", name="map-item-0", outcome="SUCCEEDED"),
                record("operation-end", name="map-item-0", status="SUCCEEDED", result="10"),
                record("operation-start", name="map-item-1"),
                record("operation-end", name="map-item-1", status="SUCCEEDED", result="20"),
                record("operation-end", name="batch", status="SUCCEEDED"),
            )
        ],
    ),
    Case(
        id="a-context-that-fails-tells-its-error",
        handler=recorded(handlers.child_fails),
        status="FAILED",
        history=[
            started("RunInChildContext", "CHILD"),
            failed("RunInChildContext", "CHILD", payload=error("ValueError", "the context broke")),
            execution_failed(),
        ],
        logs=in_order(
            record("operation-start", id=CHILD, name="broken", type="CONTEXT", isReplay=False),
            record("fn-start", id=CHILD, isReplayingChildren=False),
            record("fn-end", id=CHILD, outcome="FAILED", error="the context broke"),
            record("operation-end", id=CHILD, status="FAILED", error="the context broke"),
            record("invocation-end", status="FAILED"),
        ),
    ),
    Case(
        id="a-submitter-and-its-callback-have-the-operation-as-their-parent",
        handler=recorded(handlers.asks),
        answers=[success("yes")],
        history=[started("WaitForCallback", "CHILD", name="ask")],
        is_whole_history=False,
        logs=[
            logged("operation-start", op=CHILD, subType="WaitForCallback", replay=False),
            logged("operation-start", parent=CHILD, type="CALLBACK", replay=False),
            logged("operation-start", parent=CHILD, type="STEP", replay=False),
            logged("operation-end", parent=CHILD, type="STEP", status="SUCCEEDED"),
            logged("operation-end", parent=CHILD, type="CALLBACK", status="SUCCEEDED"),
            logged("operation-end", op=CHILD, status="SUCCEEDED"),
        ],
    ),
    Case(
        id="a-process-that-is-killed-says-no-more",
        handler=recorded(handlers.dies),
        result="survived",
        history=[
            started("Step", "STEP"),
            invocation_completed(error("Runtime.ExitError")),
            failed("Step", "STEP", attempt=1, delay=1),
            invocation_completed(),
            step("STEP", attempt=2),
            execution_succeeded(),
        ],
        logs=[
            logged("invocation-start", 3),
            logged("attempt-start", n=1),
            logged("attempt-end", 0, n=1),
            logged("attempt-end", n=2, outcome="SUCCEEDED"),
            logged("invocation-end", 2),
            logged("operation-end", op=STEP, status="SUCCEEDED"),
        ],
    ),
    Case(
        id="a-process-that-exits-ends-its-invocation-for-another-try",
        handler=recorded(handlers.exits),
        status="FAILED",
        history=[step("STEP"), *[invocation_completed(error("Runtime.ExitError"))] * 4],
        is_whole_history=False,
        logs=[
            logged("invocation-end", 5, status="RETRY", errorType="SystemExit"),
            logged("invocation-start", 1, first=True),
            logged("operation-end", op=STEP),
        ],
    ),
]


@pytest.mark.parametrize("case", REQUIREMENTS + OUR_OWN, ids=lambda case: case.id)
def test_conforms(case: Case) -> None:
    check(case)
