"""Map: a batch with a branch for each item."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, TypeVar

from durable_sdk._callables import demand_callable, is_bound_late
from durable_sdk._checks import check_name
from durable_sdk._wording import shown
from durable_sdk.exceptions import ValidationError
from durable_sdk.identifier import OperationIdentifier
from durable_sdk.operation.batch import BranchPlan

C = TypeVar("C")
U = TypeVar("U")
T = TypeVar("T")


def demand_item_function(func: object) -> None:
    """Check that ``func`` can be called with a context, an item, an index and all items.

    Raises:
        ValidationError: it cannot.
    """
    if is_bound_late(func):
        raise ValidationError(
            "map takes a function of (context, item, index, inputs), not a decorated one: "
            "write lambda context, item, index, inputs: func(item)(context)."
        )
    demand_callable(func, "map")


def map_plans(
    inputs: Sequence[U],
    func: Callable[[C, U, int, Sequence[U]], T],
    item_namer: Callable[[U, int], str] | None,
    child: Callable[[OperationIdentifier, bool], C],
) -> list[BranchPlan[T]]:
    """Return a branch for each item, which calls ``func(context, item, index, inputs)``.

    ``child`` makes the context of a branch.

    Raises:
        ValidationError: ``inputs`` has no order, or a name is no name.
    """
    if not isinstance(inputs, Sequence):
        raise ValidationError(
            f"map takes a sequence, whose order is the same on every replay; got {shown(inputs)}. "
            "Write list(...), or sorted(...) for a set."
        )

    def run(index: int, identifier: OperationIdentifier, is_rerun: bool) -> T:
        return func(child(identifier, is_rerun), inputs[index], index, inputs)

    return [
        BranchPlan(_name(item_namer, item, index), partial(run, index)) for index, item in enumerate(inputs)
    ]


def _name(item_namer: Callable[[Any, int], str] | None, item: object, index: int) -> str | None:
    if item_namer is None:
        return None
    name = item_namer(item, index)
    check_name(name)
    return name
