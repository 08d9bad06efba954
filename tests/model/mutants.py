"""Broken copies of the service's transitions, each of which the model must find.

A mutant replaces one function of one transition by a copy that does one thing wrong.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from durable_sdk.lambda_service import OperationAction, OperationType
from pytest_durable.history.events import (
    Attempt,
    CallbackStart,
    Event,
    EventType,
    ExecutionInput,
    Outcome,
)
from pytest_durable.simulator.service import dispatch
from pytest_durable.simulator.service.transitions import (
    callback,
    chained_invoke,
    context,
    execution,
    step,
    wait,
)
from pytest_durable.simulator.service.transitions.base import Transition, refuse

Patch = Callable[[Any, str, Any], None]
"""Sets an attribute for a while: that of pytest's monkeypatch."""


@dataclass(frozen=True)
class Mutant:
    """A break: the ``function`` of a ``module``, and what wraps it."""

    name: str
    module: Any
    function: str
    wrap: Callable[[Callable[..., Any]], Callable[..., Any]]

    def install(self, patch: Patch) -> None:
        """Put the broken copy in."""
        original = getattr(self.module, self.function)
        broken = self.wrap(original)
        patch(self.module, self.function, broken)
        for name in ("_APPLY", "_FIRE"):
            table: dict[OperationType, Any] = getattr(dispatch, name)
            changed = {kind: broken if entry is original else entry for kind, entry in table.items()}
            patch(dispatch, name, changed)


