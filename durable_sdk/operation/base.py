"""What the record of an operation says should happen now, and the loop that acts on it."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Generic, NoReturn, Protocol, TypeAlias, TypeVar

from durable_sdk._updates import UpdateJson
from durable_sdk._wire.operations import StoredOperation
from durable_sdk.exceptions import SuspendExecution, TimedSuspendExecution
from durable_sdk.identifier import OperationIdentifier
from durable_sdk.state import ExecutionState

T = TypeVar("T")

running_step: ContextVar[str | None] = ContextVar("durable_sdk_running_step", default=None)
"""The name or id of the step or condition whose body runs: no operation can be called there."""


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
    decision = operation.decide(recorded, begun=False)
    if isinstance(decision, Begin):
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


def suspend(reason: str, until: int | None = None) -> NoReturn:
    """Leave user code; ``until`` is in microseconds since the epoch, None if it is not known."""
    if until is None:
        raise SuspendExecution(reason)
    raise TimedSuspendExecution(reason, until)
