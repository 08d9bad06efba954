"""Shadow replays: a handler runs again over a part of what has been recorded, in a world of its own.

It goes until it comes to something that was not finished then, and suspends there, as it would for a wait. No
body of a step runs, and nothing can be recorded. Branches run on the calling thread, one after the other: in
a replay nothing blocks, so a branch either comes to its end or suspends.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextvars import Context, copy_context
from dataclasses import dataclass, field
from random import Random
from typing import Any, NoReturn, TypeVar

from durable_sdk import _runtime
from durable_sdk._client import CheckpointOutput
from durable_sdk._invocation_input import BoundInvocation
from durable_sdk._runtime import Body, OperationCall, Signal
from durable_sdk._updates import UpdateJson
from durable_sdk._wire.invocation import InvocationEvent, StatePage
from durable_sdk.exceptions import SuspendExecution
from durable_sdk.lambda_service import OperationType
from pytest_durable.history.events import ErrorJson
from pytest_durable.simulator.clock import Clock
from pytest_durable.simulator.execution import SimulatedExecution
from pytest_durable.simulator.identifiers import FunctionVersion
from pytest_durable.simulator.invocation import Handler, Sandbox
from pytest_durable.simulator.lambda_context import SimulatedLambdaContext
from pytest_durable.simulator.replaying.trace import TracedCall, traced
from pytest_durable.simulator.runtime import SimulatedRuntime
from pytest_durable.simulator.turns import SandboxKilled, Turns
from pytest_durable.simulator.unwinding import REFUSALS_MAX, Interruptions

T = TypeVar("T")

# Code outside steps that waits for a branch by sleeping waits for ever here.
_SLEEPS_MAX = 1_000

_turns = Turns(30)


@dataclass(slots=True)
class Replay:
    """What one replay did.

    ``result`` and ``error`` are how the handler ended, if it did. If it was ``broken_off``, nothing follows
    from how it ended: it came to what only another run of a body could tell, or an exception ended the
    invocation, which the service would repeat. ``begins_attempt`` tells that an attempt would have begun.
    """

    calls: dict[str, TracedCall] = field(default_factory=dict)
    ended: dict[str | None, None] = field(default_factory=dict)
    status: str | None = None
    result: str | None = None
    error: ErrorJson | None = None
    broken_off: bool = False
    begins_attempt: bool = False


class _Signal:
    """A signal whose waiting runs the branches that the waiting task has started."""

    def __init__(self, runtime: ShadowRuntime) -> None:
        self._runtime = runtime
        self._is_set = False

    def wait(self, until: int | None = None) -> bool:
        while not self._is_set and self._runtime.run_next():
            pass
        if not self._is_set and until is None:
            raise SandboxKilled
        return self._is_set

    def set(self) -> None:
        self._is_set = True


class ShadowRuntime(SimulatedRuntime):
    """The runtime of a replay.

    ``operations`` is what has been recorded, ``recorded_later`` the ids of what the record has at its end;
    ``clock`` is what user code reads.

    To the SDK no time passes: nothing that is not recorded as ended ever ends.
    """

    is_shadow = True

    def __init__(
        self,
        replay: Replay,
        operations: Mapping[str, Mapping[str, Any]],
        recorded_later: frozenset[str],
        clock: Clock,
        called: Callable[[TracedCall], None],
        then: Mapping[str, TracedCall],
    ) -> None:
        self._recorded_later = recorded_later
        self._own_sandbox = Sandbox("replay")
        super().__init__(clock, _turns, _nothing_is_scheduled, Random(0), self._own_sandbox)
        self._replay = replay
        self._operations = operations
        self._called = called
        self._then = then
        self._tasks_of: dict[object, deque[tuple[Context, Body]]] = {}
        self._task: object = self
        self._sleeps = 0
        self._suspended: dict[object, int] = {}
        self._interruptions = Interruptions(replay_over.__code__)

    def now(self) -> int:
        """Return the same time, always."""
        self.demand_alive()
        return 0

    def signal(self) -> Signal:
        """Return a signal that runs tasks while it is waited for."""
        return _Signal(self)

    def spawn(self, body: Body, name: str, delay_seconds: float = 0.0) -> None:
        """Keep the body until the task that spawns it waits; a delayed one never runs."""
        self.demand_alive()
        if not delay_seconds:
            self._tasks_of.setdefault(self._task, deque()).append((copy_context(), body))

    def run_next(self) -> bool:
        """Run one task that the current one has spawned; return whether there was any."""
        mine = self._tasks_of.get(self._task)
        if not mine:
            return False
        context, body = mine.popleft()
        parent, self._task = self._task, object()
        try:
            context.run(body)
        finally:
            # What it has not waited for is waited for by whoever started it.
            mine.extend(self._tasks_of.pop(self._task, ()))
            self._task = parent
        return True

    def close(self) -> None:
        """Run every task that is left."""
        while self.run_next():
            pass

    def sleep(self, seconds: float) -> None:
        """Let the time that user code reads pass."""
        self.demand_alive()
        self._sleeps += 1
        if self._sleeps > _SLEEPS_MAX:
            raise SandboxKilled
        self._clock.now += round(max(0.0, seconds) * 1_000_000)

    def die(self, error: ErrorJson | None) -> NoReturn:
        """End the replay at once."""
        raise SandboxKilled

    @property
    def replaces_steps(self) -> bool:
        """Every step: none runs."""
        return True

    def step_body(self, path: tuple[str | None, ...], body: Callable[[int], T]) -> Callable[[int], T]:
        """Return what ends the replay."""

        def refuse(attempt: int) -> T:
            raise SandboxKilled

        return refuse

    @property
    def watches_operations(self) -> bool:
        """Always."""
        return True

    def operation_called(self, call: OperationCall) -> None:
        """Keep the call, and suspend if what it begins is not part of the record."""
        self.demand_alive()
        seen = traced(call, 0, self._then.get(call.operation_id))
        self._replay.calls.setdefault(call.operation_id, seen)
        self._called(seen)
        is_context = call.operation_type == OperationType.CONTEXT.value
        if call.status is None:
            # A context that is never recorded has no record of its own; what lies in it has.
            if not is_context or call.operation_id in self._recorded_later:
                # The first run went past it without recording it: it was refused, say, or gave up at once.
                if call.operation_id in self._then and call.operation_id not in self._recorded_later:
                    self._replay.broken_off = True
                self._suspend("The record ends here.")
        elif call.operation_type == OperationType.STEP.value and call.status in ("READY", "STARTED"):
            self._replay.begins_attempt = True
            self._suspend("An attempt would begin here.")

    def _suspend(self, why: str) -> NoReturn:
        """Suspend the task, which may catch that, but not for ever."""
        count = self._suspended[self._task] = self._suspended.get(self._task, 0) + 1
        if count > REFUSALS_MAX:
            self._replay.broken_off = True
            self._interruptions.strike()
        raise SuspendExecution(why)

    def body_ended(self, operation_id: str | None, error: BaseException | None) -> None:
        """Keep it, and suspend where the end would be recorded."""
        if self._own_sandbox.closed or not (error is None or isinstance(error, Exception)):
            return
        self._replay.ended[operation_id] = None
        recorded = self._operations.get(operation_id or "")
        if recorded is not None and recorded["Status"] == "STARTED":
            raise SuspendExecution("The context would end here.")

    def end(self) -> None:
        """Refuse whatever still asks for something."""
        self._interruptions.end()
        self._own_sandbox.closed = True


def _nothing_is_scheduled(due: int, task: object) -> NoReturn:
    raise SandboxKilled


class _Client:
    """A service that accepts nothing but the end of the execution, of which it keeps the payload."""

    def __init__(self) -> None:
        self.payload: str | None = None
        self.error: ErrorJson | None = None

    def checkpoint(
        self, durable_execution_arn: str, checkpoint_token: str, updates: Sequence[UpdateJson]
    ) -> CheckpointOutput:
        for update in updates:
            if update["Type"] == OperationType.EXECUTION.value:
                self.payload, self.error = update.get("Payload"), update.get("Error")
                return CheckpointOutput(None, StatePage())
        raise SandboxKilled

    def get_execution_state(
        self, durable_execution_arn: str, checkpoint_token: str, next_marker: str
    ) -> StatePage:
        raise SandboxKilled


@dataclass(frozen=True, slots=True)
class Subject:
    """What is replayed: a handler, and what the service knows of its execution."""

    handler: Handler
    arn: str
    function: FunctionVersion
    invocation_timeout_seconds: int
    tenant_id: str | None = None
    variables: Context = field(default_factory=Context)

    @classmethod
    def of(cls, execution: SimulatedExecution) -> Subject:
        """Return an execution as it is replayed."""
        return cls(
            execution.handler,
            execution.record.arn,
            execution.function,
            execution.invocation_timeout_seconds,
            execution.tenant_id,
            execution.context,
        )


def replay_over(
    subject: Subject,
    operations: Mapping[str, dict[str, Any]],
    recorded_later: frozenset[str],
    then: Mapping[str, TracedCall],
    clock: Clock,
    moment: int,
    request_id: str,
    called: Callable[[TracedCall], None] = lambda call: None,
) -> Replay:
    """Run the handler over ``operations``, which are in the service's JSON, and return what it did.

    ``then`` has the calls that the replay is going to be compared with. ``clock`` is what its code reads as
    the time, if virtual time is shown, and ``moment`` when the invocation begins. ``called`` is told of each
    operation.
    """
    replay = Replay()
    runtime = ShadowRuntime(replay, operations, recorded_later, clock, called, then)
    client = _Client()
    event = InvocationEvent(subject.arn, "replay", StatePage(list(operations.values())), ())
    lambda_context = SimulatedLambdaContext(
        request_id,
        subject.function,
        moment + subject.invocation_timeout_seconds * 1_000_000,
        lambda: clock.now,
        tenant_id=subject.tenant_id,
    )

    def body() -> None:
        _runtime.current.set(runtime)
        try:
            output = subject.handler(BoundInvocation(event, client, runtime), lambda_context)
            _take(replay, output, client)
        except SandboxKilled:
            replay.broken_off = True
        except KeyboardInterrupt:
            raise
        except BaseException:
            replay.broken_off = True
        finally:
            runtime.end()

    subject.variables.copy().run(body)
    return replay


def _take(replay: Replay, output: object, client: _Client) -> None:
    if not isinstance(output, dict):
        replay.status, replay.result = "INVALID", type(output).__name__
        return
    replay.status = output.get("Status")
    replay.result = output.get("Result")
    replay.error = output.get("Error")
    if client.payload is not None or client.error is not None:
        replay.result, replay.error = client.payload, client.error
