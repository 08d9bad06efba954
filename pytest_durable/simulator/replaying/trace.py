"""Trace: what an execution really called, and how its record grew.

One is kept for each execution. It is told of operations by the runtimes of its invocations, and of events by
the journal.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from durable_sdk._runtime import OperationCall
from pytest_durable.history.events import Event
from pytest_durable.history.fold import RecordedOperation
from pytest_durable.simulator.checkers.base import Checker
from pytest_durable.simulator.clock import Clock
from pytest_durable.simulator.execution import SimulatedExecution
from pytest_durable.simulator.invocation import MEANT_FOR_PYTEST
from pytest_durable.simulator.replaying.bindings import Bindings
from pytest_durable.simulator.replaying.inputs import Input, functions_in, inputs_of
from pytest_durable.simulator.replaying.site import Sites, calling_sites
from pytest_durable.simulator.replaying.surroundings import Surroundings
from pytest_durable.simulator.runtime import OperationWatcher
from pytest_durable.simulator.service.records import ExecutionRecord

Identity = tuple[str, str, str | None, str | None]
"""Type, sub type, name and parent: what the SDK itself compares."""


class TracedCall(NamedTuple):
    """An operation that was called, from where, and with what. ``at`` is the time, in microseconds."""

    call: OperationCall
    sites: Sites
    inputs: tuple[Input, ...]
    at: int

    @property
    def identity(self) -> Identity:
        """What the operation is."""
        call = self.call
        return call.operation_type, call.sub_type, call.name or None, call.parent_id or None

    @property
    def functions(self) -> tuple[tuple[object, ...], ...]:
        """What the functions do that it is given: the same for two that are the same but for their lines."""
        codes = [each.__code__ for each in functions_in(self.call.inputs)]
        return tuple((code.co_code, code.co_consts, code.co_names, code.co_freevars) for code in codes)

    @property
    def label(self) -> str:
        """What messages call it."""
        call = self.call
        path = "/".join(name or "(unnamed)" for name in call.path)
        return f"{call.sub_type} {path!r}" if call.name else f"an unnamed {call.sub_type}"


def traced(call: OperationCall, at: int, then: TracedCall | None = None) -> TracedCall:
    """Take note of a call that is made now; ``then`` is the one that it will be compared with."""
    if call.position == 0 or not call.inputs:
        # A branch: whether a task of its own or the batch's runs it, says nothing.
        return TracedCall(call, (), (), at)
    sites, is_direct = calling_sites()
    inputs = inputs_of(call.inputs, None if then is None else then.call.inputs) if is_direct else ()
    return TracedCall(call, sites, inputs, at)


class Trace:
    """``calls`` has the call of each operation that made its record, ``ended`` contexts whose bodies have."""

    def __init__(self, execution: SimulatedExecution, clock: Clock) -> None:
        self.execution = execution
        self.surroundings = Surroundings.of(execution.handler)
        self.calls: dict[str, TracedCall] = {}
        self.again: list[TracedCall] = []
        """Calls, of later invocations, of operations that had been recorded."""
        self.is_fit = True
        """Whether it can be replayed: not if a handler has ended the test, or was interrupted."""
        self.ended: dict[str | None, None] = {}
        self.states: list[RecordedOperation] = []
        """What each event made of its operation."""
        self.started_at: list[int] = []
        """When invocations began, in microseconds since the epoch."""
        self.bindings: Bindings | None = None
        """What its code could see by name when it ended; None while it goes on."""
        self._clock = clock
        self._within: set[int] = set()

    def begin(self) -> None:
        """An invocation begins."""
        self.started_at.append(self._clock.now)

    def operation_called(self, call: OperationCall) -> None:
        """Keep the call if it is the one that makes the record, else keep it to be compared."""
        then = None if call.status is None else self.calls.get(call.operation_id)
        if then is None:
            self.calls[call.operation_id] = traced(call, self._clock.now)
        elif len(self.started_at) > 1:
            self.again.append(traced(call, self._clock.now, then))

    def body_ended(self, operation_id: str | None, error: BaseException | None) -> None:
        """Keep that it has come to its end, which it has not if it was suspended."""
        if isinstance(error, MEANT_FOR_PYTEST):
            self.is_fit = False
        if error is None or isinstance(error, Exception):
            self.ended[operation_id] = None

    def recorded(self, operation: RecordedOperation) -> None:
        """An event has changed an operation."""
        self.states.append(operation)

    def exchanged(self, updates: int) -> None:
        """The events so far end with those of a request; no moment lies between them."""
        count = len(self.states)
        self._within.update(range(max(1, count - updates + 1), count))

    def prefixes(self) -> list[int]:
        """Return how many events there were at each moment at which an invocation might have begun."""
        last = len(self.states)
        counts = [count for count in range(1, last + 1) if count not in self._within]
        # The end of the execution itself changes nothing that an invocation would be told.
        if last > 1 and self.states[-1].subject == self.states[0].subject and last - 1 in counts:
            counts.remove(last - 1)
        return counts


class Traces(Checker):
    """The traces of all executions of a simulation."""

    def __init__(self) -> None:
        self.by_arn: dict[str, Trace] = {}
        self._states: dict[str, list[RecordedOperation]] = {}

    def watch(self, execution: SimulatedExecution, clock: Clock) -> OperationWatcher:
        """Return what is to be told of the invocation of an execution that begins."""
        arn = execution.record.arn
        trace = self.by_arn.get(arn)
        if trace is None:
            trace = self.by_arn[arn] = Trace(execution, clock)
            trace.states = self._states.pop(arn, [])
        trace.begin()
        return trace

    def recorded(self, record: ExecutionRecord, event: Event) -> None:
        """Note what the event has made of its operation."""
        if event.subject is None:
            return
        trace = self.by_arn.get(record.arn)
        states = self._states.setdefault(record.arn, []) if trace is None else trace.states
        states.append(record.log.operations[event.subject.operation_id])

    def finished(self, record: ExecutionRecord) -> None:
        """Keep what the handler's code sees now: the test may have put it in place for the run alone."""
        trace = self.by_arn.get(record.arn)
        if trace is not None:
            trace.bindings = Bindings(trace.execution.handler)

    def exchanged(
        self, record: ExecutionRecord, request: Mapping[str, Any], answer: Mapping[str, Any] | None
    ) -> None:
        """Note which events a request has brought about."""
        trace = self.by_arn.get(record.arn)
        updates = request.get("Updates")
        if trace is not None and answer is not None and updates and len(updates) > 1:
            trace.exchanged(sum(update.get("Type") != "EXECUTION" for update in updates))
