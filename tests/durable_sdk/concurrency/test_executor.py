"""The executor of branches, over operations that only run a function."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
from durable_sdk_fakes import TIMEOUT_SECONDS, FakeLambda, Running, wait_for

from durable_sdk._boto_client import BotoClient
from durable_sdk._runtime import ThreadRuntime
from durable_sdk._wire.enums import OperationSubType, OperationType
from durable_sdk._wire.errors import ErrorObject
from durable_sdk._wire.invocation import InvocationEvent
from durable_sdk._wire.operations import StoredOperation
from durable_sdk.concurrency.completion import CompletionPolicy
from durable_sdk.concurrency.executor import BranchExecutor, recorded_error
from durable_sdk.concurrency.models import BatchItemStatus, BatchResult, CompletionReason
from durable_sdk.exceptions import (
    ChildContextError,
    ExecutionError,
    InvocationError,
    SerDesError,
    SuspendExecution,
    TimedSuspendExecution,
)
from durable_sdk.identifier import OperationIdentifier
from durable_sdk.operation.base import Decision, Execute
from durable_sdk.state import ExecutionState

FAR_FUTURE = 4_000_000_000_000_000


class NamedRuntime(ThreadRuntime):
    """Threads; notes the names of the tasks."""

    def __init__(self) -> None:
        super().__init__()
        self.names: list[str] = []

    def spawn(self, body: Callable[[], None], name: str, delay_seconds: float = 0.0) -> None:
        self.names.append(name)
        super().spawn(body, name, delay_seconds)


class Call:
    """An operation that runs ``body``."""

    def __init__(self, index: int, body: Callable[[], Any]) -> None:
        self.identifier = OperationIdentifier(
            f"branch-{index}", OperationSubType.PARALLEL_BRANCH, operation_type=OperationType.CONTEXT
        )
        self._body = body

    def decide(self, recorded: StoredOperation | None, *, begun: bool) -> Decision[Any]:
        return Execute(self._body)


class Bench:
    def __init__(self) -> None:
        self.service = FakeLambda()
        self.runtime = NamedRuntime()
        invocation = InvocationEvent.from_json_dict(self.service.event())
        self.state = ExecutionState(invocation, BotoClient(self.service), self.runtime)

    def run(
        self, *bodies: Callable[[], Any], max_concurrency: int | None = None, **criteria: Any
    ) -> BatchResult[Any]:
        operations = [Call(index, body) for index, body in enumerate(bodies)]
        policy = CompletionPolicy(len(bodies), **criteria)
        executor = BranchExecutor[Any](self.state, operations, policy, max_concurrency)
        result: BatchResult[Any] = Running(executor.run).result()
        return result


def raising(error: BaseException) -> Callable[[], Any]:
    def body() -> Any:
        raise error

    return body


def test_every_branch_is_a_task_named_after_its_position() -> None:
    bench = Bench()
    bench.run(lambda: 1, lambda: 2, lambda: 3)
    assert bench.runtime.names == ["branch-0", "branch-1", "branch-2"]


def test_a_branch_that_is_recorded_needs_no_task() -> None:
    bench = Bench()
    bench.service.operations["branch-1"] = {"Id": "branch-1", "Type": "CONTEXT", "Status": "SUCCEEDED"}
    bench.service.operations["branch-1"]["SubType"] = "ParallelBranch"
    bench = bench_over(bench.service)
    assert bench.run(lambda: 1, lambda: 2, lambda: 3).get_results() == [1, 2, 3]
    assert bench.runtime.names == ["branch-0", "branch-2"]


def bench_over(service: FakeLambda) -> Bench:
    bench = Bench()
    invocation = InvocationEvent.from_json_dict(service.event())
    bench.state = ExecutionState(invocation, BotoClient(service), bench.runtime)
    bench.state.load()
    return bench


def test_a_decision_stands_even_if_more_has_ended_meanwhile() -> None:
    # Both branches end before the coordinator looks at either.
    bench = Bench()
    meet = threading.Barrier(2, timeout=TIMEOUT_SECONDS)
    batch = bench.run(meet.wait, meet.wait, raising(ValueError("boom")), min_successful=1)
    assert batch.completion_reason in {
        CompletionReason.MIN_SUCCESSFUL_REACHED,
        CompletionReason.ALL_COMPLETED,
    }
    assert len(batch.all) == 3


def test_a_branch_that_still_runs_is_reported_as_started() -> None:
    bench = Bench()
    over = threading.Event()
    batch = bench.run(lambda: "fast", lambda: wait_for(over), min_successful=1)
    over.set()
    assert [item.status for item in batch.all] == [BatchItemStatus.SUCCEEDED, BatchItemStatus.STARTED]
    Running(bench.runtime.close).result()


def test_a_suspension_without_a_time_suspends_for_good() -> None:
    with pytest.raises(SuspendExecution) as caught:
        Bench().run(raising(SuspendExecution("waits")), lambda: 1)
    assert not isinstance(caught.value, TimedSuspendExecution)


def test_a_suspension_lasts_until_the_first_branch_is_due() -> None:
    bodies = [raising(TimedSuspendExecution("waits", FAR_FUTURE + offset)) for offset in (5, 3, 9)]
    with pytest.raises(TimedSuspendExecution) as caught:
        Bench().run(*bodies, raising(SuspendExecution("waits")))
    assert caught.value.resume_at == FAR_FUTURE + 3


def test_a_service_that_is_late_is_asked_again_but_not_without_pause() -> None:
    bench = Bench()
    resumed = threading.Event()
    calls: list[int] = []

    def late() -> str:
        calls.append(bench.runtime.now())
        if len(calls) < 3:
            raise TimedSuspendExecution("waits", 0)
        resumed.set()
        return "late"

    assert bench.run(late, lambda: wait_for(resumed)).success_count == 2
    assert bench.service.requests == [[], []]
    assert calls[1] - calls[0] >= 99_000
    assert calls[2] - calls[1] >= 99_000


@pytest.mark.parametrize("fatal", [ExecutionError("stop"), SystemExit(3), KeyboardInterrupt()])
def test_a_fatal_error_does_not_wait_for_the_others(fatal: BaseException) -> None:
    bench = Bench()
    over = threading.Event()
    with pytest.raises(type(fatal)) as caught:
        bench.run(raising(fatal), lambda: wait_for(over), tolerated_failure_percentage=100)
    assert caught.value is fatal
    over.set()
    Running(bench.runtime.close).result()


def test_a_retryable_error_counts_as_a_failure_and_is_raised_at_the_end() -> None:
    ran: list[int] = []
    with pytest.raises(InvocationError, match="passing"):
        Bench().run(
            raising(InvocationError("passing")),
            lambda: ran.append(1),
            max_concurrency=1,
            tolerated_failure_count=1,
        )
    assert ran == [1]
    with pytest.raises(InvocationError, match="passing"):
        Bench().run(raising(InvocationError("passing")), lambda: ran.append(2), max_concurrency=1)
    assert ran == [1]


@pytest.mark.parametrize(
    ("error", "stored"),
    [
        (ValueError("boom"), ErrorObject("boom", "ValueError", None, None)),
        (
            ChildContextError("boom", "ValueError", "data", ["line"]),
            ErrorObject("boom", "ValueError", "data", ["line"]),
        ),
        (SerDesError("boom", "X", "data", ["line"]), ErrorObject("boom", "X", "data", ["line"])),
    ],
)
def test_the_error_of_an_item_is_what_escaped_from_the_branch(error: Exception, stored: ErrorObject) -> None:
    assert recorded_error(error) == stored


class JumpingRuntime(NamedRuntime):
    """Threads; its clock can be put forward, and tells when it has been read."""

    def __init__(self) -> None:
        super().__init__()
        self.ahead = 0
        self.read = threading.Event()

    def now(self) -> int:
        now = super().now() + self.ahead
        self.read.set()
        return now


def test_a_branch_that_has_become_due_is_resumed_instead_of_suspending() -> None:
    runtime = JumpingRuntime()
    bench = Bench()
    bench.runtime = runtime
    bench.state.runtime = runtime
    calls: list[int] = []

    def due_in_an_hour() -> str:
        calls.append(1)
        if len(calls) == 1:
            raise TimedSuspendExecution("waits", ThreadRuntime().now() + 3_600_000_000)
        return "resumed"

    def two_hours_long() -> str:
        # The clock is read for the first time when the suspension of the other branch is noted.
        wait_for(runtime.read)
        runtime.ahead = 7_200_000_000
        return "done"

    batch = bench.run(due_in_an_hour, two_hours_long)
    assert batch.get_results() == ["resumed", "done"]
    assert bench.service.requests == [[]]
