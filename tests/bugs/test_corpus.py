"""Every bug of the corpus is found, with a message that names its cause, and nothing else is flagged.

The tests of the corpus run in a process of their own, like those of anybody who has the plugin.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import separate
from separate import Outcome

from bugs.case import Bug, Harmless
from bugs.corpus import BUGS, HARMLESS

PROJECT = Path(__file__).parent / "project"

BUDGET_SECONDS = 10

# Each half is run once, by one worker of xdist, and all that is asked about it is asked there.
for_bugs = pytest.mark.xdist_group("bugs")
for_sound_workflows = pytest.mark.xdist_group("sound workflows")


def run(folder: Path, file: str, *options: str, settings: str = "") -> dict[str, Outcome]:
    """Run a file of the project."""
    shutil.copytree(PROJECT, folder, dirs_exist_ok=True)
    return separate.run(folder, file, *options, settings=settings)


@pytest.fixture(scope="module")
def explored_bugs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Outcome]:
    """What became of the bugs under exploration."""
    return run(tmp_path_factory.mktemp("bugs"), "explored.py", "-k", "test_buggy")


@pytest.fixture(scope="module")
def explored_sound(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Outcome]:
    """What became of all others under exploration."""
    return run(tmp_path_factory.mktemp("sound"), "explored.py", "-k", "not test_buggy")


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Outcome]:
    """What became of the bugs without exploration and without the replay check."""
    return run(tmp_path_factory.mktemp("alone"), "alone.py", settings="durable_replay_check = off")


def named(case: Bug | Harmless) -> str:
    return case.name


@for_bugs
@pytest.mark.parametrize("bug", BUGS, ids=named)
def test_a_bug_is_found_and_its_cause_named(bug: Bug, explored_bugs: dict[str, Outcome]) -> None:
    outcome = explored_bugs[f"test_buggy[{bug.name}]"]
    assert outcome.outcome == "failed"
    missing = [text for text in bug.says if text not in outcome.text]
    assert not missing, f"{missing} not in:\n{outcome['text']}"
    assert outcome.seconds < BUDGET_SECONDS


@for_sound_workflows
@pytest.mark.parametrize("bug", BUGS, ids=named)
def test_a_fixed_twin_is_not_flagged(bug: Bug, explored_sound: dict[str, Outcome]) -> None:
    outcome = explored_sound[f"test_fixed[{bug.name}]"]
    assert outcome.outcome == "passed", outcome.text
    assert outcome.seconds < BUDGET_SECONDS


@for_sound_workflows
@pytest.mark.parametrize("case", HARMLESS, ids=named)
def test_a_harmless_workflow_is_not_flagged(case: Harmless, explored_sound: dict[str, Outcome]) -> None:
    outcome = explored_sound[f"test_harmless[{case.name}]"]
    assert outcome.outcome == "passed", outcome.text
    assert outcome.seconds < BUDGET_SECONDS


@for_bugs
@pytest.mark.parametrize("bug", BUGS, ids=named)
def test_an_ordinary_test_misses_what_it_is_said_to_miss(bug: Bug, alone: dict[str, Outcome]) -> None:
    outcome = alone[f"test_alone[{bug.name}]"]
    assert outcome.outcome == ("passed" if bug.passes_alone else "failed"), outcome.text


def test_the_corpus_is_as_large_and_varied_as_it_is_said_to_be() -> None:
    assert len({bug.name for bug in BUGS}) == len(BUGS) >= 28
    assert len({case.name for case in HARMLESS}) == len(HARMLESS) >= 15
    handlers: list[Callable[..., Any]] = [bug.buggy for bug in BUGS] + [bug.fixed for bug in BUGS]
    assert len({handler.__name__ for handler in handlers}) >= 2 * len(BUGS) - 3
