"""Causes: why an effect happened again, as far as the record of the execution tells."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from durable_sdk.lambda_service import OperationType
from pytest_durable.history.codec import to_datetime
from pytest_durable.history.events import Attempt, ErrorJson, Event, EventType, InvocationOutcome
from pytest_durable.result.wording import error_text, shortened
from pytest_durable.simulator.ledger.effect import Effect, Source

_KEY = (
    "Give the receiver an idempotency key that a repeated attempt finds again, such as the order's id, and "
    "demand durable_effects.idempotent({name!r})"
)
_AT_MOST_ONCE = (
    "or run the step at most once: StepConfig(step_semantics=StepSemantics.AT_MOST_ONCE_PER_RETRY)"
)


_NOT_AGAIN = (
    "Let no attempt follow an interrupted one: StepConfig(retry_strategy=RetryPresets.none(), "
    "step_semantics=StepSemantics.AT_MOST_ONCE_PER_RETRY), or a strategy that does not retry "
    "StepInterruptedError"
)


@dataclass(frozen=True, slots=True)
class Cause:
    """What lies between an effect and its repetition: a word for it, a sentence, and what to do."""

    word: str
    told: str
    advice: str


def causes_of(effects: list[Effect]) -> list[Cause]:
    """Return the cause of each effect but the first, given effects that were to be one."""
    return [_cause(first, again) for first, again in pairwise(effects)]


def _cause(first: Effect, again: Effect) -> Cause:
    if first.source is None or again.source is None:
        return Cause(
            "called by the test",
            "The test's own code recorded one of them, outside any execution.",
            "Use one ledger for one story, or give the effects keys.",
        )
    if first.source.log is not again.source.log:
        return Cause(
            "another execution",
            f"Execution {again.execution!r} did it, too.",
            f"Give effects of different executions different keys: record({first.name!r}, key=...).",
        )
    if first.attempt is None or again.attempt is None:
        return _outside_step(first if first.attempt is None else again)
    if first.source.operation_id != again.source.operation_id:
        return _another_step(first, again)
    if first.source.run is again.source.run and first.attempt == again.attempt:
        return Cause(
            "same attempt",
            f"One attempt of step {first.step!r} did it twice.",
            "Do it once in the body, or give different effects different keys.",
        )
    return _repetition(first, again, first.source, again.source)


def _outside_step(effect: Effect) -> Cause:
    if effect.function is not None:
        return Cause(
            "function called again",
            f"Function {effect.function!r} was called, or did it, more than once.",
            f"Give the effect a key that comes with the payload: record({effect.name!r}, key=...).",
        )
    return Cause(
        "outside any step",
        "The handler did it outside any step, and each replay of the handler repeats that.",
        "Move it into the body of a step: context.step(...).",
    )


def _another_step(first: Effect, again: Effect) -> Cause:
    steps = f"step {first.step!r}" if first.step == again.step else f"steps {first.step!r} and {again.step!r}"
    advice = f"If they are meant to be different effects, give each a key: record({first.name!r}, key=...)."
    if first.step == again.step:
        return Cause("another run of the step", f"Two operations, both {steps}, did it.", advice)
    return Cause("another step", f"Different operations, {steps}, did it.", advice)


def _repetition(first: Effect, again: Effect, before: Source, after: Source) -> Cause:
    """Say what happened between two runs of the body of one step."""
    key = _KEY.format(name=first.name)
    interrupted = _interrupted_attempt(before, after)
    if interrupted is not None:
        return _attempted_again(first, interrupted, _failed_invocation(before, after), key)
    for event in _events(before, after):
        details = event.details
        if isinstance(details, InvocationOutcome) and details.error is not None:
            when = f"{to_datetime(event.at):%H:%M:%S}"
            ended = _ended(details.error)
            return Cause(
                f"{_WORDS.get(details.error.get('ErrorType', ''), 'failed invocation')} between",
                f"Invocation {first.invocation} {ended} at {when}, before the result of step "
                f"{first.step!r} was recorded, so the next one ran the body again.",
                f"{key}; {_AT_MOST_ONCE}.",
            )
        is_same = event.subject is not None and event.subject.operation_id == before.operation_id
        if is_same and isinstance(details, Attempt) and event.type is EventType.STEP_FAILED:
            error = shortened(error_text(details.error)) if details.error else "no error"
            return Cause(
                "failed attempt between",
                f"Attempt {details.number} of step {first.step!r} failed after it ({error}), and the retry "
                "strategy repeated the body.",
                f"{key}; or let nothing fail in the body after the effect.",
            )
        if is_same and event.type is EventType.STEP_SUCCEEDED:
            break
        if is_same and event.type is EventType.STEP_STARTED and isinstance(details, Attempt):
            continue
    if first.invocation == again.invocation and before.run is not after.run:
        return Cause(
            "invocation delivered twice",
            f"Invocation {first.invocation} was delivered twice, and both copies ran the body.",
            f"{key}.",
        )
    return Cause(
        "repeated",
        f"The body of step {first.step!r} ran again in invocation {again.invocation}: nothing of "
        f"invocation {first.invocation}'s run of it had been recorded.",
        f"{key}; {_AT_MOST_ONCE}.",
    )


def _interrupted_attempt(before: Source, after: Source) -> Attempt | None:
    """Return the attempt of an at-most-once step that failed because its invocation ended within it."""
    for event in _events(before, after):
        details = event.details
        is_same = event.subject is not None and event.subject.operation_id == before.operation_id
        if is_same and isinstance(details, Attempt) and event.type is EventType.STEP_FAILED:
            kind = str((details.error or {}).get("ErrorType"))
            return details if kind.rpartition(".")[2] == _INTERRUPTED else None
    return None


def _failed_invocation(before: Source, after: Source) -> Event | None:
    for event in _events(before, after):
        if isinstance(event.details, InvocationOutcome) and event.details.error is not None:
            return event
    return None


def _attempted_again(first: Effect, attempt: Attempt, ending: Event | None, key: str) -> Cause:
    how = "ended"
    if ending is not None and isinstance(ending.details, InvocationOutcome) and ending.details.error:
        how = f"{_ended(ending.details.error)} at {to_datetime(ending.at):%H:%M:%S}"
    return Cause(
        "interrupted attempt repeated",
        f"Invocation {first.invocation} {how} within attempt {attempt.number} of step {first.step!r}. "
        f"The step runs at most once for each attempt, so that attempt failed with {_INTERRUPTED}, and the "
        f"retry strategy, which repeats that as it does any failure, began attempt {attempt.number + 1}.",
        f"{_NOT_AGAIN}; or {key[0].lower()}{key[1:]}.",
    )


_INTERRUPTED = "StepInterruptedError"

# How Lambda calls the ends of a sandbox.
_WORDS = {"Runtime.ExitError": "crash", "Sandbox.Timedout": "timeout"}


def _ended(error: ErrorJson) -> str:
    kind = error.get("ErrorType", "")
    if kind == "Runtime.ExitError":
        return "died out of memory" if "killed" in str(error.get("ErrorMessage")) else "crashed"
    if kind == "Sandbox.Timedout":
        return "ran into the function's time limit"
    return f"failed ({shortened(error_text(error))})"


def _events(before: Source, after: Source) -> Iterator[Event]:
    for index in range(before.position, min(after.position, len(before.log))):
        yield before.log[index]


def is_step(effect: Effect) -> bool:
    """Return whether an effect belongs to the body of a step, or a check of a condition."""
    source = effect.source
    if source is None or source.operation_id is None:
        return False
    operation = source.log.operations.get(source.operation_id)
    return operation is None or operation.subject.operation_type is OperationType.STEP
