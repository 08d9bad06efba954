"""Updates that the service refuses, each with what is wrong in the message."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_durable.simulator.service.errors import InvalidParameterValueException
from pytest_durable.simulator.service.limits import Limits

ERROR = {"ErrorType": "E", "ErrorMessage": "m"}


def refused(desk: Any, *updates: dict[str, Any]) -> str:
    with pytest.raises(InvalidParameterValueException) as caught:
        desk.apply(*updates)
    assert caught.value.response["Error"]["Code"] == "InvalidParameterValueException"
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400
    return caught.value.message


def test_an_unknown_parent(desk: Any, make_update: Any) -> None:
    assert "Parent 'ghost'" in refused(desk, make_update("STEP", "START", ParentId="ghost"))


@pytest.mark.parametrize("kind", ["STEP", "EXECUTION"])
def test_a_parent_that_is_no_context(desk: Any, make_update: Any, kind: str) -> None:
    desk.send(make_update("STEP", "START", "s"))
    parent = "s" if kind == "STEP" else "execution"
    assert "is not a context" in refused(desk, make_update("STEP", "START", "b", ParentId=parent))


def test_a_parent_may_come_from_the_same_request_but_not_after(desk: Any, make_update: Any) -> None:
    parent, child = make_update("CONTEXT", "START", "c"), make_update("STEP", "START", "s", ParentId="c")
    desk.apply(parent, child)
    assert "is not a context" in refused(desk, child, parent)


@pytest.mark.parametrize(
    ("kind", "actions", "allowed"),
    [
        ("STEP", ["START", "SUCCEED"], True),
        ("STEP", ["START", "FAIL"], True),
        ("CONTEXT", ["START", "SUCCEED"], True),
        ("STEP", ["START", "START"], False),
        ("STEP", ["SUCCEED", "SUCCEED"], False),
        ("STEP", ["START", "SUCCEED", "FAIL"], False),
        ("CONTEXT", ["SUCCEED", "START"], False),
        ("WAIT", ["START", "CANCEL"], False),
        ("CALLBACK", ["START", "START"], False),
    ],
)
def test_an_operation_is_in_a_request_once_or_started_and_ended(
    desk: Any, make_update: Any, kind: str, actions: list[str], allowed: bool
) -> None:
    updates = [make_update(kind, action) for action in actions]
    if allowed:
        assert len(desk.apply(*updates).events) == 2
    else:
        assert "twice in one request" in refused(desk, *updates)


@pytest.mark.parametrize(
    "members", [{"Name": "other"}, {"SubType": "Other"}, {"ParentId": "c"}, {"Type": "CONTEXT"}]
)
def test_an_operation_keeps_its_identity(desk: Any, make_update: Any, members: dict[str, Any]) -> None:
    desk.send(make_update("CONTEXT", "START", "c"), make_update("STEP", "START", Name="n", SubType="Step"))
    changed = {**make_update("STEP", "SUCCEED", Name="n", SubType="Step"), **members}
    assert "cannot become" in refused(desk, changed)


@pytest.mark.parametrize(
    ("action", "members", "message"),
    [
        ("START", {"Payload": "1"}, "Cannot provide a Payload for START"),
        ("FAIL", {"Payload": "1"}, "Cannot provide a Payload for FAIL"),
        ("START", {"Error": ERROR}, "Cannot provide an Error for START"),
        ("SUCCEED", {"Error": ERROR}, "Cannot provide an Error for SUCCEED"),
        ("RETRY", {"Error": ERROR, "Payload": "1"}, "Cannot provide an Error for RETRY"),
    ],
)
def test_content_fits_the_action(
    desk: Any, make_update: Any, action: str, members: dict[str, Any], message: str
) -> None:
    assert message in refused(desk, make_update("STEP", action, **members))


@pytest.mark.parametrize(("size", "allowed"), [(32_768, True), (32_769, False)])
def test_an_error_has_at_most_32768_bytes_of_json(
    desk: Any, make_update: Any, size: int, allowed: bool
) -> None:
    empty = len('{"ErrorMessage": ""}')
    update = make_update("STEP", "FAIL", Error={"ErrorMessage": "x" * (size - empty)})
    if allowed:
        desk.apply(update)
    else:
        assert "error size must be less than or equal to 32768 bytes" in refused(desk, update)


@pytest.mark.parametrize("kind", ["STEP", "CONTEXT"])
@pytest.mark.parametrize(
    ("payload", "allowed"), [("x" * 10, True), ("x" * 11, False), ("ä" * 5, True), ("ä" * 6, False)]
)
def test_a_payload_is_measured_in_bytes_of_utf8(
    make_desk: Any, make_update: Any, kind: str, payload: str, allowed: bool
) -> None:
    desk = make_desk(Limits(checkpoint_payload_bytes=10))
    update = make_update(kind, "SUCCEED", Payload=payload)
    if allowed:
        desk.apply(update)
    else:
        assert f"{kind} output payload size must be less than or equal to 10 bytes" in refused(desk, update)


@pytest.mark.parametrize(
    "members",
    [{"Payload": "x" * 11}, {"Payload": "1", "Error": ERROR}, {"ParentId": "ghost"}],
    ids=["too large", "result and error", "unknown parent"],
)
def test_the_end_of_the_execution_is_validated_like_any_update(
    make_desk: Any, make_update: Any, members: dict[str, Any]
) -> None:
    desk = make_desk(Limits(checkpoint_payload_bytes=10))
    refused(desk, make_update("EXECUTION", "SUCCEED", "x", **members))


def test_the_end_of_the_execution_comes_last(desk: Any, make_update: Any) -> None:
    end = make_update("EXECUTION", "SUCCEED", "x")
    assert "must be the last" in refused(desk, end, make_update("STEP", "START"))
    assert "must be the last" in refused(desk, end, make_update("EXECUTION", "FAIL", "y"))


def test_a_request_has_a_bounded_number_of_updates(make_desk: Any, make_update: Any) -> None:
    desk = make_desk(Limits(checkpoint_updates=3))
    updates = [make_update("STEP", "START", f"s{number}") for number in range(4)]
    desk.apply(*updates[:3])
    assert "at most 3 updates, got 4" in refused(desk, *updates)


@pytest.mark.parametrize(
    ("seconds", "allowed"), [(0, False), (1, True), (31_622_400, True), (31_622_401, False)]
)
def test_delays_are_bounded(desk: Any, make_update: Any, seconds: int, allowed: bool) -> None:
    updates = [
        make_update("WAIT", "START", WaitOptions={"WaitSeconds": seconds}),
        make_update("STEP", "RETRY", StepOptions={"NextAttemptDelaySeconds": seconds}),
    ]
    for update in updates:
        if allowed:
            desk.apply(update)
        else:
            assert f"is 1 to 31622400, got {seconds}" in refused(desk, update)


@pytest.mark.parametrize("member", ["TimeoutSeconds", "HeartbeatTimeoutSeconds"])
@pytest.mark.parametrize(
    ("seconds", "allowed"), [(-1, False), (0, True), (99_999_999, True), (100_000_000, False)]
)
def test_the_timeouts_of_a_callback_are_bounded(
    desk: Any, make_update: Any, member: str, seconds: int, allowed: bool
) -> None:
    update = make_update("CALLBACK", "START", CallbackOptions={member: seconds})
    if allowed:
        desk.apply(update)
    else:
        message = refused(desk, update)
        assert message == f"{member} of operation 'a' is 0 to 99999999, got {seconds}."


@pytest.mark.parametrize(
    ("kind", "action", "members"),
    [
        ("CALLBACK", "START", {"Payload": "1"}),
        ("WAIT", "START", {"Payload": "1"}),
        ("CONTEXT", "START", {"Payload": "1"}),
        ("CHAINED_INVOKE", "START", {"Error": ERROR}),
        ("CALLBACK", "START", {"Error": ERROR}),
    ],
)
def test_only_an_invoke_starts_with_a_payload_and_nothing_with_an_error(
    desk: Any, make_update: Any, kind: str, action: str, members: dict[str, Any]
) -> None:
    assert "Cannot provide a" in refused(desk, make_update(kind, action, **members))


def test_an_operation_that_the_sdk_did_not_start_keeps_its_identity_too(desk: Any, make_update: Any) -> None:
    desk.send(make_update("CALLBACK", "START", Name="approval"))
    assert "cannot become" in refused(desk, make_update("WAIT", "CANCEL", Name="approval"))


def test_a_name_is_bounded(make_desk: Any, make_update: Any) -> None:
    desk = make_desk(Limits(name_characters=3))
    desk.apply(make_update("STEP", "START", Name="abc"))
    assert "has more than 3 characters" in refused(desk, make_update("STEP", "START", Name="abcd"))
