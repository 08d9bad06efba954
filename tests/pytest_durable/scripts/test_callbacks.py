"""What can be said about callbacks beforehand, and what contradicts itself."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_durable.errors import UsageError
from pytest_durable.scripts.callbacks import (
    CallbackScript,
    Failure,
    Heartbeats,
    Reply,
    Success,
)


def only(script: CallbackScript) -> Reply:
    reply = script.take()
    assert reply is not None
    return reply


def test_every_part_of_a_reply_is_kept() -> None:
    reply = only(CallbackScript("x").heartbeat(every="30s", times=2).fail("no", after="1m", duplicate=True))
    assert reply == Reply(
        Failure({"ErrorMessage": "no"}), Heartbeats(30_000_000, 2), 60_000_000, duplicate=True
    )


def test_heartbeats_alone_are_a_reply() -> None:
    script = CallbackScript("x").heartbeat(every=1, times=2).then.never()
    assert [only(script), only(script)] == [Reply(heartbeats=Heartbeats(1_000_000, 2)), Reply()]


def test_a_value_may_depend_on_the_id() -> None:
    reply = only(CallbackScript("x").succeed(lambda callback_id: {"id": callback_id}))
    assert isinstance(reply.answer, Success)
    assert reply.answer.result("abc") == '{"id": "abc"}'


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"early": True, "late": True}, "early=True answers at once"),
        ({"early": True, "after": 1}, "early=True answers at once"),
        ({"value": {1}}, "must be JSON"),
        ({"value": b"\xff"}, "UTF-8"),
        ({"after": "soon"}, "after is a duration"),
    ],
)
def test_a_contradiction_or_a_wrong_value_is_refused(arguments: dict, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        CallbackScript("x").succeed(**arguments)


def test_no_heartbeat_comes_before_an_early_answer() -> None:
    with pytest.raises(UsageError, match="no heartbeat comes before it"):
        CallbackScript("x").heartbeat(every=1, times=1).succeed(early=True)


def test_endless_heartbeats_need_the_time_of_the_answer() -> None:
    with pytest.raises(UsageError, match="say when it is answered"):
        CallbackScript("x").heartbeat(every=1).succeed()
    assert only(CallbackScript("x").heartbeat(every=1).succeed(after=60)).after == 60_000_000


@pytest.mark.parametrize(
    "arguments", [{"every": 0}, {"every": "x"}, {"every": 1, "times": 0}, {"every": 1, "times": "2"}]
)
def test_heartbeats_have_an_interval_and_a_number(arguments: dict) -> None:
    with pytest.raises(UsageError, match=r"every|times"):
        CallbackScript("x").heartbeat(**arguments)


@pytest.mark.parametrize("error", [3, {"message": "x"}, object()])
def test_an_error_has_to_be_one(error: Any) -> None:
    with pytest.raises(UsageError, match="An error is an exception"):
        CallbackScript("x").fail(error)
