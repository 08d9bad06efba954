"""What the record of an operation says should happen now, and the loop that acts on it."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass
from functools import partial
from typing import Generic, NamedTuple, NoReturn, Protocol, TypeAlias, TypeVar

from durable_sdk._plugins.executor import PluginExecutor
from durable_sdk._plugins.infos import UserFunctionOutcome
from durable_sdk._runtime import Runtime
from durable_sdk._updates import UpdateJson
from durable_sdk._wire.enums import OperationStatus
from durable_sdk._wire.errors import ErrorObject
from durable_sdk._wire.operations import StoredOperation
from durable_sdk.exceptions import SuspendExecution, TimedSuspendExecution
from durable_sdk.identifier import OperationIdentifier
from durable_sdk.state import ExecutionState

A = TypeVar("A")
T = TypeVar("T")


class RunningStep(NamedTuple):
    """A step or condition whose body runs, and the number of the attempt, 1 for the first."""

    identifier: OperationIdentifier
    attempt: int
    state: ExecutionState

    @property
    def path(self) -> tuple[str | None, ...]:
        """The names of the contexts around it, outermost first, and its own."""
        return self.state.lineage.path(self.identifier.parent_id, self.identifier.name)


running_step: ContextVar[RunningStep | None] = ContextVar("durable_sdk_running_step", default=None)
"""The step or condition whose body the calling code belongs to: no operation can be called there."""


@dataclass(frozen=True, slots=True)
class Completed(Generic[T]):
    """The record holds the result."""

    value: T


@dataclass(frozen=True, slots=True)
class Begin:
    """The start has to be recorded first; if ``synchronous``, the service's answer decides what follows."""

    update: UpdateJson
    synchronous: bool


@dataclass(frozen=True, slots=True)
class Execute(Generic[T]):
    """User code has to run; unless it ``leaves_record``, its operations alone tell that it did."""

    body: Callable[[], T]
    leaves_record: bool = True


@dataclass(frozen=True, slots=True)
class Suspend:
    """Something outside this invocation has to happen first; ``until`` if it is known when
    (microseconds since the epoch)."""

    reason: str
    until: int | None = None


Decision: TypeAlias = Completed[T] | Begin | Execute[T] | Suspend


class DurableOperation(Protocol[T]):
    """A kind of operation, at one position of one handler."""

    @property
    def identifier(self) -> OperationIdentifier:
        """Which operation it is."""
        ...

    def decide(self, recorded: StoredOperation | None, *, begun: bool) -> Decision[T]:
        """Say what should happen, given what is recorded.

        ``begun`` tells that its start was recorded a moment ago by this very call. Raises the
        operation's error if the record says that it failed.
        """
        ...


def perform(operation: DurableOperation[T], recorded: StoredOperation | None, state: ExecutionState) -> T:
    """Carry out ``operation``: answer from ``recorded``, or run it and record what happens.

    Raises:
        SuspendExecution: it cannot end in this invocation.
        OrphanedChildException: a context above it has ended.
    """
    if state.plugins is None:
        return _perform(operation, recorded, state)
    return _perform_observed(operation, recorded, state, state.plugins)


def _perform_observed(
    operation: DurableOperation[T],
    recorded: StoredOperation | None,
    state: ExecutionState,
    plugins: PluginExecutor,
) -> T:
    if recorded is not None:
        plugins.on_operation_replay(recorded)
    try:
        value = _perform(operation, recorded, state)
    except Exception:
        plugins.claim_end_hook(operation.identifier.operation_id)
        raise
    plugins.claim_end_hook(operation.identifier.operation_id)
    return value


def _perform(operation: DurableOperation[T], recorded: StoredOperation | None, state: ExecutionState) -> T:
    decision = operation.decide(recorded, begun=False)
    if isinstance(decision, Begin):
        if state.plugins is not None:
            # The checkpoint would refuse it, but nobody is to hear of an operation that never starts.
            state.demand_open(operation.identifier)
            state.plugins.on_operation_action(decision.update, previous_operation=recorded)
        state.checkpoint(decision.update, synchronous=decision.synchronous)
        decision = operation.decide(state.find(operation.identifier), begun=True)
    match decision:
        case Completed(value):
            return value
        case Execute(body, leaves_record):
            if leaves_record and (recorded is None or not recorded.is_terminal):
                # An attempt that is repeated sends no start that could be refused.
                state.demand_open(operation.identifier)
            return body()
        case Suspend(reason, until):
            suspend(reason, until)
        case Begin():
            raise AssertionError(f"{operation.identifier} asks to begin twice")


def run_user_function(
    state: ExecutionState,
    identifier: OperationIdentifier,
    func: Callable[[A], T],
    argument: A,
    *,
    attempt: int | None,
    is_replay_children: bool = False,
) -> T:
    """Call ``func(argument)``, which is the user's, and tell the plugins when it starts and how it ends.

    ``attempt`` is 1 for the first; None for a context of which an earlier run is recorded.
    """
    if state.runtime.watches_operations:
        func = partial(_call_watched, state.runtime, identifier.operation_id, func)
    plugins = state.plugins
    if plugins is None:
        return func(argument)
    started = plugins.on_user_function_start(identifier, is_replay_children, attempt)
    try:
        value = func(argument)
    except Exception as error:
        plugins.on_user_function_end(started, ErrorObject.from_exception(error))
        raise
    except BaseException:
        plugins.on_user_function_end(started, None, outcome=UserFunctionOutcome.INCOMPLETE)
        raise
    plugins.on_user_function_end(started, None)
    return value


def _call_watched(runtime: Runtime, operation_id: str, func: Callable[[A], T], argument: A) -> T:
    try:
        value = func(argument)
    except BaseException as error:
        runtime.body_ended(operation_id, error)
        raise
    runtime.body_ended(operation_id, None)
    return value


def repeat_or_suspend(operation: DurableOperation[T], reason: str, state: ExecutionState) -> T:
    """Leave user code until the time of another attempt, or make it at once if the time has come already.

    That has to be looked at: of an attempt that the handler knows to be due the service says nothing more.
    """
    recorded = state.find(operation.identifier)
    if recorded is not None and recorded.status is OperationStatus.READY:
        return _perform(operation, recorded, state)
    suspend(reason, recorded.next_attempt_at if recorded else None)


def suspend(reason: str, until: int | None = None) -> NoReturn:
    """Leave user code; ``until`` is in microseconds since the epoch, None if it is not known."""
    if until is None:
        raise SuspendExecution(reason)
    raise TimedSuspendExecution(reason, until)
