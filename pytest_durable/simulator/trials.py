"""Trials: what a run of the simulator came to, as an exploration reads it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from hashlib import blake2b
from pathlib import Path

import durable_sdk
import pytest_durable
from pytest_durable.exploration.fingerprint import failure_of
from pytest_durable.exploration.trial import Decision, Failure, Schedule, Trial
from pytest_durable.history.events import (
    CallbackStart,
    Event,
    InvocationOutcome,
    InvokeStart,
    Pause,
    WaitSchedule,
)
from pytest_durable.plan import Plan
from pytest_durable.schedules import Picks
from pytest_durable.simulator.arrangement import Arrangement
from pytest_durable.simulator.execution import SimulatedExecution
from pytest_durable.simulator.functions import Functions
from pytest_durable.simulator.injector import Injector
from pytest_durable.simulator.ledger.ledger import EffectLedger
from pytest_durable.simulator.options import SimulatorOptions
from pytest_durable.simulator.runner import LocalRunner, Target

# A failure belongs to the test's own line, not to ours.
__tracebackhide__ = True

_PACKAGES = tuple(
    str(Path(module.__file__).parent) for module in (durable_sdk, pytest_durable) if module.__file__
)


def observe(
    runner: LocalRunner | None,
    plan: Plan,
    effects: EffectLedger | None = None,
    failure: Failure | None = None,
) -> Trial:
    """Return what a run under a plan came to. ``runner`` is None if the run never had one."""
    if runner is None:
        return Trial(plan, (), (), (), _digest((), effects), failure)
    decisions = [Decision(choice.kind, choice.options, choice.picked) for choice in runner.choices]
    picks = tuple((number, one.picked) for number, one in enumerate(decisions) if one.picked)
    return Trial(
        replace(plan, picks=picks),
        runner.injector.found,
        runner.injector.struck,
        decisions,
        _digest(runner.executions, effects),
        failure,
        "" if failure is None else runner.timeline(),
        sum(len(execution.record.log) for execution in runner.executions),
    )


def _digest(executions: Iterable[SimulatedExecution], effects: EffectLedger | None) -> str:
    """Return a digest of all histories and the effects.

    Left out is what says nothing of what has happened: times, and the ids of requests and callbacks.
    """
    parts = [
        (execution.function.name, [_content(event) for event in execution.record.log])
        for execution in executions
    ]
    content = repr((parts, None if effects is None else effects.digest()))
    return blake2b(content.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def _content(event: Event) -> object:
    details: object = event.details
    match details:
        case InvocationOutcome(error=error):
            details = None if error is None else error.get("ErrorType")
        case WaitSchedule(duration_seconds=seconds):
            details = seconds
        case CallbackStart():
            details = details[1:]
        case InvokeStart():
            details = details[:3]
        case Pause():
            details = details[1:]
        case _:
            pass
    subject = event.subject
    return event.type.value, None if subject is None else subject.operation_id, details


class SimulatedTrials:
    """Runs a test, a function of a runner and a ledger of effects, under plans, each time in a new world.

    A fault that does not strike and a script that is not used are no failures: a plan is made from one run
    for another.
    """

    def __init__(
        self,
        target: Target,
        test: Callable[[LocalRunner, EffectLedger], object],
        *,
        options: SimulatorOptions | None = None,
        make_functions: Callable[[], Functions] = Functions,
    ) -> None:
        self._target = target
        self._test = test
        self._options = options or SimulatorOptions()
        self._make_functions = make_functions

    def __call__(self, plan: Plan, schedule: Schedule | None = None) -> Trial:
        """Run the test with the plan's faults, and its picks unless a ``schedule`` decides about order."""
        schedules = [schedule or Picks(plan.picks)]

        def make_options() -> SimulatorOptions:
            # It decides about one simulation; others that the test asks for run as usual.
            return replace(self._options, schedule=schedules.pop()) if schedules else self._options

        injector = Injector(plan.faults, collects=True)
        runner = LocalRunner(
            self._target, make_options, Arrangement(self._make_functions(), injector=injector)
        )
        runner.waive_checks()
        effects = EffectLedger()
        runner.use_ledger(effects)
        failure = None
        try:
            self._test(runner, effects)
            runner.check_invariants()
        except Exception as error:
            failure = failure_of(error, is_users_file)
        finally:
            runner.release()
        return observe(runner, plan, effects, failure)


def is_users_file(path: str) -> bool:
    """Return whether a file is the user's rather than that of an installed package."""
    return not (path.startswith(("<", *_PACKAGES)) or "site-packages" in path)
