"""LocalRunner: the fixture ``durable_runner`` on the simulator."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

from pytest_durable.backend import Runner
from pytest_durable.drawn import DrawnPlan
from pytest_durable.durations import DurationLike, to_microseconds, to_whole_seconds
from pytest_durable.errors import UsageError
from pytest_durable.faults import Fault
from pytest_durable.history.codec import event_to_json
from pytest_durable.payload import encode_callback_text, encode_error, encode_input, encode_json
from pytest_durable.plan import Plan
from pytest_durable.result.execution import DurableFunctionTestResult
from pytest_durable.result.wording import counted
from pytest_durable.scripts.callbacks import CallbackScript
from pytest_durable.simulator.arrangement import Arrangement
from pytest_durable.simulator.awaiting import await_callback
from pytest_durable.simulator.choices import Choice
from pytest_durable.simulator.determinism import check_deterministic
from pytest_durable.simulator.driver import Execution
from pytest_durable.simulator.execution import SimulatedExecution
from pytest_durable.simulator.functions import (
    DEFAULT_EXECUTION_TIMEOUT_SECONDS,
    DEFAULT_RETENTION_PERIOD_DAYS,
    Functions,
)
from pytest_durable.simulator.identifiers import FunctionVersion
from pytest_durable.simulator.injector import Injector
from pytest_durable.simulator.invariants import Property
from pytest_durable.simulator.invocation import Handler, demand_durable
from pytest_durable.simulator.ledger.ledger import EffectLedger
from pytest_durable.simulator.options import SimulatorOptions
from pytest_durable.simulator.pending import PendingOperation, pending_operations
from pytest_durable.simulator.replaying.check import check_traces
from pytest_durable.simulator.replaying.hash_order import check_hash_order
from pytest_durable.simulator.replaying.hints import hints
from pytest_durable.simulator.replaying.trace import Trace
from pytest_durable.simulator.runner_clock import RunnerClock
from pytest_durable.simulator.scripts.book import Around, ScriptBook
from pytest_durable.simulator.scripts.invokes import InvokeScript
from pytest_durable.simulator.scripts.steps import StepScript
from pytest_durable.simulator.service import dispatch
from pytest_durable.simulator.service.requests import parse_history
from pytest_durable.simulator.simulator import Simulator
from pytest_durable.simulator.unfolding import UnfoldingInjector, UnfoldingOrder, deviations_of, unfolded
from pytest_durable.simulator.unused_faults import fault_complaints
from pytest_durable.simulator.watching import WorldView

# A failure belongs to the test's own line, not to ours.
__tracebackhide__ = True


@dataclass(frozen=True, slots=True)
class Target:
    """What a runner runs."""

    handler: Handler
    function: FunctionVersion


class LocalRunner(Runner):
    """Runs a handler under the simulator. Virtual time moves only inside its calls."""

    mode = "local"

    def __init__(
        self,
        target: Target,
        make_options: Callable[[], SimulatorOptions],
        arrangement: Arrangement | None = None,
    ) -> None:
        demand_durable(target.handler)
        self._target = target
        self._make_options = make_options
        self._arrangement = arrangement or Arrangement()
        self._unfolded: Callable[[], Plan] | None = None
        self._begin(make_options())

    def _begin(self, options: SimulatorOptions) -> None:
        """Set up a world in which nothing has happened."""
        arranged = self._arrangement
        self._simulator = Simulator(
            options, arranged.functions, arranged.scripts, arranged.injector, arranged.invariants
        )
        arranged.invariants.attach(self._simulator, lambda: len(arranged.injector.strikes))
        self.clock = RunnerClock(self._simulator)

    @property
    def target(self) -> Target:
        """What it runs."""
        return self._target

    @property
    def simulator(self) -> Simulator:
        """What everything runs in: another one when a plan is followed."""
        return self._simulator

    @property
    def functions(self) -> Functions:
        """What handlers may invoke."""
        return self._arrangement.functions

    @property
    def injector(self) -> Injector:
        """The faults, and what they have struck."""
        return self._arrangement.injector

    def follow(self, plan: Plan | DrawnPlan) -> None:
        """Let what is going to run deviate from the ordinary as a plan says, from the beginning.

        Raises:
            UsageError: something has run already, or it is no plan.
        """
        given: object = plan
        if not isinstance(given, Plan | DrawnPlan):
            raise UsageError(f"A plan is drawn by pytest_durable.strategies.plans(), got {given!r}.")
        if self._simulator.executions:
            raise UsageError("A plan is about all of a test's runs: give it to the first one.")
        if isinstance(plan, Plan):
            self.injector.add(*plan.faults)
            order = UnfoldingOrder(deviations_of(plan.picks))
        else:
            self._arrangement.injector = injector = UnfoldingInjector(self.injector, plan)
            order = UnfoldingOrder(plan.order)
            self._unfolded = lambda: unfolded(injector, order)
        options = self._make_options()
        self._begin(options if order.is_ordinary else replace(options, schedule=order))

    @property
    def unfolded(self) -> Plan | None:
        """What the drawn plan that is followed has come to mean so far; None if none is followed."""
        return None if self._unfolded is None else self._unfolded()

    def beginning(self) -> Callable[[], None]:
        """Return what brings the runner back to how it is now, before anything has run.

        Scripts, functions, faults and invariants that were given so far stay, and nothing of them has
        been used.
        """
        arranged = self._arrangement.rewound()

        def begin_again() -> None:
            self._simulator.close()
            self._arrangement = arranged.rewound()
            self._unfolded = None
            self._begin(self._make_options())

        return begin_again

    def __repr__(self) -> str:
        name = getattr(self._target.handler, "__qualname__", repr(self._target.handler))
        return (
            f"<runner of {name}, {counted(len(self._simulator.executions), 'execution')}, "
            f"virtual time {self.clock.now:%Y-%m-%d %H:%M:%S}>"
        )

    @property
    def seed(self) -> int:
        """The seed of everything left to chance."""
        return self._simulator.options.seed

    def start(
        self,
        input: Any = None,
        name: str | None = None,
        timeout: DurationLike | None = None,
        *,
        function: FunctionVersion | None = None,
        tenant_id: str | None = None,
        plan: Plan | DrawnPlan | None = None,
    ) -> Execution:
        """Start an execution and stop before its first invocation.

        A name that was used before, with the same input, gives the execution of that name, as on AWS.
        ``function`` is what the handler is deployed as, for this execution. A ``plan``, as `run` takes one,
        goes with the first execution.

        Raises:
            UsageError: the input is not JSON, the timeout is malformed, or the plan comes too late.
            DurableExecutionAlreadyStartedException: the name was used with another input.
        """
        payload = encode_input(input)
        if plan is not None:
            self.follow(plan)
        execution = self._simulator.start(
            self._target.handler,
            payload,
            function=function or self._target.function,
            name=name,
            timeout_seconds=None if timeout is None else to_whole_seconds(timeout, "timeout"),
            tenant_id=tenant_id,
        )
        return Execution(self._simulator, execution)

    def run(
        self,
        input: Any = None,
        timeout: DurationLike | None = None,
        *,
        plan: Plan | DrawnPlan | None = None,
    ) -> DurableFunctionTestResult:
        """Start an execution, run it to its end and return the result.

        ``input`` is any JSON value; text that is valid JSON passes as it is. ``timeout`` is the
        execution timeout, in virtual time. ``plan`` says what goes otherwise than in the ordinary run,
        also in what runs later; `pytest_durable.strategies.plans` draws them.

        Raises:
            UsageError: the input is not JSON, the timeout is malformed, or the plan comes too late.
            DurableStuckError: the execution cannot end.
        """
        return self.start(input, timeout=timeout, plan=plan).finish()

    def run_async(self, input: Any = None, timeout: DurationLike | None = None) -> str:
        """Start an execution and return its ARN. It goes on when `wait_for_result` or `clock` lets it."""
        return self.start(input, timeout=timeout).arn

    def wait_for_result(
        self, execution_arn: str, timeout: DurationLike | None = None
    ) -> DurableFunctionTestResult:
        """Run the execution to its end and return the result; may be called again.

        Raises:
            TimeoutError: it has not ended when ``timeout`` of virtual time has passed.
            DurableStuckError: it cannot end.
        """
        execution = self._find(execution_arn)
        if timeout is not None:
            self._simulator.run_for(
                lambda: execution.closed and execution.invocation is None,
                to_microseconds(timeout, "timeout"),
            )
            if not execution.closed:
                pending = pending_operations(self._simulator.executions, execution)
                waits = "; ".join(map(str, pending))
                raise TimeoutError(f"{execution_arn} has not ended after {timeout}: {waits}")
        return Execution(self._simulator, execution).finish()

    def wait_for_callback(
        self, execution_arn: str, name: str | None = None, timeout: DurationLike | None = None
    ) -> str:
        """Run until a callback of that name is open and the handler awaits it; return its id.

        ``name`` is the one that the handler gave, or a path. Without one any callback will do, the newest
        first. ``timeout`` is virtual time.

        Raises:
            ExecutionFailedError: the execution fails before.
            DurableTestError: the execution succeeds before, or the callback has been answered already.
            DurableStuckError: the execution gets stuck before.
            TimeoutError: none is open when ``timeout`` has passed.
        """
        return await_callback(self._simulator, self._find(execution_arn), name, timeout)

    def send_callback_success(
        self, callback_id: str, result: bytes | str | None = None, *, value: Any = None
    ) -> None:
        """Answer a callback: with text or bytes, or with any JSON ``value``.

        Raises:
            UsageError: both are given, or one is of the wrong kind.
            ServiceError: the service refuses, as it does for an unknown callback and one that has ended.
        """
        if result is not None and value is not None:
            raise UsageError("send_callback_success takes a result or a value, not both.")
        text = encode_callback_text(result) if value is None else encode_json(value, "value")
        self._simulator.callbacks.succeed(callback_id, text)

    def send_callback_failure(self, callback_id: str, error: Any = None) -> None:
        """Answer a callback with an error: an exception, a message, an ErrorObject or its JSON form.

        Raises:
            UsageError: the error is none of these.
            ServiceError: the service refuses, as it does for an unknown callback and one that has ended.
        """
        self._simulator.callbacks.fail(callback_id, encode_error(error))

    def send_callback_heartbeat(self, callback_id: str) -> None:
        """Tell that somebody still works on a callback, which restarts its heartbeat timeout.

        Raises:
            ServiceError: the service refuses, as it does for an unknown callback and one that has ended.
        """
        self._simulator.callbacks.heartbeat(callback_id)

    def register_durable_function(
        self,
        function_name: str,
        handler: Handler,
        execution_timeout: DurationLike = DEFAULT_EXECUTION_TIMEOUT_SECONDS,
        retention_period_days: int = DEFAULT_RETENTION_PERIOD_DAYS,
    ) -> Self:
        """Let ``context.invoke`` find a durable function: by its name, ``name:qualifier`` or an ARN.

        Raises:
            UsageError: an argument is wrong.
        """
        self._arrangement.functions.register_durable(
            function_name, handler, execution_timeout, retention_period_days
        )
        return self

    def register_function(self, function_name: str, handler: Callable[[Any, Any], Any]) -> Self:
        """Let ``context.invoke`` find a function that is not durable.

        Raises:
            UsageError: an argument is wrong.
        """
        self._arrangement.functions.register_plain(function_name, handler)
        return self

    def on_callback(self, name: str | None = None, times: int | None = None) -> CallbackScript:
        """Decide beforehand what becomes of the callbacks of a name; without one, of all others.

        ``times`` demands that many uses. A script that is never used fails the test.
        """
        return self._arrangement.scripts.on_callback(name, times)

    def on_invoke(self, function_name: str, times: int | None = None) -> InvokeScript:
        """Decide beforehand what ``context.invoke`` gets from a function.

        ``times`` demands that many uses. A script that is never used fails the test.
        """
        return self._arrangement.scripts.on_invoke(function_name, times)

    def on_step(self, name: str, times: int | None = None) -> StepScript:
        """Replace the bodies of the steps of a name, or of a path such as ``orders/charge``.

        The checks of a ``wait_for_condition`` are steps, too: what a check returns is the next state.
        ``times`` demands that many attempts. A script that is never used fails the test.
        """
        return self._arrangement.scripts.on_step(name, times)

    def inject(self, *faults: Fault) -> None:
        """Add faults, as ``@pytest.mark.durable_faults`` does; they count the points that come from now on.

        A fault that never strikes fails the test.

        Raises:
            UsageError: one is no fault, or is about the order of a whole run.
        """
        self.injector.add(*faults)

    def always(self, holds: Property) -> None:
        """Demand that ``holds(world)`` is true after every event from now on, in all executions.

        ``world`` has ``executions``, ``operations(name)``, ``operation(path)``, ``effects``, ``now`` and
        ``last_event``. A function that asserts and returns nothing will do. The first time it does not hold
        ends the run, and the test fails there. One that was never checked fails the test, too.

        Raises:
            UsageError: it is no function.
        """
        self._arrangement.invariants.always(holds)

    def eventually(self, holds: Property, within: DurationLike = "30d") -> None:
        """Demand that ``holds(world)`` comes true and that every execution ends, in good time.

        ``within`` is virtual time after the last fault that struck, or after the beginning without any.
        What is unfinished when the test has run goes on for as long as that.

        Raises:
            UsageError: it is no function, or the time is malformed or zero.
        """
        self._arrangement.invariants.eventually(holds, within)

    def at_end(self, holds: Property) -> None:
        """Demand that ``holds(world)`` is true when the test has run, or the runner is closed.

        Raises:
            UsageError: it is no function.
        """
        self._arrangement.invariants.at_end(holds)

    def surround_steps(self, around: Around) -> None:
        """Run in place of the body of each step what ``around(path, body)`` returns; scripts are inside.

        Bodies take the number of the attempt. What they return is recorded as ever.
        """
        self._arrangement.scripts.surround_steps(around)

    @property
    def world(self) -> WorldView:
        """What invariants are shown: the executions, the effects and the time."""
        return self._arrangement.invariants.view

    def use_ledger(self, ledger: EffectLedger) -> None:
        """Show invariants this ledger as ``world.effects``."""
        self._arrangement.invariants.use_ledger(ledger)

    def stop_execution(self, execution_arn: str, error: Any = None) -> None:
        """End an execution from outside, with status STOPPED; nothing happens to one that has ended.

        Raises:
            UsageError: the error is no exception, message, ErrorObject or JSON form of one.
        """
        self._simulator.stop(self._find(execution_arn), encode_error(error))

    def pause_execution(self, execution_arn: str, timeout: DurationLike = 60) -> None:
        """Invoke the handler no more, and run until no invocation goes on.

        One that runs ends with its next checkpoint. What completes meanwhile is kept. Nothing happens to an
        execution that has ended.

        Raises:
            TimeoutError: an invocation still runs when ``timeout`` of virtual time has passed. The pause
                stands.
        """
        execution = self._find(execution_arn)
        microseconds = to_whole_seconds(timeout, "timeout") * 1_000_000
        if not self._simulator.pause(execution, microseconds):
            raise TimeoutError(f"{execution_arn} still runs an invocation after {timeout}. The pause stands.")

    def resume_execution(self, execution_arn: str) -> None:
        """Invoke the handler again, at once if an invocation was held back."""
        self._simulator.resume(self._find(execution_arn))

    def get_execution_history(
        self, execution_arn: str, include_execution_data: bool = True
    ) -> list[dict[str, Any]]:
        """Return the events so far, as boto3's ``get_durable_execution_history(...)["Events"]``.

        Without execution data, inputs, results and errors are left out.
        """
        events = self._find(execution_arn).record.log.shown
        return [
            event_to_json(number, event, with_data=include_execution_data)
            for number, event in enumerate(events, 1)
        ]

    def get_execution_history_page(
        self,
        execution_arn: str,
        *,
        max_items: int | None = None,
        marker: str | None = None,
        reverse_order: bool = False,
        include_execution_data: bool = True,
    ) -> dict[str, Any]:
        """Return a page of the events so far, as boto3's ``get_durable_execution_history`` answers.

        ``Events`` has at most ``max_items`` of them (100 by default, 1,000 at most), the newest first with
        ``reverse_order``; ``NextMarker`` is the ``marker`` of the next page, if there is one.

        Raises:
            ServiceError: the marker or the number is none.
        """
        request = {
            "DurableExecutionArn": execution_arn,
            "ReverseOrder": reverse_order,
            "IncludeExecutionData": include_execution_data,
        }
        if max_items is not None:
            request["MaxItems"] = max_items
        if marker is not None:
            request["Marker"] = marker
        return dispatch.history_answer(self._find(execution_arn).record, parse_history(request))

    def _find(self, execution_arn: Any) -> SimulatedExecution:
        executions = self._simulator.executions
        execution = executions.get(execution_arn) if isinstance(execution_arn, str) else None
        if execution is None:
            known = ", ".join(executions) or "none"
            raise UsageError(f"This runner has no execution {execution_arn!r}; it has {known}.")
        return execution

    def check_determinism(
        self, input: Any = None, timeout: DurationLike | None = None, runs: int = 2
    ) -> DurableFunctionTestResult:
        """Run the handler several times on the same input and seed, each in a world of its own.

        Returns the result of the first run.

        Raises:
            NonDeterminismError: the histories differ; it names the first difference.
        """

        def run() -> DurableFunctionTestResult:
            arranged = self._arrangement.rewound()
            fresh = LocalRunner(self._target, self._make_options, arranged)
            try:
                result = fresh.run(input, timeout)
                fresh.check_invariants()
                return result
            finally:
                fresh.release()
                self._arrangement.absorb(arranged)

        return check_deterministic(run, runs)

    def check_replay(self, mode: str = "all", seen: dict[str, None] | None = None) -> None:
        """Replay what has been recorded so far of each execution, and compare with what it called.

        ``mode`` is "final" (over the whole record), "all" (over each prefix of it, as it stood at each
        moment; of more than 200, 200 evenly spread with the first and the last) or "off". Prefixes in
        ``seen`` are left out, and the others put in: an exploration meets the same one many times. No step
        runs, nothing is recorded, and chance, environment and clock are as before afterwards. The handler
        itself runs again, so call it when the test has looked at what handlers leave behind.

        Raises:
            NonDeterminismError: a replay does something else; it says where and, as far as can be told, why.
            UsageError: there is no such mode, or the runner was not made to trace operations.
        """
        check_traces(
            self._traces(),
            mode,
            {} if seen is None else seen,
            virtual_clock=self._simulator.options.virtual_clock,
        )

    def _traces(self) -> list[Trace]:
        if self._simulator.traces is None:
            raise UsageError("This runner keeps no trace of operations, so it cannot check replays.")
        return list(self._simulator.traces.by_arn.values())

    def check_hash_order(self) -> None:
        """Replay in processes with other hash seeds what may depend on the order of a set, or on ``hash()``.

        Nothing happens where no code of the handler has to do with sets and hashes. A handler that no
        import makes, because it is local to a function, is left out. Takes about half a second.

        Raises:
            NonDeterminismError: replays under two seeds differ.
            UsageError: the runner was not made to trace operations.
        """
        check_hash_order(self._traces(), virtual_clock=self._simulator.options.virtual_clock)

    def hints(self) -> list[str]:
        """Return what handlers do that may be why a test has failed, though an assertion of its own fails.

        Each is a text of a few lines: a replay that differs, a suspension that was caught, a variable that
        a step writes, I/O outside steps. The handlers run again, as in `check_replay`. Nothing without a
        trace of operations.
        """
        if self._simulator.traces is None or self._simulator.is_broken_off:
            return []
        return hints(self._traces(), virtual_clock=self._simulator.options.virtual_clock)

    @property
    def results(self) -> list[DurableFunctionTestResult]:
        """What became of every execution so far, those of invoked functions too, in order of start."""
        return [self._simulator.result(execution) for execution in self._simulator.executions.values()]

    def timeline(self) -> str:
        """Return every execution as text; those of invoked functions stand below the one that invoked."""
        roots = [execution for execution in self._simulator.executions.values() if execution.invoker is None]
        return "\n\n".join(self._simulator.result(execution).timeline() for execution in roots)

    @property
    def executions(self) -> Iterable[SimulatedExecution]:
        """Every execution so far, those of invoked functions included, in order of start."""
        return self._simulator.executions.values()

    @property
    def choices(self) -> Sequence[Choice]:
        """Every decision about order so far that could have gone another way."""
        return self._simulator.choices

    @property
    def pending(self) -> list[PendingOperation]:
        """The operations of unfinished executions that have not ended."""
        return [
            pending
            for execution in self._simulator.executions.values()
            if not execution.closed
            for pending in pending_operations(self._simulator.executions, execution)
        ]

    def close(self) -> None:
        """Unwind whatever still runs, and check that every script came to use and every fault struck, once.

        What has been recorded stays readable.

        Raises:
            UnusedScriptError: a script was never used, or not as often as its ``times`` says.
            UnusedFaultError: a fault never struck.
            AssertionError: an invariant does not hold.
        """
        self.check_invariants()
        self._simulator.close()
        self.check_scripts()

    def release(self) -> None:
        """Unwind whatever still runs, for a test that has failed or has been checked."""
        self._arrangement.waive_checks()
        self._simulator.close()

    def waive_checks(self) -> None:
        """Demand nothing of scripts and faults, which may be idle in a run of an exploration."""
        self._arrangement.waive_use()

    def check_invariants(self) -> None:
        """Check, once, what is to hold when the test has run.

        Raises:
            AssertionError: an invariant does not hold, or was never checked.
        """
        self._arrangement.check_invariants()

    def check_scripts(self) -> None:
        """Check, once, that every script came to use and every fault struck.

        Raises:
            UnusedScriptError: one was never used, or not as often as its ``times`` says.
            UnusedFaultError: one never struck.
        """
        self._arrangement.check_use(self.executions)

    @property
    def scripts(self) -> ScriptBook:
        """The scripts of the test."""
        return self._arrangement.scripts

    def fault_complaints(self) -> list[str]:
        """Return a line for each fault that has not struck."""
        return fault_complaints(self.injector, self.executions)
