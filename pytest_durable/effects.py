"""The types of the fixture ``durable_effects``, for annotations."""

from __future__ import annotations

from pytest_durable.simulator.ledger.effect import Effect, Key
from pytest_durable.simulator.ledger.ledger import EffectLedger

__all__ = ["Effect", "EffectLedger", "Key"]
