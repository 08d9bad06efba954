"""Who reports that an operation has ended, and in which order."""

from __future__ import annotations

import threading

import pytest
from durable_sdk_fakes import Running, wait_for

from durable_sdk._plugins.endings import Endings
from durable_sdk._plugins.infos import OperationEndInfo, OperationType
from durable_sdk._runtime import ThreadRuntime
from durable_sdk.lambda_service import OperationStatus

PARENTS = {"outer": None, "inner": "outer", "step": "inner", "other": None, "second": "inner"}
CONTEXTS = {"outer", "inner"}


class Reports:
    """Notes what is reported; may block or raise."""

    def __init__(self) -> None:
        self.ids: list[str] = []
        self.raising: dict[str, BaseException] = {}
        self.blocking: dict[str, threading.Event] = {}
        self.arrived = threading.Event()
        self.endings = Endings(ThreadRuntime(), self.report, PARENTS.get)

    def report(self, info: OperationEndInfo) -> None:
        if info.operation_id in self.blocking:
            self.arrived.set()
            wait_for(self.blocking[info.operation_id])
        self.ids.append(info.operation_id)
        if info.operation_id in self.raising:
            raise self.raising[info.operation_id]

    def record(self, *operation_ids: str) -> None:
        for operation_id in operation_ids:
            kind = OperationType.CONTEXT if operation_id in CONTEXTS else OperationType.STEP
            self.endings.record(
                OperationEndInfo(
                    operation_id,
                    kind,
                    None,
                    None,
                    PARENTS[operation_id],
                    None,
                    False,
                    OperationStatus.SUCCEEDED,
                )
            )


@pytest.fixture
def reports() -> Reports:
    return Reports()


def test_an_ending_is_reported_by_who_observes_it_once(reports: Reports) -> None:
    reports.record("step", "other")
    reports.endings.observe("step")
    reports.endings.observe("step")
    assert reports.ids == ["step"]


def test_an_ending_that_was_reported_is_not_recorded_again(reports: Reports) -> None:
    reports.record("step")
    reports.endings.observe("step")
    reports.record("step")
    reports.endings.observe("step")
    reports.endings.drain()
    assert reports.ids == ["step"]


def test_what_has_not_ended_reports_nothing(reports: Reports) -> None:
    reports.record("other")
    reports.endings.observe("step")
    assert reports.ids == []


def test_what_lies_below_an_observed_context_is_reported_before_it_deepest_first(reports: Reports) -> None:
    reports.record("outer", "other", "inner", "step", "second")
    reports.endings.observe("outer")
    assert reports.ids == ["step", "second", "inner", "outer"]
    reports.endings.drain()
    assert reports.ids[-1] == "other"


def test_draining_reports_everything_deepest_first(reports: Reports) -> None:
    reports.record("outer", "other", "step", "inner")
    reports.endings.drain()
    assert reports.ids == ["step", "inner", "outer", "other"]


def test_draining_calls_every_hook_although_one_asks_to_stop(reports: Reports) -> None:
    reports.raising = {"step": KeyboardInterrupt("first"), "outer": SystemExit("second")}
    reports.record("outer", "step", "other")
    with pytest.raises(KeyboardInterrupt, match="first"):
        reports.endings.drain()
    assert reports.ids == ["step", "outer", "other"]


def test_a_hook_that_asks_to_stop_leaves_the_endings_above_it_unreported(reports: Reports) -> None:
    reports.raising = {"step": KeyboardInterrupt()}
    reports.record("outer", "step")
    with pytest.raises(KeyboardInterrupt):
        reports.endings.observe("outer")
    reports.endings.observe("outer")
    assert reports.ids == ["step"]


def test_who_observes_an_ending_that_is_being_reported_waits_until_it_has_been(reports: Reports) -> None:
    gate = reports.blocking["step"] = threading.Event()
    reports.record("step")
    first = Running(lambda: reports.endings.observe("step"))
    wait_for(reports.arrived)
    seen: list[list[str]] = []

    def look() -> None:
        reports.endings.observe("step")
        seen.append(list(reports.ids))

    others = [Running(look), Running(look)]
    assert not others[0].has_ended(0.02)
    gate.set()
    for running in (first, *others):
        running.result()
    assert seen == [["step"], ["step"]]
