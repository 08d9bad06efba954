"""Engine: one thread that owns a world, lets it go on in real or skipped time, and serves calls."""

from __future__ import annotations

import json
import logging
import secrets
import threading
from collections import deque
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from pytest_durable.endpoint.operations import Operations, Output, PlainCall, Started, function_error
from pytest_durable.endpoint.server.keeper import Keeper
from pytest_durable.endpoint.server.platform import RemoteHandler, RemotePlatform, plain_run
from pytest_durable.endpoint.server.processes import Processes, Reply, Spec, Ticket
from pytest_durable.endpoint.server.service_time import ServiceTime, machine_seconds
from pytest_durable.endpoint.server.skipping import skippable_until
from pytest_durable.endpoint.server.store import Store
from pytest_durable.entropy import Entropy
from pytest_durable.service_errors import ServiceUnavailableException
from pytest_durable.simulator.clock import Clock
from pytest_durable.simulator.event_queue import EventQueue
from pytest_durable.simulator.functions import Functions, RegisteredFunction
from pytest_durable.simulator.identifiers import REGION, Identifiers
from pytest_durable.simulator.invocation import Invocation, Sandbox, exit_error, time_limit_error
from pytest_durable.simulator.options import DEFAULT_INVOCATION_TIMEOUT_SECONDS, DEFAULT_STALL_SECONDS
from pytest_durable.simulator.scheduled import InvocationDue, Item
from pytest_durable.simulator.service.limits import Limits
from pytest_durable.simulator.world import World

T = TypeVar("T")

_log = logging.getLogger(__name__)

# How many runs of handlers go on at a time. Each is a process of some 60 MB that mostly waits.
DEFAULT_PROCESSES = 8


@dataclass(frozen=True, slots=True)
class Served:
    """A function of a server. ``execution_timeout_seconds`` of None stands for the service's maximum."""

    spec: Spec
    is_durable: bool
    execution_timeout_seconds: int | None = None


@dataclass(frozen=True, slots=True)
class EngineOptions:
    """``skip_time`` jumps over waits and delays of retries while nothing runs."""

    store: Path | None = None
    skip_time: bool = False
    processes: int = DEFAULT_PROCESSES
    invocation_timeout_seconds: int = DEFAULT_INVOCATION_TIMEOUT_SECONDS
    region: str = REGION


