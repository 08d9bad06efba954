"""Runs the corpus here and on AWS's own test runner, and prints every difference.

    python tests/differential/run.py               all cases; exit 1 on an undocumented difference
    python tests/differential/run.py CASE...       some of them
    python tests/differential/run.py --save        all, and keep what AWS's runner gives for the test suite
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

SCRATCH = ROOT / "build" / "aws-venv"
PACKAGES = (
    "aws-durable-execution-sdk-python==3.0.0",
    "aws-durable-execution-sdk-python-testing==1.4.0",
)
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


def compare(names: list[str], *, save: bool) -> int:
    """Print the differences of all cases, or of those named, and return how many are not documented."""
    logging.disable(logging.CRITICAL)
    theirs = aws_outcomes(names)
    if save:
        outcome.save(theirs)
    undocumented, seen = ours.undocumented(theirs)
    print(*undocumented, sep="\n")
    documented = [] if names else [each.situation for each in deliberate.DELIBERATE if each.found]
    stale = [situation for situation in documented if situation not in seen]
    for situation in stale:
        print(f"documented, but not found: {situation}")
    print(f"{len(theirs)} cases, {len(undocumented)} undocumented differences, {len(seen)} deliberate ones")
    return len(undocumented) + len(stale)


def main() -> int:
    """Do what the arguments say."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("cases", nargs="*", metavar="CASE")
    parser.add_argument("--docs", action="store_true", help="write the table into the documentation")
    parser.add_argument("--save", action="store_true", help="keep what AWS's runner gives for the test suite")
    options = parser.parse_args()
    if options.docs:
        deliberate.write_page()
        return 0
    if options.save and options.cases:
        parser.error("--save keeps all cases: name none")
    return 1 if compare(options.cases, save=options.save) else 0


if __name__ == "__main__":
    sys.exit(main())
