"""From the markers and the settings of a test to its runner."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol

import pytest

from pytest_durable.errors import UsageError
from pytest_durable.history.codec import event_to_json
from pytest_durable.history.events import INTERNAL_EVENT_TYPES, Event
from pytest_durable.markers import DURABLE_EXECUTION, DurableMark, durable_mark, faults_of, missing_mark
from pytest_durable.plan import ORDINARY, Plan
from pytest_durable.schedules.base import Schedule
from pytest_durable.schedules.in_order import InOrder
from pytest_durable.schedules.picks import Picks
from pytest_durable.schedules.seeded import Seeded
from pytest_durable.settings import Settings
from pytest_durable.simulator.arrangement import Arrangement
from pytest_durable.simulator.checkers.base import Checker
from pytest_durable.simulator.functions import Functions
from pytest_durable.simulator.identifiers import FunctionVersion
from pytest_durable.simulator.injector import Injector
from pytest_durable.simulator.options import SimulatorOptions
from pytest_durable.simulator.runner import LocalRunner, Target
from pytest_durable.simulator.service.records import ExecutionRecord
from pytest_durable.simulator.watching import WorldView


class Listen(Protocol):
    """Takes an event in the form of boto3, and the world as invariants are shown it."""

    def __call__(self, *, event: dict[str, Any], world: Any) -> object:
        """Take it."""
        ...


class _Listener(Checker):
    """Tells of every event that a history of the service would show."""

    def __init__(self, listen: Listen) -> None:
        self._listen = listen
        self.world: WorldView | None = None

    def recorded(self, record: ExecutionRecord, event: Event) -> None:
        """Tell of an event."""
        if event.type not in INTERNAL_EVENT_TYPES:
            number = len(record.log.shown)
            self._listen(event=event_to_json(number, event), world=self.world)


@dataclass(frozen=True, slots=True)
class Directions:
    """How the next run of a test differs from what its markers say.

    The faults of ``plan`` come on top of those of the markers. A ``schedule`` decides about order instead of
    all else; ``seed`` goes before that of the settings. With ``is_trial`` nothing is demanded of
    scripts and faults: they were made for the ordinary run.
    """

    plan: Plan = ORDINARY
    schedule: Schedule | None = None
    seed: int | None = None
    collects_points: bool = False
    is_trial: bool = False


@dataclass(frozen=True, slots=True)
class Demands:
    """What the markers and the settings say of a test, read once for all of its runs.

    ``mark`` is None if the test has no marker ``durable_execution``; ``missing`` tells whoever needs it.
    """

    mark: DurableMark | None
    missing: str
    plan: Plan
    """What the marker `durable_faults` says."""
    settings: Settings
    listen: Listen | None = None
    """Is told of each event, and shown the world."""

    @property
    def replay_check(self) -> str:
        """Which replays are compared with a run: what the marker says, or else the file."""
        marked = None if self.mark is None else self.mark.replay_check
        return marked or self.settings.replay_check

    @classmethod
    def of(cls, item: pytest.Item) -> Demands:
        """Return those of a test.

        Raises:
            UsageError: a marker or a setting is wrong.
        """
        has_mark = item.get_closest_marker(DURABLE_EXECUTION) is not None
        mark = durable_mark(item) if has_mark else None
        hook = item.ihook.pytest_durable_event
        # Events are many, so nobody is told unless somebody listens.
        listen = hook if hook.get_hookimpls() else None
        return cls(mark, missing_mark(item), Plan.of(faults_of(item)), Settings.of(item.config), listen)


def make_runner(demands: Demands, directions: Directions) -> LocalRunner:
    """Return the runner of a run.

    Raises:
        UsageError: the test has no marker, or a fault is wrong.
    """
    mark, settings = demands.mark, demands.settings
    if mark is None:
        raise UsageError(demands.missing)
    seed = settings.seed(mark.seed) if directions.seed is None else directions.seed
    # The plan's word on a decision goes before the marker's.
    picks = {**dict(demands.plan.picks), **dict(directions.plan.picks)}
    strategies = [] if directions.schedule is None else [directions.schedule]

    listeners = () if demands.listen is None else (_Listener(demands.listen),)

    def make_options() -> SimulatorOptions:
        # A strategy decides about one simulation; others that the test asks for run as usual.
        schedule = strategies.pop() if strategies else _usual_schedule(mark, seed, picks)
        return replace(
            _options(mark, seed, schedule, settings.stall_seconds),
            more_checkers=listeners,
            traces_operations=True,
        )

    target = Target(mark.handler, FunctionVersion(mark.lambda_function_name))
    functions = Functions()
    functions.register_all(mark.functions)
    injector = Injector((*demands.plan.faults, *directions.plan.faults), collects=directions.collects_points)
    runner = LocalRunner(target, make_options, Arrangement(functions, injector=injector))
    for listener in listeners:
        listener.world = runner.world
    if directions.is_trial:
        runner.waive_checks()
    return runner


def _usual_schedule(mark: DurableMark, seed: int, picks: Mapping[int, int]) -> Schedule:
    if picks:
        return Picks(picks.items())
    # Time moves on as it does in order, so that a test may rely on what it is.
    return Seeded(seed, advances=0.0) if mark.schedule == "random" else InOrder()


def _options(mark: DurableMark, seed: int, schedule: Schedule, stall_seconds: float) -> SimulatorOptions:
    return SimulatorOptions(
        start_time=mark.start_time,
        seed=seed,
        schedule=schedule,
        limits=mark.limits,
        execution_timeout_seconds=mark.execution_timeout_seconds,
        invocation_timeout_seconds=mark.invocation_timeout_seconds,
        skip_time=mark.skip_time,
        virtual_clock=mark.virtual_clock,
        stall_seconds=stall_seconds,
    )
