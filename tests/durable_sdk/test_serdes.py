"""Serdes: the form of the text, the way back, and what is refused."""

from __future__ import annotations

import json
from collections import namedtuple
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from enum import IntEnum, StrEnum
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from durable_sdk._wire.errors import ErrorObject
from durable_sdk.concurrency.models import BatchItem, BatchItemStatus, BatchResult, CompletionReason
from durable_sdk.exceptions import RetryableSerDesError, SerDesError
from durable_sdk.serdes import (
    DEFAULT_JSON_SERDES,
    DEFAULT_SERDES,
    EXTENDED_TYPES_SERDES,
    ExtendedTypeSerDes,
    JsonSerDes,
    PassThroughSerDes,
    SerDes,
    SerDesContext,
    TypeTag,
    deserialize,
    serialize,
)

# How long an example takes depends on what else the machine does.
untimed = settings(deadline=None)

TYPED = ExtendedTypeSerDes()


class Colour(StrEnum):
    RED = "red"


class Size(IntEnum):
    SMALL = 1


Point = namedtuple("Point", "x y")

offsets = st.timedeltas(timedelta(hours=-23), timedelta(hours=23)).map(
    lambda offset: timezone(timedelta(minutes=offset // timedelta(minutes=1)))
)
leaves = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text()
    | st.binary()
    | st.uuids()
    | st.decimals(allow_nan=False)
    | st.datetimes(timezones=st.none() | offsets)
    | st.dates()
)
errors = st.builds(
    ErrorObject,
    message=st.none() | st.text(),
    type=st.none() | st.text(),
    data=st.none() | st.text(),
    stack_trace=st.none() | st.lists(st.text()),
)


def batches(elements: st.SearchStrategy[Any]) -> st.SearchStrategy[BatchResult[Any]]:
    items = st.builds(
        BatchItem,
        index=st.integers(0, 10**6),
        status=st.sampled_from(BatchItemStatus),
        result=elements,
        error=st.none() | errors,
    )
    return st.builds(
        BatchResult,
        all=st.lists(items, max_size=3),
        completion_reason=st.sampled_from(CompletionReason),
    )


values = st.recursive(
    leaves,
    lambda elements: (
        st.lists(elements)
        | st.lists(elements).map(tuple)
        | st.dictionaries(st.text() | st.sampled_from(["t", "v"]), elements)
        | batches(elements)
    ),
    max_leaves=12,
)


def types_of(value: Any) -> Any:
    """Return the types of ``value`` and all it holds: equality alone takes 1, 1.0 and True for the same."""
    if isinstance(value, list | tuple):
        return type(value), [types_of(element) for element in value]
    if isinstance(value, dict):
        return {key: types_of(member) for key, member in value.items()}
    if isinstance(value, BatchResult):
        return [types_of(item.result) for item in value.all]
    return type(value)


@untimed
@given(values)
def test_what_is_read_is_what_was_written(value: Any) -> None:
    text = TYPED.serialize(value)
    read = TYPED.deserialize(text)
    assert read == value
    assert types_of(read) == types_of(value)
    assert TYPED.serialize(read) == text


@untimed
@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(), st.lists))
def test_primitives_and_lists_of_them_are_plain_compact_json(value: Any) -> None:
    assert TYPED.serialize(value) == json.dumps(value, separators=(",", ":"))


