"""Exploration finds mistakes that SDKs for durable functions have made, and nothing in an SDK without them.

Each is planted into a copy of `durable_sdk`, and the tests of `workflows` run with that copy.
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
import separate
from separate import Outcome

from known_bugs.defects import DEFECTS, Defect, plant

WORKFLOWS = Path(__file__).parent / "workflows.py"

# What a workflow that takes another way in each invocation gets is the SDK's own check, here.
SETTINGS = "durable_replay_check = off"


def explored(defect: Defect | None, folder: Path, *options: str) -> dict[str, Outcome]:
    """Run the workflows with a copy of the SDK; all for a healthy one, else the test of the defect."""
    copies = folder / "copy"
    copies.mkdir()
    plant(defect, copies)
    file = Path(shutil.copy(WORKFLOWS, folder / "test_workflows.py"))
    guard = folder / "conftest.py"
    guard.write_text(
        f"import durable_sdk\nassert durable_sdk.__file__.startswith({str(copies)!r})\n", encoding="utf-8"
    )
    test = str(file) if defect is None else f"{file}::{defect.test}"
    return separate.run(folder, "-vv", test, *options, before=[copies], settings=SETTINGS)


def schedules_of(outcome: Outcome) -> int:
    """Return how many runs an exploration has made until it ended."""
    found = re.search(r"([\d,]+) runs?, [\d,]+ unique state", outcome.text)
    assert found, outcome.text
    return int(found[1].replace(",", ""))


@pytest.mark.parametrize("defect", DEFECTS, ids=lambda defect: defect.name)
def test_a_planted_defect_is_found(defect: Defect, tmp_path: Path) -> None:
    outcome = explored(defect, tmp_path)[defect.test]
    assert outcome.outcome == "failed"
    for text in defect.oracle:
        assert text in outcome.text
    schedules = schedules_of(outcome)
    print(f"found after {schedules} schedules: {defect.name}")
    # The first is the ordinary run, in which an ordinary test would find it, too.
    assert 1 < schedules <= defect.at_most


def test_a_healthy_copy_passes_as_many(tmp_path: Path) -> None:
    outcomes = explored(None, tmp_path)
    assert set(outcomes) == {defect.test for defect in DEFECTS}
    for defect in DEFECTS:
        outcome = outcomes[defect.test]
        assert outcome.outcome == "passed", outcome.text
        print(f"{schedules_of(outcome)} schedules passed: {defect.test}")


@pytest.mark.parametrize("defect", DEFECTS, ids=lambda defect: defect.name)
def test_an_ordinary_run_does_not_find_it(defect: Defect, tmp_path: Path) -> None:
    text = WORKFLOWS.read_text(encoding="utf-8")
    assert text.count("@pytest.mark.durable_explore\n") == len({defect.test for defect in DEFECTS})
    outcome = explored(defect, tmp_path, "--durable-schedules=1", "-p", "no:cacheprovider")[defect.test]
    assert outcome.outcome == "passed" or schedules_of(outcome) > 1


def test_a_defect_that_does_not_fit_the_source_fails(tmp_path: Path) -> None:
    defect = DEFECTS[0]
    edit = defect.edits[0]
    stale = Defect("stale", (type(edit)(edit.file, "no such text", ""),), defect.test, (), 1)
    with pytest.raises(AssertionError, match=r"_lineage\.py has 0 times, not once, the text:\nno such text"):
        plant(stale, tmp_path)
