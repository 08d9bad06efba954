"""Invariants: what a test demands of every moment of its runs, of their ends, and in the long run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from pytest_durable.durations import DurationLike, to_microseconds
from pytest_durable.errors import UsageError
from pytest_durable.history.codec import to_datetime
from pytest_durable.history.events import INTERNAL_EVENT_TYPES, Event, EventType
from pytest_durable.result.wording import kind_of, span
from pytest_durable.simulator.checkers.base import Checker
from pytest_durable.simulator.ledger.ledger import EffectLedger
from pytest_durable.simulator.pending import pending_operations
from pytest_durable.simulator.service.records import ExecutionRecord
from pytest_durable.simulator.simulator import Simulator
from pytest_durable.simulator.watching import WorldView

# A failure belongs to the test's own line, not to ours.
__tracebackhide__ = True

Property: TypeAlias = Callable[[WorldView], object]
"""What an invariant asks of the world. It does not hold if this raises, or returns what is false but None."""

StrikesSoFar: TypeAlias = Callable[[], int]
"""How often faults have struck so far."""


@dataclass(slots=True)
class _Always:
    holds: Property
    checked: int = 0


@dataclass(slots=True)
class _Eventually:
    holds: Property
    within: int
    """Microseconds after the last fault."""

    has_held: bool = False
    checked: int = 0


@dataclass(slots=True)
class Demands:
    """What a test has demanded so far, and how often that was looked at."""

    always: list[_Always] = field(default_factory=list)
    eventually: list[_Eventually] = field(default_factory=list)
    at_end: list[Property] = field(default_factory=list)

    def rewound(self) -> Demands:
        """Return the same demands, of which nothing has been looked at."""
        return Demands(
            [_Always(one.holds) for one in self.always],
            [_Eventually(one.holds, one.within) for one in self.eventually],
            list(self.at_end),
        )

    def absorb(self, other: Demands) -> None:
        """Take note of what was looked at when the same was demanded of another run."""
        for mine, theirs in zip(self.always, other.always, strict=True):
            mine.checked += theirs.checked
        for later, theirs_later in zip(self.eventually, other.eventually, strict=True):
            later.checked += theirs_later.checked
            later.has_held = later.has_held or theirs_later.has_held

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing."""
        return not (self.always or self.eventually or self.at_end)

    def never_checked(self) -> list[str]:
        """Return a line for each that was never looked at."""
        unchecked = [f"always({_name(one.holds)})" for one in self.always if not one.checked]
        unchecked += [f"eventually({_name(one.holds)})" for one in self.eventually if not one.checked]
        return [
            f"durable_runner.{call} was never checked: nothing happened after it was given. "
            "Give it before run()."
            for call in unchecked
        ]