BATCH = BatchResult[Any](
    [
        BatchItem(0, BatchItemStatus.SUCCEEDED, 1),
        BatchItem(1, BatchItemStatus.FAILED, None, ErrorObject("m", None, None, None)),
    ],
    CompletionReason.ALL_COMPLETED,
)
BATCH_TEXT = (
    '{"t":"br","v":{"all":{"t":"l","v":['
    '{"t":"m","v":{"index":{"t":"i","v":0},"status":{"t":"s","v":"SUCCEEDED"},'
    '"result":{"t":"i","v":1},"error":{"t":"n","v":null}}},'
    '{"t":"m","v":{"index":{"t":"i","v":1},"status":{"t":"s","v":"FAILED"},'
    '"result":{"t":"n","v":null},"error":{"t":"m","v":{"ErrorMessage":{"t":"s","v":"m"}}}}}'
    ']},"completionReason":{"t":"s","v":"ALL_COMPLETED"}}}'
)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("é", '"\\u00e9"'),
        (1.5, "1.5"),
        (float("inf"), "Infinity"),
        ((), '{"t":"t","v":[]}'),
        ((1, "a"), '{"t":"t","v":[{"t":"i","v":1},{"t":"s","v":"a"}]}'),
        ({}, '{"t":"m","v":{}}'),
        ([(None,)], '{"t":"l","v":[{"t":"t","v":[{"t":"n","v":null}]}]}'),
        ({"a": [True, 1.0]}, '{"t":"m","v":{"a":{"t":"l","v":[{"t":"b","v":true},{"t":"f","v":1.0}]}}}'),
        ({"t": "s", "v": 1}, '{"t":"m","v":{"t":{"t":"s","v":"s"},"v":{"t":"i","v":1}}}'),
        (b"ab", '{"t":"B","v":"YWI="}'),
        (bytearray(b"x"), '{"t":"B","v":"eA=="}'),
        (memoryview(b"x"), '{"t":"B","v":"eA=="}'),
        (UUID(int=3), '{"t":"u","v":"00000000-0000-0000-0000-000000000003"}'),
        (Decimal("1.50"), '{"t":"d","v":"1.50"}'),
        (datetime(2020, 1, 2, tzinfo=UTC), '{"t":"dt","v":"2020-01-02T00:00:00+00:00"}'),
        (date(2020, 1, 2), '{"t":"D","v":"2020-01-02"}'),
        (BATCH, BATCH_TEXT),
    ],
)
def test_the_form_of_each_type(value: Any, text: str) -> None:
    assert TYPED.serialize(value) == text


@pytest.mark.parametrize(
    ("value", "read"),
    [
        (Colour.RED, "red"),
        (Size.SMALL, 1),
        ((Size.SMALL, Colour.RED), (1, "red")),
        (Point(1, 2), (1, 2)),
        ({1: "a", None: "b", False: "c", 2.5: "d"}, {"1": "a", "null": "b", "false": "c", "2.5": "d"}),
    ],
)
def test_subclasses_come_back_as_their_base_and_keys_as_texts(value: Any, read: Any) -> None:
    assert TYPED.deserialize(TYPED.serialize(value)) == read


def test_a_timestamp_with_z_is_read_as_utc() -> None:
    text = '{"t":"dt","v":"2020-01-02T03:04:05Z"}'
    assert TYPED.deserialize(text) == datetime(2020, 1, 2, 3, 4, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "culprit", "position"),
    [
        ({1, 2}, "<class 'set'>", "value"),
        (time(1), "<class 'datetime.time'>", "value"),
        (BatchItemStatus.FAILED, "BatchItemStatus", "value"),
        ({"a": [0, {"b": object()}]}, "<class 'object'>", "value['a'][1]['b']"),
        ([(1, 1j)], "<class 'complex'>", "value[0][1]"),
        ({(1, 2): 3}, "<class 'tuple'>", "value"),
        ([{b"x": 1}], "<class 'bytes'>", "value[0]"),
        ({"a": {1: "x", "1": "y"}}, "Keys 1 and '1' would both be stored as '1'", "value['a']"),
        ({True: 0, "true": 1}, "Keys True and 'true' would both be stored as 'true'", "value"),
        ({None: 0, "null": 1}, "Keys None and 'null' would both be stored as 'null'", "value"),
    ],
)
def test_what_has_no_form_is_refused_with_its_position(value: Any, culprit: str, position: str) -> None:
    with pytest.raises(SerDesError) as raised:
        TYPED.serialize(value)
    assert culprit in str(raised.value)
    assert str(raised.value).endswith(f", at {position}")


@pytest.mark.parametrize("wrap", [lambda cycle: [cycle], lambda cycle: {"a": cycle}])
def test_a_value_that_contains_itself_is_refused(wrap: Any) -> None:
    cycle: list[Any] = []
    cycle.append(wrap(cycle))
    with pytest.raises(SerDesError, match="contains itself"):
        TYPED.serialize(cycle)


