"""Checkpointing: what travels together, who waits, and what everyone is told when it is over."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from typing import Any

import pytest
from durable_sdk_fakes import ARN, TIMEOUT_SECONDS, FakeLambda, Running, ServiceError, wait_for

from durable_sdk import _updates
from durable_sdk._boto_client import BotoClient
from durable_sdk._checkpointing import FLUSH_DELAY_SECONDS, MAX_BYTES, MAX_UPDATES, Checkpointing
from durable_sdk._lineage import Lineage
from durable_sdk._runtime import Body, Signal, ThreadRuntime
from durable_sdk._updates import UpdateJson
from durable_sdk._wire.enums import OperationSubType, OperationType
from durable_sdk._wire.errors import ErrorObject
from durable_sdk._wire.invocation import StatePage
from durable_sdk.exceptions import (
    BackgroundThreadError,
    CheckpointError,
    GetExecutionStateError,
    OrphanedChildException,
    SuspendExecution,
)
from durable_sdk.identifier import OperationIdentifier

FAILURE = ErrorObject("boom", None, None, None)


class CountingRuntime(ThreadRuntime):
    """Threads; tells when a task has queued behind a request in flight."""

    def __init__(self) -> None:
        super().__init__()
        self._queued = threading.Semaphore(0)

    def signal(self) -> Signal:
        self._queued.release()
        return super().signal()

    def wait_until_queued(self) -> None:
        assert self._queued.acquire(timeout=TIMEOUT_SECONDS)


class VirtualRuntime:
    """One task, and time that passes only when the test says so."""

    def __init__(self) -> None:
        self.microseconds = 1_000_000
        self._delayed: list[tuple[int, Body]] = []

    def now(self) -> int:
        return self.microseconds

    def random(self) -> float:
        raise AssertionError("checkpointing leaves nothing to chance")

    def lock(self) -> AbstractContextManager[object]:
        return nullcontext()

    def signal(self) -> Signal:
        raise AssertionError("the only task has nobody to wait for")

    def spawn(self, body: Body, name: str, delay_seconds: float = 0.0) -> None:
        self._delayed.append((self.microseconds + round(delay_seconds * 1_000_000), body))

    def close(self) -> None:
        self._delayed.clear()

    def advance(self, seconds: float) -> None:
        """Let time pass, running what becomes due."""
        end = self.microseconds + round(seconds * 1_000_000)
        while due := [task for task in self._delayed if task[0] <= end]:
            task = min(due, key=lambda each: each[0])
            self._delayed.remove(task)
            self.microseconds = task[0]
            task[1]()
        self.microseconds = end


class Bench:
    """A Checkpointing over a fake service."""

    def __init__(self, runtime: Any) -> None:
        self.runtime = runtime
        self.service = FakeLambda()
        self.lineage = Lineage()
        self.absorbed: list[str] = []
        token = self.service.event()["CheckpointToken"]
        self.checkpointing = Checkpointing(
            BotoClient(self.service), runtime, ARN, token, self.lineage, self._absorb
        )

    def _absorb(self, page: StatePage) -> None:
        self.absorbed += [operation["Id"] for operation in page.operations]

    def submit(self, update: UpdateJson | None, *, synchronous: bool = True) -> None:
        self.checkpointing.submit(update, synchronous=synchronous)

    def submitting(self, update: UpdateJson | None) -> Running:
        return Running(lambda: self.submit(update))

    def behind_a_request(self, *updates: UpdateJson | None) -> tuple[Callable[[], None], list[Running]]:
        """Queue ``updates`` while a request is in flight; return what lets that go on, and who waits."""
        gate = self.service.hold(len(self.service.requests))
        waiting = [self.submitting(start("first"))]
        wait_for(gate.arrived)
        for update in updates:
            waiting.append(self.submitting(update))
            self.runtime.wait_until_queued()
        return gate.open.set, waiting

    @property
    def requests(self) -> list[list[str]]:
        return [[update["Id"] for update in request] for request in self.service.requests]


@pytest.fixture
def bench() -> Iterator[Bench]:
    runtime = CountingRuntime()
    yield Bench(runtime)
    Running(runtime.close).result()


@pytest.fixture
def virtual() -> Bench:
    return Bench(VirtualRuntime())


def step(name: str, parent: str | None = None) -> OperationIdentifier:
    return OperationIdentifier(name, OperationSubType.STEP, parent, operation_type=OperationType.STEP)


def context(name: str, parent: str | None = None) -> OperationIdentifier:
    return OperationIdentifier(name, OperationSubType.PARALLEL, parent, operation_type=OperationType.CONTEXT)


def start(name: str, parent: str | None = None) -> UpdateJson:
    return _updates.start(step(name, parent))


def large(name: str, size: int) -> UpdateJson:
    return _updates.succeed(step(name), "x" * size)


def test_an_update_that_somebody_waits_for_is_sent_at_once(virtual: Bench) -> None:
    virtual.submit(start("a"))
    assert virtual.requests == [["a"]]
    assert virtual.absorbed == ["a"]


def test_it_takes_everything_along_that_was_queued_before_it(virtual: Bench) -> None:
    virtual.submit(start("a"), synchronous=False)
    virtual.submit(start("b"), synchronous=False)
    assert virtual.requests == []
    virtual.submit(start("c"))
    assert virtual.requests == [["a", "b", "c"]]


def test_what_queues_while_a_request_is_in_flight_travels_together_next(bench: Bench) -> None:
    let_go, waiting = bench.behind_a_request(start("a"), start("b"), start("c"))
    let_go()
    for task in waiting:
        task.result()
    assert bench.requests == [["first"], ["a", "b", "c"]]


def test_nobody_returns_before_its_own_update_is_acknowledged(bench: Bench) -> None:
    let_go, waiting = bench.behind_a_request(start("a"))
    second = bench.service.hold(1)
    let_go()
    waiting[0].result()
    wait_for(second.arrived)
    assert bench.absorbed == ["first"]
    second.open.set()
    waiting[1].result()
    assert bench.absorbed == ["first", "a"]


def test_an_update_that_nobody_waits_for_does_not_wait_for_the_request_in_flight(bench: Bench) -> None:
    let_go, waiting = bench.behind_a_request()
    bench.submit(start("a"), synchronous=False)
    let_go()
    waiting[0].result()
    bench.submit(start("b"))
    assert bench.requests == [["first"], ["a", "b"]]


def test_many_tasks_lose_nothing_and_keep_their_order(bench: Bench) -> None:
    meet = threading.Barrier(8, timeout=TIMEOUT_SECONDS)

    def task(number: int) -> None:
        meet.wait()
        for index in range(25):
            bench.submit(start(f"{number}-{index}"), synchronous=index % 3 > 0)
        bench.submit(start(f"{number}-end"))

    tasks = [Running(partial(task, number)) for number in range(8)]
    for each in tasks:
        each.result()
    sent = [name for request in bench.requests for name in request]
    assert len(sent) == 8 * 26
    for number in range(8):
        mine = [name for name in sent if name.startswith(f"{number}-")]
        assert mine == [f"{number}-{index}" for index in range(25)] + [f"{number}-end"]


def test_an_update_that_nobody_waits_for_goes_after_a_tenth_of_a_second(virtual: Bench) -> None:
    virtual.submit(start("a"), synchronous=False)
    virtual.runtime.advance(0.099)
    assert virtual.requests == []
    virtual.runtime.advance(0.001)
    assert virtual.requests == [["a"]]
    virtual.runtime.advance(10)
    assert virtual.requests == [["a"]]


def test_what_nobody_waits_for_goes_with_the_oldest_of_its_kind(virtual: Bench) -> None:
    virtual.submit(start("a"), synchronous=False)
    virtual.runtime.advance(0.06)
    virtual.submit(start("b"), synchronous=False)
    virtual.runtime.advance(0.04)
    assert virtual.requests == [["a", "b"]]


def test_every_update_gets_its_full_tenth_of_a_second(virtual: Bench) -> None:
    virtual.submit(start("a"), synchronous=False)
    virtual.runtime.advance(0.05)
    virtual.submit(start("b"))
    virtual.submit(start("c"), synchronous=False)
    virtual.runtime.advance(0.099)
    assert virtual.requests == [["a", "b"]]
    virtual.runtime.advance(0.001)
    assert virtual.requests == [["a", "b"], ["c"]]


def test_the_delay_is_real_on_threads(bench: Bench) -> None:
    gate = bench.service.hold(0)
    begun = bench.runtime.now()
    bench.submit(start("a"), synchronous=False)
    wait_for(gate.arrived)
    assert bench.runtime.now() - begun >= FLUSH_DELAY_SECONDS * 1_000_000 - 1000
    gate.open.set()


def test_a_refresh_is_a_request_without_updates(virtual: Bench) -> None:
    virtual.submit(None)
    assert virtual.requests == [[]]


def test_a_request_has_at_most_250_updates(virtual: Bench) -> None:
    names = [str(number) for number in range(600)]
    for name in names[:-1]:
        virtual.submit(start(name), synchronous=False)
    virtual.submit(start(names[-1]))
    assert MAX_UPDATES == 250
    assert [len(request) for request in virtual.requests] == [250, 250, 100]
    assert [name for request in virtual.requests for name in request] == names


def test_a_request_has_at_most_750_kib(virtual: Bench) -> None:
    for name in "abcde":
        virtual.submit(large(name, 300_000), synchronous=False)
    virtual.submit(large("f", 10))
    assert MAX_BYTES == 750 * 1024
    assert virtual.requests == [["a", "b"], ["c", "d"], ["e", "f"]]
    for request in virtual.service.requests:
        assert sum(map(_updates.size_bytes, request)) <= MAX_BYTES


def test_an_oversized_update_travels_alone_wherever_it_stands(virtual: Bench) -> None:
    for name in "ab":
        virtual.submit(start(name), synchronous=False)
    virtual.submit(large("big", 800_000), synchronous=False)
    virtual.submit(start("c"), synchronous=False)
    virtual.submit(start("d"))
    assert virtual.requests == [["a", "b"], ["big"], ["c", "d"]]


def test_a_failure_reaches_everyone_and_everything_later(bench: Bench) -> None:
    let_go, waiting = bench.behind_a_request(start("a"), start("b"))
    bench.submit(start("unwatched"), synchronous=False)
    bench.service.fail(1, ServiceError("ServiceException", 500))
    let_go()
    waiting[0].result()
    for task in waiting[1:]:
        with pytest.raises(BackgroundThreadError) as caught:
            task.result()
        assert isinstance(caught.value.source_exception, CheckpointError)
    for synchronous in (True, False):
        with pytest.raises(BackgroundThreadError):
            bench.submit(start("late"), synchronous=synchronous)
    with pytest.raises(BackgroundThreadError):
        bench.submit(None)
    assert bench.requests == [["first"], ["a", "b", "unwatched"]]


def test_everyone_gets_an_error_of_its_own(bench: Bench) -> None:
    let_go, waiting = bench.behind_a_request(start("a"), start("b"))
    bench.service.fail(1, ServiceError("ServiceException", 500))
    let_go()
    caught = []
    for task in waiting[1:]:
        with pytest.raises(BackgroundThreadError) as info:
            task.result()
        caught.append(info.value)
    assert caught[0] is not caught[1]
    assert caught[0].source_exception is caught[1].source_exception


def test_the_end_of_the_process_in_a_request_leaves_nobody_waiting() -> None:
    bench = Bench(CountingRuntime())
    gate = bench.service.hold(0)

    def interrupt() -> None:
        gate()
        raise KeyboardInterrupt

    bench.service.before[0] = interrupt
    sending = bench.submitting(start("a"))
    wait_for(gate.arrived)
    waiting = bench.submitting(start("b"))
    bench.runtime.wait_until_queued()
    gate.open.set()
    with pytest.raises(KeyboardInterrupt):
        sending.result()
    assert waiting.has_ended(TIMEOUT_SECONDS)


def test_a_withdrawn_token_suspends_everyone(bench: Bench) -> None:
    let_go, waiting = bench.behind_a_request(start("a"), start("b"))
    bench.service.revoked_at = 0
    let_go()
    for task in waiting:
        with pytest.raises(SuspendExecution, match="Checkpoint token revoked by the service"):
            task.result()
    for synchronous in (True, False):
        with pytest.raises(SuspendExecution):
            bench.submit(start("late"), synchronous=synchronous)
    assert bench.requests == [["first"]]
    assert bench.absorbed == []
    assert bench.checkpointing.token_revoked


def test_a_refresh_can_be_told_that_the_token_is_withdrawn_too(virtual: Bench) -> None:
    virtual.service.revoked_at = 0
    with pytest.raises(SuspendExecution):
        virtual.submit(None)
    assert virtual.checkpointing.token_revoked


def test_the_end_of_the_execution_ends_checkpointing(bench: Bench) -> None:
    gate = bench.service.hold(0)
    end = bench.submitting(_updates.succeed_execution("", 0))
    wait_for(gate.arrived)
    waiting = bench.submitting(start("a"))
    bench.runtime.wait_until_queued()
    gate.open.set()
    end.result()
    with pytest.raises(OrphanedChildException):
        waiting.result()
    with pytest.raises(OrphanedChildException):
        bench.submit(start("late"))
    assert len(bench.requests) == 1
    assert not bench.checkpointing.token_revoked


@pytest.mark.parametrize("parent", ["batch", "branch", "child"])
def test_nothing_below_an_ended_context_is_recorded(virtual: Bench, parent: str) -> None:
    virtual.lineage.add("batch", None)
    virtual.lineage.add("branch", "batch")
    virtual.lineage.add("child", "branch")
    virtual.submit(_updates.start(context("batch")))
    virtual.submit(_updates.succeed_context(context("batch"), "", replay_children=False))
    for synchronous in (True, False):
        with pytest.raises(OrphanedChildException, match="lies below context 'batch'") as caught:
            virtual.submit(start("late", parent), synchronous=synchronous)
        assert caught.value.operation_id == "late"
    assert virtual.requests == [["batch"], ["batch"]]


def test_a_context_ends_when_its_end_is_queued(bench: Bench) -> None:
    bench.submit(_updates.start(context("batch")), synchronous=False)
    let_go, waiting = bench.behind_a_request(_updates.fail(context("batch"), FAILURE))
    with pytest.raises(OrphanedChildException):
        bench.submit(start("late", "batch"))
    let_go()
    for task in waiting:
        task.result()


def test_an_orphan_is_told_so_even_if_checkpointing_has_failed(virtual: Bench) -> None:
    virtual.submit(_updates.start(context("batch")))
    virtual.submit(_updates.fail(context("batch"), FAILURE))
    virtual.service.fail(2, ServiceError("ServiceException", 500))
    with pytest.raises(BackgroundThreadError):
        virtual.submit(start("a"))
    with pytest.raises(OrphanedChildException):
        virtual.submit(start("late", "batch"))


def test_all_pages_of_an_answer_are_absorbed_before_anyone_goes_on(virtual: Bench) -> None:
    virtual.service.answer_page_size = 2
    for name in "abcd":
        virtual.submit(start(name), synchronous=False)
    virtual.submit(start("e"))
    assert virtual.absorbed == ["a", "b", "c", "d", "e"]
    assert virtual.service.markers == ["2", "4"]


def test_pages_read_before_an_error_are_kept(virtual: Bench) -> None:
    virtual.service.answer_page_size = 1
    virtual.service.fail_page(1, ServiceError("ServiceException", 500))
    for name in "ab":
        virtual.submit(start(name), synchronous=False)
    with pytest.raises(BackgroundThreadError) as caught:
        virtual.submit(start("c"))
    assert isinstance(caught.value.source_exception, GetExecutionStateError)
    assert virtual.absorbed == ["a", "b"]
