"""SimulatedExecution: an execution, the handler that runs it, and the invocation that runs now."""

from __future__ import annotations

from contextvars import Context

from pytest_durable.history.events import Event
from pytest_durable.simulator.identifiers import FunctionVersion
from pytest_durable.simulator.invocation import Handler, Invocation
from pytest_durable.simulator.service.records import ExecutionRecord


class SimulatedExecution:
    """Only the loop changes it. ``context`` holds the context variables that every invocation begins with."""

    __slots__ = (
        "context",
        "crashes",
        "function",
        "handler",
        "has_default_timeout",
        "invalid_answers",
        "invocation",
        "invocation_is_due",
        "invocation_timeout_seconds",
        "last_event",
        "record",
    )

    def __init__(
        self,
        record: ExecutionRecord,
        handler: Handler,
        function: FunctionVersion,
        invocation_timeout_seconds: int,
        has_default_timeout: bool,
        context: Context,
    ) -> None:
        self.has_default_timeout = has_default_timeout
        self.context = context
        self.record = record
        self.handler = handler
        self.function = function
        self.invocation_timeout_seconds = invocation_timeout_seconds
        self.invocation: Invocation | None = None
        self.invocation_is_due = False
        self.last_event: Event | None = None
        self.crashes = 0
        self.invalid_answers = 0

    @property
    def closed(self) -> bool:
        """Whether the execution has ended; then nothing of it happens any more."""
        return self.record.closed

    def forget_failures(self) -> None:
        """Take note of a good answer: only failures in a row count."""
        self.crashes = 0
        self.invalid_answers = 0
