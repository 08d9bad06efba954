"""Hints: what in the handler may be why a test has failed, though what failed is an assertion of the test."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice

from durable_sdk.lambda_service import OperationStatus
from pytest_durable.errors import NonDeterminismError
from pytest_durable.simulator.replaying.check import check_traces
from pytest_durable.simulator.replaying.evidence import Read, gathered
from pytest_durable.simulator.replaying.perturb import Conditions, ObservedClock, Perturbation
from pytest_durable.simulator.replaying.replayer import Outcome, Replayer, ready
from pytest_durable.simulator.replaying.site import Site
from pytest_durable.simulator.replaying.state import CodeReader
from pytest_durable.simulator.replaying.trace import Trace, TracedCall

# Operations whose call returns only when they have ended.
_BLOCKING = ("STEP", "WAIT", "CONTEXT", "CHAINED_INVOKE")

_SHOWN = 3


def hints(traces: Sequence[Trace], *, virtual_clock: bool) -> list[str]:
    """Return what the handlers of a run do that a replay may not, each as a text of a few lines.

    The handlers run again, as in the check of replays.
    """
    fit = [trace for trace in traces if trace.states and trace.is_fit]
    found: list[str] = []
    for trace in fit:
        swallowed = _swallowed(trace)
        if swallowed:
            found.append(swallowed)
            continue
        try:
            check_traces([trace], "all", {}, virtual_clock=virtual_clock)
        except NonDeterminismError as error:
            found.append(str(error))
        else:
            found += _of_replay(trace, virtual_clock=virtual_clock)
    return list(dict.fromkeys(found))


def _swallowed(trace: Trace) -> str:
    """Tell of an operation that had not ended when the next one was called, or the handler returned."""
    recorded = trace.execution.record.log.operations
    by_place = {(call.call.context_id, call.call.position): call for call in trace.calls.values()}
    for (context_id, position), call in by_place.items():
        operation = recorded.get(call.call.operation_id)
        is_open = operation is not None and not operation.is_terminal
        if position == 0 or call.call.operation_type not in _BLOCKING or not is_open:
            continue
        following = by_place.get((context_id, position + 1))
        if following is None and not (context_id is None and _has_succeeded(trace)):
            continue
        if any(each.call.position == 0 and each.call.context_id == context_id for each in by_place.values()):
            # Branches of a batch go on beside one another.
            continue
        what = "the handler ended" if following is None else f"{following.label} was called"
        lines = [
            f"{call.label} had not ended when {what}: an except clause has caught the exception with which "
            "the SDK leaves the handler until it has.",
            *(f"  {_line(each)}" for each in (call, following) if each is not None and each.sites),
            "Catch the class that you expect, such as StepError: a bare except and except BaseException "
            "catch the suspension, too, and an operation in a finally runs before the wait is over.",
        ]
        return "\n".join(lines)
    return ""


def _has_succeeded(trace: Trace) -> bool:
    record = trace.execution.record
    return record.log.operations[record.execution.operation_id].status is OperationStatus.SUCCEEDED


def _of_replay(trace: Trace, *, virtual_clock: bool) -> Iterator[str]:
    clock, perturbation = ObservedClock(0), Perturbation()
    with ready(clock, perturbation, virtual_clock=virtual_clock):
        replayer = Replayer(trace, perturbation, clock)
        prefix = replayer.prefix(len(trace.states))
        with gathered(clock, perturbation) as evidence:
            outcome = replayer.run(prefix, Conditions())
    yield from _variables(trace, outcome)
    changes = [read for read in evidence.of("io") if read.changes_something]
    if changes:
        yield _io(changes)


def _variables(trace: Trace, outcome: Outcome) -> Iterator[str]:
    code = CodeReader(trace, outcome.replay)
    # A variable that many steps write is told of once.
    variables = dict(reversed(list(code.local_writes())))
    for name, written in islice(variables.items(), _SHOWN):
        read = code.local_read(name, written)
        if read is None:
            continue
        yield "\n".join(
            [
                f"Variable {name!r} is written in {written.step} and read outside of it, and what has ended "
                "does not run again on replay.",
                *(f"  {_shown(site)}" for site in dict.fromkeys((written.site, read))),
                "Return the value, and take it from the result.",
            ]
        )


def _io(changes: Sequence[Read]) -> str:
    lines = [
        "The handler does I/O outside a step, which every invocation repeats.",
        *(f"  {read.what} at {_shown(read.site)}" for read in changes[:_SHOWN]),
        "Move it into the body of a step: context.step(...).",
    ]
    return "\n".join(lines)


def _line(call: TracedCall) -> str:
    return f"{call.label} at {_shown(call.sites[0])}"


def _shown(site: Site) -> str:
    source = site.source
    return f"{site}    {source}" if source else str(site)
