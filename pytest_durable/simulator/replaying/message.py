"""Messages: a divergence and its cause in a few lines."""

from __future__ import annotations

from typing import NamedTuple

from pytest_durable.simulator.replaying.causes import Cause
from pytest_durable.simulator.replaying.compare import Divergence, Kind
from pytest_durable.simulator.replaying.replayer import Prefix
from pytest_durable.simulator.replaying.site import Sites
from pytest_durable.simulator.replaying.trace import Trace, TracedCall

_SHOWN_CHARACTERS = 200
_SITES_MAX = 3


class Finding(NamedTuple):
    """A divergence of one execution, over which prefix it was found, and why it is there."""

    trace: Trace
    prefix: Prefix
    divergence: Divergence
    cause: Cause


def message(finding: Finding) -> str:
    """Return what is wrong, at which operation, both lines, the values, the cause and what to do."""
    trace, divergence, why = finding.trace, finding.divergence, finding.cause
    handler = getattr(trace.execution.handler, "__qualname__", "handler").rpartition(".")[2]
    lines = [f"On replay {handler} {_what(divergence)}."]
    then_sites, now_sites = _differing(divergence.then, divergence.now)
    if divergence.kind is Kind.DROPPED and divergence.now is not None:
        lines.append(_line("dropped", divergence.then, then_sites))
        lines.append(_line("called instead", divergence.now, now_sites))
    elif divergence.outcomes is None:
        lines.append(_line("first run", divergence.then, then_sites))
        lines.append(_line("on replay", divergence.now, now_sites))
    if divergence.values is not None:
        then, now = (_shortened(text) for text in divergence.values)
        label = "" if divergence.inputs is None else f"{divergence.inputs[0].label} = "
        lines += [f"  first run: {label}{then}", f"  on replay: {label}{now}"]
    lines.append(f"Cause: {why.what}.")
    lines += [f"  {site.shown}" for site in why.sites[:_SITES_MAX]]
    lines.append(why.remedy)
    ended = len(trace.states)
    lines.append(f"(Replayed over the first {finding.prefix.events} of {ended} changes of the record.)")
    return "\n".join(line for line in lines if line)


def _what(divergence: Divergence) -> str:
    operation = divergence.operation
    label = "" if operation is None else operation.label
    then, now = divergence.then, divergence.now
    match divergence.kind:
        case Kind.CHANGED if then is not None and now is not None:
            return f"calls {now.label} where it called {then.label}"
        case Kind.SWAPPED if then is not None and now is not None:
            return f"calls {now.label} before {then.label}, in another order than in the first run"
        case Kind.DROPPED:
            return f"no longer calls {label}, which is recorded"
        case Kind.EXTRA:
            return f"calls {label}, which the first run did not call there"
        case Kind.SITE:
            return f"calls {label} from another line"
        case Kind.INPUT if divergence.inputs is not None:
            return f"gives {label} another {divergence.inputs[0].label}"
        case _:
            return "ends in another way, though all of it is recorded"


def _differing(then: TracedCall | None, now: TracedCall | None) -> tuple[Sites, Sites]:
    """Return the lines of both from the first on that is not the same: helpers call operations for others."""
    one, other = (() if call is None else call.sites for call in (then, now))
    for index, (before, after) in enumerate(zip(one, other, strict=False)):
        if before != after:
            return one[index:], other[index:]
    return one, other


def _line(heading: str, call: TracedCall | None, sites: Sites) -> str:
    if call is None:
        return f"  {heading}: (not called)"
    where = sites[0] if sites else None
    return f"  {heading}: {call.label}" + (f" at {where.shown}" if where else "")


def _shortened(text: str) -> str:
    return text if len(text) <= _SHOWN_CHARACTERS else text[:_SHOWN_CHARACTERS] + "..."
