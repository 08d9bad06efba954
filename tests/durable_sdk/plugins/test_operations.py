"""What plugins are told of operations that end outside, or that record no end."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from corpus import ONCE, make_runner
from durable_sdk_fakes import FakeLambda
from plugin_recorder import Recorder, Recording, observe

from durable_sdk import DurableContext, ParallelBranch
from durable_sdk.config import (
    CallbackConfig,
    ChildConfig,
    Duration,
    MapConfig,
    NestingType,
    ParallelConfig,
)
from durable_sdk.execution import durable_execution
from durable_sdk.plugin import (
    DurableInstrumentationPlugin,
    InvocationStartInfo,
    OperationEndInfo,
    OperationStartInfo,
    PropagationInput,
    PropagationMetadata,
)
from durable_sdk.waits import WaitForConditionConfig, WaitForConditionDecision

VIRTUAL = ChildConfig(is_virtual=True)
ONE_SECOND = CallbackConfig(timeout=Duration.from_seconds(1))


def about(recording: Recording, *names: str) -> list[str]:
    return [line for line in recording.lines if any(name in line.split() for name in names)]


def test_a_virtual_context_never_starts_and_ends_on_every_run() -> None:
    def handler(event: Any, context: DurableContext) -> None:
        context.run_in_child_context(lambda child: child.step(lambda: 1, "inner"), "virtual", VIRTUAL)
        context.wait(seconds=1)

    _, recording = observe(handler)
    assert about(recording, "virtual", "inner") == [
        "function-start virtual 1",
        "operation-start inner",
        "function-start inner 1",
        "function-end inner 1 SUCCEEDED",
        "operation-end inner SUCCEEDED",
        "function-end virtual 1 SUCCEEDED",
        "operation-end virtual SUCCEEDED",
        "function-start virtual 1",
        "function-end virtual 1 SUCCEEDED",
        "operation-end virtual SUCCEEDED",
    ]
    for info in recording.of(OperationEndInfo, "virtual"):
        assert (info.start_time, info.attempt, info.result, info.is_replayed) == (None, None, None, False)
        assert info.end_time is not None


def test_a_virtual_context_that_fails_ends_failed() -> None:
    def broken(child: DurableContext) -> None:
        raise ValueError("bad")

    def handler(event: Any, context: DurableContext) -> None:
        with contextlib.suppress(Exception):
            context.run_in_child_context(broken, "virtual", VIRTUAL)

    _, recording = observe(handler)
    assert about(recording, "virtual")[1:] == [
        "function-end virtual 1 FAILED",
        "operation-end virtual FAILED",
    ]
    assert recording.of(OperationEndInfo)[0].error.type == "ValueError"


def test_a_virtual_context_that_suspends_does_not_end() -> None:
    def body(child: DurableContext) -> None:
        child.wait(seconds=1, name="pause")

    _, recording = observe(lambda event, context: context.run_in_child_context(body, "virtual", VIRTUAL))
    assert about(recording, "virtual", "pause") == [
        "function-start virtual 1",
        "operation-start pause",
        "function-end virtual 1 INCOMPLETE",
        "function-start virtual 1",
        "operation-end pause SUCCEEDED",
        "function-end virtual 1 SUCCEEDED",
        "operation-end virtual SUCCEEDED",
    ]


def test_flat_branches_are_virtual_contexts_below_their_batch() -> None:
    def waits(branch: DurableContext) -> None:
        branch.wait(seconds=1, name="pause")

    config = ParallelConfig(nesting_type=NestingType.FLAT)
    branches = [ParallelBranch(waits, name="a")]
    _, recording = observe(lambda event, context: context.parallel(branches, "all", config).get_results())
    assert about(recording, "a", "all") == [
        "operation-start all",
        "function-start all 1",
        "function-start a 1",
        "function-end a 1 INCOMPLETE",
        "function-end all 1 INCOMPLETE",
        "operation-start all replayed",
        "function-start all None",
        "function-start a 1",
        "function-end a 1 SUCCEEDED",
        "operation-end a SUCCEEDED",
        "function-end all None SUCCEEDED",
        "operation-end all SUCCEEDED",
    ]
    (batch,) = recording.of(OperationEndInfo, "all")
    assert {info.parent_id for info in recording.of(OperationEndInfo, "a")} == {batch.operation_id}
    assert {info.parent_id for info in recording.of(OperationEndInfo, "pause")} == {batch.operation_id}


def test_items_of_a_map_are_contexts_below_it() -> None:
    def handler(event: Any, context: DurableContext) -> Any:
        return context.map([7], lambda child, item: item, "all", MapConfig()).get_results()

    _, recording = observe(handler)
    assert [info.sub_type for info in recording.of(OperationEndInfo)] == ["MapIteration", "Map"]


def test_each_check_of_a_condition_is_a_user_function() -> None:
    def until_two(state: int, attempt: int) -> WaitForConditionDecision:
        if state == 2:
            return WaitForConditionDecision.stop_polling()
        return WaitForConditionDecision.continue_waiting(Duration.from_seconds(1))

    config: WaitForConditionConfig[int] = WaitForConditionConfig(wait_strategy=until_two, initial_state=0)
    _, recording = observe(
        lambda event, context: context.wait_for_condition(lambda state, _: state + 1, config, "ready")
    )
    assert about(recording, "ready") == [
        "operation-start ready",
        "function-start ready 1",
        "function-end ready 1 SUCCEEDED",
        "operation-start ready replayed",
        "function-start ready 2",
        "function-end ready 2 SUCCEEDED",
        "operation-end ready SUCCEEDED",
    ]


def test_a_callback_that_ended_between_two_invocations_is_reported_by_the_replay() -> None:
    def handler(event: Any, context: DurableContext) -> None:
        callback = context.create_callback("approval", ONE_SECOND)
        context.step(lambda: 1, "after")
        with contextlib.suppress(Exception):
            callback.result()

    _, recording = observe(handler)
    assert recording.invocations()[1] == [
        "invocation-start",
        "operation-end approval TIMED_OUT",
        "invocation-end SUCCEEDED",
    ]


def test_a_callback_that_ends_during_an_invocation_is_reported_by_whoever_reads_its_result() -> None:
    recording = Recording()

    def handler(event: Any, context: DurableContext) -> None:
        callback = context.create_callback("approval", ONE_SECOND)
        context.step(lambda: time.sleep(5), "long")
        recording.lines.append("reading")
        with contextlib.suppress(Exception):
            callback.result()
        recording.lines.append("read")
        with contextlib.suppress(Exception):
            callback.result()

    _run(handler, recording)
    start = recording.lines.index("reading")
    assert recording.lines[start:] == [
        "reading",
        "operation-end approval TIMED_OUT",
        "read",
        "invocation-end SUCCEEDED",
    ]


def _run(handler: Callable[[Any, Any], Any], *plugins: Any) -> Any:
    runner = make_runner(durable_execution(plugins=list(plugins))(handler))
    try:
        return runner.run()
    finally:
        runner.close()


def test_an_ending_that_nobody_reads_is_reported_before_the_end_of_the_context_around_it() -> None:
    def body(child: DurableContext) -> None:
        child.create_callback("unread", ONE_SECOND)
        child.step(lambda: time.sleep(5), "long")

    _, recording = observe(lambda event, context: context.run_in_child_context(body, "outer"))
    assert recording.lines[-5:] == [
        "operation-end long SUCCEEDED",
        "function-end outer 1 SUCCEEDED",
        "operation-end unread TIMED_OUT",
        "operation-end outer SUCCEEDED",
        "invocation-end SUCCEEDED",
    ]


def test_an_ending_that_nobody_reads_is_reported_before_the_end_of_the_invocation() -> None:
    def handler(event: Any, context: DurableContext) -> None:
        context.create_callback("unread", ONE_SECOND)
        context.step(lambda: time.sleep(5), "long")

    _, recording = observe(handler)
    assert recording.lines[-3:] == [
        "operation-end long SUCCEEDED",
        "operation-end unread TIMED_OUT",
        "invocation-end SUCCEEDED",
    ]


def test_a_hook_that_reads_a_result_reports_nothing() -> None:
    recording = Recording()
    callbacks: list[Any] = []

    class Reader(Recorder):
        def on_user_function_start(self, info: Any) -> None:
            if info.name == "second":
                with contextlib.suppress(Exception):
                    callbacks[0].result()
            super().on_user_function_start(info)

    class ReaderFactory:
        def create_plugin(self, info: InvocationStartInfo) -> Recorder:
            return Reader(recording)

    def handler(event: Any, context: DurableContext) -> None:
        callbacks[:] = [context.create_callback("approval", ONE_SECOND)]
        context.step(lambda: time.sleep(5), "long")
        context.step(lambda: 1, "second")
        with contextlib.suppress(Exception):
            callbacks[0].result()

    _run(handler, ReaderFactory())
    assert recording.lines[-5:] == [
        "function-start second 1",
        "function-end second 1 SUCCEEDED",
        "operation-end second SUCCEEDED",
        "operation-end approval TIMED_OUT",
        "invocation-end SUCCEEDED",
    ]


def test_a_branch_that_reads_a_result_waits_for_the_hook_that_another_runs() -> None:
    recording = Recording()

    class Slow(Recorder):
        def on_operation_end(self, info: OperationEndInfo) -> None:
            if info.name == "approval":
                recording.lines.append("reporting")
                time.sleep(3)
            super().on_operation_end(info)

    class SlowFactory:
        def create_plugin(self, info: InvocationStartInfo) -> Recorder:
            return Slow(recording)

    def handler(event: Any, context: DurableContext) -> None:
        callback = context.create_callback("approval", ONE_SECOND)
        context.step(lambda: time.sleep(5), "long")

        def read(branch: DurableContext) -> None:
            with contextlib.suppress(Exception):
                callback.result()
            recording.lines.append("read")

        context.parallel([read, read], "both")

    _run(handler, SlowFactory())
    assert [line for line in recording.lines if line in ("reporting", "read") or "approval" in line][1:] == [
        "reporting",
        "operation-end approval TIMED_OUT",
        "read",
        "read",
    ]


class Tracer(DurableInstrumentationPlugin):
    """Provides what it was made with."""

    def __init__(self, answer: Any) -> None:
        self.answer = answer
        self.asked: list[PropagationInput] = []

    def provide_propagation_metadata(self, info: PropagationInput) -> Any:
        self.asked.append(info)
        if isinstance(self.answer, BaseException):
            raise self.answer
        return self.answer


def invoking(*plugins: Any) -> tuple[list[Any], Recording]:
    """Invoke a function; return the trace ids of the updates that started it, and the recording."""

    def handler(event: Any, context: DurableContext) -> Any:
        context.step(lambda: 1, "before")
        return context.run_in_child_context(lambda child: child.invoke("target", {"a": 1}, "call"), "outer")

    recording = Recording()
    service = FakeLambda()
    observed = durable_execution(boto3_client=service, plugins=[*plugins, recording])(handler)
    assert observed(service.event(), None) == {"Status": "PENDING"}
    assert observed(service.event(), None) == {"Status": "PENDING"}
    starts = [update for request in service.requests for update in request if update.get("Name") == "call"]
    return [start["ChainedInvokeOptions"].get("XAmznTraceId") for start in starts], recording


def test_an_invoke_carries_the_first_trace_id_that_is_not_blank() -> None:
    plugins = [
        Tracer(None),
        Tracer(PropagationMetadata(" ")),
        Tracer(PropagationMetadata(" Root=1 ")),
        Tracer(None),
    ]
    updates, _ = invoking(*plugins)
    assert updates == [" Root=1 "]


def test_the_metadata_is_asked_for_once_before_the_start_of_the_invoke() -> None:
    tracer = Tracer(PropagationMetadata("Root=1"))
    _, recording = invoking(tracer)
    assert about(recording, "target", "call") == [
        "propagate target",
        "operation-start call",
        "operation-start call replayed",
    ]
    (asked,) = tracer.asked
    call, _ = recording.of(OperationStartInfo, "call")
    outer, _ = recording.of(OperationStartInfo, "outer")
    assert asked.target_function_name == "target"
    assert (asked.operation_id, asked.parent_operation_id) == (call.operation_id, outer.operation_id)
    assert "/durable-execution/" in asked.execution_arn


def test_no_metadata_adds_nothing_to_the_invoke() -> None:
    assert invoking(Tracer(PropagationMetadata()))[0] == [None]


def test_a_later_trace_id_that_differs_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    updates, _ = invoking(Tracer(PropagationMetadata("one")), Tracer(PropagationMetadata("two")))
    assert updates == ["one"]
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "different trace ids for the invoke of target" in caplog.text


async def _coroutine() -> None: ...


@pytest.mark.parametrize(
    "answer",
    ["Root=0", PropagationMetadata(7), ValueError("boom"), _coroutine],  # type: ignore[arg-type]
    ids=["no metadata", "no text", "raises", "coroutine"],
)
def test_a_wrong_answer_is_logged_and_skipped(answer: Any, caplog: pytest.LogCaptureFixture) -> None:
    answer = answer() if answer is _coroutine else answer
    updates, _ = invoking(Tracer(answer), Tracer(PropagationMetadata("Root=1")))
    assert updates == ["Root=1"]
    assert [record.levelname for record in caplog.records] == ["ERROR"]
    assert "provide_propagation_metadata" in caplog.text


def test_branches_call_their_hooks_on_threads_of_their_own() -> None:
    threads: dict[str, int] = {}

    class Threads(DurableInstrumentationPlugin):
        def on_operation_end(self, info: OperationEndInfo) -> None:
            threads[info.name or ""] = threading.get_ident()

    def body(branch: DurableContext) -> None:
        branch.step(lambda: None, "inner", ONCE)

    def handler(event: Any, context: DurableContext) -> None:
        context.parallel([ParallelBranch(body, name="branch")], "all")

    _run(handler, Threads())
    assert threads["inner"] == threads["branch"] != threads["all"]
    assert threads["all"] == threading.get_ident()
