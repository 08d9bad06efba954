"""Keeper: notices what a world changes, writes it to the store, and brings it back."""

from __future__ import annotations

from collections.abc import Mapping
from contextvars import copy_context
from typing import Any, NoReturn

from durable_sdk.lambda_service import OperationType
from pytest_durable.endpoint.server.store import Store, StoredExecution
from pytest_durable.errors import UsageError
from pytest_durable.history.events import Event, Subject
from pytest_durable.history.stored import event_from_stored, event_to_stored
from pytest_durable.simulator.checkers.base import Checker
from pytest_durable.simulator.execution import Invoker, SimulatedExecution
from pytest_durable.simulator.functions import Functions
from pytest_durable.simulator.identifiers import FunctionVersion
from pytest_durable.simulator.invocation import Invocation, Sandbox
from pytest_durable.simulator.service.limits import Limits
from pytest_durable.simulator.service.records import ExecutionRecord
from pytest_durable.simulator.world import World


class Keeper(Checker):
    """Keeps the executions of one world."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._numbers: dict[str, int] = {}
        self._written: dict[str, int] = {}
        """How many events of each execution have been written, by its ARN."""
        self._changed: dict[str, None] = {}

    # What has changed.

    def recorded(self, record: ExecutionRecord, event: Event) -> None:
        """An event has been appended to the log."""
        self._changed[record.arn] = None

    def invoked(self, record: ExecutionRecord, event: Mapping[str, Any]) -> None:
        """An invocation begins."""
        self._changed[record.arn] = None

    def exchanged(
        self, record: ExecutionRecord, request: Mapping[str, Any], answer: Mapping[str, Any] | None
    ) -> None:
        """The service has answered a request."""
        self._changed[record.arn] = None

    def touch(self, arn: str) -> None:
        """Take note that somebody may have changed an execution without an event."""
        self._changed[arn] = None

    def save(self, world: World, skipped: int) -> None:
        """Write all that has changed since the last time, at once."""
        if not self._changed:
            return
        self._store.begin()
        for arn in self._changed:
            execution = world.executions.by_arn.get(arn)
            if execution is not None:
                self._write(execution)
        self._store.set_fact("skipped", str(skipped))
        self._store.commit()
        self._changed.clear()

    def _write(self, execution: SimulatedExecution) -> None:
        record = execution.record
        number = self._numbers.setdefault(record.arn, len(self._numbers) + 1)
        self._store.write_execution(number, record.arn, _state(execution))
        written = self._written.get(record.arn, 0)
        for index in range(written, len(record.log)):
            self._store.write_event(number, index + 1, record.log[index])
        self._written[record.arn] = len(record.log)

    # What is brought back.

    def restore(self, world: World, functions: Functions, limits: Limits) -> None:
        """Bring back every execution of the store; those that have not ended go on.

        Raises:
            UsageError: an unfinished execution runs a function that is not served.
        """
        restored: list[tuple[SimulatedExecution, dict[str, Any]]] = []
        for stored in self._store.executions():
            self._numbers[stored.arn] = stored.number
            self._written[stored.arn] = len(stored.events)
            execution = _restored(stored, functions, limits)
            invoker = stored.state["invoker"]
            if invoker is not None:
                arn, operation_id = invoker
                parent = world.executions.by_arn[arn]
                execution.invoker = Invoker(parent, operation_id)
                parent.invoked.append(execution)
            world.executions.by_arn[stored.arn] = execution
            restored.append((execution, stored.state))
        for execution, state in restored:
            if not execution.closed:
                world.go_on(execution, _lost_invocation(state), is_due=state["invocation_is_due"])


def _state(execution: SimulatedExecution) -> dict[str, Any]:
    """Return what its log does not tell."""
    record, function, invocation = execution.record, execution.function, execution.invocation
    return {
        "function": {
            "name": function.name,
            "version": function.version,
            "qualifier": function.qualifier,
            "region": function.region,
            "account_id": function.account_id,
        },
        "name": record.execution.name,
        "id": record.execution.operation_id,
        "timeout_seconds": record.timeout_seconds,
        "has_default_timeout": execution.has_default_timeout,
        "invocation_timeout_seconds": execution.invocation_timeout_seconds,
        "tenant_id": execution.tenant_id,
        "invoker": None
        if execution.invoker is None
        else [execution.invoker.execution.record.arn, execution.invoker.operation_id],
        "invocations": record.invocations,
        "invocation": None
        if invocation is None
        else [invocation.number, invocation.request_id, invocation.started_at, invocation.deadline],
        "invocation_is_due": execution.invocation_is_due,
        "completed_outside": list(record.completed_outside),
        "paused": execution.paused,
        "deleted": execution.deleted,
        "is_owed": execution.is_owed,
        "last_event": None if execution.last_event is None else event_to_stored(execution.last_event),
        "crashes": execution.crashes,
        "invalid_answers": execution.invalid_answers,
    }


def _restored(stored: StoredExecution, functions: Functions, limits: Limits) -> SimulatedExecution:
    state = stored.state
    function = FunctionVersion(**state["function"])
    subject = Subject(state["id"], OperationType.EXECUTION, name=state["name"])
    record = ExecutionRecord(stored.arn, subject, state["timeout_seconds"], limits)
    record.is_invoked = state["invoker"] is not None
    record.invocations = state["invocations"]
    # The subject of an event tells the end of the execution by being the very one of the record.
    for event in stored.events:
        is_own = event.subject is not None and event.subject.operation_id == subject.operation_id
        record.commit(event._replace(subject=subject) if is_own else event)
    record.untold.clear()
    record.completed_outside.update(dict.fromkeys(state["completed_outside"]))
    name = function.name if function.qualifier is None else f"{function.name}:{function.qualifier}"
    registered = functions.find([name, f"{function.name}:{function.version}", function.name])
    if registered is None and not record.closed:
        raise UsageError(
            f"The store has the unfinished execution {stored.arn} of function {function.name!r}, which "
            "is not served: name its handler, too, or another store."
        )
    execution = SimulatedExecution(
        record,
        _nobody if registered is None else registered.handler,
        function,
        state["invocation_timeout_seconds"],
        state["has_default_timeout"],
        copy_context(),
        tenant_id=state["tenant_id"],
    )
    if state["last_event"] is not None:
        execution.last_event = event_from_stored(state["last_event"])._replace(subject=subject)
    execution.paused, execution.is_owed = state["paused"], state["is_owed"]
    execution.deleted = state["deleted"]
    execution.crashes, execution.invalid_answers = state["crashes"], state["invalid_answers"]
    return execution


def _nobody(event: Any, context: Any) -> NoReturn:
    """Stand for the handler of a function that is not served."""
    raise TypeError("the function is not served")


def _lost_invocation(state: dict[str, Any]) -> Invocation | None:
    if state["invocation"] is None:
        return None
    number, request_id, started_at, deadline = state["invocation"]
    return Invocation(number, request_id, started_at, deadline, Sandbox("lost"), [])
