"""Diagnosis: what makes a replay differ, found by repeating it with one thing at a time as it was."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextvars import ContextVar
from dataclasses import replace
from functools import partial
from random import Random
from typing import Any, NamedTuple

from durable_sdk.context import DurableContext
from pytest_durable.simulator.replaying.causes import Cause, cause
from pytest_durable.simulator.replaying.compare import Divergence, Kind, is_round_trip
from pytest_durable.simulator.replaying.evidence import Evidence, gathered
from pytest_durable.simulator.replaying.message import Finding
from pytest_durable.simulator.replaying.perturb import OFFSETS, Conditions
from pytest_durable.simulator.replaying.refine import refine
from pytest_durable.simulator.replaying.replayer import Outcome, Prefix, Replayer
from pytest_durable.simulator.replaying.site import Site
from pytest_durable.simulator.replaying.state import CodeReader

_TRIES = 8

_DECIDED_BY_CONDITIONS = ("time", "random", "entropy", "environment", "request")


def diagnose(
    replayer: Replayer,
    prefix: Prefix,
    conditions: Conditions,
    outcome: Outcome,
    divergence: Divergence | None = None,
) -> Finding:
    """Return what differs and why, as far as replays can tell.

    ``divergence`` is given if two invocations of the run itself differ and no replay need show it.
    """
    found = divergence or outcome.divergence
    assert found is not None
    found = refine(replayer, prefix, conditions, found)
    with gathered(replayer.clock, replayer.perturbation) as evidence:
        replayer.run(prefix, conditions)
    why = _Search(replayer, prefix, conditions, outcome, found, evidence).cause()
    return Finding(replayer.trace, prefix, found, why)


class _Suspect(NamedTuple):
    """One thing that may be the cause: replays in which it alone is different."""

    kind: str
    replays: Callable[[], Iterator[Outcome]]
    name: str = ""


class _Search:
    def __init__(
        self,
        replayer: Replayer,
        prefix: Prefix,
        conditions: Conditions,
        outcome: Outcome,
        divergence: Divergence,
        evidence: Evidence,
    ) -> None:
        self._replayer = replayer
        self._trace = replayer.trace
        self._prefix = prefix
        self._conditions = conditions
        self._outcome = outcome
        self._divergence = divergence
        self._evidence = evidence
        self._code = CodeReader(replayer.trace, outcome.replay)

    def cause(self) -> Cause:
        """Return the thing that, as it was, makes the difference vanish; or that alone changes the replay."""
        again = self._replayer.run(self._prefix, self._conditions)
        is_stable = again.signature == self._outcome.signature
        changing: _Suspect | None = None
        for suspect in self._suspects():
            if not is_stable and suspect.kind in _DECIDED_BY_CONDITIONS:
                # These give the same again under the same conditions: what differs is something else.
                continue
            for other in suspect.replays():
                if self._outcome.divergence is not None and other.divergence is None:
                    return self._name(suspect)
                if is_stable and other.signature != self._outcome.signature:
                    changing = changing or suspect
        if changing is not None:
            return self._name(changing)
        return (
            self._closure()
            or self._outer_context()
            or self._ongoing()
            or self._io()
            or self._leftover(is_stable=is_stable)
        )

    def _suspects(self) -> Iterator[_Suspect]:
        conditions, outcome, surroundings = self._conditions, self._outcome, self._trace.surroundings
        if outcome.reads_clock:
            offsets = [None, *OFFSETS]
            times = [replace(conditions, offset=each, tick=0) for each in offsets]
            yield _Suspect("time", lambda: self._all(times))
        if outcome.draws:
            seeds = range(500, 500 + _TRIES)
            yield _Suspect("random", lambda: self._all(replace(conditions, seed=each) for each in seeds))
        if outcome.draws_entropy:
            more = range(500, 500 + _TRIES)
            yield _Suspect("entropy", lambda: self._all(replace(conditions, entropy=each) for each in more))
        if self._evidence.of("environment"):
            flipped = not conditions.environment_then
            yield _Suspect(
                "environment",
                lambda: self._all(
                    (
                        replace(conditions, sandbox=None),
                        replace(conditions, environment_then=flipped),
                        replace(conditions, environment_then=flipped, sandbox=None),
                    )
                ),
            )
        if self._evidence.of("replaying"):
            yield _Suspect("replaying", self._told_not_to_replay)
        yield _Suspect("request", lambda: self._all([replace(conditions, request=1)]))
        for name in surroundings.changed_names():
            yield _Suspect("module", partial(self._toggled, name, is_cell=False), name)
        for name in surroundings.changed_cells():
            yield _Suspect("module", partial(self._toggled, name, is_cell=True), name)
        for name in surroundings.changed_defaults():
            yield _Suspect("default", partial(self._fresh_defaults, name), name)
        for path in [] if surroundings.held is None else surroundings.held.changed():
            yield _Suspect("object", partial(self._object_restored, path), path)

    def _all(self, conditions: Iterable[Conditions]) -> Iterator[Outcome]:
        for each in conditions:
            yield self._replayer.run(self._prefix, each)

    def _toggled(self, name: str, *, is_cell: bool) -> Iterator[Outcome]:
        """Replay with one piece of state as it was if it is not, and as it is if it was."""
        surroundings, conditions = self._trace.surroundings, self._conditions
        restored = surroundings.cells_restored if is_cell else surroundings.names_restored
        changed = surroundings.changed_cells() if is_cell else surroundings.changed_names()
        is_then = conditions.cells_then if is_cell else conditions.names_then
        others = [other for other in changed if other != name]
        if is_cell:
            conditions = replace(conditions, cells_then=False)
        else:
            conditions = replace(conditions, names_then=False)
        with restored(others if is_then else [name]):
            yield self._replayer.run(self._prefix, conditions)

    def _fresh_defaults(self, name: str) -> Iterator[Outcome]:
        with self._trace.surroundings.defaults_restored(name):
            yield self._replayer.run(self._prefix, self._conditions)

    def _object_restored(self, path: str) -> Iterator[Outcome]:
        held = self._trace.surroundings.held
        assert held is not None
        with held.restored(path):
            yield self._replayer.run(self._prefix, self._conditions)

    def _told_not_to_replay(self) -> Iterator[Outcome]:
        kind: Any = DurableContext
        real = kind.is_replaying
        kind.is_replaying = lambda context: False
        try:
            yield self._replayer.run(self._prefix, self._conditions)
        finally:
            kind.is_replaying = real

    def _name(self, suspect: _Suspect) -> Cause:
        """Say what the thing is, with the lines where it is read, and written if it is state."""
        if suspect.kind == "default":
            function, _, _ = self._trace.surroundings.defaults[suspect.name]
            code = function.__code__
            what = f"a mutable default argument of {suspect.name}, which all of its calls share"
            site = Site(code.co_filename, code.co_firstlineno, code.co_qualname)
            return cause("default", what, (site,))
        if suspect.kind == "module":
            return self._state_cause(suspect.name)
        if suspect.kind == "object":
            return self._object_cause(suspect.name)
        reads = self._evidence.of(suspect.kind)
        if suspect.kind == "replaying":
            sites = tuple(read.site for read in reads[-3:])
            return cause("replaying", "context.is_replaying(), which answers otherwise on replay", sites)
        what = {
            "time": "the time",
            "random": "random",
            "entropy": "the system's random numbers (uuid4, secrets, os.urandom)",
            "environment": "the environment",
            "request": "the id of the invocation (aws_request_id, log_stream_name)",
        }[suspect.kind]
        if suspect.kind == "environment":
            names = list(dict.fromkeys(read.what for read in reads))
            what = ", ".join(names[:3]) or what
        return cause(suspect.kind, f"{what}, read outside a step", tuple(read.site for read in reads[-3:]))

    def _state_cause(self, name: str) -> Cause:
        is_cell = name in self._trace.surroundings.cells
        read = self._code.read_at(name)
        written = self._code.written_in_step(name)
        what = f"{'variable' if is_cell else 'module global'} {name!r}, which outlives the invocation"
        if written is not None:
            what += f" and is written in {written.step}"
            return cause("closure" if is_cell else "module", what, _sites(written.site, read))
        return cause("module", what, _sites(read))

    def _object_cause(self, path: str) -> Cause:
        held = self._trace.surroundings.held
        assert held is not None
        root, _, attribute = path.partition(".")
        kind = held.kind_of(path)
        owner = f"class {root!r}" if kind == "class" else f"{root!r} (a {kind} object)"
        what = f"{attribute!r} of {owner}, which outlives the invocation"
        written = self._code.written_in_step(root)
        if written is not None:
            what += f" and is written in {written.step}"
        return cause("object", what, _sites(written and written.site, self._code.read_at(root)))

    def _outer_context(self) -> Cause | None:
        """Blame an operation of a child's or branch's code that is called on another context than its own."""
        found = self._code.on_another_context()
        if found is None:
            return None
        call, body = found
        what = f"{call.label}, called in the body of {body.label} on another context than the body is given"
        return cause("outer", what, call.sites[:1])

    def _ongoing(self) -> Cause | None:
        """Blame what goes on from run to run and cannot be put back: iterators, generators of numbers."""
        for name, value in self._code.named().items():
            what = (
                "a generator of random numbers"
                if isinstance(value, Random)
                else "an iterator"
                if isinstance(value, Iterator)
                else "a context variable"
                if isinstance(value, ContextVar)
                else None
            )
            site = None if what is None else self._code.read_at(name)
            if site is not None:
                text = f"{name!r}, {what} that goes on from one run of the handler to the next"
                return cause("iterator", text, (site,))
        return None

    def _closure(self) -> Cause | None:
        """Blame a variable of the handler that a step or branch writes: on replay nothing writes it."""
        label = None if self._divergence.inputs is None else self._divergence.inputs[0].variable
        for name, written in self._code.local_writes():
            read = self._code.local_read(name, written)
            if label is None or name == label or read is not None:
                what = f"variable {name!r}, which is written in {written.step}"
                then_now = self._divergence.inputs
                if then_now is not None and is_round_trip(then_now[0].value, then_now[1].value):
                    what += "; JSON has changed the value that the step returns"
                sites = _sites(written.site, read)
                return cause("branch" if written.is_branch else "closure", what, sites)
        return None

    def _io(self) -> Cause | None:
        reads = self._evidence.of("io")
        if not reads:
            return None
        what = ", ".join(dict.fromkeys(read.what for read in reads[:3]))
        return cause("io", f"I/O outside a step: {what}", tuple(read.site for read in reads[:3]))

    def _leftover(self, *, is_stable: bool) -> Cause:
        inputs = self._divergence.inputs
        if inputs is not None and is_round_trip(inputs[0].value, inputs[1].value):
            return cause("value", "a value that JSON changes when it is recorded")
        for kind in ("id", "machine", "logging"):
            reads = self._evidence.of(kind)
            if reads and (kind == "logging" or not is_stable):
                what = "the address of an object, id()" if kind == "id" else reads[-1].what
                return cause(kind, f"{what}, read outside a step", (reads[-1].site,))
        cached = self._cached()
        if cached is not None:
            return cached
        if not is_stable:
            what = "something that changes from one replay to the next: a counter, an iterator, a real clock"
            return cause("module", what)
        # What a replay reads need not be what makes it differ, but it is where to look first.
        for kind in ("time", "random", "entropy", "environment"):
            reads = self._evidence.of(kind)
            if reads and self._divergence.kind is not Kind.SITE:
                return cause("unknown", f"not found; the handler reads {reads[-1].what}", (reads[-1].site,))
        return cause("unknown", "not found")

    def _cached(self) -> Cause | None:
        for name, value in self._code.named().items():
            info = getattr(value, "cache_info", None)
            if hasattr(value, "__wrapped__") and callable(info):
                what = f"the cache of {name!r}, which outlives the invocation"
                return cause("module", what, _sites(self._code.read_at(name)))
        return None


def _sites(*sites: Site | None) -> tuple[Site, ...]:
    return tuple(dict.fromkeys(site for site in sites if site is not None))
