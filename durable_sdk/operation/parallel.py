"""Parallel: a batch with a branch for each function."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, TypeVar

from durable_sdk._callables import demand_callable
from durable_sdk._checks import check_name
from durable_sdk._wording import shown
from durable_sdk.config import ParallelBranch
from durable_sdk.exceptions import ValidationError
from durable_sdk.identifier import OperationIdentifier
from durable_sdk.operation.batch import BranchPlan

C = TypeVar("C")
T = TypeVar("T")


def parallel_plans(
    functions: Sequence[Callable[[C], T]],
    child: Callable[[OperationIdentifier, bool], C],
) -> list[BranchPlan[T]]:
    """Return a branch for each function, which is called with the context that ``child`` makes.

    Raises:
        ValidationError: ``functions`` has no order, one of them is no function, or a name is no name.
    """
    given: object = functions
    if not isinstance(given, Sequence):
        raise ValidationError(
            f"parallel takes a list of functions, one for each branch, in the same order on every replay; "
            f"got {'one function' if callable(given) else shown(given)}."
        )

    def run(func: Callable[[Any], T], identifier: OperationIdentifier, is_rerun: bool) -> T:
        return func(child(identifier, is_rerun))

    plans: list[BranchPlan[T]] = []
    for index, function in enumerate(functions):
        func, name = function, None
        if isinstance(function, ParallelBranch):
            func, name = function.func, function.name
        demand_callable(func, f"parallel()[{index}]", "durable_with_child_context")
        if name is not None:
            check_name(name)
        plans.append(BranchPlan(name, partial(run, func)))
    return plans
