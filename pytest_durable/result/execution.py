"""The result of an execution: what a test asserts on, the same in simulation and in the cloud."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from functools import cached_property
from itertools import islice
from pathlib import Path
from textwrap import indent
from typing import Any, Self, TypeAlias

from durable_sdk.lambda_service import ErrorObject, OperationStatus
from pytest_durable.errors import DurableTestError, ExecutionFailedError, OperationNotFoundError
from pytest_durable.history.codec import events_to_json, to_datetime
from pytest_durable.history.events import EventType, InvokeStart
from pytest_durable.history.fold import RecordedOperation
from pytest_durable.history.log import EventLog
from pytest_durable.result.html import html_page, html_table
from pytest_durable.result.invocations import Invocation, invocations_of
from pytest_durable.result.operations import (
    ExecutionOperation,
    Lookups,
    Operation,
    operation_tree,
    operation_view,
)
from pytest_durable.result.timeline import execution_of, headline, timeline
from pytest_durable.result.verdict import failure_text, pending_work
from pytest_durable.result.wording import error_text, shortened, span

# A failure belongs to the test's own line, not to ours.
__tracebackhide__ = True


class ExecutionStatus(StrEnum):
    """How an execution ended, or that it has not. Equal to its text: ``status == "SUCCEEDED"``."""

    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    TIMED_OUT = "TIMED_OUT"
    STOPPED = "STOPPED"
    RUNNING = "RUNNING"


Invoked: TypeAlias = "Sequence[DurableFunctionTestResult] | Callable[[], Sequence[DurableFunctionTestResult]]"
"""Results of executions that another one has invoked, or what is called for them when somebody asks."""


class DurableFunctionTestResult(Lookups):
    """An execution as its log tells it. ``seed`` is None where nothing was left to chance.

    Nothing is computed before it is asked for. A log that grows later leaves the result as it was.
    ``invoked`` are the executions of the durable functions that this one has invoked, in order of start;
    ``faults`` those that struck in this one, as text, by the number of the invocation; ``notes`` say what of
    a history from elsewhere could not be read, or was not all there.
    """

    def __init__(
        self,
        log: EventLog,
        *,
        seed: int | None = None,
        invoked: Invoked = (),
        faults: Mapping[int, Sequence[str]] | None = None,
        notes: Sequence[str] = (),
    ) -> None:
        self._given = log
        self._length = len(log)
        self.seed = seed
        self._given_invoked = invoked
        self._faults = faults
        self.notes = tuple(notes)

    def __repr__(self) -> str:
        parts: list[str] = [self.execution_status.value]
        if self.result is not None:
            parts.append(f"result={shortened(self.result)}")
        if self.error is not None:
            parts.append(f"error={shortened(error_text(self.error.to_dict()))}")
        return f"{type(self).__name__}({', '.join(parts)})"

    @cached_property
    def invoked(self) -> tuple[DurableFunctionTestResult, ...]:
        """The executions of the durable functions that this one has invoked, in order of start."""
        given = self._given_invoked
        return tuple(given() if callable(given) else given)

    @cached_property
    def _log(self) -> EventLog:
        operations = self._given.operations.values()
        readied = any(operation.status is OperationStatus.READY for operation in operations)
        if len(self._given) == self._length and not readied:
            return self._given
        # Only the simulator knows READY; the same run on another backend has to look the same.
        events = islice(self._given, self._length)
        return EventLog(event for event in events if event.type is not EventType.STEP_READY)

    @cached_property
    def _recorded(self) -> RecordedOperation | None:
        return execution_of(self._log)

    @property
    def status(self) -> StrEnum:
        """How the execution ended; RUNNING if it has not."""
        return self.execution_status

    @cached_property
    def execution_status(self) -> ExecutionStatus:
        """The same as `status` here; AWS's runner has it beside a status of the last invocation."""
        if self._recorded is None or not self._recorded.is_terminal:
            return ExecutionStatus.RUNNING
        return ExecutionStatus(self._recorded.status.value)

    @cached_property
    def result(self) -> str | None:
        """What the handler returned, as the JSON text that is stored; None if there is none."""
        return None if self._recorded is None else self._recorded.result

    @cached_property
    def value(self) -> Any:
        """What the handler returned, decoded; None if there is no result.

        Raises:
            DurableTestError: the stored text is not JSON.
        """
        if self.result is None:
            return None
        try:
            return json.loads(self.result)
        except ValueError as error:
            raise DurableTestError(
                f"The result of the execution is not JSON: {shortened(self.result)!r}."
                " Read .result for the stored text."
            ) from error

    @cached_property
    def error(self) -> ErrorObject | None:
        """Why the execution failed; None if it did not."""
        if self._recorded is None or self._recorded.error is None:
            return None
        return ErrorObject.from_dict(self._recorded.error)

    def raise_for_status(self) -> Self:
        """Return this result if the execution succeeded.

        Raises:
            ExecutionFailedError: it did not; the message holds its status, its error, the operation
                where that came from, and what was left to do.
        """
        if self.execution_status is ExecutionStatus.SUCCEEDED:
            return self
        name = self._recorded.subject.name if self._recorded else None
        raise ExecutionFailedError(
            failure_text(self.execution_status.value, name, self.error, self.operations, self.pending)
        )

    @cached_property
    def operations(self) -> list[Operation]:
        """The operations in no context, in order of creation, without the execution itself."""
        return operation_tree(self._log.operations.values())

    def _searched(self) -> tuple[list[Operation], str]:
        return self.operations, "The execution"

    def get_execution(self, name: str | None = None) -> ExecutionOperation:
        """Return the operation that stands for the execution itself.

        Raises:
            OperationNotFoundError: the execution has another name, or has not begun.
        """
        recorded = self._recorded
        if recorded is None:
            raise OperationNotFoundError("The log is empty: the execution has not begun.")
        if name not in (None, recorded.subject.name):
            raise OperationNotFoundError(
                f"The execution is named {recorded.subject.name!r}, not {name!r}."
                " Call get_execution() for it whatever its name."
            )
        view = operation_view(recorded, [])
        assert isinstance(view, ExecutionOperation)
        return view

    @cached_property
    def pending(self) -> list[str]:
        """The operations that have not ended, in words."""
        return pending_work(self.operations, self._started)

    @cached_property
    def history(self) -> list[dict[str, Any]]:
        """The events as boto3 returns them from ``get_durable_execution_history``."""
        return events_to_json(self._log)

    @cached_property
    def invocations(self) -> list[Invocation]:
        """The runs of the handler that have ended."""
        return invocations_of(self._log)

    @property
    def _started(self) -> datetime | None:
        return to_datetime(self._log[0].at) if len(self._log) else None

    @property
    def virtual_elapsed(self) -> timedelta:
        """The time from the start of the execution to its last event."""
        if not len(self._log):
            return timedelta(0)
        return timedelta(microseconds=self._log[len(self._log) - 1].at - self._log[0].at)

    def timeline(self) -> str:
        """Return the run as text: times since the start, invocations, operations, outcomes.

        The executions of invoked functions follow, further in.
        """
        parts = [timeline(self._log, self._faults)]
        for invoked in self.invoked:
            parts.append(indent(f"{self._invoke_of(invoked)}{invoked.timeline()}", "    "))
        parts.extend(f"note: {note}" for note in self.notes)
        return "\n".join(parts)

    def _invoke_of(self, invoked: DurableFunctionTestResult) -> str:
        """Say which invoke started an execution, and when: its own times count from there."""
        for operation in self._log.operations.values():
            start = operation.start
            if (
                isinstance(start, InvokeStart)
                and invoked._recorded is not None
                # The last part of the ARN is the id of the operation that stands for the execution.
                and (start.execution_arn or "").rpartition("/")[2] == invoked._recorded.subject.operation_id
            ):
                at = span((operation.started_at or self._log[0].at) - self._log[0].at)
                name = f"invoke {operation.subject.name}" if operation.subject.name else "invoke"
                return f"{name} of {start.function_name} at +{at}: "
        return ""

    def to_html_table(self) -> str:
        """Return the timeline of this execution as a table of HTML, without a page around it."""
        return html_table(self._log, self._faults)

    @property
    def headline(self) -> str:
        """The execution in a line: its name, status, virtual time and invocations."""
        return headline(self._log)

    def to_html(self, path: str | Path) -> Path:
        """Write the timeline as one self-contained HTML page, and return where it is."""
        page = Path(path)
        page.write_text(html_page(self._log, seed=self.seed, faults=self._faults), encoding="utf-8")
        return page