@pytest.mark.parametrize(
    "wrap", [lambda number: number, lambda number: [number], lambda number: {"a": number}]
)
def test_a_number_with_too_many_digits_is_refused(wrap: Any) -> None:
    with pytest.raises(SerDesError, match="cannot be serialized: Exceeds the limit"):
        TYPED.serialize(wrap(10**5000))


def test_a_text_that_is_nested_too_deeply_is_refused() -> None:
    with pytest.raises(SerDesError, match="nested too deeply"):
        TYPED.deserialize("[" * 100_000)


@pytest.mark.parametrize(
    ("text", "culprit", "position"),
    [
        ("{}", "Expected an envelope", "value"),
        ('{"t":"s"}', "Expected an envelope", "value"),
        ('{"v":1}', "Expected an envelope", "value"),
        ('[1,{"a":1}]', "Expected an envelope", "value"),
        ('{"t":"zz","v":1}', "Unknown type tag 'zz'", "value"),
        ('{"t":[],"v":1}', "Unknown type tag []", "value"),
        ('{"t":"l","v":[{"t":"i","v":1},3]}', "Expected an envelope", "value[1]"),
        ('{"t":"m","v":{"a":{"t":"t","v":[{"t":"?","v":1}]}}}', "tag '?'", "value['a'][0]"),
        ('{"t":"i","v":"x"}', "Tag 'i' takes int, got 'x'", "value"),
        ('{"t":"i","v":true}', "Tag 'i' takes int, got True", "value"),
        ('{"t":"n","v":0}', "Tag 'n' takes NoneType, got 0", "value"),
        ('{"t":"m","v":[]}', "Tag 'm' takes dict, got []", "value"),
        ('{"t":"d","v":1}', "Tag 'd' takes str, got 1", "value"),
        ('{"t":"d","v":"x"}', "Tag 'd' cannot take 'x'", "value"),
        ('{"t":"u","v":"x"}', "Tag 'u' cannot take 'x'", "value"),
        ('{"t":"dt","v":"x"}', "Tag 'dt' cannot take 'x'", "value"),
        ('{"t":"D","v":"x"}', "Tag 'D' cannot take 'x'", "value"),
        ('{"t":"B","v":"!!"}', "Tag 'B' cannot take '!!'", "value"),
        ('{"t":"B","v":"é"}', "Tag 'B' cannot take 'é'", "value"),
        ('{"t":"l","v":[{"t":"br","v":{}}]}', "Tag 'br' cannot take {}", "value[0]"),
    ],
)
def test_another_form_is_refused_with_its_tag_and_position(text: str, culprit: str, position: str) -> None:
    with pytest.raises(SerDesError) as raised:
        TYPED.deserialize(text)
    assert culprit in str(raised.value)
    assert str(raised.value).endswith(f", at {position}")


def test_a_batch_without_a_reason_is_read() -> None:
    text = '{"t":"br","v":{"all":{"t":"l","v":[]}}}'
    assert TYPED.deserialize(text) == BatchResult([], CompletionReason.ALL_COMPLETED)


def test_the_tags_are_those_of_the_table() -> None:
    table = (ExtendedTypeSerDes.__doc__ or "").split("====")
    words = " ".join(table).split()
    assert [tag for tag in TypeTag if tag not in words] == []


def test_the_constants_are_the_serdes_they_name() -> None:
    assert isinstance(EXTENDED_TYPES_SERDES, ExtendedTypeSerDes)
    assert isinstance(DEFAULT_JSON_SERDES, JsonSerDes)
    assert DEFAULT_SERDES is EXTENDED_TYPES_SERDES


def test_each_serdes_can_be_told_its_type() -> None:
    for cls in (ExtendedTypeSerDes[int], JsonSerDes[int], PassThroughSerDes[int]):
        assert isinstance(cls(), SerDes)


@untimed
@given(st.text())
def test_pass_through_stores_texts_as_they_are(text: str) -> None:
    assert PassThroughSerDes().serialize(text) == text
    assert PassThroughSerDes().deserialize(text) == text


