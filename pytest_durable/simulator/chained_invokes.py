"""Chained invokes: which function an operation calls, and what comes back."""

from __future__ import annotations

from dataclasses import dataclass, replace

from pytest_durable.errors import UsageError
from pytest_durable.history.events import Event, InvokeStart
from pytest_durable.history.fold import RecordedOperation
from pytest_durable.simulator.execution import SimulatedExecution
from pytest_durable.simulator.functions import (
    DEFAULT_EXECUTION_TIMEOUT_SECONDS,
    Functions,
    RegisteredFunction,
)
from pytest_durable.simulator.identifiers import FunctionVersion, Identifiers, execution_arn
from pytest_durable.simulator.invocation import (
    Ending,
    Invocation,
    exit_error,
    interpret_function,
    time_limit_error,
)
from pytest_durable.simulator.platform import Platform
from pytest_durable.simulator.scripts.book import ScriptBook
from pytest_durable.simulator.scripts.invokes import (
    CallsReal,
    InvokeOutcome,
    InvokeScript,
    Raises,
    Returns,
    Scripted,
    TimesOut,
)
from pytest_durable.simulator.service.effects import StartInvoke
from pytest_durable.simulator.service.function_names import FunctionName, parse_function_name
from pytest_durable.simulator.service.transitions import chained_invoke
from pytest_durable.simulator.service.transitions.chained_invoke import Target

# A failure belongs to the test's own line, not to ours.
__tracebackhide__ = True

_SECOND = 1_000_000


@dataclass(frozen=True, slots=True)
class Resolved:
    """What one operation calls. ``name`` is that of the execution if the function is durable."""

    version: FunctionVersion
    function: RegisteredFunction | None
    outcome: InvokeOutcome | None
    script: InvokeScript | None
    name: str | None = None
    execution_id: str | None = None


class Resolver:
    """Finds the functions that one request wants to invoke, without changing anything."""

    def __init__(
        self,
        execution: SimulatedExecution,
        functions: Functions,
        scripts: ScriptBook,
        identifiers: Identifiers,
    ) -> None:
        self._execution = execution
        self._functions = functions
        self._scripts = scripts
        self._identifiers = identifiers
        self._ahead: dict[str, int] = {}
        self.found: dict[str, Resolved] = {}
        """By the id of the operation."""

    def __call__(self, function: FunctionName, operation_id: str) -> Target | None:
        """Return the target of an operation, None if there is no such function."""
        script = self._scripts.invoke(function.candidates)
        outcome = None if script is None else self._peek(script)
        registered = self._functions.find(function.candidates)
        version = replace(
            self._execution.function,
            name=function.name,
            version=function.version,
            qualifier=function.qualifier,
        )
        is_real = outcome is None or isinstance(outcome, CallsReal)
        if is_real and registered is None:
            if script is not None:
                raise UsageError(
                    f"{script!r} calls the real function, and none of that name is registered. "
                    "Name it in functions= of the marker, or say what comes back, such as .returns(...)."
                )
            return None
        name = execution_id = arn = None
        if is_real and registered is not None and registered.is_durable:
            parent_id = self._execution.record.execution.operation_id
            name = self._identifiers.invoked_name(parent_id, operation_id)
            execution_id = self._identifiers.execution_id(version, name, 1)
            arn = execution_arn(version, name, execution_id)
        self.found[operation_id] = Resolved(version, registered, outcome, script, name, execution_id)
        return Target(function.version, arn)

    def _peek(self, script: InvokeScript) -> InvokeOutcome | None:
        """Return the outcome for one more invoke; several may be in one request."""
        ahead = self._ahead.get(script.name or "", 0)
        self._ahead[script.name or ""] = ahead + 1
        return script.peek(ahead)


class ChainedInvokes:
    """What becomes of the invokes of all executions."""

    def __init__(
        self, functions: Functions, scripts: ScriptBook, identifiers: Identifiers, platform: Platform
    ) -> None:
        self._functions = functions
        self._scripts = scripts
        self._identifiers = identifiers
        self._platform = platform

    def resolver(self, execution: SimulatedExecution) -> Resolver:
        """Return what finds functions for one request of ``execution``."""
        return Resolver(execution, self._functions, self._scripts, self._identifiers)

    def begin(
        self, execution: SimulatedExecution, invoke: StartInvoke, resolved: Resolved
    ) -> tuple[Scripted, int] | None:
        """Take note of a START that has been recorded, and call the function if it is a plain one.

        Returns what a script says in place of the function, and after how many microseconds.
        """
        if resolved.script is not None:
            resolved.script.take()
            resolved.script.note(invoke.payload)
        outcome, function = resolved.outcome, resolved.function
        if outcome is not None and not isinstance(outcome, CallsReal):
            return outcome, self._delay(outcome, function)
        if function is not None and not function.is_durable:
            self._platform.call(execution, invoke, function, resolved.version)
        return None

    def call_again(self, execution: SimulatedExecution, operation: RecordedOperation) -> None:
        """Call the plain function of an invoke once more, whose call was lost."""
        start = operation.start
        assert isinstance(start, InvokeStart)
        named = parse_function_name(start.function_name)
        function = self._functions.find(named.candidates)
        if function is not None:
            version = replace(
                execution.function, name=named.name, version=named.version, qualifier=named.qualifier
            )
            operation_id = operation.subject.operation_id
            invoke = StartInvoke(operation_id, start.function_name, start.payload, start.tenant_id)
            self._platform.call(execution, invoke, function, version)

    @staticmethod
    def _delay(outcome: Scripted, function: RegisteredFunction | None) -> int:
        if outcome.after is not None:
            return outcome.after
        seconds = function.execution_timeout_seconds if function else None
        return (seconds or DEFAULT_EXECUTION_TIMEOUT_SECONDS) * _SECOND

    @staticmethod
    def scripted(execution: SimulatedExecution, operation_id: str, outcome: Scripted, now: int) -> Event:
        """Return how an invoke ends as a script says."""
        recorded = execution.record.log.operations[operation_id]
        limits = execution.record.limits
        match outcome:
            case Returns(result):
                return chained_invoke.succeed(recorded, result, now, limits)
            case Raises(error):
                return chained_invoke.fail(recorded, error, now)
            case TimesOut():
                started_at = recorded.started_at or now
                return chained_invoke.time_out(recorded, (now - started_at) // _SECOND, now)

    @staticmethod
    def concluded(
        execution: SimulatedExecution, operation_id: str, invoked: SimulatedExecution, now: int
    ) -> Event:
        """Return how an invoke ends whose durable function has."""
        record = invoked.record
        recorded = execution.record.log.operations[operation_id]
        return chained_invoke.conclude(
            recorded, record.operation, record.timeout_seconds, now, execution.record.limits
        )

    @staticmethod
    def returned(
        execution: SimulatedExecution, operation_id: str, call: Invocation, ending: Ending, now: int
    ) -> Event:
        """Return how an invoke ends whose plain function has."""
        recorded = execution.record.log.operations[operation_id]
        result, error = interpret_function(ending, exit_error(call))
        if error is not None:
            return chained_invoke.fail(recorded, error, now)
        return chained_invoke.succeed(recorded, result, now, execution.record.limits)

    @staticmethod
    def timed_out(execution: SimulatedExecution, operation_id: str, call: Invocation, now: int) -> Event:
        """Return how an invoke ends whose plain function took too long."""
        recorded = execution.record.log.operations[operation_id]
        return chained_invoke.fail(recorded, time_limit_error(call, now), now)
