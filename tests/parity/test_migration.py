"""A suite written for AWS's packages passes here when its imports are changed, and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

AWS_SUITE = (Path(__file__).parent / "aws_suite.py").read_text()

# In this order: the first name begins with the second.
RENAMED = {
    "aws_durable_execution_sdk_python_testing": "pytest_durable",
    "aws_durable_execution_sdk_python": "durable_sdk",
}


def test_a_suite_moves_by_changing_its_imports(pytester: pytest.Pytester) -> None:
    suite = AWS_SUITE
    for theirs, ours in RENAMED.items():
        suite = suite.replace(theirs, ours)
    pytester.makepyfile(suite)
    result = pytester.runpytest_inprocess("-q", "-W", "error")
    outcomes = result.parseoutcomes()
    assert outcomes == {"passed": outcomes["passed"]}
    assert outcomes["passed"] >= 24
