"""Delays that grow from attempt to attempt, and the jitter that spreads them."""

from __future__ import annotations

from enum import StrEnum
from math import ceil

from durable_sdk import _runtime

MIN_DELAY_SECONDS = 1
"""The shortest delay that the service accepts."""


class JitterStrategy(StrEnum):
    """How much of a delay is left to chance, so that failures spread out."""

    NONE = "NONE"
    """Nothing: the delay as computed."""

    FULL = "FULL"
    """Everything: between nothing and the delay."""

    HALF = "HALF"
    """One half: between half the delay and the delay."""

    def apply_jitter(self, delay: float) -> float:
        """Return ``delay`` with jitter, in the same unit."""
        if self is JitterStrategy.NONE:
            return delay
        if self is JitterStrategy.FULL:
            return _runtime.random() * delay
        return delay / 2 + _runtime.random() * (delay / 2)

    def finalize_delay(self, base_delay: float) -> int:
        """Return ``base_delay`` with jitter, as whole seconds, at least 1."""
        return max(MIN_DELAY_SECONDS, ceil(self.apply_jitter(base_delay)))


def exponential_delay(initial_seconds: int, rate: float, max_seconds: int, attempts_made: int) -> float:
    """Return the delay in seconds after the given attempt: multiplied by ``rate`` each time."""
    try:
        grown = initial_seconds * float(rate) ** (attempts_made - 1)
    except OverflowError:
        # Beyond the largest float. Nothing grows out of nothing, though.
        return max_seconds if initial_seconds else 0
    return min(grown, max_seconds)


def linear_delay(initial_seconds: int, increment_seconds: int, max_seconds: int, attempts_made: int) -> int:
    """Return the delay in seconds after the given attempt: longer by the increment each time."""
    return min(initial_seconds + increment_seconds * (attempts_made - 1), max_seconds)
