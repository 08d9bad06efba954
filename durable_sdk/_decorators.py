"""The decorators for functions that a handler passes to operations.

Calling a decorated function does not run it: it gives a call that lacks the context. The operation adds it.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar, overload

from durable_sdk._callables import BoundCall, BoundSubmitter, demand_plain, mark_decorated
from durable_sdk.config import ParallelBranch
from durable_sdk.exceptions import ValidationError
from durable_sdk.types import StepContext, WaitForCallbackContext

P = ParamSpec("P")
C = TypeVar("C")
T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


class DurableStep(Protocol[P, T_co]):
    """A function decorated with `durable_step`."""

    @overload
    def __call__(self, step_context: StepContext, /, *args: P.args, **kwargs: P.kwargs) -> T_co: ...
    @overload
    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> BoundCall[StepContext, T_co]: ...


def durable_step(func: Callable[Concatenate[StepContext, P], T]) -> DurableStep[P, T]:
    """Make ``func(step_context, ...)`` a step: ``context.step(func(...))`` runs it, named after it.

    Called with a StepContext first, it simply runs, which is how a unit test calls it:
    ``func(StepContext(), ...)``.

    Raises:
        ValidationError: it is a coroutine function.
    """
    demand_plain(func, "step")

    @wraps(func)
    def bind(*args: Any, **kwargs: Any) -> Any:
        if args and isinstance(args[0], StepContext):
            return func(*args, **kwargs)
        return BoundCall[StepContext, T](
            func.__name__, lambda step_context: func(step_context, *args, **kwargs)
        )

    return mark_decorated(bind)


def durable_with_child_context(
    func: Callable[Concatenate[C, P], T],
) -> Callable[P, BoundCall[C, T]]:
    """Make ``func(context, ...)`` a child context: ``context.run_in_child_context(func(...))`` runs it.

    The child context is named after the function.

    Raises:
        ValidationError: it is a coroutine function.
    """
    demand_plain(func, "child context")

    @wraps(func)
    def bind(*args: P.args, **kwargs: P.kwargs) -> BoundCall[C, T]:
        return BoundCall(func.__name__, lambda context: func(context, *args, **kwargs))

    return mark_decorated(bind)


def durable_wait_for_callback(
    func: Callable[Concatenate[str, WaitForCallbackContext, P], T],
) -> Callable[P, BoundSubmitter[T]]:
    """Make ``func(callback_id, context, ...)`` a submitter: ``context.wait_for_callback(func(...))`` runs it.

    The operation is named after the function.

    Raises:
        ValidationError: it is a coroutine function.
    """
    demand_plain(func, "submitter")

    @wraps(func)
    def bind(*args: P.args, **kwargs: P.kwargs) -> BoundSubmitter[T]:
        return BoundSubmitter(
            func.__name__, lambda callback_id, context: func(callback_id, context, *args, **kwargs)
        )

    return mark_decorated(bind)


def durable_parallel_branch(
    name: str | None = None,
) -> Callable[[Callable[Concatenate[Any, P], T]], Callable[P, ParallelBranch[T]]]:
    """Make ``func(context, ...)`` a branch: ``context.parallel([func(...), ...])`` runs it.

    Without a ``name`` the branch is called after its position, ``parallel-branch-<index>``, as any other.

    Raises:
        ValidationError: it is used without parentheses, or on a coroutine function.
    """
    if callable(name):
        raise ValidationError(
            "durable_parallel_branch is written with parentheses: @durable_parallel_branch() "
            'or @durable_parallel_branch("name").'
        )

    def decorate(func: Callable[Concatenate[Any, P], T]) -> Callable[P, ParallelBranch[T]]:
        demand_plain(func, "branch")

        @wraps(func)
        def bind(*args: P.args, **kwargs: P.kwargs) -> ParallelBranch[T]:
            return ParallelBranch(lambda context: func(context, *args, **kwargs), name)

        return mark_decorated(bind)

    return decorate
