"""What can be in the event queue."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from pytest_durable.simulator.client import Call
from pytest_durable.simulator.execution import SimulatedExecution
from pytest_durable.simulator.invocation import Ending, Invocation
from pytest_durable.simulator.turns import Task


@dataclass(frozen=True, slots=True)
class TaskDue:
    """A task is to get the turn: it is new, or what it parked for has happened."""

    task: Task


@dataclass(frozen=True, slots=True)
class CallArrived:
    """A request of the SDK has reached the service."""

    execution: SimulatedExecution
    call: Call


@dataclass(frozen=True, slots=True)
class CallAnswered:
    """The answer to a request has reached the task that waits for it."""

    call: Call


@dataclass(frozen=True, slots=True)
class TimerDue:
    """A wait or a retry delay is over."""

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
class InvocationTimedOut:
    """The function's time limit has come."""

    execution: SimulatedExecution
    invocation: Invocation


@dataclass(frozen=True, slots=True)
class ExecutionTimedOut:
    """The execution's time limit has come."""

    execution: SimulatedExecution


Item: TypeAlias = (
    TaskDue
    | CallArrived
    | CallAnswered
    | TimerDue
    | InvocationDue
    | HandlerEnded
    | InvocationTimedOut
    | ExecutionTimedOut
)