def _event(change: Callable[[Event], Event]) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Change the events of a function, whether it returns an event or a transition."""

    def wrap(original: Callable[..., Any]) -> Callable[..., Any]:
        def broken(*args: Any, **kwargs: Any) -> Any:
            result = original(*args, **kwargs)
            if isinstance(result, Transition):
                return result._replace(event=change(result.event))
            return None if result is None else change(result)

        return broken

    return wrap


def _details(kind: type, **changes: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    def change(event: Event) -> Event:
        if not isinstance(event.details, kind):
            return event
        details = event.details
        changed = {**{name: getattr(details, name) for name in _fields(details)}, **changes}
        return event._replace(details=kind(**changed))

    return _event(change)


def _fields(details: Any) -> tuple[str, ...]:
    names: tuple[str, ...] = getattr(details, "_fields", ()) or tuple(details.__dataclass_fields__)
    return names


def _type(before: EventType, after: EventType) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    return _event(lambda event: event._replace(type=after) if event.type is before else event)


def _attempt(change: Callable[[Attempt], Attempt]) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    def changed(event: Event) -> Event:
        details = event.details
        return event._replace(details=change(details)) if isinstance(details, Attempt) else event

    return _event(changed)


def _without_effect(original: Callable[..., Any]) -> Callable[..., Any]:
    return lambda *args, **kwargs: original(*args, **kwargs)._replace(effect=None)


def _without_ending(original: Callable[..., Any]) -> Callable[..., Any]:
    return lambda *args, **kwargs: original(*args, **kwargs)._replace(ending=None)


def _never(original: Callable[..., Any]) -> Callable[..., Any]:
    return lambda *args, **kwargs: None


def _no_second_start(original: Callable[..., Any]) -> Callable[..., Any]:
    def broken(recorded: Any, update: Any, now: int) -> Any:
        if update.action is OperationAction.START and recorded is not None:
            refuse(update, recorded)
        return original(recorded, update, now)

    return broken


def _without_payload(original: Callable[..., Any]) -> Callable[..., Any]:
    def broken(*args: Any, **kwargs: Any) -> Any:
        transition = original(*args, **kwargs)
        if transition.effect is None:
            return transition
        return transition._replace(effect=replace(transition.effect, payload=None))

    return broken


def _late_heartbeat(original: Callable[..., Any]) -> Callable[..., Any]:
    def broken(recorded: Any, now: int) -> Any:
        return original(recorded, now - 10_000_000)

    return broken


MUTANTS = (
    Mutant("a step cannot be started again", step, "apply", _no_second_start),
    Mutant("a step loses its result", step, "apply", _details(Attempt, result=None)),
    Mutant("a step loses its error", step, "apply", _details(Attempt, error={})),
    Mutant(
        "a failed step counts as succeeded",
        step,
        "apply",
        _type(EventType.STEP_FAILED, EventType.STEP_SUCCEEDED),
    ),
    Mutant(
        "a check that goes on counts as failed",
        step,
        "apply",
        _attempt(
            lambda attempt: (
                attempt._replace(result=None) if attempt.next_delay_seconds is not None else attempt
            )
        ),
    ),
    Mutant(
        "an attempt is counted twice",
        step,
        "apply",
        _attempt(lambda attempt: attempt._replace(number=attempt.number + 1)),
    ),
    Mutant(
        "a retry is not counted",
        step,
        "apply",
        _attempt(
            lambda attempt: (
                attempt._replace(number=attempt.number - 1)
                if attempt.next_delay_seconds is not None
                else attempt
            )
        ),
    ),
    Mutant("a retry is never due", step, "apply", _without_effect),
    Mutant("a retry never gets ready", step, "fire", _never),
    Mutant("a wait has no timer", wait, "apply", _without_effect),
    Mutant("a wait never ends", wait, "fire", _never),
    Mutant(
        "a wait is cancelled when its time is over",
        wait,
        "fire",
        _type(EventType.WAIT_SUCCEEDED, EventType.WAIT_CANCELLED),
    ),
    Mutant("a context loses its result", context, "apply", _details(Outcome, result=None)),
    Mutant("a context loses its error", context, "apply", _details(Outcome, error={})),
    Mutant(
        "a failed context counts as succeeded",
        context,
        "apply",
        _type(EventType.CONTEXT_FAILED, EventType.CONTEXT_SUCCEEDED),
    ),
    Mutant(
        "a context forgets that its children are to be replayed",
        context,
        "apply",
        _details(Outcome, replay_children=False),
    ),
    Mutant("a callback has no timer", callback, "apply", _without_effect),
    Mutant("a callback has no id", callback, "apply", _details(CallbackStart, callback_id="")),
    Mutant("a callback loses its result", callback, "succeed", _details(Outcome, result=None)),
    Mutant("a callback loses its error", callback, "fail", _details(Outcome, error={})),
    Mutant(
        "a failed callback counts as succeeded",
        callback,
        "fail",
        _type(EventType.CALLBACK_FAILED, EventType.CALLBACK_SUCCEEDED),
    ),
    Mutant("a callback never times out", callback, "fire", _never),
    Mutant(
        "a timed out callback counts as failed",
        callback,
        "time_out",
        _type(EventType.CALLBACK_TIMED_OUT, EventType.CALLBACK_FAILED),
    ),
    Mutant(
        "a missed heartbeat counts as a timeout",
        callback,
        "time_out",
        _details(Outcome, error=dict(callback.TIMEOUT_ERROR)),
    ),
    Mutant("a heartbeat starts no timer", callback, "beat", _without_effect),
    Mutant("a heartbeat counts from before", callback, "beat", _late_heartbeat),
    Mutant("an invoke does not call anything", chained_invoke, "apply", _without_effect),
    Mutant("an invoke of an unknown function does not fail", chained_invoke, "apply", _without_ending),
    Mutant("an invoke loses its payload", chained_invoke, "apply", _without_payload),
    Mutant("an invoke loses a plain result", chained_invoke, "succeed", _details(Outcome, result=None)),
    Mutant("an invoke loses its error", chained_invoke, "fail", _details(Outcome, error={})),
    Mutant(
        "a failed invoke counts as succeeded",
        chained_invoke,
        "fail",
        _type(EventType.CHAINED_INVOKE_FAILED, EventType.CHAINED_INVOKE_SUCCEEDED),
    ),
    Mutant(
        "a timed out invoke counts as failed",
        chained_invoke,
        "time_out",
        _type(EventType.CHAINED_INVOKE_TIMED_OUT, EventType.CHAINED_INVOKE_FAILED),
    ),
    Mutant(
        "an invoke loses the result of an execution",
        chained_invoke,
        "conclude",
        _details(Outcome, result=None),
    ),
    Mutant("an execution loses its input", execution, "start", _details(ExecutionInput, payload=None)),
    Mutant("an execution loses its result", execution, "succeed", _details(Outcome, result=None)),
    Mutant("an execution loses its error", execution, "fail", _details(Outcome, error={})),
    Mutant(
        "a failed execution counts as succeeded",
        execution,
        "fail",
        _type(EventType.EXECUTION_FAILED, EventType.EXECUTION_SUCCEEDED),
    ),
    Mutant("an execution loses a large result", execution, "apply", _details(Outcome, result=None)),
    Mutant(
        "an invoked execution runs out of time as a stopped one",
        execution,
        "time_out",
        _type(EventType.EXECUTION_TIMED_OUT, EventType.EXECUTION_STOPPED),
    ),
)
