"""Executions begun under AWS's SDK go on under this one, from every state in which a sandbox can be lost."""

from __future__ import annotations

import json
from functools import cache

import pytest
from migration import recording
from migration.corpus import CASES, Case, Sdk
from migration.driver import continued, differences, final_state, neutral
from migration.recording import Recording
from migration.service import TERMINAL, Json

RELEASES = ("1.7.0", "3.0.0")


@cache
def recordings(release: str) -> dict[str, Recording]:
    return {each.name: each for each in recording.load(release)}


def run_from(each: Recording, case: Case, sdk: Sdk, entries: int) -> Json:
    """Continue from one state, demand what must hold whatever the result, and return how it ended."""
    execution = continued(case, sdk, each.log[:entries])
    finished = {
        id for id, operation in execution.service.operations.items() if operation["Status"] in TERMINAL
    }
    answer = execution.finish()

    assert not execution.service.refusals
    again = [id for id, _ in execution.bodies.ran if id in finished]
    assert not again, f"bodies of finished operations ran: {[execution.service.subject(id) for id in again]}"
    assert len(set(execution.bodies.ran)) == len(execution.bodies.ran), "an attempt ran twice"
    error_type = answer.get("Error", {}).get("ErrorType", "")
    assert "NonDeterministicExecutionError" not in error_type, answer
    return {"answer": answer, "operations": final_state(execution.service)}


@pytest.mark.parametrize(
    ("release", "name"), [(release, name) for release in RELEASES for name in recordings(release)]
)
def test_an_execution_begun_under_awss_sdk_ends_as_it_would_have_ended_there(release: str, name: str) -> None:
    each = recordings(release)[name]
    sdk = Sdk("durable_sdk", release)
    for entries in each.states():
        ended = neutral(run_from(each, CASES[name], sdk, entries), bare_names=release == "1.7.0")
        expected = neutral(each.end_after(entries), bare_names=release == "1.7.0")
        assert not differences(ended, expected), f"from the state after {entries} entries of the log"
