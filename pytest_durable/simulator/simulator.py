"""Simulator: a simulation set up from its options, and the ways to run it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import nullcontext

from pytest_durable.entropy import Entropy
from pytest_durable.errors import DurableStuckError, UsageError
from pytest_durable.history.codec import to_microseconds
from pytest_durable.result.execution import DurableFunctionTestResult
from pytest_durable.simulator.callbacks import Callbacks
from pytest_durable.simulator.chance import Chance
from pytest_durable.simulator.checkers.base import Checker
from pytest_durable.simulator.checkers.lifecycle import LifecycleChecker
from pytest_durable.simulator.checkers.liveness import LivenessChecker
from pytest_durable.simulator.checkers.replay import ReplayChecker
from pytest_durable.simulator.checkers.tokens import TokenChecker
from pytest_durable.simulator.choices import Choice, Choices
from pytest_durable.simulator.execution import SimulatedExecution
from pytest_durable.simulator.functions import Functions
from pytest_durable.simulator.garbage import collection_paused
from pytest_durable.simulator.identifiers import EXECUTION_NAME, FunctionVersion
from pytest_durable.simulator.injector import Injector
from pytest_durable.simulator.invocation import Handler
from pytest_durable.simulator.loop import Loop
from pytest_durable.simulator.options import SimulatorOptions
from pytest_durable.simulator.pending import stuck_error
from pytest_durable.simulator.process_exit import process_exits_caught
from pytest_durable.simulator.replaying.trace import Traces
from pytest_durable.simulator.scripts.book import ScriptBook
from pytest_durable.simulator.service.requests import is_tenant_id
from pytest_durable.simulator.turns import close_idle_carriers, only_driver
from pytest_durable.simulator.wall_clock import sleep_really, wall_clock
from pytest_durable.simulator.world import World

# Threads that stay for the next run. One with a thousand branches may have needed more at a time.
_CARRIERS_KEPT = 16

# A failure belongs to the test's own line, not to ours.
__tracebackhide__ = True


class Simulator:
    """One simulated service, with its own time. Runs only inside its methods."""

    def __init__(
        self,
        options: SimulatorOptions,
        functions: Functions | None = None,
        scripts: ScriptBook | None = None,
        injector: Injector | None = None,
        invariants: Checker | None = None,
    ) -> None:
        self.options = options
        self._functions = functions or Functions()
        self._injector = injector
        self._choices = Choices(options.schedule)
        self.traces = Traces() if options.traces_operations else None
        """What each execution has called, if that is kept."""
        checkers: list[Checker] = [TokenChecker(), LifecycleChecker(), ReplayChecker(), LivenessChecker()]
        if self.traces is not None:
            checkers.append(self.traces)
        if invariants is not None:
            checkers.append(invariants)
        entropy = Entropy(options.seed)
        self._world = World(
            to_microseconds(options.start_time),
            entropy,
            options.limits,
            (*checkers, *options.more_checkers),
            options.stall_seconds,
            self._functions,
            scripts,
            options.timeouts_count_waits,
            injector,
            self._choices,
            None if self.traces is None else self.traces.watch,
        )
        if options.more_checkers:
            self.watch_everything()
        turns = self._world.turns
        self._chance = Chance(entropy, lambda: turns.has_turn)
        self._world.order.has_drawn = self._chance.has_drawn
        self._loop = Loop(self._world, None if options.skip_time else sleep_really)
        self._closed = False

    def watch_everything(self) -> None:
        """Take note that somebody looks at the world after each event, so that every order matters."""
        self._world.order.watch_everything()

    @property
    def world(self) -> World:
        """All of its state."""
        return self._world

    @property
    def now(self) -> int:
        """Virtual time, in microseconds since the epoch."""
        return self._world.clock.now

    @property
    def is_closed(self) -> bool:
        """Whether nothing runs any more."""
        return self._closed

    @property
    def is_broken_off(self) -> bool:
        """Whether a run was broken off, so that its handlers may have left locks and threads behind."""
        return self._world.turns.abandoned

    @property
    def executions(self) -> Mapping[str, SimulatedExecution]:
        """Every execution so far by its ARN, those of invoked functions included, in order of start."""
        return self._world.executions.by_arn

    @property
    def callbacks(self) -> Callbacks:
        """Every callback, and what can be said about one."""
        return self._world.callbacks

    @property
    def choices(self) -> list[Choice]:
        """Every decision so far that could have gone another way."""
        return self._choices.recorded

    def start(
        self,
        handler: Handler,
        payload: str | None,
        *,
        function: FunctionVersion,
        name: str | None = None,
        timeout_seconds: int | None = None,
        tenant_id: str | None = None,
    ) -> SimulatedExecution:
        """Start an execution. Nothing of it happens before the simulation runs.

        A name that the function has used before, with the same payload, gives the execution of that name.

        Raises:
            UsageError: the name or the timeout is wrong, or the simulation is closed.
            DurableExecutionAlreadyStartedException: the name was used with another payload.
        """
        if self._closed:
            raise _closed()
        given: object = name
        if given is not None and not (isinstance(given, str) and EXECUTION_NAME.fullmatch(given)):
            raise UsageError(
                "The name of an execution has 1 to 64 letters, digits, hyphens and underscores, "
                f"got {name!r}."
            )
        if tenant_id is not None and not is_tenant_id(tenant_id):
            raise UsageError(
                f"tenant_id has 1 to 256 letters, digits, spaces and any of ._:/=+-@, got {tenant_id!r:.100}."
            )
        known = self._world.executions.started_before(function, name, payload)
        if known is not None:
            return known
        maximum = self.options.limits.delay_seconds
        seconds = timeout_seconds or self.options.execution_timeout_seconds
        if seconds is not None and not 1 <= seconds <= maximum:
            raise UsageError(f"The execution timeout is 1 to {maximum} seconds, got {seconds}.")
        return self._world.executions.start(
            handler,
            function,
            payload,
            name,
            seconds,
            self.options.invocation_timeout_seconds,
            tenant_id,
        )

    def run_until(
        self,
        predicate: Callable[[], bool],
        *,
        horizon: int | None = None,
        between_invocations: bool = True,
        holds_time: bool = False,
    ) -> None:
        """Run until the predicate holds, nothing more can happen, or time reaches ``horizon``.

        ``between_invocations`` promises that it begins to hold only while no invocation runs. With
        ``holds_time`` no schedule lets time move on while work is due.

        Raises:
            UsageError: the simulation is closed, and the predicate does not hold.
        """
        if self._closed and not predicate():
            raise _closed()
        # With other executions about, one of their invocations may run while none of this one does.
        is_alone = sum(not execution.closed for execution in self.executions.values()) <= 1
        inline = between_invocations and is_alone and not self._functions.names
        shown = wall_clock.shown(self._world.clock) if self.options.virtual_clock else nullcontext()
        with only_driver(), collection_paused(), process_exits_caught(), shown, self._chance.in_place():
            self._loop.run(predicate, horizon=horizon, inline=inline, holds_time=holds_time)
            self._world.order.note_draws()

    def run_for(self, predicate: Callable[[], bool], microseconds: int) -> None:
        """Run like `run_until` for so long at most, not counting waits where timeouts leave them out."""
        if self.options.timeouts_count_waits:
            self.run_until(predicate, horizon=self.now + microseconds, between_invocations=False)
            return
        horizon = max(self.now, self._world.executions.skipped.until) + microseconds
        gap = 1
        while gap and not predicate():
            gap = self._run_until_skipping(predicate, horizon)
            horizon += gap

    def _run_until_skipping(self, predicate: Callable[[], bool], horizon: int) -> int:
        """Run until the predicate holds, time is up or another wait began; return what that one skips."""
        skipped = self._world.executions.skipped
        before = skipped.total
        self.run_until(
            lambda: predicate() or skipped.total != before, horizon=horizon, between_invocations=False
        )
        return skipped.total - before

    def run_to_end(self, execution: SimulatedExecution) -> None:
        """Run until the execution has ended and its last invocation has.

        Raises:
            DurableStuckError: it cannot end.
        """
        self.run_until(lambda: execution.closed and execution.invocation is None)
        if not execution.closed:
            raise self.stuck(execution)

    def result(self, execution: SimulatedExecution) -> DurableFunctionTestResult:
        """Return what has become of an execution so far, and of those that it has invoked."""
        invoked = [self.result(other) for other in execution.invoked]
        faults: dict[int, list[str]] = {}
        if self._injector is not None and self._injector.strikes:
            name = execution.record.execution.name or ""
            for fault, point in self._injector.strikes:
                if point.execution == name:
                    faults.setdefault(point.invocation, []).append(f"{fault!r} strikes")
        return DurableFunctionTestResult(
            execution.record.log, seed=self.options.seed, invoked=invoked, faults=faults
        )

    def stuck(self, execution: SimulatedExecution) -> DurableStuckError:
        """Return the error that says why the execution does not go on."""
        return stuck_error(self.executions, execution, self.now)

    def stop(self, execution: SimulatedExecution, error: dict[str, object] | None) -> None:
        """End an execution from outside."""
        if not execution.closed:
            self._world.executions.stop(execution, error)
            self.run_until(lambda: True)

    def crash(self, execution: SimulatedExecution) -> None:
        """Kill the sandbox that runs the handler now."""
        before = execution.deaths, execution.retried_up_to
        self._world.executions.crash(execution)
        # The test knows of it, and is told what there is between two invocations.
        execution.deaths, execution.retried_up_to = before
        execution.is_retried = False
        self.run_until(lambda: True)

    def advance(self, microseconds: int, executions: Iterable[SimulatedExecution]) -> None:
        """Let so much virtual time pass.

        It may be more: if a fault has ended invocations of these executions meanwhile, it goes on until their
        handlers have suspended or ended, as they would have without it.
        """
        watched = list(executions)
        before = [execution.deaths for execution in watched]
        self.run_until(lambda: False, horizon=self.now + microseconds, between_invocations=False)
        if self._injector is None or not self._injector.strikes:
            return
        for execution, deaths in zip(watched, before, strict=True):
            if execution.deaths > deaths:
                self.run_until_idle(execution)

    def run_until_idle(self, execution: SimulatedExecution) -> None:
        """Run until the handler waits for something, or has ended.

        What it waits for is there to be seen: no schedule lets it end before the handler has suspended.
        """

        def is_idle() -> bool:
            is_due = execution.is_retried or (
                execution.invocation_is_due and self.next_event_at() == self.now
            )
            return execution.invocation is None and (execution.closed or not is_due)

        self.run_until(is_idle, holds_time=True)

    def pause(self, execution: SimulatedExecution, timeout: int) -> bool:
        """Hold back invocations, and run until none goes on, ``timeout`` microseconds at most.

        Returns whether none does.
        """
        self._world.executions.pause(execution)
        self.run_until(
            lambda: execution.invocation is None, horizon=self.now + timeout, between_invocations=False
        )
        return execution.invocation is None

    def resume(self, execution: SimulatedExecution) -> None:
        """Invoke again."""
        self._world.executions.resume(execution)

    def next_event_at(self) -> int | None:
        """Return when something is going to happen next, in microseconds since the epoch."""
        head = self._world.queue.head()
        return None if head is None else head.due

    def close(self) -> None:
        """Unwind every task that is still parked. Nothing runs any more."""
        self._closed = True
        if self._world.turns.abandoned:
            return
        self._world.reaper.kill_all()
        if not self._world.reaper.is_idle:
            self.run_until(lambda: True)
        close_idle_carriers(_CARRIERS_KEPT)


def _closed() -> UsageError:
    return UsageError(
        "This runner is closed: nothing can run any more. "
        "Make the call inside its with block, or before close()."
    )
