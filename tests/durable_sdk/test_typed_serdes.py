"""TypedSerDes: the JSON of each type, the way back, what is refused, and which unions are ambiguous."""

from __future__ import annotations

import functools
import json
import operator
import subprocess
import sys
from collections import namedtuple
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import InitVar, dataclass, field
from datetime import UTC, date, datetime, time
from decimal import Decimal
from enum import Enum, Flag, IntEnum, StrEnum
from typing import (
    Annotated,
    Any,
    Final,
    Generic,
    Literal,
    NamedTuple,
    NewType,
    NotRequired,
    Optional,
    Required,
    TypedDict,
    TypeVar,
    Union,
)
from uuid import UUID

import pydantic
import pytest
from freezegun import freeze_time
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from durable_sdk import DurableContext, StepContext, durable_step
from durable_sdk._wire.errors import ErrorObject
from durable_sdk.concurrency.models import BatchItem, BatchItemStatus, BatchResult, CompletionReason
from durable_sdk.exceptions import SerDesError, ValidationError
from durable_sdk.serdes import SerDesContext, deserialize, serialize
from durable_sdk.typed_serdes import TypedSerDes

# How long an example takes depends on what else the machine does.
untimed = hypothesis_settings(deadline=None)

T = TypeVar("T")
K = TypeVar("K")


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


class Size(IntEnum):
    SMALL = 1
    LARGE = 2


class Place(Enum):
    """Values without JSON: stored by name."""

    HOME = (1, 2)
    WORK = (3, 4)


class Access(Flag):
    READ = 1
    WRITE = 2


class Point(NamedTuple):
    x: int
    y: int = 0


class Settings(TypedDict):
    theme: Colour
    since: NotRequired[date]


class Loose(TypedDict, total=False):
    a: Required[int]
    b: tuple[int, ...]


OrderId = NewType("OrderId", str)
Untyped = namedtuple("Untyped", "a b")


@dataclass
class Line:
    sku: str
    price: Decimal
    quantity: Final[int] = 1


@dataclass(frozen=True, slots=True)
class Order:
    id: OrderId
    placed: datetime
    lines: list[Line] = field(default_factory=list)
    colour: Colour | None = None
    tags: frozenset[str] = frozenset()
    by_sku: dict[str, Line] = field(default_factory=dict)
    span: tuple[date, time] | None = None
    total: Decimal = field(init=False, default=Decimal(0))

    def __post_init__(self) -> None:
        object.__setattr__(self, "total", sum((line.price for line in self.lines), Decimal(0)))


@dataclass
class Node:
    value: int
    children: list[Node] = field(default_factory=list)
    parent: Optional["Node"] = None  # noqa: UP037, UP045


@dataclass
class Box(Generic[T]):
    content: T
    more: list[T] = field(default_factory=list)


@dataclass
class Labelled(Box[int], Generic[K]):
    label: K | None = None


@dataclass
class Refund:
    id: str
    reason: str


@dataclass
class Shipment:
    id: str


@dataclass
class Parcel:
    id: str
    weight: float = 1


@dataclass
class Holder:
    content: Shipment | Parcel | None


@dataclass
class Dog:
    kind: Literal["dog"]
    name: str


@dataclass
class Cat:
    kind: Literal["cat"]
    name: str


class Customer(pydantic.BaseModel):
    name: str
    joined: date
    email: str | None = pydantic.Field(default=None, alias="eMail")
    scores: dict[int, float] = {}


@dataclass
class CustomerRecord:
    name: str
    joined: date


class Strict(pydantic.BaseModel, strict=True):
    when: datetime
    ids: set[int]


class Card(pydantic.BaseModel):
    kind: Literal["card"] = "card"
    number: str


class Transfer(pydantic.BaseModel):
    kind: Literal["transfer"] = "transfer"
    number: str


class Tags(pydantic.RootModel[list[str]]):
    pass


