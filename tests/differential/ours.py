"""Runs the corpus in the simulator, and compares."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from differential.corpus import all_cases
from differential.deliberate import DELIBERATE
from differential.outcome import Json, differences, plain_function, tree
from migration.corpus import Case, Sdk
from migration.service import Answer

from pytest_durable.simulator.identifiers import FunctionVersion
from pytest_durable.simulator.options import SimulatorOptions
from pytest_durable.simulator.runner import LocalRunner, Target


def run(case: Case, sdk: Sdk) -> Json:
    """Run a case to its end, and return what it came to."""
    handler = sdk.root.durable_execution(case.handler(sdk))
    with LocalRunner(Target(handler, FunctionVersion("function")), SimulatorOptions) as runner:
        for name, answer in case.answers.items():
            script(runner, name, answer)
        for name, answer in case.targets.items():
            runner.register_function(name, plain_function(answer))
        for name, body in getattr(case, "functions", {}).items():
            target = sdk.root.durable_execution(Case(name, body).handler(sdk))
            runner.register_durable_function(name, target)
        result = runner.run(case.input)
    error = result.error
    return {
        "status": result.status.value,
        "result": result.result,
        "error": None if error is None else [error.type, error.message],
        "operations": tree(result.operations),
    }


def script(runner: Any, name: str, answer: Answer) -> None:
    """Answer the callbacks of a name."""
    callback = runner.on_callback(name or None)
    if answer.status == "SUCCEEDED":
        callback.succeed(answer.result, after=answer.after_seconds)
    else:
        callback.fail(answer.error, after=answer.after_seconds)


def undocumented(theirs: Mapping[str, Json]) -> tuple[list[str], set[str]]:
    """Compare with outcomes of AWS's runner, by case.

    Returns the differences that nothing documents, and the situations of the documented ones found.
    """
    sdk = Sdk("durable_sdk")
    found: list[str] = []
    seen: set[str] = set()
    for name, other in theirs.items():
        try:
            outcome = run(all_cases()[name], sdk)
        except Exception as error:
            outcome = {"status": f"no result: {type(error).__name__}: {error}"}
        for line in differences(outcome, other):
            covering = {each.situation for each in DELIBERATE if each.covers(name, line)}
            seen |= covering
            if not covering:
                found.append(f"{name}: {line}")
    return found, seen
