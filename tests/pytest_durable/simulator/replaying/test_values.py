"""Values as text: equal for equal values, in any process, and never with an address."""

from __future__ import annotations

import datetime
import uuid
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum
from fractions import Fraction
from pathlib import PurePosixPath
from typing import Any, NamedTuple

import pytest

from pytest_durable.simulator.replaying.values import MAX_PARTS, is_mutable, is_plain, value_text


class Color(Enum):
    RED = 1


class Pair(NamedTuple):
    left: int
    right: int


class Text(str):
    __slots__ = ()


@dataclass
class Order:
    number: int
    lines: list[Any]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "None"),
        (True, "True"),
        (1, "1"),
        (1.5, "1.5"),
        ("a'b", '"a\'b"'),
        (Text("a"), "'a'"),
        (b"ab", "b'ab'"),
        ([1, "a", (2,)], "[1, 'a', (2,)]"),
        (Pair(1, 2), "Pair(1, 2)"),
        ({1: "a", "1": None}, "{1: 'a', '1': None}"),
        ({"b", "a"}, "{'a', 'b'}"),
        (frozenset(), "set()"),
        (Color.RED, "Color.RED"),
        (Decimal("1.50"), "Decimal('1.50')"),
        (Fraction(1, 3), "Fraction('1/3')"),
        (PurePosixPath("/a"), "PurePosixPath('/a')"),
        (uuid.UUID(int=1), "UUID('00000000-0000-0000-0000-000000000001')"),
        (datetime.datetime(2026, 1, 2, 3), "datetime(2026-01-02T03:00:00)"),
        (datetime.date(2026, 1, 2), "date(2026-01-02)"),
        (datetime.time(3, 4), "time(03:04:00)"),
        (datetime.timedelta(minutes=1), "timedelta(60.0)"),
        (Order(1, [object()]), "Order(number=1, lines=[<object>])"),
    ],
)
def test_the_text_of_a_value(value: object, text: str) -> None:
    assert is_plain(value)
    assert value_text(value) == text


def test_of_what_is_not_plain_only_the_class_is_told() -> None:
    assert value_text([object(), len, Color]) == "[<object>, <builtin_function_or_method>, <EnumType>]"
    assert not is_plain(object())
    assert not is_plain(Order)


def test_long_texts_are_cut_and_still_told_apart() -> None:
    assert value_text("x" * 1000 + "a") != value_text("x" * 1000 + "b")
    assert len(value_text("x" * 100_000)) < 200


def test_large_values_are_cut() -> None:
    assert value_text(list(range(10_000))).count(",") <= MAX_PARTS + 1
    cycle: list[Any] = []
    cycle.append(cycle)
    assert value_text(cycle) == "[[[[[[[[[[[[...]]]]]]]]]]]]"


def test_a_value_whose_own_code_raises_is_told_by_its_class() -> None:
    class Broken(dict[str, int]):
        def items(self) -> Any:
            raise LookupError("no")

    assert value_text([Broken()]) == "<list>"


def test_what_can_change() -> None:
    assert all(map(is_mutable, ([], {}, set(), bytearray(), Order(1, []))))
    assert not any(map(is_mutable, ((), "a", 1, None, Order)))
