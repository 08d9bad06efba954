"""Whatever a simulation changes of its process is as before afterwards, after a thousand crashes, too."""

from __future__ import annotations

import datetime
import gc
import logging
import os
import random
import secrets
import signal
import sys
import threading
import time
import uuid
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import corpus
import freezegun.api
import pytest

from durable_sdk import DurableContext, durable_execution
from pytest_durable import faults
from pytest_durable.simulator.injector import Injector
from pytest_durable.simulator.service.limits import Limits

CLOCKS = (
    *(time.time, time.time_ns, time.monotonic, time.monotonic_ns, time.perf_counter, time.perf_counter_ns),
    *(time.gmtime, time.localtime, time.strftime, time.sleep, datetime.datetime, datetime.date, os._exit),
)

CRASHES = (
    faults.crash(before_step="work", times=2),
    faults.crash(after_step="work", times=2, nth=2),
    faults.crash(at_checkpoint=3),
    faults.crash(at_checkpoint=5, persisted=True),
    faults.crash(before_return=True, times=2),
)


@durable_execution
def handler(event: Any, context: DurableContext) -> list[str]:
    """Work in branches, of which some sleep when the sandbox dies, and all have something open."""

    def branch(inner: DurableContext, item: str, index: int, items: Any) -> str:
        def work() -> str:
            with Path(__file__).open(encoding="utf-8") as file:
                time.sleep(index)
                random.Random().shuffle([uuid.uuid4(), random.gauss(0, 1), secrets.token_hex()])
                return item + file.read(1)

        return inner.step(work, name="work")

    results = context.map(["a", "b", "c"], branch, name="items").get_results()
    context.wait(minutes=1, name="pause")
    return results


def crash(runs: int) -> int:
    """Run the handler under the crashes so many times, and return how many sandboxes have died."""
    died = 0
    limits = Limits(failed_invocations=20)
    for seed in range(runs):
        options = {"injector": Injector(CRASHES), "random_schedule": seed % 2 == 1, "limits": limits}
        with corpus.make_runner(handler, seed=seed, **options) as runner:
            result = runner.run()
        assert result.value == ['a"', 'b"', 'c"']
        died += sum(invocation.error is not None for invocation in result.invocations)
    return died


def state_of_process(only: str | None = None) -> dict[str, Any]:
    """Return what a simulation might change of its process, or ``only`` one part of it."""
    if only in (None, "files"):
        # What is garbage may hold files open.
        gc.collect()
    parts = _parts_of_process()
    return {name: parts[name]() for name in parts if only in (None, name)}


def _parts_of_process() -> dict[str, Callable[[], Any]]:
    clocks = {id(clock) for clock in CLOCKS}
    return {
        "threads": lambda: sorted(thread.name for thread in threading.enumerate()),
        "files": lambda: sorted(os.listdir("/proc/self/fd")) if Path("/proc/self/fd").exists() else [],
        "clocks": lambda: sorted(
            (name, attribute, id(value))
            for name, module in list(sys.modules.items())
            for attribute, value in list(getattr(module, "__dict__", {}).items())
            if id(value) in clocks or getattr(value, "__module__", None) == "freezegun.api"
        ),
        "environment": lambda: dict(os.environ),
        "freezegun": lambda: [
            list(getattr(freezegun.api, name))
            for name in ("freeze_factories", "ignore_lists", "tz_offsets", "tick_flags")
        ],
        "collector": lambda: (gc.isenabled(), gc.get_threshold(), list(gc.callbacks), gc.get_freeze_count()),
        "cores": lambda: os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else None,
        "directory": lambda: Path.cwd(),
        "chance": lambda: (random.getstate(), random.Random.seed),
        "draws": lambda: sorted(
            (name, attribute)
            for name, module in list(sys.modules.items())
            for attribute, value in list(getattr(module, "__dict__", {}).items())
            if value is os.urandom or value is random.seed
        ),
        "system's chance": lambda: (os.urandom, random.seed, vars(random)["_urandom"]),
        "hooks": lambda: (
            sys.gettrace(),
            sys.getprofile(),
            sys.excepthook,
            threading.excepthook,
            sys.unraisablehook,
        ),
        "imports": lambda: (list(sys.path), list(sys.meta_path), sorted(sys.modules)),
        "signals": lambda: [signal.getsignal(number) for number in sorted(signal.valid_signals())],
        "output": lambda: (
            sys.stdout,
            sys.stderr,
            list(logging.getLogger().handlers),
            list(warnings.filters),
        ),
        "switch interval": lambda: sys.getswitchinterval(),
        "recursion limit": lambda: sys.getrecursionlimit(),
    }


def test_a_thousand_crashes_leave_nothing() -> None:
    # The first runs import what they need, and start threads that are kept for later runs.
    crash(4)
    before = state_of_process()
    assert crash(150) >= 1000
    after = state_of_process()
    changed = {name: (before[name], after[name]) for name in before if before[name] != after[name]}
    assert not changed


@pytest.mark.parametrize(
    "what", ["threads", "files", "clocks", "environment", "cores", "directory", "chance", "draws"]
)
def test_what_is_left_would_be_noticed(what: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = state_of_process(what)[what]
    over = threading.Event()
    file = None
    match what:
        case "threads":
            threading.Thread(target=over.wait, name="left", daemon=True).start()
        case "files":
            file = (tmp_path / "left").open("w", encoding="utf-8")
        case "clocks":
            monkeypatch.setattr(datetime, "datetime", freezegun.api.FakeDatetime)
        case "chance":
            monkeypatch.setattr(random.Random, "seed", lambda *_: None)
        case "draws":
            monkeypatch.setattr(random, "_urandom", bytes)
        case "environment":
            monkeypatch.setenv("LEFT", "1")
        case "cores":
            if before is None or len(before) < 2:
                pytest.skip("this machine has one core, or no affinity")
            os.sched_setaffinity(0, {min(before)})
        case "directory":
            monkeypatch.chdir(tmp_path)
    try:
        assert state_of_process(what)[what] != before
    finally:
        over.set()
        if file is not None:
            file.close()
        if what == "cores":
            os.sched_setaffinity(0, before)


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="threads cannot be pinned here")
@pytest.mark.parametrize("name", ["invokes", "mapped_callbacks", "mapped_invokes"])
def test_a_run_that_goes_on_in_branches_pins_no_core_for_the_test(name: str) -> None:
    before = os.sched_getaffinity(0)
    case = next(case for case in corpus.CASES if case.name == name)
    with corpus.runner_of(case) as runner:
        execution = runner.start(case.input)
        # A branch that goes on begins others: the thread of the test has no part in that.
        for _ in range(50):
            runner.clock.advance_to_next()
            assert os.sched_getaffinity(0) == before
        execution.finish()
