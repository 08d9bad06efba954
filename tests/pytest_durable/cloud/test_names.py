"""Names of executions."""

from __future__ import annotations

import re

from pytest_durable.cloud.names import ExecutionNames


def test_each_name_is_another_and_tells_test_worker_and_run() -> None:
    names = ExecutionNames("test_pays[large order]", "0123456789ab", "gw3")
    assert [names.next(), names.next()] == [
        "test_pays-large-order-gw3-0123456789ab-1",
        "test_pays-large-order-gw3-0123456789ab-2",
    ]


def test_a_name_is_one_that_the_service_takes_whatever_the_test_is_called() -> None:
    for test in ("x" * 300, "[]", "test_größe[ä/ö]", ""):
        name = ExecutionNames(test, "0123456789ab", "worker/" * 9).next()
        assert re.fullmatch(r"[A-Za-z0-9_-]{1,64}", name), name
