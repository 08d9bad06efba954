"""Retries: strategies for steps, and with_retry for a group of operations that is tried again as a whole."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from durable_sdk._backoff import MIN_DELAY_SECONDS
from durable_sdk._callables import demand_callable, demand_config
from durable_sdk._checks import check_bool, check_name, check_retry_strategy
from durable_sdk._duration import LONGEST_DELAY_SECONDS
from durable_sdk._retry_strategies import (
    Duration,
    JitterStrategy,
    LinearRetryStrategyConfig,
    RetryDecision,
    RetryPresets,
    RetryStrategy,
    RetryStrategyConfig,
    create_linear_retry_strategy,
    create_retry_strategy,
)
from durable_sdk._wording import shown
from durable_sdk.config import ChildConfig
from durable_sdk.exceptions import ValidationError, ends_more_than_an_operation

__all__ = [
    "Duration",
    "JitterStrategy",
    "LinearRetryStrategyConfig",
    "RetryDecision",
    "RetryPresets",
    "RetryStrategy",
    "RetryStrategyConfig",
    "WithRetryConfig",
    "create_linear_retry_strategy",
    "create_retry_strategy",
    "with_retry",
]

T = TypeVar("T")
S = TypeVar("S")


class RetryContext(Protocol):
    """What with_retry asks of a context; every DurableContext has it."""

    def wait(self, duration: Duration, name: str | None = None, /) -> None: ...

    def run_in_child_context(
        self, func: Callable[[Any], S], name: str | None, config: ChildConfig[S] | None, /
    ) -> S: ...


C = TypeVar("C", bound=RetryContext)


# Without slots, so that WithRetryConfig[int](...) works on Python 3.11; see BatchItem.
@dataclass(frozen=True)
class WithRetryConfig(Generic[T]):
    """Options of with_retry.

    ``retry_strategy`` decides about failed attempts (three attempts if None, see `create_retry_strategy`).
    All attempts lie in one child context, with the options ``child_context_config``, unless
    ``wrap_with_run_in_child_context`` is False.

    Raises:
        ValidationError: a field has a value it cannot have.
    """

    retry_strategy: RetryStrategy | None = None
    wrap_with_run_in_child_context: bool = True
    child_context_config: ChildConfig[T] | None = None

    def __post_init__(self) -> None:
        check_retry_strategy("WithRetryConfig.retry_strategy", self.retry_strategy)
        check_bool("WithRetryConfig.wrap_with_run_in_child_context", self.wrap_with_run_in_child_context)
        child: object = self.child_context_config
        if child is not None and not isinstance(child, ChildConfig):
            raise ValidationError(
                f"WithRetryConfig.child_context_config was given {shown(child)}; it takes a ChildConfig."
            )


_DEFAULT_CONFIG: WithRetryConfig[Any] = WithRetryConfig()


def _backoff_name(name: str, attempt: int) -> str:
    return f"{name}-backoff-{attempt}"


def with_retry(
    context: C,
    func: Callable[[C, int], T],
    config: WithRetryConfig[T] | None = None,
    name: str | None = None,
) -> T:
    """Call ``func(context, attempt)`` until it succeeds or the strategy of ``config`` gives up.

    Each attempt runs the operations of ``func`` anew, from its start; attempts are counted from 1. Between
    two attempts it waits, without an invocation running, in a wait named ``<name>-backoff-<attempt>``.
    Errors that end the execution or this invocation (`ExecutionError`, retryable `InvocationError`) come out
    at once.

    Raises:
        ChildContextError: the last attempt failed. With ``wrap_with_run_in_child_context=False`` the error
            itself comes out.
        ValidationError: an argument is wrong.
    """
    demand_callable(func, "with_retry")
    config = demand_config(config, _DEFAULT_CONFIG)
    strategy = config.retry_strategy or create_retry_strategy()
    if name:
        check_name(_backoff_name(name, 1))

    def attempts(inner: C) -> T:
        attempt = 1
        while True:
            try:
                return func(inner, attempt)
            except Exception as error:
                if ends_more_than_an_operation(error):
                    raise
                decision = strategy(error, attempt)
                if not decision.should_retry:
                    raise
            delay_seconds = min(max(decision.delay_seconds, MIN_DELAY_SECONDS), LONGEST_DELAY_SECONDS)
            inner.wait(Duration(delay_seconds), _backoff_name(name, attempt) if name else None)
            attempt += 1

    if not config.wrap_with_run_in_child_context:
        return attempts(context)
    return context.run_in_child_context(attempts, name, config.child_context_config)
