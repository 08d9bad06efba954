"""Handler code sees virtual time, whatever way it reads it; nobody else ever does."""

from __future__ import annotations

import copy
import datetime as datetime_module
import os
import pickle
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from time import monotonic, perf_counter, sleep, time_ns
from time import time as now_seconds
from types import ModuleType
from typing import Any

import corpus
import freezegun
import pytest

from durable_sdk import DurableContext, durable_execution
from pytest_durable.errors import CheckerError
from pytest_durable.simulator.checkers.base import Checker
from pytest_durable.simulator.clock import Clock
from pytest_durable.simulator.wall_clock import wall_clock

START = datetime(2026, 1, 1, tzinfo=UTC)
ORIGINALS = {
    "time.time": time.time,
    "time.time_ns": time.time_ns,
    "time.sleep": time.sleep,
    "time.monotonic": time.monotonic,
    "time.perf_counter": time.perf_counter,
    "time.gmtime": time.gmtime,
    "time.localtime": time.localtime,
    "time.strftime": time.strftime,
    "datetime.datetime": datetime_module.datetime,
    "datetime.date": datetime_module.date,
    "uuid._UuidCreate": getattr(uuid, "_UuidCreate", None),
    "sleep": sleep,
    "now_seconds": now_seconds,
    "here.datetime": datetime,
    "here.date": date,
}


def present() -> dict[str, Any]:
    """Return what the names of ORIGINALS stand for now."""
    return {
        "time.time": time.time,
        "time.time_ns": time.time_ns,
        "time.sleep": time.sleep,
        "time.monotonic": time.monotonic,
        "time.perf_counter": time.perf_counter,
        "time.gmtime": time.gmtime,
        "time.localtime": time.localtime,
        "time.strftime": time.strftime,
        "datetime.datetime": datetime_module.datetime,
        "datetime.date": datetime_module.date,
        "uuid._UuidCreate": getattr(uuid, "_UuidCreate", None),
        "sleep": sleep,
        "now_seconds": now_seconds,
        "here.datetime": datetime,
        "here.date": date,
    }


def restored() -> bool:
    return all(found is ORIGINALS[name] for name, found in present().items())


READERS: dict[str, Callable[[], float]] = {
    "time.time": lambda: time.time(),
    "from time import time": lambda: now_seconds(),
    "time.time_ns": lambda: time.time_ns() / 1e9,
    "from time import time_ns": lambda: time_ns() / 1e9,
    "datetime.now(UTC)": lambda: datetime.now(UTC).timestamp(),
    "datetime.now()": lambda: datetime.now().replace(tzinfo=UTC).timestamp(),
    "datetime.datetime.now": lambda: datetime_module.datetime.now(UTC).timestamp(),
    "utcnow": lambda: datetime.utcnow().replace(tzinfo=UTC).timestamp(),
    "gmtime": lambda: float(time.mktime(time.gmtime()) - time.mktime(time.gmtime(0))),
}


def read_around(work: Callable[[], None], reader: Callable[[], float]) -> tuple[float, float]:
    before = reader()
    work()
    return before, reader()


def reading(reader: Callable[[], float], *, in_branch: bool) -> Any:
    """Return a handler that reads a clock, sleeps 90 s, and reads it again."""

    def read(context: DurableContext) -> list[float]:
        def body() -> list[float]:
            return list(read_around(lambda: time.sleep(90), reader))

        return context.step(body, name="read")

    @durable_execution
    def handler(event: dict, context: DurableContext) -> list[float]:
        if in_branch:
            return context.parallel([read, read]).get_results()[1]
        return read(context)

    return handler


@pytest.mark.filterwarnings("ignore:datetime.datetime.utcnow:DeprecationWarning")
@pytest.mark.parametrize("in_branch", [False, True], ids=["sequential", "branch"])
@pytest.mark.parametrize("reader", READERS.values(), ids=READERS)
def test_every_clock_shows_virtual_time(reader: Callable[[], float], in_branch: bool) -> None:
    before, after = corpus.make_runner(reading(reader, in_branch=in_branch)).run().value
    assert before == START.timestamp()
    assert after == START.timestamp() + 90


@pytest.mark.parametrize("in_branch", [False, True], ids=["sequential", "branch"])
@pytest.mark.parametrize(
    "reader",
    [lambda: time.monotonic(), lambda: monotonic(), lambda: time.perf_counter(), lambda: perf_counter()],
    ids=["time.monotonic", "monotonic", "time.perf_counter", "perf_counter"],
)
def test_monotonic_clocks_pass_with_virtual_time(reader: Callable[[], float], in_branch: bool) -> None:
    before, after = corpus.make_runner(reading(reader, in_branch=in_branch)).run().value
    assert after - before == pytest.approx(90)


