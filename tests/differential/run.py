"""Runs the corpus here and on AWS's own test runner, and prints every difference.

    python tests/differential/run.py               all cases; exit 1 on an undocumented difference
    python tests/differential/run.py CASE...       some of them
    python tests/differential/run.py --docs        write the table of deliberate ones into the documentation

AWS's packages are installed from the index into a scratch environment under build/; they are no dependency
of the project.
"""

from __future__ import annotations

import argparse
import json
import logging
import subprocess
import sys
import venv
from pathlib import Path

TESTS = Path(__file__).resolve().parent.parent
ROOT = TESTS.parent
# The corpus is imported from here everywhere, so that the names of its errors are the same.
sys.path.insert(0, str(TESTS))

from differential import deliberate, ours, outcome  # noqa: E402
from differential.corpus import all_cases  # noqa: E402
from migration.corpus import Case, Sdk  # noqa: E402

SCRATCH = ROOT / "build" / "aws-venv"
PACKAGES = (
    "aws-durable-execution-sdk-python==3.0.0",
    "aws-durable-execution-sdk-python-testing==1.4.0",
)
PAGE = ROOT / "docs" / "explanation" / "differences-from-aws.md"
_LIMIT_SECONDS = 240


def aws_outcomes(names: list[str]) -> dict[str, outcome.Json]:
    """Return what the cases come to on AWS's runner."""
    python = SCRATCH / "bin" / "python"
    if not python.exists():
        venv.create(SCRATCH, with_pip=True)
        subprocess.run([python, "-m", "pip", "install", "-q", *PACKAGES], check=True)
    done = subprocess.run(
        [python, TESTS / "differential" / "aws_side.py", *names],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
        timeout=_LIMIT_SECONDS,
    )
    outcomes: dict[str, outcome.Json] = json.loads(done.stdout.splitlines()[-1])
    return outcomes


def our_outcome(case: Case, sdk: Sdk) -> outcome.Json:
    """Return what a case comes to in the simulator."""
    try:
        return ours.run(case, sdk)
    except Exception as error:
        return {"status": f"no result: {type(error).__name__}: {error}"}


def compare(names: list[str]) -> int:
    """Print the differences of all cases, or of those named, and return how many are not documented."""
    logging.disable(logging.CRITICAL)
    sdk, cases = Sdk("durable_sdk"), all_cases()
    theirs = aws_outcomes(names)
    undocumented = 0
    seen: set[int] = set()
    for name, other in theirs.items():
        for line in outcome.differences(our_outcome(cases[name], sdk), other):
            covering = [n for n, each in enumerate(deliberate.DELIBERATE) if each.covers(name, line)]
            seen.update(covering)
            if not covering:
                undocumented += 1
                print(f"{name}: {line}")
    stale = [
        each.situation
        for number, each in enumerate(deliberate.DELIBERATE)
        if each.found and number not in seen and not names
    ]
    for situation in stale:
        print(f"documented, but not found: {situation}")
    print(f"{len(theirs)} cases, {undocumented} undocumented differences, {len(seen)} deliberate ones found")
    return undocumented + len(stale)


def write_page() -> None:
    """Put the table of deliberate differences into the documentation."""
    before, start, rest = PAGE.read_text().partition("<!-- differences -->\n")
    _, end, after = rest.partition("<!-- end -->")
    PAGE.write_text(f"{before}{start}\n{deliberate.table()}\n\n{end}{after}")


def main() -> int:
    """Do what the arguments say."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("cases", nargs="*", metavar="CASE")
    parser.add_argument("--docs", action="store_true", help="write the table into the documentation")
    options = parser.parse_args()
    if options.docs:
        write_page()
        return 0
    return 1 if compare(options.cases) else 0


if __name__ == "__main__":
    sys.exit(main())
