"""Lookups find, and say what is near where they do not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from pytest_durable.errors import OperationNotFoundError


@pytest.fixture
def shop(story: Any) -> Any:
    """A step; two contexts of one name, alike inside; a wait; a condition; an unnamed step."""
    story.done("reserve")
    for number in range(2):
        orders = story.context("orders")
        story.done("charge", str(number), orders)
        inner = story.context("inner", orders)
        story.done("ship", str(number), inner)
    story.wait("pause", 60)
    story.step("poll", sub_type="WaitForCondition")
    story.step(None)
    return story.result()


def miss(call: Callable[[], object]) -> str:
    with pytest.raises(OperationNotFoundError) as raised:
        call()
    return str(raised.value)


def test_each_kind_is_found_by_its_name(shop: Any) -> None:
    assert shop.get_step("reserve").name == "reserve"
    assert shop.get_step("poll").sub_type == "WaitForCondition"
    assert shop.get_wait("pause").name == "pause"
    assert shop.get_context("orders").get_step("charge").value == 0
    assert shop.get_operation_by_name("pause") is shop.get_wait("pause")


def test_callbacks_and_invokes_are_found_by_their_names(story: Any) -> None:
    approval = story.context("approval", sub_type="WaitForCallback")
    story.callback("approval create callback id", approval)
    story.callback("review")
    story.invoke("charge", "charge-fn")
    result = story.result()
    assert result.get_callback("review").name == "review"
    assert result.get_invoke("charge").name == "charge"
    assert "use get_invoke('charge')" in miss(lambda: result.get_callback("charge"))
    assert "'approval' is a wait for callback there: use get_context('approval')" in miss(
        lambda: result.get_callback("approval")
    )
    assert "The invokes there: 'charge'" in miss(lambda: result.get_invoke("charg"))


def test_all_operations_come_depth_first_in_order_of_creation(shop: Any) -> None:
    names = [operation.name for operation in shop.get_all_operations()]
    inside = ["orders", "charge", "inner", "ship"]
    assert names == ["reserve", *inside, *inside, "pause", "poll", None]


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("reserve", 1),
        ("orders/charge", 0),
        ("orders[0]/charge", 0),
        ("orders[1]/charge", 1),
        ("orders[1]/inner[0]/ship[0]", 1),
    ],
)
def test_a_path_leads_to_an_operation(shop: Any, path: str, value: int) -> None:
    assert shop.operation(path).value == value


def test_a_path_is_relative_to_the_context_that_is_asked(shop: Any) -> None:
    assert shop.get_context("orders").operation("inner/ship").value == 0


@pytest.mark.parametrize("name", ["a/b", "a[1]", "a/", "/", "a]b"])
def test_names_with_slashes_and_brackets_are_found_by_path(story: Any, name: str) -> None:
    story.done("charge", "0", story.context("a"))
    story.done("ship", "1", story.context(name))
    assert story.result().operation(f"{name}/ship").value == 1
    assert story.result().operation(name).name == name


def test_a_miss_names_what_is_alike_and_what_there_is(shop: Any) -> None:
    assert miss(lambda: shop.get_step("resrve")) == (
        "The execution has no step named 'resrve'. Did you mean 'reserve'?"
        " The steps there: 'reserve', 'poll', 1 without a name."
    )


def test_a_miss_says_that_the_name_is_deeper_and_how_to_get_there(shop: Any) -> None:
    text = miss(lambda: shop.get_step("charge"))
    assert "use operation('orders[0]/charge') or operation('orders[1]/charge')." in text


def test_a_path_that_misses_shows_the_whole_path_to_what_is_deeper(story: Any) -> None:
    inner = story.context("parcel", story.context("orders"))
    story.done("pack", "1", inner)
    result = story.result()
    assert "use operation('orders/parcel/pack')." in miss(lambda: result.operation("orders/pack"))
    assert result.operation("orders/parcel/pack").value == 1


def test_a_miss_says_that_the_name_is_of_another_kind(shop: Any) -> None:
    assert "'pause' is a wait there: use get_wait('pause')." in miss(lambda: shop.get_step("pause"))
    assert "'poll' is a wait for condition there: use get_step('poll')." in miss(
        lambda: shop.get_wait("poll")
    )


def test_a_miss_counts_repeated_names(shop: Any) -> None:
    assert "The contexts there: 'orders' (2 times)." in miss(lambda: shop.get_context("order"))


def test_a_miss_in_a_context_names_the_context(shop: Any) -> None:
    text = miss(lambda: shop.get_context("orders").get_wait("pause"))
    assert text == "Context 'orders' has no wait named 'pause'. There are no waits there."


def test_a_miss_among_thousands_lists_a_few(story: Any) -> None:
    for number in range(3_000):
        story.done(f"item {number}")
    text = miss(lambda: story.result().get_step("order"))
    assert "2,988 more names" in text
    assert len(text) < 400


def test_a_path_that_misses_names_the_part_that_fails(shop: Any) -> None:
    assert miss(lambda: shop.operation("orders[1]/inner/shp")) == (
        "No operation at 'orders[1]/inner/shp'. Context 'orders[1]/inner' has no operation named"
        " 'shp'. Did you mean 'ship'? The operations there: 'ship'."
    )


def test_an_index_out_of_range_names_the_last_one(shop: Any) -> None:
    assert miss(lambda: shop.operation("orders[2]/charge")) == (
        "No operation at 'orders[2]/charge'. The execution has 2 of 'orders': the last is 'orders[1]'."
    )


@pytest.mark.parametrize("path", ["", "/", "orders/", "orders[", "orders[x]", "[0]"])
def test_a_path_that_is_none_is_a_miss(shop: Any, path: str) -> None:
    assert miss(lambda: shop.operation(path)).startswith(f"No operation at {path!r}.")


def test_nothing_is_found_where_nothing_happened(story: Any) -> None:
    assert miss(lambda: story.result().get_operation_by_name("x")) == (
        "The execution has no operation named 'x'. There are no operations there."
    )


def test_contexts_may_be_nested_deeper_than_pythons_stack(story: Any) -> None:
    context = None
    for _ in range(2_000):
        context = story.context("deep", context)
    assert len(story.result().get_all_operations()) == 2_000
