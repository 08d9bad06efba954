"""Executions begun under AWS's SDK go on under this one, from every state in which a sandbox can be lost."""

from __future__ import annotations

from functools import cache

import pytest
from migration import recording
from migration.corpus import CASES, Case, Sdk, cases_of
from migration.driver import continued, differences, final_state, neutral
from migration.recording import Recording
from migration.service import TERMINAL, Json

RELEASES = ("1.7.0", "3.0.0")

# Cases that AWS's 3.0.0, whose semantics this SDK has, ends in another way than the 1.7.0 did, and why.
_RAW_TYPES = "an item that fails by itself keeps the type of its error, where 1.7 stored that of the wrapper"
_SLOTS = "a suspended branch keeps its slot, where 1.7 let the next one begin"
_DECIDES = "a batch decides whether to go on before it begins a branch, where 1.7 began it first"
_ENVELOPE = "a large batch records how each item ended, where 1.7 recorded nothing"
_CALLBACKS = "an error of a callback keeps its class and its data, where 1.7 wrapped it and dropped them"
OTHER_END_THAN_1_7 = {
    "parallel_failures_nested": _RAW_TYPES,
    "parallel_failures_flat": _RAW_TYPES,
    "parallel_fails_at_the_first_failure": _DECIDES,
    "parallel_failure_ends_the_execution": _DECIDES,
    "map_beyond_tolerance": _SLOTS,
    "map_beyond_tolerance_flat": _SLOTS,
    "parallel_with_large_result": _ENVELOPE,
    "parallel_with_large_result_and_unfinished_branches": _ENVELOPE,
    "parallel_flat_with_large_result": _ENVELOPE,
    "map_with_large_result": _ENVELOPE,
    "map_flat_with_large_result": _ENVELOPE,
    "callback_failures": _CALLBACKS,
    "wait_for_callback_timeout_ends_the_execution": _CALLBACKS,
    "wait_for_callback_timeout_in_a_child_context": _CALLBACKS,
}


@cache
def recordings(release: str) -> dict[str, Recording]:
    return {each.name: each for each in recording.load(release)}


def run_from(each: Recording, case: Case, sdk: Sdk, entries: int) -> Json:
    """Continue from one state, demand what must hold whatever the end, and return the end."""
    execution = continued(case, sdk, each.log[:entries])
    service = execution.service
    before = final_state(service)
    answer = execution.finish()
    after = final_state(service)

    assert not service.refusals
    assert "NonDeterministicExecutionError" not in answer.get("Error", {}).get("ErrorType", ""), answer
    finished = {id: operation for id, operation in before.items() if operation["Status"] in TERMINAL}
    again = [service.subject(id) for id, _ in execution.bodies.ran if id in finished]
    assert not again, "bodies of finished operations ran again"
    begun = {id for id, operation in after.items() if operation["Type"] == "STEP" and id not in before}
    assert begun <= {id for id, _ in execution.bodies.ran}, "a body that ran went unnoticed"
    assert len(set(execution.bodies.ran)) == len(execution.bodies.ran), "the body of an attempt ran twice"
    assert finished == {id: after[id] for id in finished}, "finished operations changed"
    return {"answer": answer, "operations": after}


def other_ends(release: str, name: str) -> dict[int, list[str]]:
    """Return how the ends under this SDK differ from those under AWS's, by the length of the log."""
    each = recordings(release)[name]
    # AWS's 1.7 has other classes of errors, so its handlers could not tell of those.
    sdk = Sdk("durable_sdk", tells_error_types=release != "1.7.0")
    found = {}
    for entries in each.states():
        ended = run_from(each, CASES[name], sdk, entries)
        expected = each.end_after(entries)
        assert ended["answer"]["Status"] == expected["answer"]["Status"]
        bare_names = release == "1.7.0"
        lines = differences(neutral(ended, bare_names=bare_names), neutral(expected, bare_names=bare_names))
        if lines:
            found[entries] = lines
    return found


@pytest.mark.parametrize("name", recordings("3.0.0"))
def test_an_execution_begun_under_awss_sdk_ends_as_it_would_have_ended_there(name: str) -> None:
    assert not other_ends("3.0.0", name)


@pytest.mark.parametrize("name", sorted(recordings("1.7.0").keys() - OTHER_END_THAN_1_7.keys()))
def test_an_execution_begun_under_awss_1_7_ends_as_it_would_have_ended_there(name: str) -> None:
    assert not other_ends("1.7.0", name)


@pytest.mark.parametrize("name", OTHER_END_THAN_1_7)
def test_an_execution_begun_under_awss_1_7_ends_with_the_semantics_of_3_0(name: str) -> None:
    assert other_ends("1.7.0", name), f"it ends as under 1.7: {OTHER_END_THAN_1_7[name]} is no longer true"


@pytest.mark.parametrize("release", RELEASES)
def test_every_case_of_the_corpus_is_recorded(release: str) -> None:
    assert recordings(release).keys() == cases_of(release).keys()
