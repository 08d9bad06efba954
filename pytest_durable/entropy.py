"""Entropy: seeded streams of chance, one for each purpose.

Streams are independent, so one more draw for one purpose shifts none of the others.
"""

from __future__ import annotations

import hashlib
import random


class Entropy:
    """The source of all chance of a run."""

    def __init__(self, seed: int) -> None:
        self.seed = seed

    def stream(self, purpose: str) -> random.Random:
        """Return a new generator that depends on the seed and the purpose alone."""
        # Random seeds itself from text through hash(), which PYTHONHASHSEED changes; from an int it does not.
        digest = hashlib.blake2b(f"{self.seed}/{purpose}".encode(), digest_size=16).digest()
        return random.Random(int.from_bytes(digest, "big"))
