"""Limits: how many runs an exploration makes at most.

Without a limit of its own a test gets the default one. It depends on the length of the ordinary run alone,
never on time, so that it is the same on every machine.
"""

from __future__ import annotations

from dataclasses import dataclass

from pytest_durable.exploration.settings import DEFAULT_INTERLEAVINGS, ExplorationSettings
from pytest_durable.exploration.trial import Trial

USUAL_LENGTH = 100
"""Points, or events of the history, of a run up to which the default limit is the whole of `MOST_PLANS`.

A run of twenty steps has about 60 of either, one of twenty steps with waits between them about 120.
"""

MOST_PLANS = 400
"""How many plans of the sweep are run by default; a run of usual length has about four for each point."""

LEAST_PLANS = 30
"""How many plans of the sweep are run by default, however long the run."""

LEAST_ORDERS = 10
"""How many of the orders that were not asked for are run by default, however long the run."""

# Pairs are asked for by who wants many runs.
_MORE_FOR_PAIRS = 10

# So much of a limit is left to orders if the sweep alone would use it up.
_SHARE_OF_ORDERS = 5


@dataclass(frozen=True, slots=True)
class Limits:
    """The most runs, the ordinary one aside; None is no limit.

    ``sweep`` is how many are made before orders get their turn. What the orders leave of ``total`` goes to
    the sweep again.
    """

    sweep: int | None = None
    orders: int | None = None
    total: int | None = None
    is_default: bool = False


def limits_of(settings: ExplorationSettings, ordinary: Trial) -> Limits:
    """Return the limits of an exploration, of which the ordinary run is known."""
    orders = 0 if settings.interleavings == "exhaustive" else settings.interleavings
    if settings.schedules is not None:
        kept = min(orders, settings.schedules // _SHARE_OF_ORDERS)
        return Limits(sweep=settings.schedules - kept, total=settings.schedules)
    if settings.budget is not None:
        return Limits()
    length = max(len(ordinary.points), ordinary.events, 1)
    # A longer run has more plans, and each of them takes longer.
    part = min(1.0, (USUAL_LENGTH / length) ** 2)
    sweep = max(LEAST_PLANS, round(MOST_PLANS * part))
    if settings.crashes == "pairs":
        sweep *= _MORE_FOR_PAIRS
    if settings.interleavings == "exhaustive":
        # That search has a bound of its own.
        return Limits(sweep=sweep, is_default=True)
    if orders == DEFAULT_INTERLEAVINGS:
        orders = max(LEAST_ORDERS, round(orders * part))
    return Limits(sweep=sweep, orders=orders, total=sweep + orders, is_default=True)
