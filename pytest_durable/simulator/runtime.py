"""SimulatedRuntime: the SDK's seam for time, chance, tasks and blocking, under the control of the loop."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from contextlib import AbstractContextManager
from copy import copy
from random import Random
from typing import Any, ClassVar, NamedTuple, NoReturn, Protocol, TypeVar

from durable_sdk._runtime import Body, OperationCall, Signal
from durable_sdk.operation.base import running_step
from pytest_durable.history.events import ErrorJson
from pytest_durable.history.log import EventLog
from pytest_durable.points import Delay, Die, Path, Point, Position, Raise, TakeTooLong
from pytest_durable.simulator.clock import Clock
from pytest_durable.simulator.injector import Injector
from pytest_durable.simulator.turns import Sandbox, SandboxKilled, Task, Turns
from pytest_durable.simulator.unwinding import REFUSALS_MAX

T = TypeVar("T")


class QueuedTurn(Protocol):
    """A turn that a task is going to get."""

    @property
    def sequence(self) -> int:
        """Its number."""
        ...

    def cancel(self) -> None:
        """Make it never happen."""
        ...


ScheduleTurn = Callable[[int, Task], QueuedTurn]
"""Queues a turn: the time that it is due (microseconds since the epoch), and whose it is."""


class Order(Protocol):
    """What decides about order; see `pytest_durable.simulator.order`."""

    is_ordinary: bool

    def preempts(self, task: Task, resource: Hashable) -> bool:
        """Return whether others come before the task goes on after it touched a resource."""
        ...

    def resumes(self, turn: QueuedTurn) -> None:
        """Take note of the turn in which the task goes on."""
        ...

    def touch(self, resource: Hashable) -> None:
        """Take note that a resource is read or changed."""
        ...


class StepStandIn(Protocol):
    """What stands in for the body of a step."""

    def attempt(self, attempt: int, body: Callable[[int], Any]) -> Any:
        """Do what one more attempt is to do; ``body`` is the real one."""
        ...


class StepScripts(Protocol):
    """What a test has decided about steps; it may decide more while an invocation runs."""

    @property
    def has_steps(self) -> bool:
        """Whether there is anything."""
        ...

    def step(self, path: tuple[str | None, ...], /) -> StepStandIn | None:
        """Return what stands in for the body of the step at a path, if anything does."""
        ...


class Origin(NamedTuple):
    """Whose runtime it is: the execution by name, the number of its invocation, its log.

    ``function`` is the name of what runs: the handler's, or with ``is_call`` that of the plain function which
    an operation of the execution has called. It times out at ``deadline``, in microseconds since the epoch.
    """

    execution: str
    invocation: int
    log: EventLog
    function: str
    is_call: bool
    deadline: int


class OperationWatcher(Protocol):
    """What is told of the operations that an invocation calls."""

    def operation_called(self, call: OperationCall, /) -> None:
        """The handler calls an operation; see `durable_sdk._runtime.Runtime`."""
        ...

    def body_ended(self, operation_id: str | None, error: BaseException | None, /) -> None:
        """The body of an operation, or the handler (None), has returned or raised."""
        ...


def copied(error: BaseException) -> BaseException:
    """Return a copy of an error, or where there can be none the error without its traceback."""
    try:
        fresh = copy(error)
    except Exception:
        fresh = error
    return fresh.with_traceback(None)


class SimulatedRuntime:
    """The runtime of one invocation. Once its sandbox has died, every call raises SandboxKilled."""

    is_shadow: ClassVar[bool] = False
    """Whether nothing that happens in it is real: it only replays."""

    def __init__(
        self,
        clock: Clock,
        turns: Turns,
        schedule_turn: ScheduleTurn,
        chance: Random,
        sandbox: Sandbox,
        scripts: StepScripts | None = None,
        died: Callable[[ErrorJson | None], None] | None = None,
        origin: Origin | None = None,
        injector: Injector | None = None,
        order: Order | None = None,
    ) -> None:
        self._clock = clock
        self._turns = turns
        self._schedule_turn = schedule_turn
        self._chance = chance
        self._sandbox = sandbox
        self._scripts = scripts
        self._died = died
        self._injector = injector or Injector()
        self._order = order
        self.origin = origin
        self._delayed: list[QueuedTurn] = []
        self._refused = 0
        self._running = 0
        self._all_ended: SimulatedSignal | None = None
        self.watcher: OperationWatcher | None = None
        """Is told of the operations that this invocation calls."""
        self._has_replayed = False
        self.tasks: list[Task] = []
        """Every task that was ever spawned."""

    def demand_alive(self) -> None:
        """Raise SandboxKilled if the sandbox has died.

        Code that catches it, again and again, is ended in another way.
        """
        if self._sandbox.closed:
            self._refused += 1
            if self._refused >= REFUSALS_MAX and self._turns.has_turn:
                self._turns.end_endless()
            raise SandboxKilled

    def demand_turn(self) -> None:
        """Raise SandboxKilled if the sandbox has died, UsageError if the caller does not have the turn."""
        self.demand_alive()
        self._turns.demand_turn()

    def now(self) -> int:
        """Return virtual time."""
        self.demand_alive()
        return self._clock.now

    def random(self) -> float:
        """Draw from the run's stream for handlers."""
        self.demand_alive()
        if self._order is not None:
            self._order.touch("chance")
        return self._chance.random()

    def lock(self) -> AbstractContextManager[object]:
        """Return a lock. Nobody ever waits for it: turns change only where a task parks."""
        return threading.Lock()

    def signal(self) -> Signal:
        """Return a signal whose waiting parks the task."""
        return SimulatedSignal(self)

    def spawn(self, body: Body, name: str, delay_seconds: float = 0.0) -> None:
        """Add a task; it gets its first turn after all that is due before it."""
        self.demand_turn()
        task = Task(name, lambda: self._run(body, is_delayed=delay_seconds > 0), self._sandbox)
        self.tasks.append(task)
        if delay_seconds > 0:
            due = self._clock.now + round(delay_seconds * 1_000_000)
            self._delayed.append(self._schedule_turn(due, task))
        else:
            self._running += 1
            self._schedule_turn(self._clock.now, task)

    def _run(self, body: Body, *, is_delayed: bool) -> None:
        # A delayed task counts from its first turn: until then closing drops it.
        self._running += is_delayed
        body()
        self._running -= 1
        if self._all_ended is not None and self._running <= 0:
            self._all_ended.set()

    @property
    def replaces_steps(self) -> bool:
        """Whether the test has scripts for steps, or something may happen at them."""
        return not self._injector.is_idle or (self._scripts is not None and self._scripts.has_steps)

    def step_body(self, path: tuple[str | None, ...], body: Callable[[int], T]) -> Callable[[int], T]:
        """Return ``body``, or what a script of the test puts in its place."""
        stand_in = None if self._scripts is None else self._scripts.step(path)
        if stand_in is not None:
            if self._order is not None:
                self._order.touch("outside")
            real, body = body, lambda attempt: stand_in.attempt(attempt, real)
        if self._injector.is_idle:
            return body
        return lambda attempt: self._attempt(path, attempt, body)

    def _attempt(self, path: Path, number: int, body: Callable[[int], T]) -> T:
        """Run the body of a step, unless something happens around it."""
        self._meet(Position.BEFORE_STEP, path, attempt=number)
        try:
            value = body(number)
        except Exception:
            self._meet(Position.AFTER_STEP, path, attempt=number)
            raise
        self._meet(Position.AFTER_STEP, path, attempt=number)
        return value

    def effect(self, name: str, resource: Hashable) -> None:
        """Let happen what may after an effect on ``resource``, which is outside, by the name ``name``."""
        self.demand_turn()
        step = running_step.get()
        if step is not None and not self._injector.is_idle:
            self._meet(Position.DURING_STEP, step.path, effect=name, attempt=step.attempt)
        self.preempt(resource)

    def preempt(self, touch: Hashable) -> None:
        """Let others come before the task goes on, if the schedule says so.

        ``touch`` tells what the task reads or changes outside of its memory, just before or after. It is
        equal in every run. Two effects that touch different things come to the same in either order.
        """
        if self._order is None or self._order.is_ordinary:
            return
        self.demand_turn()
        task = self._turns.current
        if self._order.preempts(task, touch):
            self._order.resumes(self.wake(task))
            self.park()

    def _meet(
        self, position: Position, path: Path, effect: str | None = None, attempt: int | None = None
    ) -> None:
        """Ask the faults what happens at a point of the current task, and let it happen."""
        origin = self.origin
        if origin is None:
            return
        point = Point(
            position, path or (origin.function,), origin.execution, origin.invocation, effect, attempt
        )
        match self._injector.at(point):
            case Die(_, error):
                self.die(error)
            case Raise(raised):
                # The same object would gather a traceback, and with it a world, in each run.
                raise raised if isinstance(raised, type) else copied(raised)
            case Delay(microseconds):
                self.sleep(microseconds / 1_000_000)
            case TakeTooLong():
                self.wake(self._turns.current, origin.deadline + 1)
                self.park()
            case _:
                pass

    @property
    def watches_operations(self) -> bool:
        """Whether anybody wants to be told of operations."""
        return self.watcher is not None or not (self._has_replayed or self._injector.is_idle)

    def operation_called(self, call: OperationCall) -> None:
        """Tell the watcher, and let happen what may when the first operation is answered from its record."""
        self.demand_alive()
        if self.watcher is not None:
            self.watcher.operation_called(call)
        if call.has_ended and not (self._has_replayed or self._injector.is_idle):
            self._has_replayed = True
            self._meet(Position.REPLAY, ())

    def body_ended(self, operation_id: str | None, error: BaseException | None) -> None:
        """Tell the watcher, unless the sandbox has died."""
        if self.watcher is not None and not self._sandbox.closed:
            self.watcher.body_ended(operation_id, error)

    def close(self) -> None:
        """Drop delayed tasks and park until every other task has ended."""
        self.demand_alive()
        for turn in self._delayed:
            turn.cancel()
        self._delayed.clear()
        if self._running > 0:
            self._all_ended = SimulatedSignal(self)
            self._all_ended.wait()

    @property
    def has_turn(self) -> bool:
        """Whether the calling thread carries the task that has the turn."""
        return self._turns.has_turn

    def sleep(self, seconds: float) -> None:
        """Park the task for a time: what ``time.sleep`` does in handler code."""
        self.wake(self._turns.current, self.now() + round(max(0.0, seconds) * 1_000_000))
        self.park()

    def exit(self, status: int) -> NoReturn:
        """End the sandbox at once: what ``os._exit`` does in handler code."""
        self.die(None)

    def die(self, error: ErrorJson | None) -> NoReturn:
        """End the sandbox at once; ``error`` is what Lambda reports, None that the runtime has exited."""
        self.demand_turn()
        if self._died is not None:
            self._died(error)
            self.park()
        raise SandboxKilled

    def wake(self, task: Task, due: int | None = None) -> QueuedTurn:
        """Queue a turn for ``task``, due at ``due``, by default now."""
        self.demand_alive()
        return self._schedule_turn(self._clock.now if due is None else due, task)

    def park(self) -> None:
        """Park the current task until it gets a turn."""
        self.demand_turn()
        self._turns.park()

    @property
    def current_task(self) -> Task:
        """The task that has the turn."""
        return self._turns.current


class SimulatedSignal:
    """A signal. `set` queues a turn for the task that waits."""

    __slots__ = ("_is_set", "_runtime", "_turn", "_waiting")

    def __init__(self, runtime: SimulatedRuntime) -> None:
        self._runtime = runtime
        self._is_set = False
        self._waiting: Task | None = None
        self._turn: QueuedTurn | None = None

    def wait(self, until: int | None = None) -> bool:
        """Park until the signal is set or virtual time reaches ``until``; return whether it is set."""
        if self._is_set:
            return True
        self._waiting = self._runtime.current_task
        deadline = None if until is None else self._runtime.wake(self._waiting, until)
        self._runtime.park()
        self._waiting = None
        # Both may be queued for the same instant; the one that came second must not wake whatever the
        # task does next.
        for turn in (deadline, self._turn):
            if turn is not None:
                turn.cancel()
        return self._is_set

    def set(self) -> None:
        """Set the signal."""
        if self._is_set:
            return
        self._is_set = True
        if self._waiting is not None:
            self._turn = self._runtime.wake(self._waiting)