LINE = Line("a", Decimal("1.50"), 2)
MOMENT = datetime(2024, 1, 2, 3, 4, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("type_", "value", "stored"),
    [
        (int, 5, 5),
        (float, 1, 1.0),
        (str, "é", "é"),
        (bool, True, True),
        (None, None, None),
        (Any, {"a": [1, None, {"b": 1.5}]}, {"a": [1, None, {"b": 1.5}]}),
        (bytes, b"ab", "YWI="),
        (Decimal, Decimal("1.50"), "1.50"),
        (UUID, UUID(int=3), "00000000-0000-0000-0000-000000000003"),
        (datetime, MOMENT, "2024-01-02T03:04:05+00:00"),
        (date, date(2024, 1, 2), "2024-01-02"),
        (time, time(3, 4), "03:04:00"),
        (Colour, Colour.RED, "red"),
        (Size, Size.LARGE, 2),
        (Place, Place.WORK, "WORK"),
        (Access, Access.READ | Access.WRITE, 3),
        (Literal["a", 1, None], 1, 1),
        (Literal[Colour.RED], Colour.RED, "red"),
        (OrderId, OrderId("o"), "o"),
        (Annotated[int, "units"], 5, 5),
        (list[Decimal], [Decimal(1)], ["1"]),
        (tuple[int, ...], (1, 2), [1, 2]),
        (tuple[int, date], (1, date(2024, 1, 2)), [1, "2024-01-02"]),
        (tuple[()], (), []),
        (tuple, (1, "a"), [1, "a"]),
        (set[int], {10, 9}, [10, 9]),
        (frozenset[Colour], frozenset(Colour), ["blue", "red"]),
        (Sequence[int], [1], [1]),
        (Mapping[str, date], {"a": date(2024, 1, 2)}, {"a": "2024-01-02"}),
        (dict[int, str], {1: "a", -2: "b"}, {"1": "a", "-2": "b"}),
        (dict[UUID, int], {UUID(int=1): 1}, {"00000000-0000-0000-0000-000000000001": 1}),
        (dict[Size | None, int], {Size.SMALL: 1, None: 2}, {"1": 1, "null": 2}),
        (dict[date, int], {date(2024, 1, 2): 1}, {"2024-01-02": 1}),
        (dict, {"a": 1}, {"a": 1}),
        (Optional[int], None, None),  # noqa: UP045
        (Union[int, str], "1", "1"),  # noqa: UP007
        (int | float, 1.0, 1.0),
        (int | float, 1, 1),
        (bool | int, 1, 1),
        (date | datetime, MOMENT, "2024-01-02T03:04:05+00:00"),
        (datetime | date, date(2024, 1, 2), "2024-01-02"),
        (UUID | Decimal | time, time(1), "01:00:00"),
        (list[int] | list[str], ["a"], ["a"]),
        (tuple[int, int] | tuple[int, int, int], (1, 2, 3), [1, 2, 3]),
        (Literal["x"] | str, "y", "y"),
        (dict[str, int] | Line, LINE, {"sku": "a", "price": "1.50", "quantity": 2}),
        (Line, LINE, {"sku": "a", "price": "1.50", "quantity": 2}),
        (Point, Point(1), {"x": 1, "y": 0}),
        (Untyped, Untyped(1, ["b"]), {"a": 1, "b": ["b"]}),
        (Settings, {"theme": Colour.RED}, {"theme": "red"}),
        (Loose, {"a": 1, "b": (1, 2)}, {"a": 1, "b": [1, 2]}),
        (Node, Node(1, [Node(2)]),
         {"value": 1, "children": [{"value": 2, "children": [], "parent": None}], "parent": None}),
        (Box[date], Box(date(2024, 1, 2)), {"content": "2024-01-02", "more": []}),
        (Labelled[Colour], Labelled(1, [2], Colour.RED), {"content": 1, "more": [2], "label": "red"}),
        (Customer, Customer(name="A", joined=date(2024, 1, 2), eMail="x", scores={1: 2}),
         {"name": "A", "joined": "2024-01-02", "eMail": "x", "scores": {"1": 2.0}}),
        (Strict, Strict(when=MOMENT, ids={1}), {"when": "2024-01-02T03:04:05Z", "ids": [1]}),
        (list[Card | Transfer], [Transfer(number="1")], [{"kind": "transfer", "number": "1"}]),
        (Tags, Tags(["a"]), ["a"]),
    ],
)  # fmt: skip
def test_the_json_of_each_type_and_the_way_back(type_: Any, value: Any, stored: Any) -> None:
    serdes = TypedSerDes(type_)
    text = serialize(serdes, value, "id", "arn")
    assert text == json.dumps(stored, separators=(",", ":"))
    read = deserialize(serdes, text, "id", "arn")
    assert read == value
    assert type(read) is type(value) or type_ is float


