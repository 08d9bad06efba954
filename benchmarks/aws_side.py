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
from workloads import Workload, load

SDK = "aws_durable_execution_sdk_python"


# In real time: AWS's runner skips waits, and nothing else.
TIMEOUT_SECONDS = 600


def seconds_of_run(workload: Workload) -> float:
    """Run once, check the result, and return how long the run took, set-up of the runner included."""
    started = time.perf_counter()
    with DurableFunctionTestRunner(handler=workload.handler) as runner:
        workload.register_functions(runner)
        execution_arn = runner.run_async(input="{}", execution_timeout=TIMEOUT_SECONDS)
        workload.answer_callbacks(runner, execution_arn)
        result = runner.wait_for_result(execution_arn, timeout=TIMEOUT_SECONDS)
    elapsed = time.perf_counter() - started
    if json.loads(result.result) != workload.expected:
        raise SystemExit(
            f"{workload.name}: AWS's runner returned {result.result!r}, not {workload.expected!r}"
        )
    return elapsed


def main() -> None:
    """Time what the arguments name: a JSON object of repetitions by workload."""
    logging.disable(logging.CRITICAL)
    warnings.simplefilter("ignore")
    workloads = load(SDK)
    timings = {}
    for name, repetitions in json.loads(sys.argv[1]).items():
        timings[name] = [seconds_of_run(workloads[name]) for _ in range(repetitions)]
    print(json.dumps(timings))


if __name__ == "__main__":
    main()