@durable_execution
def reads_dates(event: dict, context: DurableContext) -> list[str]:
    first = date.today().isoformat()
    context.wait(days=31)
    return [first, date.today().isoformat(), datetime.today().date().isoformat()]


def test_dates_follow_virtual_time_across_invocations() -> None:
    # The first line runs again in the second invocation, and sees what time it is then.
    assert corpus.make_runner(reads_dates).run().value == ["2026-02-01"] * 3


@durable_execution
def sleeps_by_a_captured_name(event: dict, context: DurableContext) -> None:
    sleep(3600)


def test_a_sleep_captured_at_import_takes_virtual_time() -> None:
    began = time.monotonic()
    result = corpus.make_runner(sleeps_by_a_captured_name, invocation_timeout_seconds=7200).run()
    assert result.virtual_elapsed == timedelta(hours=1)
    assert time.monotonic() - began < 5


def test_a_clock_that_is_real_shows_the_time_of_the_machine() -> None:
    @durable_execution
    def reads(event: dict, context: DurableContext) -> float:
        assert time.sleep is ORIGINALS["time.sleep"]
        return time.time()

    before = time.time()
    value = corpus.make_runner(reads, virtual_clock=False).run().value
    assert before <= value <= time.time()


def test_nothing_is_changed_after_a_run() -> None:
    corpus.run(corpus.BY_NAME["sleeping_branches"])
    assert restored()


def test_nothing_is_changed_after_a_run_that_failed() -> None:
    class Objector(Checker):
        def recorded(self, record: Any, event: Any) -> None:
            if event.type == "StepSucceeded":
                raise CheckerError("no")

    with pytest.raises(CheckerError):
        corpus.run_watched(corpus.BY_NAME["sleeping_branches"], Objector())
    assert restored()


def test_nothing_is_changed_while_an_execution_is_suspended() -> None:
    runner = corpus.make_runner(corpus.waiting)
    runner.start().until_suspended()
    assert restored()
    assert abs(time.time() - datetime.now(UTC).timestamp()) < 10
    assert datetime.now(UTC) > START + timedelta(days=1)


def test_nothing_is_changed_while_a_step_is_in_mid_sleep() -> None:
    execution = corpus.make_runner(corpus.sleeping_branches).start().advance(1)
    assert restored()
    assert execution.result().status == "RUNNING"
    assert execution.finish().status == "SUCCEEDED"


def readings_beside(work: Callable[[], None]) -> list[float]:
    """Return what another thread reads from all clocks while ``work`` runs."""
    stop = threading.Event()
    readings: list[float] = []

    def watch() -> None:
        while not stop.is_set():
            readings.extend([time.time(), datetime.now(UTC).timestamp(), datetime.today().timestamp()])
            time.sleep(0.0005)

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        work()
    finally:
        stop.set()
        thread.join()
    return readings


def test_a_thread_beside_the_run_keeps_real_time() -> None:
    def work() -> None:
        for _ in range(20):
            corpus.run(corpus.BY_NAME["sleeping_branches"])

    # Once without an onlooker, since the first run in a process finds out what has to be changed.
    work()
    before = time.time()
    readings = readings_beside(work)
    assert len(readings) > 3
    assert [reading for reading in readings if not before - 1 < reading < time.time() + 1] == []


def test_a_thread_beside_the_first_run_with_new_modules_keeps_real_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def work() -> None:
        for number in range(20):
            monkeypatch.setitem(sys.modules, f"new_module_{number}", ModuleType(f"new_module_{number}"))
            corpus.run(corpus.BY_NAME["sleeping_branches"])

    before = time.time()
    readings = readings_beside(work)
    assert [reading for reading in readings if not before - 1 < reading < time.time() + 1] == []


def test_a_thread_started_by_a_step_keeps_the_time_of_the_machine_and_does_no_harm() -> None:
    # Threads of the handler's own are outside the simulation; they must not hang it.
    @durable_execution
    def threads(event: dict, context: DurableContext) -> int:
        def body() -> int:
            seen: list[int] = []
            thread = threading.Thread(target=lambda: (time.sleep(0), seen.append(1)))
            thread.start()
            thread.join()
            return len(seen)

        return context.step(body)

    assert corpus.make_runner(threads).run().value == 1


def test_a_freeze_of_the_test_itself_is_left_in_place() -> None:
    with freezegun.freeze_time("2020-02-02") as frozen:
        result = corpus.run(corpus.BY_NAME["sleeping_branches"])
        assert datetime.now() == datetime(2020, 2, 2)
        frozen.tick(60)
        assert datetime.now() == datetime(2020, 2, 2, 0, 1)
    assert result.value == corpus.BY_NAME["sleeping_branches"].value
    assert restored()