def test_what_the_constructor_does_not_take_is_kept_too() -> None:
    order = Order(OrderId("o"), MOMENT, [LINE], Colour.BLUE, frozenset({"b", "a"}), {"a": LINE})
    object.__setattr__(order, "total", Decimal(99))
    serdes = TypedSerDes(Order)
    text = serdes.serialize(order)
    assert json.loads(text)["tags"] == ["a", "b"]
    assert serdes.deserialize(text) == order


def test_a_batch_holds_results_of_its_type() -> None:
    batch = BatchResult(
        [
            BatchItem(0, BatchItemStatus.SUCCEEDED, LINE),
            BatchItem(1, BatchItemStatus.FAILED, None, ErrorObject("m", "ValueError", None, None)),
            BatchItem[Line](2, BatchItemStatus.STARTED),
        ],
        CompletionReason.ALL_COMPLETED,
    )
    serdes = TypedSerDes(BatchResult[Line])
    text = serdes.serialize(batch)
    assert json.loads(text) == {
        "all": [
            {
                "index": 0,
                "status": "SUCCEEDED",
                "result": {"sku": "a", "price": "1.50", "quantity": 2},
                "error": None,
            },
            {
                "index": 1,
                "status": "FAILED",
                "result": None,
                "error": {"ErrorMessage": "m", "ErrorType": "ValueError"},
            },
            {"index": 2, "status": "STARTED", "result": None, "error": None},
        ],
        "completionReason": "ALL_COMPLETED",
    }
    assert serdes.deserialize(text) == batch


texts = st.text(max_size=5)
lines = st.builds(Line, texts, st.decimals(-(10**6), 10**6), st.integers())
orders = st.builds(
    Order,
    texts,
    st.datetimes(timezones=st.none() | st.just(UTC)),
    st.lists(lines, max_size=3),
    st.none() | st.sampled_from(Colour),
    st.frozensets(texts),
    st.dictionaries(texts, lines, max_size=2),
    st.none() | st.tuples(st.dates(), st.times()),
)
nodes = st.recursive(
    st.builds(Node, st.integers()),
    lambda inner: st.builds(Node, st.integers(), st.lists(inner)),
    max_leaves=5,
)
points = st.builds(Point, st.integers(), st.integers())
settings = st.fixed_dictionaries({"theme": st.sampled_from(Colour)})
numbers = st.floats(allow_nan=False, allow_infinity=False)
Everything = (
    Order
    | dict[int, list[set[date]]]
    | tuple[UUID, bytes | None, Box[Node]]
    | list[Point | Settings]
    | float
    | None
)
everything = (
    orders
    | st.dictionaries(st.integers(), st.lists(st.sets(st.dates(), max_size=3), max_size=2), max_size=2)
    | st.tuples(st.uuids(), st.none() | st.binary(), st.builds(Box, nodes, st.lists(nodes, max_size=2)))
    | st.lists(points | settings, max_size=3)
    | numbers
    | st.none()
)


def types_in(value: Any) -> Any:
    """Return the types of a value and its parts; equality alone takes 1 and 1.0 for the same."""
    if isinstance(value, dict):
        return dict, [(type(key), types_in(part)) for key, part in value.items()]
    if isinstance(value, list | tuple):
        return type(value), [types_in(part) for part in value]
    return type(value)


# A dict with int keys and an object with the fields of an Order are both objects: one of them is left out.
@pytest.mark.parametrize("left_out", ["Order", "dict"])
def test_the_members_of_a_large_union_come_back_as_they_went(left_out: str) -> None:
    members = [member for member in Everything.__args__ if left_out not in str(member)]
    serdes = TypedSerDes(functools.reduce(operator.or_, members))

    @untimed
    @given(everything)
    def check(value: Any) -> None:
        if isinstance(value, Order if left_out == "Order" else dict):
            return
        text = serdes.serialize(value)
        read = serdes.deserialize(text)
        assert read == value
        assert types_in(read) == types_in(value)
        assert serdes.serialize(read) == text

    check()