def test_json_is_jsons_own_form() -> None:
    assert JsonSerDes().serialize({"a": [1, "é"]}) == '{"a": [1, "\\u00e9"]}'
    assert JsonSerDes().deserialize('{"a": [1]}') == {"a": [1]}


class _Scripted(SerDes[Any]):
    """Returns or raises what it was made with, and keeps what it was told."""

    def __init__(self, outcome: Any) -> None:
        self.outcome = outcome
        self.contexts: list[SerDesContext] = []

    def _act(self, serdes_context: SerDesContext) -> Any:
        self.contexts.append(serdes_context)
        if isinstance(self.outcome, Exception):
            raise self.outcome
        return self.outcome

    def serialize(self, value: Any, serdes_context: SerDesContext) -> Any:
        return self._act(serdes_context)

    def deserialize(self, data: str, serdes_context: SerDesContext) -> Any:
        return self._act(serdes_context)


def test_a_serdes_is_told_which_operation_a_value_belongs_to() -> None:
    serdes = _Scripted("text")
    assert serialize(serdes, 1, "id", "arn") == "text"
    assert deserialize(serdes, "x", "id", "arn") == "text"
    assert serdes.contexts == [SerDesContext("id", "arn")] * 2


def test_the_typed_form_is_the_default() -> None:
    assert serialize(None, (1,), "id", "arn") == '{"t":"t","v":[{"t":"i","v":1}]}'
    assert deserialize(None, '{"t":"t","v":[{"t":"i","v":1}]}', "id", "arn") == (1,)


def test_nothing_stored_is_none_and_asks_no_serdes() -> None:
    serdes = _Scripted(ValueError("asked"))
    assert serialize(_Scripted(None), 1, "id", "arn") is None
    assert deserialize(serdes, None, "id", "arn") is None
    assert serdes.contexts == []


@pytest.mark.parametrize("error", [SerDesError("a", "b", "c", ["d"]), RetryableSerDesError("a")])
def test_errors_meant_for_the_sdk_pass_unchanged(error: Exception) -> None:
    with pytest.raises(type(error)) as raised:
        serialize(_Scripted(error), 1, "id", "arn")
    assert raised.value is error
    with pytest.raises(type(error)) as raised:
        deserialize(_Scripted(error), "x", "id", "arn")
    assert raised.value is error


def test_what_a_value_is_becomes_text_only_for_a_message() -> None:
    class What:
        """Counts how often it is made into text."""

        asked = 0

        def __str__(self) -> str:
            self.asked += 1
            return "result of step 'charge'"

    what = What()
    assert serialize(None, 1, "id", "arn", what) == "1"
    assert what.asked == 0
    with pytest.raises(SerDesError, match="The result of step 'charge' cannot be stored: "):
        serialize(None, object(), "id", "arn", what)
    assert what.asked == 1


def test_any_other_error_becomes_a_serdes_error_that_names_the_operation() -> None:
    error = OSError("disk gone")
    with pytest.raises(SerDesError) as raised:
        serialize(_Scripted(error), 1, "id", "arn")
    assert str(raised.value) == "Serialization failed for id: id, error: disk gone."
    assert raised.value.__cause__ is error
    with pytest.raises(SerDesError) as raised:
        deserialize(_Scripted(error), "x", "id", "arn")
    assert str(raised.value) == "Deserialization failed for id: id, error: disk gone."
    assert raised.value.__cause__ is error


def test_a_text_that_is_no_json_is_a_serdes_error_of_its_operation() -> None:
    with pytest.raises(SerDesError, match=r"^Deserialization failed for id: id, error: Expecting"):
        deserialize(None, "{", "id", "arn")


def test_a_serdes_that_returns_no_text_is_named() -> None:
    with pytest.raises(SerDesError, match=r"_Scripted\.serialize returned b'x', not a text"):
        serialize(_Scripted(b"x"), 1, "id", "arn")


@pytest.mark.parametrize(("value", "answer"), [([1, [None, "a"]], True), ((1,), False), ({}, False)])
def test_primitives_are_what_plain_json_holds_without_loss(value: Any, answer: bool) -> None:
    assert SerDes.is_primitive(value) is answer
