"""Time moves on before work is done only where a schedule says so, for a while, and past no time limit."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from durable_sdk import DurableContext, _runtime, durable_execution
from durable_sdk.config import (
    CallbackConfig,
    CompletionConfig,
    Duration,
    ParallelConfig,
    WaitForCallbackConfig,
)
from pytest_durable.errors import CheckerError
from pytest_durable.schedules import InOrder, Kind, Pct, Schedule, Seeded
from pytest_durable.simulator.identifiers import FunctionVersion
from pytest_durable.simulator.options import SimulatorOptions
from pytest_durable.simulator.order import MAX_DELAY_MICROSECONDS
from pytest_durable.simulator.runner import LocalRunner, Target
from pytest_durable.simulator.runtime import SimulatedRuntime
from pytest_durable.simulator.turns import SandboxKilled

SECOND = 1_000_000


class Eager:
    """Lets time move on, and tasks be preempted, whenever that can be."""

    is_ordinary = False

    def __init__(self, *kinds: str) -> None:
        self._kinds = kinds or (Kind.ADVANCE, Kind.PREEMPT)

    def pick(self, kind: str, options: int) -> int:
        return int(kind in self._kinds)


def runner_of(handler: Any, schedule: Schedule, **options: Any) -> LocalRunner:
    target = Target(handler, FunctionVersion("function"))
    return LocalRunner(target, lambda: SimulatorOptions(schedule=schedule, **options))


def kinds(runner: LocalRunner) -> set[str]:
    return {choice.kind for choice in runner.choices}


def preempt(name: str) -> None:
    runtime = _runtime.current.get()
    assert isinstance(runtime, SimulatedRuntime)
    runtime.preempt(name)


def race(seconds: int) -> Any:
    """Return a handler in which the work of one branch races with the wait of another."""

    @durable_execution
    def handler(event: Any, context: DurableContext) -> Any:
        def working(branch: DurableContext) -> Any:
            for number in range(6):
                branch.step(lambda _: None, name=f"work-{number}")
            return branch.step(lambda _: datetime.now().isoformat(), name="worked")

        def waiting(branch: DurableContext) -> Any:
            branch.wait(seconds)
            return branch.step(lambda _: datetime.now().isoformat(), name="waited")

        return context.parallel([working, waiting]).get_results()

    return handler


@pytest.mark.parametrize("seconds", [1, MAX_DELAY_MICROSECONDS // SECOND])
def test_a_wait_may_end_before_work_that_was_due_long_before(seconds: int) -> None:
    def ends(schedule: Schedule) -> tuple[Any, Any]:
        worked, waited = runner_of(race(seconds), schedule).run().value
        return datetime.fromisoformat(worked), datetime.fromisoformat(waited)

    began, ended = ends(InOrder())
    assert ended - began == timedelta(seconds=seconds)
    worked, waited = ends(Eager())
    assert worked - began >= timedelta(seconds=seconds)
    assert waited - began >= timedelta(seconds=seconds)


def test_work_is_not_held_up_for_longer_than_a_machine_could_be_slow() -> None:
    worked, waited = runner_of(race(MAX_DELAY_MICROSECONDS // SECOND + 1), Eager()).run().value
    # Only updates that nobody waits for are sent before, a tenth of a second after they were made.
    assert datetime.fromisoformat(worked) < datetime.fromisoformat("2026-01-01T00:00:02")
    assert datetime.fromisoformat(waited) >= datetime.fromisoformat("2026-01-01T00:01:01")


def test_time_never_goes_back_for_what_comes_late() -> None:
    for schedule in (Eager(), *(Seeded(seed, advances=0.5) for seed in range(20))):
        history = runner_of(race(5), schedule).run().history
        moments = [event["EventTimestamp"] for event in history]
        assert moments == sorted(moments)


def test_an_ordinary_schedule_is_asked_nothing_and_moves_on_only_when_nothing_is_left() -> None:
    runner = runner_of(race(5), InOrder())
    runner.run()
    assert runner.choices == []


def test_a_time_limit_of_an_invocation_does_not_strike_while_work_is_due() -> None:
    result = runner_of(race(50), Eager(), invocation_timeout_seconds=20).run()
    assert result.status == "SUCCEEDED"
    assert all(invocation.error is None for invocation in result.invocations)


def test_a_time_limit_of_an_execution_does_not_strike_while_work_is_due() -> None:
    assert runner_of(race(10), Eager(), execution_timeout_seconds=12).run().status == "SUCCEEDED"


@durable_execution
def approved(event: Any, context: DurableContext) -> Any:
    def asking(branch: DurableContext) -> Any:
        config = CallbackConfig(timeout=Duration(seconds=20))
        callback = branch.create_callback(name="approval", config=config)
        branch.step(lambda _: None, name="tell")
        return callback.result()

    def working(branch: DurableContext) -> Any:
        for number in range(6):
            branch.step(lambda _: None, name=f"work-{number}")
        return None

    return context.parallel([asking, working]).get_results()[0]


@pytest.mark.parametrize("seed", range(20))
def test_an_answer_that_comes_in_time_comes_in_time_under_every_schedule(seed: int) -> None:
    for schedule in (Eager(), Seeded(seed, advances=0.5)):
        runner = runner_of(approved, schedule)
        runner.on_callback("approval").succeed("yes", after="10s")
        assert runner.run().value == "yes"


@durable_execution
def submitted(event: Any, context: DurableContext) -> Any:
    def asking(branch: DurableContext) -> Any:
        def submit(callback_id: str, _: Any) -> None:
            preempt("submission")

        config = WaitForCallbackConfig(timeout=Duration(seconds=20))
        return branch.wait_for_callback(submit, name="approval", config=config)

    def waiting(branch: DurableContext) -> None:
        branch.wait(15)

    return context.parallel([asking, waiting]).get_results()[0]


@pytest.mark.parametrize("seed", range(20))
def test_a_slow_submitter_does_not_make_its_answer_late(seed: int) -> None:
    for schedule in (Eager(), Seeded(seed, advances=0.5)):
        runner = runner_of(submitted, schedule)
        runner.on_callback("approval").succeed("yes", after="10s")
        assert runner.run().value == "yes"


def test_a_horizon_is_not_passed_by_moving_on() -> None:
    runner = runner_of(race(30), Eager())
    execution = runner.start()
    execution.advance("10s")
    assert runner.clock.now == datetime.fromisoformat("2026-01-01T00:00:10+00:00")
    assert not any(event["EventType"] == "WaitSucceeded" for event in execution.result().history)
    assert execution.finish().status == "SUCCEEDED"


def effects(schedule: Schedule, branches: int = 2) -> tuple[list[str], LocalRunner]:
    """Run branches that have two effects each, and return those in their order."""
    seen: list[str] = []

    def branch(index: int) -> Any:
        def body(_: Any) -> None:
            for name in "ab":
                preempt(f"effect:{index}")
                seen.append(f"{index}{name}")

        return lambda context: context.step(body, name=f"step-{index}")

    @durable_execution
    def handler(event: Any, context: DurableContext) -> Any:
        if branches == 1:
            return branch(0)(context)
        return context.parallel([branch(index) for index in range(branches)]).success_count

    runner = runner_of(handler, schedule)
    assert runner.run().status == "SUCCEEDED"
    return seen, runner


def test_a_task_may_be_preempted_at_an_effect() -> None:
    assert effects(InOrder())[0] == ["0a", "0b", "1a", "1b"]
    assert effects(Eager(Kind.PREEMPT))[0] == ["0a", "1a", "0b", "1b"]


def test_nobody_asks_about_a_preemption_where_nothing_else_could_come() -> None:
    seen, runner = effects(Eager(), branches=1)
    assert seen == ["0a", "0b"]
    assert Kind.PREEMPT not in kinds(runner)


def test_a_preemption_outside_of_a_body_that_the_loop_runs_is_refused() -> None:
    runtimes: list[SimulatedRuntime] = []

    @durable_execution
    def handler(event: Any, context: DurableContext) -> None:
        runtime = _runtime.current.get()
        assert isinstance(runtime, SimulatedRuntime)
        runtimes.append(runtime)

    runner_of(handler, Eager()).run()
    with pytest.raises(SandboxKilled):
        runtimes[0].preempt("too late")


@durable_execution
def first_of_two(event: Any, context: DurableContext) -> Any:
    def quick(branch: DurableContext) -> str:
        branch.wait(1)
        return "quick"

    def long(branch: DurableContext) -> str:
        for number in range(20):
            branch.step(lambda _: None, name=f"long-{number}")
        branch.wait(100)
        return "long"

    config = ParallelConfig(completion_config=CompletionConfig(min_successful=1))
    batch = context.parallel([quick, long], name="batch", config=config)
    context.step(lambda _: None, name="afterwards")
    return batch.succeeded()[0].result


def finds(schedule: Schedule) -> bool:
    """Return whether a run records anything of a branch after the batch around it has ended."""
    try:
        runner_of(first_of_two, schedule).run()
    except CheckerError:
        return True
    return False


@pytest.fixture
def without_orphan_check(monkeypatch: pytest.MonkeyPatch) -> None:
    """Plant a mistake: work goes on below a context that has ended."""
    monkeypatch.setattr("durable_sdk._lineage.Lineage.ended_above", lambda self, parent_id: None)


@pytest.mark.usefixtures("without_orphan_check")
def test_some_mistakes_show_only_if_time_moves_on_before_work_is_done() -> None:
    assert not any(finds(Seeded(seed, advances=0.0)) for seed in range(200))
    assert any(finds(Pct(seed, depth=3, steps=100)) for seed in range(50))


def test_without_the_mistake_nothing_is_found() -> None:
    assert not any(finds(Pct(seed, depth=3, steps=100)) for seed in range(50))
