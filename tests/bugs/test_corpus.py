"""Every bug of the corpus is found, with a message that names its cause, and nothing else is flagged.

The tests of the corpus run in a process of their own, like those of anybody who has the plugin.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import separate
from separate import Outcome
from soak import IS_SOAK

from bugs.case import Bug, Harmless
from bugs.corpus import BUGS, HARMLESS

PROJECT = Path(__file__).parent / "project"

BUDGET_SECONDS = 10


# Of orders in which a sound workflow is tried; `make soak` tries as many as an ordinary exploration does.
FEWER_INTERLEAVINGS = "" if IS_SOAK else "5"


def run(folder: Path, file: str, *options: str, settings: str = "") -> dict[str, Outcome]:
    """Run a file of the project."""
    shutil.copytree(PROJECT, folder)
    return separate.run(folder, file, *options, settings=settings)


def explore(folder: Path) -> dict[str, Outcome]:
    """Explore all workflows, the sound ones beside those with bugs."""
    os.environ["CORPUS_INTERLEAVINGS"] = FEWER_INTERLEAVINGS
    halves = {"bugs": "test_buggy", "sound": "not test_buggy"}
    with ThreadPoolExecutor(len(halves)) as pool:
        runs = [pool.submit(run, folder / name, "explored.py", "-k", which) for name, which in halves.items()]
    return {test: outcome for each in runs for test, outcome in each.result().items()}


@pytest.fixture(scope="module")
def explored(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Outcome]:
    """What became of the corpus under exploration."""
    return separate.shared(tmp_path_factory, "explored", explore)


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Outcome]:
    """What became of the bugs without exploration and without the replay check."""
    return separate.shared(
        tmp_path_factory,
        "alone",
        lambda folder: run(folder / "project", "alone.py", settings="durable_replay_check = off"),
    )


def named(case: Bug | Harmless) -> str:
    return case.name


@pytest.mark.parametrize("bug", BUGS, ids=named)
def test_a_bug_is_found_and_its_cause_named(bug: Bug, explored: dict[str, Outcome]) -> None:
    outcome = explored[f"test_buggy[{bug.name}]"]
    assert outcome.outcome == "failed"
    missing = [text for text in bug.says if text not in outcome.text]
    assert not missing, f"{missing} not in:\n{outcome.text}"
    assert outcome.seconds < BUDGET_SECONDS


@pytest.mark.parametrize("bug", BUGS, ids=named)
def test_a_fixed_twin_is_not_flagged(bug: Bug, explored: dict[str, Outcome]) -> None:
    outcome = explored[f"test_fixed[{bug.name}]"]
    assert outcome.outcome == "passed", outcome.text
    assert outcome.seconds < BUDGET_SECONDS


@pytest.mark.parametrize("case", HARMLESS, ids=named)
def test_a_harmless_workflow_is_not_flagged(case: Harmless, explored: dict[str, Outcome]) -> None:
    outcome = explored[f"test_harmless[{case.name}]"]
    assert outcome.outcome == "passed", outcome.text
    assert outcome.seconds < BUDGET_SECONDS


@pytest.mark.parametrize("bug", BUGS, ids=named)
def test_an_ordinary_test_misses_what_it_is_said_to_miss(bug: Bug, alone: dict[str, Outcome]) -> None:
    outcome = alone[f"test_alone[{bug.name}]"]
    assert outcome.outcome == ("passed" if bug.passes_alone else "failed"), outcome.text


def test_the_corpus_is_as_large_and_varied_as_it_is_said_to_be() -> None:
    assert len({bug.name for bug in BUGS}) == len(BUGS) >= 28
    assert len({case.name for case in HARMLESS}) == len(HARMLESS) >= 15
    handlers: list[Callable[..., Any]] = [bug.buggy for bug in BUGS] + [bug.fixed for bug in BUGS]
    assert len({handler.__name__ for handler in handlers}) >= 2 * len(BUGS) - 3
