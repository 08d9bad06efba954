"""The replay check of a whole simulation: every prefix of the record of every execution."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext

from pytest_durable.errors import NonDeterminismError, UsageError
from pytest_durable.simulator.options import MODES
from pytest_durable.simulator.replaying.compare import Divergence, compare_calls
from pytest_durable.simulator.replaying.diagnose import diagnose
from pytest_durable.simulator.replaying.message import Finding, message
from pytest_durable.simulator.replaying.perturb import (
    OFFSETS,
    SANDBOX_VARIABLES,
    TICKS,
    Conditions,
    ObservedClock,
    Perturbation,
)
from pytest_durable.simulator.replaying.replayer import Digests, Outcome, Prefix, Replayer, ready
from pytest_durable.simulator.replaying.swallowing import swallowed
from pytest_durable.simulator.replaying.trace import Trace

PREFIXES_MAX = 200
"""Of a longer history so many prefixes are replayed, evenly spread, the first and the last among them."""

# How often a replay of the whole record is repeated if it draws lots: one draw in two goes as it went before.
_MORE_DRAWS = 8

# What the perturbation sets, and what pytest does.
_NOT_THE_TESTS = frozenset({*SANDBOX_VARIABLES, "PYTEST_CURRENT_TEST"})

# A failure belongs to the test's own line, not to ours.
__tracebackhide__ = True


def check_traces(traces: Sequence[Trace], mode: str, seen: dict[str, None], *, virtual_clock: bool) -> None:
    """Replay what ``traces`` hold, and compare; prefixes in ``seen`` are left out, and the others put in.

    Raises:
        NonDeterminismError: a replay differs; it says where and, as far as can be told, why.
        UsageError: there is no such mode.
    """
    if mode not in MODES:
        raise UsageError(f"replay_check is one of {', '.join(map(repr, MODES))}, got {mode!r}.")
    work = [(trace, _unseen(trace, mode, seen)) for trace in traces if mode != "off" and trace.is_fit]
    work = [(trace, counts) for trace, counts in work if counts or trace.again]
    if not work:
        return
    clock, perturbation = ObservedClock(0), Perturbation()
    finding = None
    with ready(clock, perturbation, virtual_clock=virtual_clock):
        for trace, counts in work:
            with nullcontext() if trace.bindings is None else trace.bindings.in_place():
                finding = _check(Replayer(trace, perturbation, clock), counts)
            if finding is not None:
                break
    # It is wrong even where nothing follows from it, and explains what has no other cause.
    caught = next(filter(None, map(swallowed, (trace for trace, _ in work))), "")
    if caught and (finding is None or not finding.cause.is_known):
        raise NonDeterminismError(caught)
    if finding is not None:
        raise NonDeterminismError(message(finding))


def _unseen(trace: Trace, mode: str, seen: dict[str, None]) -> list[int]:
    counts = trace.prefixes()
    counts = sample(counts, PREFIXES_MAX) if mode == "all" else counts[-1:]
    digests = Digests(trace)
    found = []
    for count in counts:
        digest = digests.at(count)
        if digest not in seen:
            seen[digest] = None
            found.append(count)
    return found


def sample(counts: list[int], most: int) -> list[int]:
    """Return at most so many of ``counts``, evenly spread, with the first and the last."""
    if len(counts) <= most:
        return counts
    step = (len(counts) - 1) / (most - 1)
    return [counts[round(index * step)] for index in range(most)]


def _check(replayer: Replayer, counts: list[int]) -> Finding | None:
    """Replay over each prefix; return the first divergence, with what has been found out about it."""
    trace = replayer.trace
    for number, count in enumerate(counts):
        prefix = replayer.prefix(count)
        # Each replay is another sandbox, at another time and with other luck.
        conditions = Conditions(
            offset=OFFSETS[number % len(OFFSETS)], seed=number + 1, entropy=number + 1, request=9_001 + number
        )
        outcome = replayer.run(prefix, conditions)
        if outcome.divergence is None and prefix.is_whole:
            conditions, outcome = _vary(replayer, prefix, conditions, outcome)
        if outcome.divergence is not None:
            return diagnose(replayer, prefix, conditions, outcome)
    for now in trace.again:
        divergence = compare_calls(trace.calls[now.call.operation_id], now, trace)
        if divergence is not None:
            return _of_a_real_invocation(replayer, divergence)
    return None


def _vary(
    replayer: Replayer, prefix: Prefix, conditions: Conditions, first: Outcome
) -> tuple[Conditions, Outcome]:
    """Replay the whole record under more conditions, as far as the handler reads what they change."""
    surroundings = replayer.trace.surroundings
    names, cells = surroundings.changed_names(), surroundings.changed_cells()
    environment = [name for name in surroundings.changed_environment() if name not in _NOT_THE_TESTS]
    more: list[Conditions] = []
    if names or cells or environment:
        more.append(
            Conditions(names_then=bool(names), cells_then=bool(cells), environment_then=bool(environment))
        )
    if first.reads_clock:
        more += [Conditions(offset=offset) for offset in OFFSETS]
        more += [Conditions(tick=tick) for tick in TICKS]
    if first.draws or first.draws_entropy:
        more += [Conditions(seed=100 + each, entropy=100 + each) for each in range(_MORE_DRAWS)]
    for others in more:
        outcome = replayer.run(prefix, others)
        if outcome.divergence is not None:
            return others, outcome
    return conditions, first


def _of_a_real_invocation(replayer: Replayer, divergence: Divergence) -> Finding:
    """Diagnose what differed between two invocations of the run itself, though no replay shows it."""
    prefix = replayer.prefix(len(replayer.trace.states))
    conditions = Conditions()
    outcome = replayer.run(prefix, conditions)
    return diagnose(replayer, prefix, conditions, outcome, divergence)
