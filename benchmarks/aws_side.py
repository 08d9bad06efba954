"""Times the workloads on AWS's own test runner. Runs in an environment that has AWS's packages.

Prints one JSON object: the seconds of each repetition, by workload.
"""

from __future__ import annotations

import json
import logging
import sys
import time
import warnings

from aws_durable_execution_sdk_python_testing import DurableFunctionTestRunner
from workloads import load

SDK = "aws_durable_execution_sdk_python"


def seconds_of_run(handler: object, expected: object) -> float:
    """Run once, check the result, and return how long the run took, set-up of the runner included."""
    started = time.perf_counter()
    with DurableFunctionTestRunner(handler=handler) as runner:
        result = runner.run(input="{}", execution_timeout=600)
    elapsed = time.perf_counter() - started
    if json.loads(result.result) != expected:
        raise SystemExit(f"AWS's runner returned {result.result!r}, expected {expected!r}")
    return elapsed


def main() -> None:
    """Time what the arguments name: a JSON object of repetitions by workload."""
    logging.disable(logging.CRITICAL)
    warnings.simplefilter("ignore")
    workloads = load(SDK)
    timings = {}
    for name, repetitions in json.loads(sys.argv[1]).items():
        workload = workloads[name]
        timings[name] = [seconds_of_run(workload.handler, workload.expected) for _ in range(repetitions)]
    print(json.dumps(timings))


if __name__ == "__main__":
    main()
