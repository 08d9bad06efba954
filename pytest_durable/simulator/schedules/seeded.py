"""Seeded: every option is equally likely, drawn from a seed."""

from __future__ import annotations

from pytest_durable.simulator.entropy import Entropy


class Seeded:
    """Takes options at random; the same seed takes the same ones."""

    is_ordinary = False

    def __init__(self, seed: int) -> None:
        self._stream = Entropy(seed).stream("schedule")

    def pick(self, kind: str, options: int) -> int:
        """Return a random index."""
        return self._stream.randrange(options)
