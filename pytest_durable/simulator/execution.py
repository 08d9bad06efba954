"""SimulatedExecution: an execution, the handler that runs it, and the invocation that runs now."""

from __future__ import annotations

from pytest_durable.history.events import ErrorJson
from pytest_durable.simulator.identifiers import FunctionVersion
from pytest_durable.simulator.invocation import Handler, Invocation
from pytest_durable.simulator.service.records import ExecutionRecord


class SimulatedExecution:
    """Only the loop changes it."""

    __slots__ = (
        "failures",
        "function",
        "handler",
        "invalid_pending_answers",
        "invocation",
        "invocation_is_due",
        "invocation_timeout_seconds",
        "last_failure",
        "record",
    )

    def __init__(
        self,
        record: ExecutionRecord,
        handler: Handler,
        function: FunctionVersion,
        invocation_timeout_seconds: int,
    ) -> None:
        self.record = record
        self.handler = handler
        self.function = function
        self.invocation_timeout_seconds = invocation_timeout_seconds
        self.invocation: Invocation | None = None
        self.invocation_is_due = False
        self.failures = 0
        self.invalid_pending_answers = 0
        self.last_failure: ErrorJson | None = None

    @property
    def closed(self) -> bool:
        """Whether the execution has ended; then nothing of it happens any more."""
        return self.record.closed
