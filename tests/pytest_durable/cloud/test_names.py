"""Names of executions."""

from __future__ import annotations

import re
from itertools import count

from pytest_durable.cloud.names import ExecutionNames


def test_each_name_is_another_and_tells_test_worker_and_number() -> None:
    names = ExecutionNames("test_pays[large order]", "gw3", unique=lambda: "0123456789ab")
    assert [names.next(), names.next()] == [
        "test_pays-large-order-gw3-0123456789ab-1",
        "test_pays-large-order-gw3-0123456789ab-2",
    ]


def test_tests_that_are_called_alike_have_names_of_their_own() -> None:
    # Whichever of the two is not: the numbers begin anew in a process of its own, and uuid4 may be patched.
    for numbers in (count(1), None):
        tests = [ExecutionNames("x" * 40 + end, numbers=numbers).next() for end in "aab"]
        assert len(set(tests)) == 3
    numbers = count(1)
    tests = [ExecutionNames("test_it", numbers=numbers, unique=lambda: "0").next() for _ in range(3)]
    assert len(set(tests)) == 3


def test_a_name_is_one_that_the_service_takes_whatever_the_test_is_called() -> None:
    for test in ("x" * 300, "[]", "test_größe[ä/ö]", ""):
        names = ExecutionNames(test, "worker/" * 9, numbers=count(10**9))
        first, second = names.next(), names.next()
        assert re.fullmatch(r"[A-Za-z0-9_-]{1,64}", first), first
        assert first != second
