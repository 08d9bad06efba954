"""Tests in a process of their own: pytest over files of some project, and what became of each test."""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
import sys
from collections.abc import Callable, Generator, Sequence
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parent.parent

_FILE = "SEPARATE_OUTCOMES"


class Outcome(NamedTuple):
    """What became of one test: ``text`` has its failure and the sections of its report.

    ``seconds`` are those that it and its processes have had of a processor: others may want it, too.
    """

    outcome: str
    seconds: float
    text: str


def run(
    folder: Path,
    *arguments: str | Path,
    before: Sequence[Path] = (),
    python: str | Path = sys.executable,
    settings: str = "",
) -> dict[str, Outcome]:
    """Run pytest in a folder, without settings but for ``settings``; return outcomes by the ids of tests.

    The directories ``before`` come before those of this project on the path of modules.
    """
    ini, outcomes = folder / "pytest.ini", folder / "outcomes.json"
    ini.write_text(f"[pytest]\n{settings}\n", encoding="utf-8")
    outcomes.unlink(missing_ok=True)
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    path = [*map(str, before), str(ROOT), str(ROOT / "tests")]
    # The other plugins that are installed here take longer to import than most tests to run.
    alone = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    done = subprocess.run(
        [
            *(python, "-P", "-m", "pytest", "-q", "-c", ini, "--rootdir", folder),
            *("-p", "pytest_durable.plugin", "-p", "separate"),
            *("--import-mode=importlib", "--strict-markers", "-W", "error", *arguments),
        ],
        cwd=folder,
        env={**inherited, "PYTHONPATH": os.pathsep.join(path), **alone, _FILE: str(outcomes)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert outcomes.exists(), done.stdout + done.stderr
    assert done.returncode in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED), done.stdout + done.stderr
    recorded = json.loads(outcomes.read_text(encoding="utf-8"))
    return {nodeid.partition("::")[2]: Outcome(*fields) for nodeid, fields in recorded.items()}


def shared(
    factory: pytest.TempPathFactory, name: str, make: Callable[[Path], dict[str, Outcome]]
) -> dict[str, Outcome]:
    """Return what ``make`` does, which is given a folder; under xdist one worker calls it for all."""
    base = factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / name
    folder.mkdir(exist_ok=True)
    made = folder / "made.json"
    with (folder / "lock").open("w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not made.exists():
            made.write_text(json.dumps(make(folder)), encoding="utf-8")
    return {test: Outcome(*fields) for test, fields in json.loads(made.read_text(encoding="utf-8")).items()}


class Recorder:
    """Writes what became of each test into a file. Under xdist that is the controller's part."""

    def __init__(self, path: str) -> None:
        self._path = Path(path)
        self._tests: dict[str, Outcome] = {}

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, object, object]:
        began = _processor_seconds()
        done = yield
        outcome = self._tests[item.nodeid]
        self._tests[item.nodeid] = outcome._replace(seconds=_processor_seconds() - began)
        return done

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        outcome, _, text = self._tests.get(report.nodeid, Outcome("passed", 0.0, ""))
        if report.outcome != "passed":
            outcome, text = report.outcome, text + report.longreprtext
        text += "".join(f"\n--- {name}\n{section}" for name, section in report.sections)
        self._tests[report.nodeid] = Outcome(outcome, 0.0, text)

    def pytest_sessionfinish(self) -> None:
        self._path.write_text(json.dumps(self._tests), encoding="utf-8")


def _processor_seconds() -> float:
    user, system, children_user, children_system, _ = os.times()
    return user + system + children_user + children_system


def pytest_configure(config: pytest.Config) -> None:
    """Record, in the process that was asked to."""
    path = os.environ.get(_FILE)
    if path and not hasattr(config, "workerinput"):
        config.pluginmanager.register(Recorder(path))