customers = st.builds(
    Customer,
    name=texts,
    joined=st.dates(),
    eMail=st.none() | texts,
    scores=st.dictionaries(st.integers(-99, 99), numbers, max_size=3),
)
plain_json = st.recursive(
    st.none() | st.integers(), lambda inner: st.lists(inner) | st.dictionaries(texts, inner), max_leaves=4
)
scalar_types: list[tuple[Any, st.SearchStrategy[Any]]] = [
    (int, st.integers()),
    (float, numbers),
    (str, st.text(max_size=3) | st.sampled_from(["red", "2024-01-02", "AAAA", "HOME", "5"])),
    (bool, st.booleans()),
    (None, st.none()),
    (bytes, st.binary(max_size=3)),
    (Decimal, st.decimals(allow_nan=False)),
    (UUID, st.uuids()),
    (datetime, st.datetimes(timezones=st.none() | st.just(UTC))),
    (date, st.dates()),
    (time, st.times()),
    (Colour, st.sampled_from(Colour)),
    (Size, st.sampled_from(Size)),
    (Place, st.sampled_from(Place)),
    (Access, st.sampled_from([Access(number) for number in range(4)])),
    (Literal["red", 1], st.sampled_from(["red", 1])),
    (Any, plain_json),
    (Point, points),
    (Settings, settings),
    (Refund, st.builds(Refund, texts, texts)),
    (Shipment, st.builds(Shipment, texts)),
    (Dog, st.builds(Dog, st.just("dog"), texts)),
    (Cat, st.builds(Cat, st.just("cat"), texts)),
    (Node, nodes),
    (Customer, customers),
    (Card, st.builds(Card, number=texts)),
    (Transfer, st.builds(Transfer, number=texts)),
]  # fmt: skip


