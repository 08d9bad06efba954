"""Hints: what in the handler may be why a test has failed, though what failed is an assertion of the test."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice

from pytest_durable.errors import NonDeterminismError
from pytest_durable.simulator.replaying.check import check_traces
from pytest_durable.simulator.replaying.evidence import Read, gathered
from pytest_durable.simulator.replaying.perturb import Conditions, ObservedClock, Perturbation
from pytest_durable.simulator.replaying.replayer import Outcome, Replayer, ready
from pytest_durable.simulator.replaying.state import CodeReader
from pytest_durable.simulator.replaying.trace import Trace

_SHOWN = 3


def hints(traces: Sequence[Trace], *, virtual_clock: bool) -> list[str]:
    """Return what the handlers of a run do that a replay may not, each as a text of a few lines.

    The handlers run again, as in the check of replays.
    """
    fit = [trace for trace in traces if trace.states and trace.is_fit]
    found: list[str] = []
    for trace in fit:
        try:
            check_traces([trace], "all", {}, virtual_clock=virtual_clock)
        except NonDeterminismError as error:
            found.append(str(error))
        else:
            found += _of_replay(trace, virtual_clock=virtual_clock)
    return list(dict.fromkeys(found))


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
        read = code.local_read(name, written, in_steps=True)
        if read is None:
            continue
        yield "\n".join(
            [
                f"Variable {name!r} is written in {written.step} and read outside of it, and what has ended "
                "does not run again on replay.",
                *(f"  {site.shown}" for site in dict.fromkeys((written.site, read))),
                "Return the value, and take it from the result.",
            ]
        )


def _io(changes: Sequence[Read]) -> str:
    lines = [
        "The handler does I/O outside a step, which every invocation repeats.",
        *(f"  {read.what} at {read.site.shown}" for read in changes[:_SHOWN]),
        "Move it into the body of a step: context.step(...).",
    ]
    return "\n".join(lines)
