"""A replay sees the doubles that the run saw, though the test has taken them away meanwhile."""

from __future__ import annotations

import os
from typing import Any
from unittest import mock

from durable_sdk import DurableContext, durable_execution
from pytest_durable.simulator.replaying.bindings import Bindings

rate = 7
calls: list[str] = []


def send() -> int:
    calls.append("the real one")
    return rate


@durable_execution
def handler(event: Any, context: DurableContext) -> Any:
    return context.step(lambda _: 1, name=f"{send()}-{os.environ.get('DURABLE_RATE')}")


def test_what_was_put_in_place_for_the_run_is_seen_again() -> None:
    with (
        mock.patch(f"{__name__}.send", return_value=5),
        mock.patch.dict(os.environ, {"DURABLE_RATE": "high"}),
    ):
        kept = Bindings(handler)
    real = send
    with kept.in_place():
        assert (send(), os.environ["DURABLE_RATE"]) == (5, "high")
    assert send is real
    assert "DURABLE_RATE" not in os.environ
    assert calls == []


def test_what_has_not_changed_is_left_alone() -> None:
    kept = Bindings(handler)
    environment = os.environ
    with kept.in_place():
        assert os.environ is environment
        assert send() == 7
