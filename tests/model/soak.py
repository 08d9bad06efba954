"""Thousands of random workflows under random schedules, and a search among them for each broken transition.

python -m model.soak [workflows]      run in tests/, takes minutes
"""

from __future__ import annotations

import random
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from hypothesis import HealthCheck, Phase, Verbosity, given, seed, settings
from hypothesis import strategies as st

from durable_sdk import execution
from durable_sdk.operation import child
from model.check import check
from model.generate import workflows
from model.mutants import MUTANTS, Mutant
from model.workflow import Body
from pytest_durable.schedules.seeded import Seeded

SEARCHED = 5000


def run(count: int, chance: int) -> None:
    """Run random workflows; raise at the first that does not come to what the model says."""

    @seed(chance)
    @settings(max_examples=count, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(workflows, st.integers(0, 1_000_000))
    def compare(body: Body, schedule: int) -> None:
        check(body, Seeded(schedule))

    compare()


@contextmanager
def installed(mutant: Mutant) -> Iterator[None]:
    """Break the service for a while, and let most results count as too large to store or return."""
    before: list[tuple[Any, str, Any]] = []

    def patch(module: Any, name: str, value: Any) -> None:
        before.append((module, name, getattr(module, name)))
        setattr(module, name, value)

    patch(child, "MAX_INLINE_CHARACTERS", 40)
    patch(execution, "LAMBDA_RESPONSE_SIZE_LIMIT", 120)
    mutant.install(patch)
    try:
        yield
    finally:
        for module, name, value in reversed(before):
            setattr(module, name, value)


def found_after(mutant: Mutant, chance: int) -> int | None:
    """Return how many random workflows it took to find the mutant, None if it was not found."""
    tried = 0

    @seed(chance)
    @settings(
        max_examples=SEARCHED,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        verbosity=Verbosity.quiet,
        report_multiple_bugs=False,
        suppress_health_check=list(HealthCheck),
    )
    @given(workflows, st.integers(0, 1_000_000))
    def search(body: Body, schedule: int) -> None:
        nonlocal tried
        tried += 1
        check(body, Seeded(schedule))

    with installed(mutant):
        try:
            search()
        except Exception:
            return tried
    return None


def main() -> None:
    """Run both parts and print what came of them."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 5000
    chance = random.SystemRandom().randrange(1 << 32)
    print(f"seed {chance}")
    run(count, chance)
    print(f"{count:,} workflows, each under a random schedule, came to what the model says")
    found = 0
    for mutant in MUTANTS:
        tried = found_after(mutant, chance)
        found += tried is not None
        print(f"{'not found' if tried is None else f'found after {tried:,}'}: {mutant.name}", flush=True)
    print(f"{found} of {len(MUTANTS)} broken transitions found by random workflows")


if __name__ == "__main__":
    main()
