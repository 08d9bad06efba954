"""A checkpoint is applied as a whole or not at all, and answered with what the SDK has not been told."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_durable.simulator.service import dispatch
from pytest_durable.simulator.service.errors import InvalidParameterValueException, ResourceNotFoundException
from pytest_durable.simulator.service.requests import StateRequest

SECOND = 1_000_000


def ids(answer: dict[str, Any]) -> list[str]:
    return [operation["Id"] for operation in answer["NewExecutionState"]["Operations"]]


def test_updates_become_events_in_their_order(desk: Any, make_update: Any) -> None:
    applied = desk.apply(
        make_update("CONTEXT", "START", "c"),
        make_update("STEP", "START", "s", ParentId="c"),
        make_update("STEP", "SUCCEED", "s", ParentId="c", Payload="1"),
        make_update("CONTEXT", "SUCCEED", "c", Payload="2"),
    )
    assert [event.type.value for event in applied.events] == [
        "ContextStarted",
        "StepStarted",
        "StepSucceeded",
        "ContextSucceeded",
    ]
    assert applied.effects == ()


def test_deciding_changes_nothing(desk: Any, make_update: Any) -> None:
    before = (len(desk.record.log), desk.record.token, dict(desk.record.untold))
    desk.apply(make_update("STEP", "START"))
    assert (len(desk.record.log), desk.record.token, dict(desk.record.untold)) == before


def test_one_wrong_update_refuses_all(desk: Any, make_update: Any) -> None:
    with pytest.raises(InvalidParameterValueException):
        desk.send(make_update("STEP", "START", "fine"), make_update("WAIT", "SUCCEED", "wrong"))
    assert list(desk.record.log.operations) == ["execution"]


def test_an_answer_tells_what_has_changed_and_brings_a_new_token(desk: Any, make_update: Any) -> None:
    token = desk.record.token
    answer = desk.send(make_update("STEP", "START"))
    assert ids(answer) == ["a"]
    assert answer["CheckpointToken"] not in (None, token)
    assert ids(desk.send()) == []


def test_an_answer_tells_what_a_timer_has_changed(desk: Any, make_update: Any) -> None:
    desk.send(make_update("WAIT", "START", WaitOptions={"WaitSeconds": 5}))
    desk.now = 5 * SECOND
    desk.fire("a")
    answer = desk.send()
    assert ids(answer) == ["a"]
    assert answer["NewExecutionState"]["Operations"][0]["Status"] == "SUCCEEDED"


@pytest.mark.parametrize("token", ["made up", "", None])
def test_a_token_is_accepted_once(desk: Any, make_update: Any, token: str | None) -> None:
    stale = desk.record.token
    desk.send(make_update("STEP", "START"))
    with pytest.raises(InvalidParameterValueException, match=r"^.*: Invalid checkpoint token$"):
        desk.apply(token=token or stale)


def test_tokens_of_earlier_invocations_are_refused(desk: Any) -> None:
    stale = desk.record.token
    desk.record.begin_invocation()
    with pytest.raises(InvalidParameterValueException, match="Invalid checkpoint token"):
        desk.apply(token=stale)


def test_the_end_of_the_execution_is_answered_without_a_token(desk: Any, make_update: Any) -> None:
    answer = desk.send(make_update("EXECUTION", "SUCCEED", "any-id", Payload='"done"'))
    assert "CheckpointToken" not in answer
    assert desk.record.closed
    assert desk.record.operation.result == '"done"'


@pytest.mark.parametrize("kind", ["CALLBACK", "CHAINED_INVOKE"])
def test_what_is_not_simulated_is_refused_by_name(desk: Any, make_update: Any, kind: str) -> None:
    with pytest.raises(InvalidParameterValueException, match=f"type {kind} are not simulated"):
        desk.apply(make_update(kind, "START"))


def test_state_is_read_with_the_current_token_only(desk: Any, make_update: Any) -> None:
    desk.send(make_update("STEP", "START"))
    request = StateRequest(desk.record.arn, desk.record.token, "", 0)
    page = dispatch.state_answer(desk.record, request)
    assert [operation["Id"] for operation in page["Operations"]] == ["execution", "a"]
    with pytest.raises(InvalidParameterValueException, match="Invalid checkpoint token"):
        dispatch.state_answer(desk.record, StateRequest(desk.record.arn, "stale", "", 0))


def test_a_request_for_another_execution_finds_none(desk: Any) -> None:
    with pytest.raises(ResourceNotFoundException, match="Durable Execution does not exist"):
        dispatch.state_answer(desk.record, StateRequest("arn:other", desk.record.token, "", 0))


def test_updated_operations_are_those_that_the_service_completed_and_nobody_was_told_of(
    desk: Any, make_update: Any
) -> None:
    for name in "ab":
        desk.send(make_update("WAIT", "START", name, WaitOptions={"WaitSeconds": 5}))
    desk.now = 5 * SECOND
    desk.fire("a")
    desk.send()
    desk.fire("b")
    assert desk.record.begin_invocation() == ["b"]
    assert desk.record.begin_invocation() == []


def test_a_timer_of_an_operation_that_has_moved_on_does_nothing(desk: Any, make_update: Any) -> None:
    desk.send(make_update("WAIT", "START", WaitOptions={"WaitSeconds": 5}))
    assert desk.fire("a") is not None
    assert desk.fire("a") is None