def test_a_freeze_inside_a_step_wins_there() -> None:
    @durable_execution
    def freezes(event: dict, context: DurableContext) -> list[str]:
        def body() -> str:
            with freezegun.freeze_time("2020-02-02"):
                return datetime.now().isoformat()

        frozen = context.step(body)
        return [frozen, datetime.now().isoformat()]

    assert corpus.make_runner(freezes).run().value == ["2020-02-02T00:00:00", "2026-01-01T00:00:00"]
    assert restored()


def test_values_made_under_virtual_time_outlive_it() -> None:
    made: list[Any] = []

    @durable_execution
    def makes(event: dict, context: DurableContext) -> None:
        made.extend([datetime.now(UTC), date.today(), datetime(2020, 1, 1), uuid.uuid1()])

    corpus.make_runner(makes).run()
    moment, day, constant, _ = made
    assert moment == START
    assert day == START.date()
    assert constant == datetime(2020, 1, 1)
    assert isinstance(moment, datetime)
    assert isinstance(day, date)
    assert copy.deepcopy(moment) == moment
    assert pickle.loads(pickle.dumps(moment)) == moment


def test_values_made_before_are_what_they_were_under_virtual_time() -> None:
    before = datetime(2025, 12, 31, tzinfo=UTC)

    @durable_execution
    def compares(event: dict, context: DurableContext) -> list[Any]:
        return [
            isinstance(before, datetime),
            (datetime.now(UTC) - before).total_seconds(),
            context.step(lambda: datetime.now(UTC), name="moment") > before,
        ]

    assert corpus.make_runner(compares).run().value == [True, 86_400.0, True]


IMPORTS_IN_A_HANDLER = """
import pathlib, sys, time
from datetime import datetime
import corpus
from durable_sdk import durable_execution

NOTHING = None
NUMBER = 0

@durable_execution
def handler(event, context):
    import imported_by_a_handler
    imported_by_a_handler.sleep(5)
    return imported_by_a_handler.SEEN

for _ in range(2):
    result = corpus.make_runner(handler).run()
    assert result.value == 1767225600 and result.virtual_elapsed.total_seconds() == 5, result
    import imported_by_a_handler as module
    assert module.sleep is time.sleep
    assert module.time is time.time
    assert module.datetime is datetime
print(repr(NOTHING), repr(NUMBER))
"""


@pytest.fixture
def printed_after_an_import(tmp_path: Path) -> str:
    """What a process prints, a handler of which has imported a module. A process, as it may be spoilt."""
    tmp_path.joinpath("imported_by_a_handler.py").write_text(
        "from time import sleep, time\nfrom datetime import datetime\nSEEN = time()\n"
    )
    paths = os.pathsep.join([str(tmp_path), str(Path(corpus.__file__).parent)])
    finished = subprocess.run(
        [sys.executable, "-c", IMPORTS_IN_A_HANDLER],
        env={**os.environ, "PYTHONPATH": paths},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    return f"{finished.stdout}{finished.stderr}"


def test_a_module_imported_by_a_handler_is_given_real_functions_and_nothing_else_is_changed(
    printed_after_an_import: str,
) -> None:
    assert printed_after_an_import == "None 0\n"


def test_a_module_imported_between_runs_sees_virtual_time_in_the_next(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    corpus.run(corpus.BY_NAME["sequential"])
    tmp_path.joinpath("imported_between_runs.py").write_text("from time import time as clock\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    import imported_between_runs  # type: ignore[import-not-found]

    @durable_execution
    def reads(event: dict, context: DurableContext) -> float:
        return float(imported_between_runs.clock())

    assert corpus.make_runner(reads).run().value == START.timestamp()
    assert imported_between_runs.clock is ORIGINALS["time.time"]


def test_showing_may_be_nested() -> None:
    outer, inner = Clock(0), Clock(1_000_000)
    with wall_clock.shown(outer):
        with wall_clock.shown(inner):
            pass
        assert not restored()
    assert restored()


def test_the_test_itself_sees_real_time_while_virtual_time_is_shown() -> None:
    # The thread of the test is no handler code, although a run may borrow it.
    before = time.time()
    with wall_clock.shown(Clock(0)):
        assert before <= time.time() <= before + 60
        time.sleep(0)
    assert restored()


def test_what_a_test_has_patched_itself_stays_patched(monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []

    @durable_execution
    def sleeper(event: Any, context: DurableContext) -> None:
        context.step(lambda: time.sleep(3))

    # The first run learns what there is to change; the second meets the test's own patch.
    corpus.make_runner(sleeper).run()
    mine = slept.append
    monkeypatch.setattr(time, "sleep", mine)
    result = corpus.make_runner(sleeper).run()
    assert (slept, time.sleep, result.virtual_elapsed.total_seconds()) == ([3], mine, 0)
