"""Wait strategies: whether wait_for_condition checks again, and how long it waits before."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeAlias, TypeVar

from durable_sdk._backoff import JitterStrategy, exponential_delay
from durable_sdk._checks import check_attempts, check_backoff_rate, check_duration
from durable_sdk._duration import Duration
from durable_sdk._wording import shown
from durable_sdk.exceptions import ValidationError, WaitForConditionError
from durable_sdk.serdes import SerDes, check_serdes

__all__ = [
    "Duration",
    "JitterStrategy",
    "WaitForConditionConfig",
    "WaitForConditionDecision",
    "WaitStrategy",
    "WaitStrategyConfig",
    "create_wait_strategy",
]

T = TypeVar("T")

_FIVE_SECONDS = Duration(5)
_FIVE_MINUTES = Duration(300)


@dataclass(frozen=True, slots=True)
class WaitForConditionDecision:
    """What a wait strategy answers: ``delay`` counts only if ``should_continue``.

    Raises:
        ValidationError: ``delay`` is not a Duration.
    """

    should_continue: bool
    delay: Duration

    def __post_init__(self) -> None:
        check_duration(type(self).__name__, "delay", self.delay)

    @property
    def delay_seconds(self) -> int:
        """The delay in seconds."""
        return self.delay.seconds

    @classmethod
    def continue_waiting(cls, delay: Duration) -> WaitForConditionDecision:
        """Check again after ``delay``. The service waits at least a second."""
        return cls(True, delay)

    @classmethod
    def stop_polling(cls) -> WaitForConditionDecision:
        """The condition is met: the state of this check is the result."""
        return cls(False, Duration())


WaitStrategy: TypeAlias = Callable[[T, int], WaitForConditionDecision]
"""Called with the state that a check returned and how many checks have been made, that one included."""


# Without slots, so that WaitForConditionConfig[int](...) works on Python 3.11; see BatchItem.
@dataclass(frozen=True)
class WaitForConditionConfig(Generic[T]):
    """Options of wait_for_condition.

    ``wait_strategy`` decides after each check, ``initial_state`` is what the first check is given, ``serdes``
    stores the state between checks and as the result (the typed JSON of `ExtendedTypeSerDes` if None).

    Raises:
        ValidationError: a field has a value it cannot have.
    """

    wait_strategy: WaitStrategy[T]
    initial_state: T
    serdes: SerDes[Any] | None = None

    def __post_init__(self) -> None:
        if not callable(self.wait_strategy):
            raise ValidationError(
                f"WaitForConditionConfig.wait_strategy was given {shown(self.wait_strategy)}; it takes a "
                "function, such as create_wait_strategy(WaitStrategyConfig(...))."
            )
        check_serdes("WaitForConditionConfig.serdes", self.serdes)


@dataclass(frozen=True)
class WaitStrategyConfig(Generic[T]):
    """A strategy whose delays grow by a factor.

    Polling goes on while ``should_continue_polling(state)`` is true, for ``max_attempts`` checks at most.
    The delay after check n is ``initial_delay * backoff_rate ** (n - 1)``, at most ``max_delay``, with
    jitter, rounded up to whole seconds, at least one.

    Raises:
        ValidationError: a field has a value it cannot have.
    """

    should_continue_polling: Callable[[T], bool]
    max_attempts: int = 60
    initial_delay: Duration = _FIVE_SECONDS
    max_delay: Duration = _FIVE_MINUTES
    backoff_rate: int | float = 1.5
    jitter_strategy: JitterStrategy = JitterStrategy.FULL

    def __post_init__(self) -> None:
        if not callable(self.should_continue_polling):
            raise ValidationError(
                "WaitStrategyConfig.should_continue_polling was given "
                f"{shown(self.should_continue_polling)}; it takes a function of the state."
            )
        check_attempts(self)
        check_backoff_rate(self, self.backoff_rate)

    @property
    def initial_delay_seconds(self) -> int:
        """The delay after the first check, in seconds."""
        return self.initial_delay.seconds

    @property
    def max_delay_seconds(self) -> int:
        """The longest delay, in seconds."""
        return self.max_delay.seconds


def create_wait_strategy(config: WaitStrategyConfig[T]) -> WaitStrategy[T]:
    """Return the strategy that ``config`` describes.

    It raises a WaitForConditionError, which fails the operation, when the condition is not met within
    ``max_attempts`` checks.

    Raises:
        ValidationError: ``config`` is something else.
    """
    if not isinstance(config, WaitStrategyConfig):
        raise ValidationError(f"create_wait_strategy takes a WaitStrategyConfig, got {shown(config)}.")

    def decide(state: T, attempts_made: int) -> WaitForConditionDecision:
        if not config.should_continue_polling(state):
            return WaitForConditionDecision.stop_polling()
        if attempts_made >= config.max_attempts:
            raise WaitForConditionError(
                f"wait_for_condition exhausted {config.max_attempts} attempts before the condition was met"
            )
        base_delay = exponential_delay(
            config.initial_delay.seconds, config.backoff_rate, config.max_delay.seconds, attempts_made
        )
        return WaitForConditionDecision.continue_waiting(
            Duration(config.jitter_strategy.finalize_delay(base_delay))
        )

    return decide