def _containers(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Return types of the inner types, each with a strategy for its values."""

    def union(members: list[Any]) -> Any:
        types = [member[0] for member in members]
        # A union of the same members in another order is the same to typing, which keeps either.
        return Union[tuple(types)], st.one_of([member[1] for member in members])  # noqa: UP007

    return st.one_of(
        st.lists(inner, min_size=2, max_size=3).map(union),
        inner.map(lambda one: (list[one[0]], st.lists(one[1], max_size=2))),
        inner.map(lambda one: (tuple[one[0], ...], st.lists(one[1], max_size=2).map(tuple))),
        st.tuples(inner, inner).map(
            lambda two: (tuple[two[0][0], two[1][0]], st.tuples(two[0][1], two[1][1]))
        ),
        inner.map(lambda one: (dict[str, one[0]], st.dictionaries(texts, one[1], max_size=2))),
        st.tuples(st.sampled_from(scalar_types[:16]), inner).map(
            lambda two: (dict[two[0][0], two[1][0]], st.dictionaries(two[0][1], two[1][1], max_size=2))
        ),
        inner.map(lambda one: (Box[one[0]], st.builds(Box, one[1], st.lists(one[1], max_size=1)))),
    )


scalars = st.sampled_from(scalar_types)


@untimed
@given(st.recursive(scalars, _containers, max_leaves=4), st.data())
def test_of_every_type_that_is_taken_each_value_comes_back(typed: Any, data: st.DataObject) -> None:
    type_, values = typed
    check_round_trip(type_, data.draw(values))


@untimed
@given(st.lists(scalars | _containers(scalars), min_size=2, max_size=4), st.data())
def test_of_every_union_that_is_taken_each_member_comes_back(members: Any, data: st.DataObject) -> None:
    _, values = data.draw(st.sampled_from(members))
    check_round_trip(Union[tuple(type_ for type_, _ in members)], data.draw(values))  # noqa: UP007 - of a list


def check_round_trip(type_: Any, value: Any) -> None:
    """Check that the value comes back, unless the type is refused."""
    try:
        serdes = TypedSerDes(type_)
    except ValidationError:
        return
    text = serdes.serialize(value)
    read = serdes.deserialize(text)
    assert read == value
    assert types_in(read) == types_in(value)
    assert serdes.serialize(read) == text


def test_an_int_key_is_no_name_of_a_field() -> None:
    serdes = TypedSerDes(dict[int, int] | Line)
    for value in ({1: 2}, {}, LINE):
        assert serdes.deserialize(serdes.serialize(value)) == value


@untimed
@given(customers)
def test_pydantic_models_come_back_as_they_went(customer: Customer) -> None:
    serdes = TypedSerDes(dict[str, list[Customer]])
    value = {"a": [customer]}
    assert serdes.deserialize(serdes.serialize(value)) == value


@pytest.mark.parametrize(
    ("type_", "value", "message"),
    [
        (int, True, "Expected int, got True, at value"),
        (int, "1", "Expected int, got '1', at value"),
        (float, float("nan"), "Expected a finite float, got nan, for which JSON has no number, at value"),
        (float, 2**53 + 1, "Expected float, got the int 9007199254740993, which no float equals, at value"),
        (float, 10**400, "for which JSON has no number, at value"),
        (str, b"x", "Expected str, got b'x', at value"),
        (date, MOMENT, "Expected date, got an object of type datetime.datetime, at value"),
        (tuple[int, ...], [1], "Expected tuple[int, ...], got an object of type list, at value"),
        (tuple[int, int], (1,), "Expected tuple[int, int], got 1 elements, at value"),
        (
            tuple[int, int],
            Point(1, 2),
            "got the named tuple Point, whose names would be lost: name Point in the",
        ),
        (Sequence[int], Point(1, 2), "got the named tuple Point"),
        (list[int], (1,), "Expected list[int], got an object of type tuple, at value"),
        (set[int], {"x"}, "Expected int, got 'x', at value{...}"),
        (Colour, "red", "Expected Colour ('red', 'blue'), got 'red', at value"),
        (Literal["a"], "b", "Expected a choice ('a'), got 'b', at value"),
        (Any, [{"a": (1,)}], "Expected plain JSON, got an object of type tuple: say in the annotation"),
        (Any, [{"a": (1,)}], "at value[0]['a']"),
        (Any, {1: 2}, "whose keys are texts, got the key 1, at value"),
        (Any, [float("inf")], "got inf, for which JSON has no number, at value[0]"),
        (Order, Order("o", MOMENT, [LINE, Line("b", 2)]), "Expected Decimal, got 2, at value.lines[1].price"),  # type: ignore[arg-type]
        (dict[int, Line], {5: None}, "Expected Line, got None, at value[5]"),
        (Settings, {"theme": Colour.RED, "x": 1}, "Expected Settings, which has no key 'x', at value"),
        (Settings, {}, "Expected Settings, whose field 'theme' is missing, at value"),
        (Line | None, Line(1, Decimal(1)), "Expected str, got 1, at value.sku"),  # type: ignore[arg-type]
        (int | None, "x", "Expected int, got 'x', at value"),
        (int | str, 1.5, "Expected int | str, got 1.5, at value"),
        (
            Box[int],
            Labelled(1),
            "got its subclass Labelled, which would come back as Box[int]: name",
        ),
        (Customer, LINE, "Expected Customer, got an object of type "),
    ],
)
def test_a_value_of_another_type_is_refused_with_its_position(type_: Any, value: Any, message: str) -> None:
    with pytest.raises(SerDesError) as raised:
        TypedSerDes(type_).serialize(value)
    assert message in str(raised.value)


@pytest.mark.parametrize(
    ("type_", "text", "message"),
    [
        (int, "1.0", "Expected int, got 1.0, at value"),
        (int, "true", "Expected int, got True, at value"),
        (Decimal, '"x"', "Expected Decimal, got 'x', at value"),
        (UUID, '"12345678123456781234567812345678"', "Expected UUID, got"),
        (date, '"20240102"', "Expected date, got '20240102', at value"),
        (date, '"2024-13-01"', "Expected date, got '2024-13-01', at value"),
        (datetime, '"2024-01-02"', "Expected datetime, got '2024-01-02', at value"),
        (bytes, '"!"', "Expected bytes, got '!', at value"),
        (Colour, '"pink"', "Expected Colour ('red', 'blue'), got 'pink', at value"),
        (Colour, "[]", "Expected Colour ('red', 'blue'), got an object of type list, at value"),
        (list[Line], '[{"sku": "a"}]', "Expected Line, whose field 'price' is missing, at value[0]"),
        (list[Line], '[{"sku": "a", "price": 1}]', "Expected Decimal, got 1, at value[0].price"),
        (dict[int, int], '{"x": 1}', "Expected the key to be int, got 'x', at value['x']"),
        (dict[int, int], '{"[]": 1}', "Expected the key to be int, got '[]', at value['[]']"),
        (Access, "9", "Expected Access, got 9, at value"),
        (set[Any], "[[]]", "The elements of a set[plain JSON] have to be hashable"),
        (Customer, '{"name": "A", "joined": "x"}', "Customer refuses it: Input should be a valid date"),
        (list[Customer], '[{"name": "A"}]', "Customer refuses it: Field required, at value[0].joined"),
        (Strict, '{"when": 5, "ids": ["1"]}', "(and 1 more), at value.when"),
        (Card | Transfer, '{"kind": "cash"}', "Card refuses it: Input should be 'card' (and 1 more)"),
        (BatchResult[int], '{"all": [{"index": 0, "status": "SUCCEEDED", "result": "x"}]}',
         "Expected int, got 'x', at value.all[0].result"),
        (BatchResult[int], '{"all": [{"index": 0, "status": 1}]}', "Expected BatchResult[int]: The status"),
        (BatchResult[int], "[]", "Expected BatchResult[int], got"),
    ],
)  # fmt: skip
def test_json_of_another_type_is_refused_with_its_position(type_: Any, text: str, message: str) -> None:
    with pytest.raises(SerDesError) as raised:
        TypedSerDes(type_).deserialize(text)
    assert message in str(raised.value)


@pytest.mark.parametrize(
    ("type_", "message"),
    [
        (str | datetime, "Put one of them into a dataclass, or use one type for both."),
        (datetime | str, "stored for str could be read as datetime"),
        (str | Colour, "stored for Colour could be read as str"),
        (Colour | str, "stored for str could be read as Colour"),
        (bytes | UUID, "ambiguous"),
        (Size | int, "stored for int could be read as Size"),
        (Access | int, "ambiguous"),
        (list[int] | tuple[int, ...], "ambiguous"),
        (list[int] | set[int], "ambiguous"),
        (dict[str, str] | Refund, "stored for Refund could be read as dict[str, str]"),
        (Box[int] | Box[Any], "Give both a field that tells them apart, such as kind: Literal['a']"),
        (Line | dict[str, Any], "ambiguous"),
        (dict[str, int] | dict[int, int], "stored for dict[int, int] could be read as dict[str, int]"),
        (Customer | CustomerRecord, "ambiguous"),
        (Tags | list[str], "ambiguous"),
        (Card | Tags, "ambiguous"),
        (list[Shipment | Parcel],
         "value[...] is Shipment | Parcel, which is ambiguous: something stored for Parcel could be read as "
         "Shipment, for JSON does not tell them apart. Give both a field that tells them apart"),
        (dict[str, Shipment | Parcel | None], "value[...] is "),
        (Holder, "value.content is Shipment | Parcel | None"),
        (Any | Line, "ambiguous"),
    ],
)  # fmt: skip
def test_an_ambiguous_union_is_refused_when_the_serdes_is_made(type_: Any, message: str) -> None:
    with pytest.raises(ValidationError) as raised:
        TypedSerDes(type_)
    assert message in str(raised.value)


@pytest.mark.parametrize(
    ("type_", "values"),
    [
        (Shipment | Refund | None, [Refund("1", "x"), Shipment("1"), None]),
        (float | int, [1, 1.0, 2**53 + 1]),
        (list[float] | list[int], [[1], [1.0], []]),
        (dict[int, float] | dict[int, int] | None, [{1: 1}, {1: 1.0}, {}]),
        (dict[str, float] | dict[str, int], [{"a": 1}, {"a": 1.0}, {}]),
        (Customer | Line, [Customer(name="x", joined=date(2024, 1, 2)), LINE]),
        (Dog | Cat, [Dog("dog", "x"), Cat("cat", "x")]),
        (Card | Transfer, [Card(number="1"), Transfer(number="1")]),
        (tuple[int, ...] | Point, [(0, 0), Point(0, 0)]),
        (Point | Settings, [Point(1, 2), {"theme": Colour.BLUE}]),
        (Any | None, [None, {"a": 1}]),
        (list[Any] | dict[str, Any] | str, ["x", ["x"], {"x": 1}]),
    ],
)
def test_unions_that_can_be_told_apart_are_taken(type_: Any, values: list[Any]) -> None:
    serdes = TypedSerDes(type_)
    for value in values:
        read = serdes.deserialize(serdes.serialize(value))
        assert read == value
        assert type(read) is type(value)


@dataclass
class WithInitVar:
    kept: int
    lost: InitVar[int]

    def __post_init__(self, lost: int) -> None:
        self.kept += lost


@dataclass
class Unresolved:
    x: Nowhere  # type: ignore[name-defined]  # noqa: F821


@dataclass
class HasObject:
    lines: list[dict[str, complex]]


class Misnamed(pydantic.BaseModel):
    x: int = pydantic.Field(default=0, serialization_alias="X")


class HoldsMisnamed(pydantic.BaseModel):
    inner: list[Misnamed]


class Renamed(pydantic.BaseModel):
    x: int = pydantic.Field(validation_alias=pydantic.AliasChoices("y", "X"), serialization_alias="X")


@pytest.mark.parametrize(
    ("type_", "message"),
    [
        (complex, "value is of type complex, which has no form. Supported: dataclasses, NamedTuples"),
        (HasObject, "value.lines[...][...] is of type complex"),
        (WithInitVar, "value.lost is an InitVar without a default"),
        (Unresolved, "value is of type Unresolved, whose annotations cannot be resolved: name 'Nowhere'"),
        (Box, "value.content is of type ~T, which nothing tells: name it, such as in Box[int]"),
        (dict[list[int], int], "The key of value is list[int], which is no text"),
        (dict[str | int, int], "The key of value is str | int, which is ambiguous"),
        (Literal[b"x"], "value is a Literal of b'x', for which JSON has no form"),
        (Literal["red", Colour.RED], "both of which JSON writes as 'red'"),
        ("Line", "value is of type Line, which has no form"),
        (5, "value is of type 5, which has no form"),
        (Misnamed, "field Misnamed.x is written as 'X', but not read from there"),
        (HoldsMisnamed, "field Misnamed.x is written as 'X'"),
    ],
)
def test_a_type_without_a_form_is_refused_when_the_serdes_is_made(type_: Any, message: str) -> None:
    with pytest.raises(ValidationError) as raised:
        TypedSerDes(type_)
    assert message in str(raised.value)


def test_a_model_that_reads_what_it_writes_under_another_name_is_taken() -> None:
    serdes = TypedSerDes(Renamed)
    assert serdes.deserialize(serdes.serialize(Renamed(y=5))) == Renamed(y=5)  # type: ignore[call-arg]


def test_fields_that_were_added_or_dropped_since_do_not_stop_an_execution() -> None:
    assert TypedSerDes(Line).deserialize('{"sku":"a","price":"1","gone":true}') == Line("a", Decimal(1), 1)


@dataclass
class Positive:
    number: int

    def __post_init__(self) -> None:
        if self.number < 0:
            raise ValueError("negative")


def test_what_a_constructor_refuses_is_a_serdes_error() -> None:
    with pytest.raises(
        SerDesError, match=r"Positive refuses what was stored: ValueError: negative, at value\[0\]"
    ):
        TypedSerDes(list[Positive]).deserialize('[{"number":-1}]')


def test_a_value_that_contains_itself_is_refused() -> None:
    node = Node(1)
    node.children.append(node)
    with pytest.raises(SerDesError, match="A Node is nested too deeply, or contains itself"):
        TypedSerDes(Node).serialize(node)
    with pytest.raises(SerDesError, match="The JSON for Node is nested too deeply"):
        TypedSerDes(Node).deserialize("[" * 100_000)


def no_annotation():  # type: ignore[no-untyped-def]
    pass


def load(context: StepContext, order_id: str) -> Annotated[list[Line], "in order"]:
    return [LINE]


@durable_step
def load_step(step_context: StepContext, order_id: str) -> Line | None:
    return None


class Loader:
    def __call__(self, context: DurableContext) -> Line:
        return LINE

    def method(self) -> Line:
        return LINE


def unresolved() -> Nowhere:  # type: ignore[name-defined]  # noqa: F821
    pass


@pytest.mark.parametrize(
    ("func", "shown"),
    [
        (load, "TypedSerDes(list[Line])"),
        (load_step, "TypedSerDes(Line | None)"),
        (functools.partial(load, order_id="1"), "TypedSerDes(list[Line])"),
        (Loader(), "TypedSerDes(Line)"),
        (Loader().method, "TypedSerDes(Line)"),
    ],
)
def test_the_type_is_taken_from_what_a_function_returns(func: Any, shown: str) -> None:
    assert repr(TypedSerDes.of(func)) == shown


@pytest.mark.parametrize(
    ("func", "message"),
    [
        (no_annotation, "no_annotation does not say what it returns: annotate it"),
        (unresolved, "The annotations of unresolved cannot be resolved: name 'Nowhere'"),
        (5, "TypedSerDes.of takes a function, got 5."),
        (lambda: 1, "does not say what it returns"),
    ],
)
def test_a_function_that_does_not_say_its_type_is_refused(func: Any, message: str) -> None:
    with pytest.raises(ValidationError) as raised:
        TypedSerDes.of(func)
    assert message in str(raised.value)


def test_a_context_is_not_needed() -> None:
    assert TypedSerDes(int).deserialize(TypedSerDes(int).serialize(1, SerDesContext()), SerDesContext()) == 1


def test_an_order_of_a_set_is_the_same_in_every_process() -> None:
    script = (
        "from durable_sdk.typed_serdes import TypedSerDes\n"
        "print(TypedSerDes(set[str]).serialize(set('abcdefgh')))"
    )
    outputs = {
        subprocess.run(
            [sys.executable, "-c", script],
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": ":".join(sys.path)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert outputs == {'["a","b","c","d","e","f","g","h"]\n'}


def test_pydantic_is_not_imported_for_other_types() -> None:
    script = (
        "import sys\nfrom durable_sdk.typed_serdes import TypedSerDes\n"
        "TypedSerDes(dict[str, list[int | None]])\nassert 'pydantic' not in sys.modules"
    )
    subprocess.run(
        [sys.executable, "-c", script], env={"PYTHONPATH": ":".join(sys.path)}, check=True, timeout=30
    )


@pytest.mark.parametrize("type_", [Iterable[int], Sequence[int]])
def test_a_tuple_for_a_sequence_comes_back_as_a_list(type_: Any) -> None:
    serdes = TypedSerDes(type_)
    assert serdes.deserialize(serdes.serialize((1, 2))) == [1, 2]


def test_the_classes_that_a_test_clock_puts_in_place_of_dates_and_times_stand_for_them() -> None:
    context = SerDesContext()
    plain_classes = date, datetime
    plain = TypedSerDes(dict[str, list[date | datetime]])
    with freeze_time("2026-01-02T03:04:05Z"):
        # The names of this module are replaced, too.
        assert (date, datetime) != plain_classes
        stood_in = TypedSerDes(dict[str, list[date | datetime]])
        text = stood_in.serialize({"a": [date.today(), datetime.now()]}, context)
    assert plain.deserialize(text, context) == {"a": [date(2026, 1, 2), datetime(2026, 1, 2, 3, 4, 5)]}


def test_a_class_that_merely_accepts_dates_has_no_form() -> None:
    with pytest.raises(ValidationError, match="has no form"):
        TypedSerDes(Hashable)
