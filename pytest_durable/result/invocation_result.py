"""DurableFunctionTestResult as AWS's runner gives it: its status is that of the last invocation."""

from __future__ import annotations

from typing import Protocol, Self

from durable_sdk.lambda_service import ErrorObject, InvocationStatus
from pytest_durable.history.log import EventLog
from pytest_durable.model import GetDurableExecutionHistoryResponse, GetDurableExecutionResponse
from pytest_durable.model.operations import event_log
from pytest_durable.result import execution
from pytest_durable.result.execution import ExecutionStatus
from pytest_durable.result.operations import Operation

_INVOCATION_STATUS = {
    ExecutionStatus.SUCCEEDED: InvocationStatus.SUCCEEDED,
    ExecutionStatus.RUNNING: InvocationStatus.PENDING,
}


class Logged(Protocol):
    """Something that has the log of an execution."""

    @property
    def log(self) -> EventLog: ...


class DurableFunctionTestResult(execution.DurableFunctionTestResult):
    """A result whose ``status`` is a member of the SDK's InvocationStatus.

    An execution that timed out or was stopped is FAILED there; ``execution_status`` tells them apart. All
    else is as in the results of the fixture ``durable_runner``. One that is built from its parts has no
    history.
    """

    def __init__(
        self,
        status: InvocationStatus,
        operations: list[Operation],
        result: str | None = None,
        error: ErrorObject | None = None,
        execution_status: ExecutionStatus | None = None,
    ) -> None:
        super().__init__(EventLog())
        self._status: InvocationStatus | None = status
        # Stored where the properties would keep what they read from a log.
        self.operations = operations
        self.result = result
        self.error = error
        self.execution_status = execution_status or _execution_status(status)

    @classmethod
    def from_log(cls, log: EventLog, *, seed: int | None = None) -> Self:
        """Return the result that a log tells of."""
        made = cls.__new__(cls)
        execution.DurableFunctionTestResult.__init__(made, log, seed=seed)
        made._status = None
        return made

    @classmethod
    def like(cls, result: execution.DurableFunctionTestResult) -> Self:
        """Return the same result, as AWS's runner gives it."""
        made = cls.from_log(result._log, seed=result.seed)
        made.history = result.history
        made.notes = result.notes
        made._given_invoked = lambda: result.invoked
        return made

    @classmethod
    def create(cls, execution: Logged) -> Self:
        """Return the result of an execution so far."""
        return cls.from_log(execution.log)

    @classmethod
    def from_execution_history(
        cls,
        execution_response: GetDurableExecutionResponse,
        history_response: GetDurableExecutionHistoryResponse,
    ) -> Self:
        """Return the result that the service's two answers tell of: all events, and the outcome.

        Raises:
            HistoryError: the history does not make sense; the message names the event.
        """
        made = cls.from_log(event_log(history_response.events))
        # A history without execution data lacks these.
        made.result = execution_response.result
        made.error = execution_response.error
        made.execution_status = ExecutionStatus(execution_response.status)
        return made

    @property
    def status(self) -> InvocationStatus:
        """How the last invocation ended: SUCCEEDED, FAILED, or PENDING if there are to be others."""
        return self._status or _INVOCATION_STATUS.get(self.execution_status, InvocationStatus.FAILED)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, DurableFunctionTestResult) and self._parts() == other._parts()

    __hash__ = None  # type: ignore[assignment]

    def _parts(self) -> tuple[object, ...]:
        return (self.status, self.operations, self.result, self.error, self.execution_status)


def _execution_status(status: InvocationStatus) -> ExecutionStatus:
    if status in (InvocationStatus.SUCCEEDED, InvocationStatus.FAILED):
        return ExecutionStatus(status.value)
    return ExecutionStatus.RUNNING
