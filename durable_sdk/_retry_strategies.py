"""Retry strategies: whether a failed attempt is repeated, and how long to wait before."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from durable_sdk._backoff import JitterStrategy, exponential_delay, linear_delay
from durable_sdk._checks import (
    check_attempts,
    check_backoff_rate,
    check_duration,
    invalid,
)
from durable_sdk._duration import Duration
from durable_sdk.exceptions import ValidationError

__all__ = [
    "Duration",
    "JitterStrategy",
    "LinearRetryStrategyConfig",
    "RetryDecision",
    "RetryPresets",
    "RetryStrategy",
    "RetryStrategyConfig",
    "create_linear_retry_strategy",
    "create_retry_strategy",
]

_ONE_SECOND = Duration(1)
_FIVE_SECONDS = Duration(5)
_FIVE_MINUTES = Duration(300)


@dataclass(frozen=True, slots=True)
class RetryDecision:
    """What a retry strategy answers: ``delay`` counts only if ``should_retry``.

    Raises:
        ValidationError: ``delay`` is not a Duration.
    """

    should_retry: bool
    delay: Duration

    def __post_init__(self) -> None:
        check_duration(type(self).__name__, "delay", self.delay)

    @property
    def delay_seconds(self) -> int:
        """The delay in seconds."""
        return self.delay.seconds

    @classmethod
    def retry(cls, delay: Duration) -> RetryDecision:
        """Try again after ``delay``. The service waits at least a second."""
        return cls(True, delay)

    @classmethod
    def no_retry(cls) -> RetryDecision:
        """Give up."""
        return cls(False, Duration())


RetryStrategy: TypeAlias = Callable[[Exception, int], RetryDecision]
"""Called with what an attempt raised and how many attempts have been made, that one included."""


@dataclass(frozen=True, slots=True)
class RetryStrategyConfig:
    """A strategy whose delays grow by a factor.

    The delay after attempt n is ``initial_delay * backoff_rate ** (n - 1)``, at most ``max_delay``,
    with jitter, rounded up to whole seconds, at least one.

    ``max_attempts`` counts the first attempt too. ``retryable_errors`` (a text that is part of the
    error's, or a compiled pattern found in it) and ``retryable_error_types`` narrow down what is
    retried: an error has to match one entry of either. Without both, every error is retried.

    Raises:
        ValidationError: a field has a value it cannot have.
    """

    max_attempts: int = 3
    initial_delay: Duration = _FIVE_SECONDS
    max_delay: Duration = _FIVE_MINUTES
    backoff_rate: int | float = 2.0
    jitter_strategy: JitterStrategy = JitterStrategy.FULL
    retryable_errors: Sequence[str | re.Pattern[str]] | None = None
    retryable_error_types: Sequence[type[Exception]] | None = None

    def __post_init__(self) -> None:
        check_attempts(self)
        _check_filters(self)
        check_backoff_rate(self, self.backoff_rate)

    @property
    def initial_delay_seconds(self) -> int:
        """The delay after the first attempt, in seconds."""
        return self.initial_delay.seconds

    @property
    def max_delay_seconds(self) -> int:
        """The longest delay, in seconds."""
        return self.max_delay.seconds


@dataclass(frozen=True, slots=True)
class LinearRetryStrategyConfig:
    """A strategy whose delays grow by ``increment`` each time; else as RetryStrategyConfig.

    Raises:
        ValidationError: a field has a value it cannot have.
    """

    max_attempts: int = 6
    initial_delay: Duration = _ONE_SECOND
    increment: Duration = _ONE_SECOND
    max_delay: Duration = _FIVE_MINUTES
    jitter_strategy: JitterStrategy = JitterStrategy.FULL
    retryable_errors: Sequence[str | re.Pattern[str]] | None = None
    retryable_error_types: Sequence[type[Exception]] | None = None

    def __post_init__(self) -> None:
        check_attempts(self)
        _check_filters(self)
        check_duration(type(self).__name__, "increment", self.increment)

    @property
    def initial_delay_seconds(self) -> int:
        """The delay after the first attempt, in seconds."""
        return self.initial_delay.seconds

    @property
    def increment_seconds(self) -> int:
        """What each delay is longer than the one before, in seconds."""
        return self.increment.seconds

    @property
    def max_delay_seconds(self) -> int:
        """The longest delay, in seconds."""
        return self.max_delay.seconds


def create_retry_strategy(config: RetryStrategyConfig | None = None) -> RetryStrategy:
    """Return the strategy that ``config`` describes, by default three attempts.

    Raises:
        ValidationError: ``config`` is something else.
    """
    config = RetryStrategyConfig() if config is None else config
    _demand_config("create_retry_strategy", config, RetryStrategyConfig)

    def base_delay(attempts_made: int) -> float:
        return exponential_delay(
            config.initial_delay.seconds,
            config.backoff_rate,
            config.max_delay.seconds,
            attempts_made,
        )

    return _strategy(config, base_delay)


def create_linear_retry_strategy(config: LinearRetryStrategyConfig | None = None) -> RetryStrategy:
    """Return the strategy that ``config`` describes, by default six attempts.

    Raises:
        ValidationError: ``config`` is something else.
    """
    config = LinearRetryStrategyConfig() if config is None else config
    _demand_config("create_linear_retry_strategy", config, LinearRetryStrategyConfig)

    def base_delay(attempts_made: int) -> float:
        return linear_delay(
            config.initial_delay.seconds,
            config.increment.seconds,
            config.max_delay.seconds,
            attempts_made,
        )

    return _strategy(config, base_delay)


class RetryPresets:
    """Strategies for the usual cases."""

    @classmethod
    def none(cls) -> RetryStrategy:
        """One attempt."""
        return create_retry_strategy(RetryStrategyConfig(max_attempts=1))

    @classmethod
    def default(cls) -> RetryStrategy:
        """Six attempts within some two minutes: what a step does if it is told nothing else."""
        return create_retry_strategy(RetryStrategyConfig(max_attempts=6, max_delay=Duration(60)))

    @classmethod
    def transient(cls) -> RetryStrategy:
        """Three attempts, for errors that pass quickly."""
        return create_retry_strategy(RetryStrategyConfig(jitter_strategy=JitterStrategy.HALF))

    @classmethod
    def resource_availability(cls) -> RetryStrategy:
        """Five attempts with delays up to five minutes, for something that has to come up first."""
        return create_retry_strategy(RetryStrategyConfig(max_attempts=5))

    @classmethod
    def critical(cls) -> RetryStrategy:
        """Ten attempts that follow closely, without jitter, for what has to succeed."""
        return create_retry_strategy(
            RetryStrategyConfig(
                max_attempts=10,
                initial_delay=_ONE_SECOND,
                max_delay=Duration(60),
                backoff_rate=1.5,
                jitter_strategy=JitterStrategy.NONE,
            )
        )

    @classmethod
    def linear(cls) -> RetryStrategy:
        """Six attempts after 1, 2, 3, 4 and 5 seconds."""
        return create_linear_retry_strategy(LinearRetryStrategyConfig(jitter_strategy=JitterStrategy.NONE))

    @classmethod
    def fixed(cls, interval: Duration | None = None) -> RetryStrategy:
        """Five attempts, ``interval`` apart (5 seconds by default)."""
        interval = _FIVE_SECONDS if interval is None else interval
        return create_retry_strategy(
            RetryStrategyConfig(
                max_attempts=5,
                initial_delay=interval,
                max_delay=interval,
                backoff_rate=1,
                jitter_strategy=JitterStrategy.NONE,
            )
        )


def _strategy(
    config: RetryStrategyConfig | LinearRetryStrategyConfig, base_delay: Callable[[int], float]
) -> RetryStrategy:
    def decide(error: Exception, attempts_made: int) -> RetryDecision:
        if attempts_made >= config.max_attempts or not _is_retryable(config, error):
            return RetryDecision.no_retry()
        delay_seconds = config.jitter_strategy.finalize_delay(base_delay(attempts_made))
        return RetryDecision.retry(Duration(delay_seconds))

    return decide


def _is_retryable(config: RetryStrategyConfig | LinearRetryStrategyConfig, error: Exception) -> bool:
    if config.retryable_errors is None and config.retryable_error_types is None:
        return True
    if isinstance(error, tuple(config.retryable_error_types or ())):
        return True
    text = str(error)
    return any(
        pattern in text if isinstance(pattern, str) else pattern.search(text) is not None
        for pattern in config.retryable_errors or ()
    )


def _check_filters(config: RetryStrategyConfig | LinearRetryStrategyConfig) -> None:
    patterns: Any = config.retryable_errors
    # A text is a sequence of texts: taken as a list it would match by single letters.
    if patterns is not None and (
        isinstance(patterns, str)
        or not isinstance(patterns, Sequence)
        or not all(isinstance(pattern, str | re.Pattern) for pattern in patterns)
    ):
        raise invalid(config, "retryable_errors", patterns, "it takes a list of texts and compiled patterns")
    types: Any = config.retryable_error_types
    if types is not None and (
        not isinstance(types, Sequence)
        or not all(isinstance(cls, type) and issubclass(cls, BaseException) for cls in types)
    ):
        raise invalid(config, "retryable_error_types", types, "it takes a list of exception classes")


def _demand_config(function: str, config: object, wanted: type) -> None:
    if not isinstance(config, wanted):
        raise ValidationError(f"{function} takes a {wanted.__name__}, got {config!r:.100}.")
