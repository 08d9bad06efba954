"""SimulatedExecution: an execution, the handler that runs it, and the invocation that runs now."""

from __future__ import annotations

from contextvars import Context
from typing import NamedTuple, Protocol

from pytest_durable.history.events import Event
from pytest_durable.simulator.identifiers import FunctionVersion
from pytest_durable.simulator.invocation import Handler, Invocation
from pytest_durable.simulator.service.records import ExecutionRecord


class Invoker(NamedTuple):
    """The operation of another execution on whose behalf an execution runs."""

    execution: SimulatedExecution
    operation_id: str


class TimeoutEntry(Protocol):
    """The entry of the event queue at which an execution times out."""

    due: int

    def cancel(self) -> None:
        """Make it never happen."""
        ...


class SimulatedExecution:
    """Only the loop changes it. ``context`` holds the context variables that every invocation begins with."""

    __slots__ = (
        "answered_meanwhile",
        "calls",
        "context",
        "crashes",
        "deaths",
        "deleted",
        "function",
        "handler",
        "has_default_timeout",
        "invalid_answers",
        "invocation",
        "invocation_is_due",
        "invocation_timeout_seconds",
        "invoked",
        "invoker",
        "is_owed",
        "is_retried",
        "last_event",
        "paused",
        "record",
        "retried_up_to",
        "shadows",
        "tenant_id",
        "timeout",
    )

    def __init__(
        self,
        record: ExecutionRecord,
        handler: Handler,
        function: FunctionVersion,
        invocation_timeout_seconds: int,
        has_default_timeout: bool,
        context: Context,
        invoker: Invoker | None = None,
        tenant_id: str | None = None,
    ) -> None:
        self.has_default_timeout = has_default_timeout
        self.context = context
        self.record = record
        self.handler = handler
        self.function = function
        self.invocation_timeout_seconds = invocation_timeout_seconds
        self.invocation: Invocation | None = None
        self.shadows: list[Invocation] = []
        """Second runs of invocations that were delivered twice."""
        self.invocation_is_due = False
        self.last_event: Event | None = None
        self.invoker = invoker
        self.invoked: list[SimulatedExecution] = []
        """The executions of durable functions that its operations have called, in order of start."""
        self.tenant_id = tenant_id
        self.calls: dict[str, Invocation] = {}
        """Runs of plain functions that its operations have called, by operation id."""
        self.answered_meanwhile = False
        """Whether a callback or an invoke was completed while the invocation that runs now did."""
        self.deleted = False
        """Whether its data are gone for whoever asks the service, and its name is free."""
        self.paused = False
        self.is_owed = False
        """Whether the handler is to be invoked as soon as the execution is no longer paused."""
        self.crashes = 0
        self.invalid_answers = 0
        self.deaths = 0
        """How many invocations have come to an end in which the handler neither suspended nor ended."""
        self.is_retried = False
        """Whether an invocation is due that repeats such a one."""
        self.retried_up_to = 0
        """The number of the last invocation that is or was such a repetition."""
        self.timeout: TimeoutEntry | None = None

    @property
    def closed(self) -> bool:
        """Whether the execution has ended; then nothing of it happens any more."""
        return self.record.closed

    def died(self) -> None:
        """Take note that the invocation has neither suspended nor ended, and is repeated."""
        self.deaths += 1
        self.is_retried = True
        self.retried_up_to = self.record.invocations + 1

    def forget_failures(self) -> None:
        """Take note of a good answer: only failures in a row count."""
        self.crashes = 0
        self.invalid_answers = 0
