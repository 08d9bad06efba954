"""Compares the exhaustive search with running every order, on any number of random workflows.

    python tests/schedule_soak.py --first 0 --count 100 --bound 5000 --advances 1 --preemptions 1

Ends with an error at the first workflow where the search misses an outcome.
"""

from __future__ import annotations

import argparse
import random

import small_world


def main() -> None:
    """Compare, and print how many runs either took."""
    parser = argparse.ArgumentParser(description=__doc__)
    for option, default in (
        ("first", 0),
        ("count", 50),
        ("bound", 2000),
        ("advances", 0),
        ("preemptions", 0),
    ):
        parser.add_argument(f"--{option}", type=int, default=default)
    given = parser.parse_args()
    compared = runs = all_runs = 0
    for seed in range(given.first, given.first + given.count):
        shape = small_world.random_shape(random.Random(seed))
        try:
            found = small_world.compare(shape, given.bound, given.advances, given.preemptions)
        except small_world.TooManyOrdersError:
            continue
        if found.outcomes != found.all_outcomes:
            raise SystemExit(f"Workflow {seed} {shape}: {found.all_outcomes - found.outcomes} not reached.")
        compared += 1
        runs += found.runs
        all_runs += found.all_runs
    print(f"{compared} of {given.count} workflows compared, {runs} runs reach what {all_runs} do.")


if __name__ == "__main__":
    main()
