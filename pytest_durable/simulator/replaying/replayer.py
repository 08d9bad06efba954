"""Replayer: replays of one execution, over any prefix of its record, under any conditions."""

from __future__ import annotations

import hashlib
import logging
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from typing import Any, NamedTuple

from pytest_durable.history.codec import operation_to_json
from pytest_durable.history.fold import RecordedOperation
from pytest_durable.simulator.garbage import collection_paused
from pytest_durable.simulator.process_exit import process_exits_caught
from pytest_durable.simulator.replaying.compare import Divergence, compare
from pytest_durable.simulator.replaying.perturb import Conditions, ObservedClock, Perturbation
from pytest_durable.simulator.replaying.shadow import Replay, Subject, replay_over
from pytest_durable.simulator.replaying.trace import Trace, TracedCall
from pytest_durable.simulator.turns import only_driver
from pytest_durable.simulator.wall_clock import wall_clock


class Prefix(NamedTuple):
    """The operations as they stood after so many events, in the service's JSON."""

    events: int
    operations: Mapping[str, dict[str, Any]]
    is_whole: bool


class Outcome(NamedTuple):
    """A replay, how it differs from the first run if it does, and what it has read besides its record."""

    replay: Replay
    divergence: Divergence | None
    reads_clock: bool
    draws: bool
    draws_entropy: bool

    @property
    def signature(self) -> tuple[object, ...]:
        """What the handler did; two replays that did the same have the same."""
        replay = self.replay
        calls = tuple(
            (call.identity, call.sites, tuple((each.label, each.text) for each in call.inputs))
            for call in replay.calls.values()
        )
        return calls, replay.status, replay.result, str(replay.error), replay.broken_off


class _Silent:
    """Takes what handlers print: their first run has said it."""

    encoding = "utf-8"

    def write(self, text: str) -> int:
        return len(text)

    def flush(self) -> None:
        """There is nothing to flush."""

    def isatty(self) -> bool:
        return False


class Replayer:
    """Replays one execution; only inside `ready`."""

    def __init__(self, trace: Trace, perturbation: Perturbation, clock: ObservedClock) -> None:
        self.trace = trace
        self.perturbation = perturbation
        self._subject = Subject.of(trace.execution)
        self.clock = clock
        self._final = trace.execution.record.log.operations
        self._recorded = frozenset(self._final)
        self._encoded: list[tuple[str, dict[str, Any]]] = []

    def prefix(self, events: int) -> Prefix:
        """Return the operations after the first ``events`` events that changed one."""
        states = self.trace.states
        while len(self._encoded) < events:
            operation = states[len(self._encoded)]
            self._encoded.append((operation.subject.operation_id, operation_to_json(operation)))
        operations = dict(self._encoded[:events])
        execution_id = states[0].subject.operation_id
        # While a handler runs, the execution has not ended.
        operations[execution_id] = self._encoded[0][1]
        return Prefix(events, operations, events == len(states))

    def run(self, prefix: Prefix, conditions: Conditions) -> Outcome:
        """Replay over a prefix, and compare."""
        trace, clock = self.trace, self.clock
        started_at = trace.started_at[0] if trace.started_at else trace.states[0].started_at or 0
        if conditions.offset is None:
            moment = started_at
            called: Callable[[TracedCall], None] = self._follow_record
        else:
            moment = self._last_moment() + conditions.offset
            called = _do_nothing
        clock.now = moment
        clock.reads = 0
        clock.tick = conditions.tick
        with self.perturbation.under(conditions, trace.surroundings):
            replay = replay_over(
                self._subject,
                prefix.operations,
                self._recorded,
                trace.calls,
                clock,
                moment,
                request_id(conditions.request),
                called,
            )
            draws = self.perturbation.has_drawn(conditions.seed)
        divergence = compare(trace, replay, prefix.operations, is_whole=prefix.is_whole)
        return Outcome(replay, divergence, clock.reads > 0, draws, self.perturbation.entropy_reads > 0)

    def _last_moment(self) -> int:
        last = self.trace.states[-1]
        return max(last.ended_at or 0, last.started_at or 0)

    def _follow_record(self, call: TracedCall) -> None:
        """Set the clock to what it was when the operation had been called, or had ended."""
        then = self.trace.calls.get(call.call.operation_id)
        moments = [self.clock.now] if then is None else [self.clock.now, then.at]
        recorded: RecordedOperation | None = self._final.get(call.call.operation_id)
        if recorded is not None and call.call.has_ended:
            moments.append(recorded.ended_at or 0)
        self.clock.now = max(moments)


def request_id(number: int) -> str:
    """Return the id of an invocation that only replays."""
    return f"00000000-0000-4000-8000-{number:012d}"


def _do_nothing(call: TracedCall) -> None:
    """Nobody wants to know."""


def _log_nothing(logger: logging.Logger, *arguments: Any, **options: Any) -> None:
    """The first run has said it."""


@contextmanager
def ready(clock: ObservedClock, perturbation: Perturbation, *, virtual_clock: bool) -> Iterator[None]:
    """Let replays run while the block does: in virtual time, with chance in place, and silent."""
    shown = wall_clock.shown(clock) if virtual_clock else nullcontext()
    streams = sys.stdout, sys.stderr
    kind: Any = logging.Logger
    log = kind._log
    with only_driver(), collection_paused(), process_exits_caught(), perturbation.in_place(), shown:
        silent: Any = _Silent()
        sys.stdout = sys.stderr = silent
        # Not by disabling: handlers may ask which level is enabled.
        kind._log = _log_nothing
        try:
            yield
        finally:
            kind._log = log
            if sys.stdout is silent:
                sys.stdout = streams[0]
            if sys.stderr is silent:
                sys.stderr = streams[1]


class Digests:
    """The digest of each prefix: equal ones hold the same operations, whenever and in whatever order."""

    def __init__(self, trace: Trace) -> None:
        handler = getattr(trace.execution.handler, "__qualname__", "")
        self._states = trace.states
        self._sum = 0
        self._parts: dict[str, int] = {}
        self._count = 0
        self._handler = f"{trace.execution.function.name}/{handler}"

    def at(self, events: int) -> str:
        """Return the digest of a prefix; none that is shorter than the one before."""
        while self._count < events:
            state = self._states[self._count]
            operation_id = state.subject.operation_id
            text = (
                f"{operation_id}/{state.status}/{state.attempt}/{state.result}/{state.error}"
                f"/{state.input_payload}/{state.subject.name}"
            )
            part = int.from_bytes(hashlib.blake2b(text.encode(), digest_size=16).digest(), "big")
            self._sum += part - self._parts.get(operation_id, 0)
            self._parts[operation_id] = part
            self._count += 1
        whole = "whole" if events == len(self._states) else "part"
        return f"{self._handler}/{whole}/{self._sum & ((1 << 128) - 1):032x}"