class Engine:
    """The service, running. Calls may come from any thread; nothing else touches the world.

    ``ended`` is done when it has stopped; it has an exception if it was not told to.
    """

    def __init__(self, served: Mapping[str, Served], options: EngineOptions) -> None:
        self._options = options
        self._store = Store(options.store)
        self._keeper = Keeper(self._store)
        self._time = ServiceTime(int(self._store.fact("skipped", "0")))
        self._changed = threading.Condition()
        self._inbox: deque[tuple[Callable[[], None], Future[Any] | None]] = deque()
        """What the thread is to do, and who waits for it."""
        self._stopping = False
        """Whether the thread has come to its end."""
        self._stop_at: float | None = None
        """Until when invocations that run may go on, once no others begin."""
        self.ended: Future[None] = Future()
        self._processes = Processes(options.processes, self._post, lambda: self._time.skipped)
        self._answers: list[tuple[Future[Output], Output | Exception]] = []
        """What is told when all that has changed is kept."""
        self._plain: dict[Ticket, tuple[Invocation | None, Future[Output]]] = {}
        """The runs of plain functions for callers of Invoke; with None, they wait for a process."""
        self._awaited: dict[str, list[Future[Output]]] = {}
        """Who waits for the end of an execution, by its ARN."""
        functions = Functions()
        for name, function in served.items():
            functions.register(
                name,
                RegisteredFunction(
                    RemoteHandler(function.spec), function.is_durable, function.execution_timeout_seconds
                ),
            )
        limits = Limits()
        seed = int(self._store.fact("seed", str(secrets.randbits(63))))
        self._world = World(
            self._time.now,
            Entropy(seed),
            limits,
            [self._keeper],
            DEFAULT_STALL_SECONDS,
            functions,
            make_platform=self._make_platform,
        )
        self._plain_calls = 0
        self._identifiers = Identifiers(seed)
        self.operations = Operations(
            self._world,
            functions,
            invocation_timeout_seconds=options.invocation_timeout_seconds,
            region=options.region,
        )
        try:
            self._keeper.restore(self._world, functions, limits)
        except BaseException:
            self._store.close()
            raise
        self._thread = threading.Thread(target=self._run, name="durable service", daemon=True)
        self._thread.start()

    def _make_platform(
        self, clock: Clock, queue: EventQueue[Item], identifiers: Identifiers
    ) -> RemotePlatform:
        return RemotePlatform(clock, queue, identifiers, self._processes)

    # What other threads call.

    def call(self, operation: str, params: Mapping[str, Any]) -> Future[Output]:
        """Serve a call. The future has the answer when all that it tells of is kept.

        It raises ServiceError where the service refuses, as it does when it stops.
        """
        answer: Future[Output] = Future()
        # Whoever has lost interest must not come between the thread and its answer.
        answer.set_running_or_notify_cancel()

        def serve() -> None:
            if operation == "Invoke" and self._stop_at is not None:
                self._answers.append((answer, _stopped()))
                return
            try:
                output = self.operations(operation, params)
            except Exception as error:
                self._answers.append((answer, error))
                return
            arn = params.get("DurableExecutionArn")
            if isinstance(arn, str):
                self._keeper.touch(arn)
            match output:
                case Started(execution) if execution.closed:
                    self._answers.append((answer, self.operations.invoked(execution)))
                case Started(execution):
                    self._awaited.setdefault(execution.record.arn, []).append(answer)
                case PlainCall():
                    self._call_plain(output, answer)
                case _:
                    self._answers.append((answer, output))

        self._post(serve, answer)
        return answer

    def look(self, see: Callable[[World], T]) -> Future[T]:
        """Return what a function sees of the world, which it must not change."""
        seen: Future[T] = Future()
        seen.set_running_or_notify_cancel()

        def look() -> None:
            try:
                value = see(self._world)
            except Exception as error:
                seen.set_exception(error)
            else:
                seen.set_result(value)

        self._post(look, seen)
        return seen

    @property
    def running_pids(self) -> list[int]:
        """The ids of the processes that run handlers now."""
        return self.look(lambda world: self._processes.pids).result()

    def stop(self, grace_seconds: float = 0.0) -> None:
        """End every sandbox, and end. All is kept.

        No invocation begins any more. One that runs has ``grace_seconds`` to come to its end; then it is
        lost, as in a crash. May be called again, with less grace.
        """
        until = machine_seconds() + grace_seconds
        with self._changed:
            self._stop_at = until if self._stop_at is None else min(until, self._stop_at)
            self._changed.notify()
        self._thread.join()

    def _post(self, do: Callable[[], None], waiting: Future[Any] | None = None) -> None:
        with self._changed:
            if not self._stopping:
                self._inbox.append((do, waiting))
                self._changed.notify()
                return
        if waiting is not None:
            waiting.set_exception(_stopped())

    # What the thread does.

    def _run(self) -> None:
        failure: Exception | None = None
        try:
            while self._wait():
                self._turn()
        except Exception as error:
            failure = error
            _log.exception("The service has failed, and stops.")
        finally:
            self._end(failure)

    def _end(self, failure: Exception | None) -> None:
        with self._changed:
            self._stopping = True
            refused, self._inbox = self._inbox, deque()
        self._processes.close()
        self._store.close()
        waiting = [future for _, future in refused if future is not None]
        waiting += [future for futures in self._awaited.values() for future in futures]
        waiting += [future for future, _ in self._answers]
        waiting += [future for _, future in self._plain.values()]
        for future in waiting:
            if not future.done():
                future.set_exception(_stopped())
        if failure is None:
            self.ended.set_result(None)
        else:
            self.ended.set_exception(failure)

    def _wait(self) -> bool:
        """Wait until there is something to do; return whether to go on."""
        with self._changed:
            while True:
                if self._stop_at is not None:
                    self._processes.hold_back()
                    left = self._stop_at - machine_seconds()
                    if left <= 0 or not self._processes.runs_something:
                        return False
                else:
                    left = self._seconds_left()
                if self._inbox or left <= 0:
                    return True
                # Longer than a thread may wait is waited for in parts.
                self._changed.wait(min(left, threading.TIMEOUT_MAX))

    def _seconds_left(self) -> float:
        """Return how long nothing happens by itself; 0 or less if something is due."""
        if self._inbox:
            return 0
        head = self._world.queue.head()
        if self._options.skip_time and self._processes.is_idle and head and head.due > self._time.now:
            moment = skippable_until(self._world)
            if moment is not None:
                self._time.skip_to(moment)
        dues = [] if head is None else [head.due]
        dues += [run.deadline for run, _ in self._plain.values() if run is not None]
        return (min(dues) - self._time.now) / 1_000_000 if dues else threading.TIMEOUT_MAX

    def _turn(self) -> None:
        """Serve what has been asked for, let happen what is due, keep all of it, and then tell."""
        world = self._world
        world.clock.move_to(self._time.now)
        with self._changed:
            asked, self._inbox = self._inbox, deque()
        for do, _ in asked:
            do()
        while True:
            head = world.queue.head()
            if head is None or head.due > world.clock.now:
                break
            if self._stop_at is not None and isinstance(head.item, InvocationDue):
                break
            world.queue.remove(head)
            world.happen(head.item)
        self._time_out_plain()
        self._tell_ended()
        self._keeper.save(world, self._time.skipped)
        answers, self._answers = self._answers, []
        for future, answer in answers:
            if isinstance(answer, Exception):
                future.set_exception(answer)
            else:
                future.set_result(answer)

    def _tell_ended(self) -> None:
        for arn in list(self._awaited):
            execution = self._world.executions.by_arn[arn]
            if execution.closed:
                output = self.operations.invoked(execution)
                for answer in self._awaited.pop(arn):
                    self._answers.append((answer, output))

    def _call_plain(self, call: PlainCall, answer: Future[Output]) -> None:
        self._plain_calls += 1
        request_id = self._identifiers.call_id(call.version.arn, str(self._plain_calls))

        def made() -> Invocation:
            now = self._world.clock.now
            deadline = now + self._options.invocation_timeout_seconds * 1_000_000
            return Invocation(1, request_id, now, deadline, Sandbox("plain"), [])

        waiting = made()

        def begun(ticket: Ticket) -> None:
            self._plain[ticket] = made(), answer

        def ended(reply: Reply) -> None:
            self._plain.pop(ticket, None)
            self._answers.append((answer, _plain_output(call, reply, waiting)))

        if not call.is_awaited:
            self._answers.append((answer, {"StatusCode": 202}))
            answer = Future()
        ticket = self._processes.run(*plain_run(call, waiting), ended, begun)
        self._plain.setdefault(ticket, (None, answer))

    def _time_out_plain(self) -> None:
        now = self._world.clock.now
        for ticket, (run, answer) in list(self._plain.items()):
            if run is None or run.deadline > now:
                continue
            del self._plain[ticket]
            ticket.give_up()
            output = {"StatusCode": 200, **function_error(time_limit_error(run, now))}
            self._answers.append((answer, output))


def _plain_output(call: PlainCall, reply: Reply, run: Invocation) -> Output:
    answer: Output = {"StatusCode": 200, "ExecutedVersion": call.version.version}
    if "output" in reply:
        return {**answer, "Payload": json.dumps(reply["output"]).encode()}
    return {**answer, **function_error(reply.get("error") or exit_error(run))}


def _stopped() -> ServiceUnavailableException:
    return ServiceUnavailableException("The server is stopping.")
