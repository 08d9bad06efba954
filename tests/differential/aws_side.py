"""Runs the corpus on AWS's own test runner. Runs in an environment that has AWS's packages.

Prints one JSON object: what each execution came to, by the name of its case.
"""

from __future__ import annotations

import faulthandler
import json
import logging
import os
import sys
import time
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from aws_durable_execution_sdk_python.lambda_service import ErrorObject
from aws_durable_execution_sdk_python_testing import DurableFunctionTestRunner
from differential.corpus import all_cases
from differential.outcome import Json, plain_function, tree
from migration.corpus import Case, Sdk

_THREADS = 6
_TIMEOUT_SECONDS = 45
_HANGS_AFTER_SECONDS = 170
_POLL_SECONDS = 0.02


def run(case: Case, sdk: Sdk) -> Json:
    """Run a case to its end, and return what it came to."""
    handler = sdk.root.durable_execution(case.handler(sdk))
    with DurableFunctionTestRunner(handler=handler, poll_interval=_POLL_SECONDS) as runner:
        for name, answer in case.targets.items():
            runner.register_function(name, plain_function(answer))
        for name, body in getattr(case, "functions", {}).items():
            target = Case(name, body)
            runner.register_durable_function(name, sdk.root.durable_execution(target.handler(sdk)))
        arn = runner.run_async(input=json.dumps(case.input), execution_timeout=_TIMEOUT_SECONDS)
        answer_callbacks(runner, arn, case)
        result = runner.wait_for_result(arn, timeout=_TIMEOUT_SECONDS)
    return {
        "status": result.status.value,
        "result": result.result,
        "error": None if result.error is None else [result.error.type, result.error.message],
        "operations": tree(result.operations),
    }


def answer_callbacks(runner: Any, arn: str, case: Case) -> None:
    """Answer callbacks as they come, until the execution has ended."""
    answered = set()
    deadline = time.monotonic() + _TIMEOUT_SECONDS
    while time.monotonic() < deadline:
        for event in runner.get_execution_history(arn, include_execution_data=True).events:
            if event.event_type.startswith("Execution") and event.event_type != "ExecutionStarted":
                return
            if event.event_type != "CallbackStarted" or event.operation_id in answered:
                continue
            name = (event.name or "").removesuffix("create callback id").strip()
            if name in case.answers:
                answered.add(event.operation_id)
                send(runner, event.callback_started_details.callback_id, case.answers[name])
        time.sleep(_POLL_SECONDS)


def send(runner: Any, callback_id: str, answer: Any) -> None:
    """Answer one callback."""
    if answer.status == "SUCCEEDED":
        result = None if answer.result is None else answer.result.encode()
        runner.send_callback_success(callback_id, result)
    else:
        runner.send_callback_failure(callback_id, ErrorObject.from_dict(answer.error or {}))


def main() -> None:
    """Run every case, or those that the arguments name."""
    logging.disable(logging.CRITICAL)
    warnings.simplefilter("ignore")
    faulthandler.dump_traceback_later(_HANGS_AFTER_SECONDS, exit=True)
    sdk = Sdk("aws_durable_execution_sdk_python")
    chosen = [case for case in all_cases().values() if not sys.argv[1:] or case.name in sys.argv[1:]]

    def outcome(case: Case) -> Json:
        try:
            return run(case, sdk)
        except Exception as error:
            return {"status": f"no result: {type(error).__name__}: {error}"}

    with ThreadPoolExecutor(_THREADS) as pool:
        outcomes = list(pool.map(outcome, chosen))
    print(json.dumps({case.name: each for case, each in zip(chosen, outcomes, strict=True)}))
    sys.stdout.flush()
    # What AWS's SDK leaves running may not keep the process.
    os._exit(0)


if __name__ == "__main__":
    main()
