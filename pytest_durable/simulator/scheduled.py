"""What can be in the event queue.

The items of which a run makes thousands are named tuples: as frozen as a dataclass, and made sooner.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

from pytest_durable.scripts.callbacks import Answer
from pytest_durable.simulator.client import Call
from pytest_durable.simulator.execution import SimulatedExecution
from pytest_durable.simulator.invocation import Ending, Invocation
from pytest_durable.simulator.scripts.invokes import Scripted
from pytest_durable.simulator.turns import Task


class TaskDue(NamedTuple):
    """A task is to get the turn: it is new, or what it parked for has happened."""

    task: Task


class CallArrived(NamedTuple):
    """A request of the SDK has reached the service."""

    execution: SimulatedExecution
    call: Call


class CallAnswered(NamedTuple):
    """The answer to a request has reached the task that waits for it."""

    call: Call


class TimerDue(NamedTuple):
    """A wait, a retry delay, or the time of a callback is over."""

    execution: SimulatedExecution
    operation_id: str


@dataclass(frozen=True, slots=True)
class InvocationDue:
    """The handler is to be invoked."""

    execution: SimulatedExecution


@dataclass(frozen=True, slots=True)
class HandlerEnded:
    """The handler returned or raised."""

    execution: SimulatedExecution
    ending: Ending


@dataclass(frozen=True, slots=True)
class ShadowEnded:
    """The second run of an invocation that was delivered twice has ended; nobody listens to it."""

    execution: SimulatedExecution
    invocation: Invocation


@dataclass(frozen=True, slots=True)
class InvocationTimedOut:
    """The function's time limit has come."""

    execution: SimulatedExecution
    invocation: Invocation


@dataclass(frozen=True, slots=True)
class ExecutionTimedOut:
    """The execution's time limit has come."""

    execution: SimulatedExecution


@dataclass(frozen=True, slots=True)
class CallbackReplyDue:
    """Somebody outside answers a callback, as a script says."""

    execution: SimulatedExecution
    operation_id: str
    answer: Answer
    yields: bool = False
    """Whether it lets the answers to other callbacks of the execution come first."""


@dataclass(frozen=True, slots=True)
class CallbackHeartbeatDue:
    """Somebody outside sends a heartbeat, and ``left`` more after it; None is until the callback ends."""

    execution: SimulatedExecution
    operation_id: str
    every: int
    left: int | None


@dataclass(frozen=True, slots=True)
class InvokeScripted:
    """An invoked function is done, as a script says."""

    execution: SimulatedExecution
    operation_id: str
    outcome: Scripted


@dataclass(frozen=True, slots=True)
class InvokedExecutionEnded:
    """The execution of an invoked durable function has ended."""

    execution: SimulatedExecution
    operation_id: str
    invoked: SimulatedExecution


@dataclass(frozen=True, slots=True)
class FunctionEnded:
    """An invoked plain function returned or raised."""

    execution: SimulatedExecution
    operation_id: str
    ending: Ending


@dataclass(frozen=True, slots=True)
class FunctionTimedOut:
    """The time limit of an invoked plain function has come."""

    execution: SimulatedExecution
    operation_id: str


Item: TypeAlias = (
    TaskDue
    | CallArrived
    | CallAnswered
    | TimerDue
    | InvocationDue
    | HandlerEnded
    | ShadowEnded
    | InvocationTimedOut
    | ExecutionTimedOut
    | CallbackReplyDue
    | CallbackHeartbeatDue
    | InvokeScripted
    | InvokedExecutionEnded
    | FunctionEnded
    | FunctionTimedOut
)