class Invariants(Checker):
    """Watches the executions of one runner."""

    def __init__(self, demands: Demands | None = None) -> None:
        self.demands = demands or Demands()
        self._struck_at = 0
        self._strikes = 0
        self._since_fault = False
        self._strikes_so_far: StrikesSoFar = lambda: 0
        self._simulator: Simulator | None = None
        self._view: WorldView | None = None
        self.ledger: EffectLedger | None = None

    def attach(self, simulator: Simulator, strikes_so_far: StrikesSoFar) -> None:
        """Set what is watched, and who knows of faults."""
        self._simulator = simulator
        self._view = WorldView(simulator)
        self._view.use_ledger(self.ledger)
        self._struck_at = simulator.now
        self._strikes_so_far = strikes_so_far
        if self.demands.always:
            simulator.watch_everything()

    def use_ledger(self, ledger: EffectLedger | None) -> None:
        """Show this ledger as ``world.effects``."""
        self.ledger = ledger
        if self._view is not None:
            self._view.use_ledger(ledger)

    @property
    def view(self) -> WorldView:
        """What the invariants are shown."""
        assert self._view is not None
        return self._view

    def always(self, holds: Property) -> None:
        """Demand it after every event.

        Raises:
            UsageError: it is no function.
        """
        self.demands.always.append(_Always(_function(holds, "always")))
        if self._simulator is not None:
            self._simulator.watch_everything()

    def eventually(self, holds: Property, within: DurationLike) -> None:
        """Demand it within a time after the last fault.

        Raises:
            UsageError: it is no function, or the time is malformed or zero.
        """
        microseconds = to_microseconds(within, "within of eventually")
        if microseconds == 0:
            raise UsageError(f"within of eventually is longer than zero, got {within!r}.")
        self.demands.eventually.append(_Eventually(_function(holds, "eventually"), microseconds))

    def at_end(self, holds: Property) -> None:
        """Demand it when the test has run.

        Raises:
            UsageError: it is no function.
        """
        self.demands.at_end.append(_function(holds, "at_end"))

    def recorded(self, record: ExecutionRecord, event: Event) -> None:
        """Check after an event."""
        if self.demands.is_empty or event.type in INTERNAL_EVENT_TYPES:
            return
        number = len(record.log.shown)
        self.view.saw(number, event)
        if event.type is EventType.EXECUTION_STARTED:
            # It has as long as the first one.
            self._struck_at, self._since_fault = event.at, False
        strikes = self._strikes_so_far()
        if strikes != self._strikes:
            self._strikes, self._struck_at, self._since_fault = strikes, event.at, True
            for later in self.demands.eventually:
                later.has_held = False
        for one in self.demands.always:
            one.checked += 1
            self._demand(one.holds, "always", lambda: _moment(record, event, number))
        for later in self.demands.eventually:
            later.checked += 1
            if event.at > self._struck_at + later.within:
                self._demand_ended(later, event.at)
            elif not later.has_held:
                later.has_held = _is_true(later.holds, self.view)

    def conclude(self) -> None:
        """Check what is to hold when the test has run; unfinished executions may go on as long as they may.

        Raises:
            AssertionError: something does not hold, or was never looked at.
        """
        if self.demands.is_empty:
            return
        unchecked = self.demands.never_checked()
        if unchecked:
            raise AssertionError("\n".join(unchecked))
        if self.demands.eventually:
            self._run_on()
            for later in self.demands.eventually:
                if not later.has_held:
                    # The one that is shown fails with its own line, if it has one.
                    self._demand(later.holds, "eventually", self._too_late(later))
        for holds in self.demands.at_end:
            self._demand(
                holds, "at_end", lambda: f"when the test had run, at {self.view.now:%Y-%m-%d %H:%M:%S}"
            )

    def _run_on(self) -> None:
        """Let what is unfinished go on until the first time is up."""
        simulator = self._watched
        within = min(later.within for later in self.demands.eventually)
        if not self._unfinished():
            return
        if not simulator.is_closed:
            simulator.run_until(
                lambda: not self._unfinished(),
                # A fault may strike on the way, and what follows it has its own time.
                horizon=self._struck_at + within,
                between_invocations=False,
            )
        for later in self.demands.eventually:
            self._demand_ended(later, simulator.now)

    def _demand_ended(self, later: _Eventually, now: int) -> None:
        unfinished = self._unfinished()
        if not unfinished:
            return
        simulator = self._watched
        lines = [
            f"eventually({_name(later.holds)}): not finished {span(now - self._struck_at)} after "
            f"{self._since}, and it has {span(later.within)}."
        ]
        for execution in unfinished:
            pending = pending_operations(simulator.executions, execution)
            waits = "; ".join(map(str, pending)) or "nothing that is recorded"
            lines.append(f"Execution {execution.record.execution.name!r} waits for {waits}.")
        raise AssertionError("\n".join(lines))

    def _unfinished(self) -> list[Any]:
        return [execution for execution in self._watched.executions.values() if not execution.closed]

    @property
    def _watched(self) -> Simulator:
        assert self._simulator is not None
        return self._simulator

    @property
    def _since(self) -> str:
        at = f"{to_datetime(self._struck_at):%Y-%m-%d %H:%M:%S}"
        return f"the last {'fault' if self._since_fault else 'start'}, at {at}"

    def _too_late(self, later: _Eventually) -> Callable[[], str]:
        return lambda: f"within {span(later.within)} after {self._since}, though everything has finished"

    def _demand(self, holds: Property, call: str, when: Callable[[], str]) -> None:
        """Check one; what it raises gets a note that tells the moment."""
        try:
            answer = holds(self.view)
        except BaseException as error:
            error.add_note(f"In {call}({_name(holds)}), {when()}.")
            raise
        if answer is not None and not answer:
            raise AssertionError(f"{call}({_name(holds)}) does not hold: it returned {answer!r} {when()}.")


def _is_true(holds: Property, view: WorldView) -> bool:
    """Return whether it holds; an assertion that fails is that it does not yet."""
    try:
        answer = holds(view)
    except AssertionError:
        return False
    return answer is None or bool(answer)


def _function(holds: Any, call: str) -> Property:
    if not callable(holds):
        raise UsageError(
            f"{call} takes a function of the world, such as lambda world: ..., got {holds!r}. "
            "What is no function was computed once, before the run."
        )
    function: Property = holds
    return function


def _name(holds: Property) -> str:
    code = getattr(holds, "__code__", None)
    name: str = getattr(holds, "__qualname__", None) or type(holds).__name__
    name = name.rpartition("<locals>.")[2]
    if code is None:
        return name
    return f"{name} of {code.co_filename.replace(chr(92), '/').rpartition('/')[2]}:{code.co_firstlineno}"


def _moment(record: ExecutionRecord, event: Event, number: int) -> str:
    """Say after which event it was."""
    about = ""
    subject = event.subject
    if subject is not None and subject != record.execution:
        kind = kind_of(subject.operation_type, subject.sub_type)
        about = f" of {kind} {subject.name!r}" if subject.name else f" of an unnamed {kind}"
    start = record.log[0].at
    return (
        f"after event {number} ({event.type}{about}) of execution {record.execution.name!r}, "
        f"at +{span(event.at - start)} ({to_datetime(event.at):%Y-%m-%d %H:%M:%S})"
    )
