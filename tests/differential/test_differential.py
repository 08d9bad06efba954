"""The corpus ends here as on AWS's own test runner, but for the differences that are documented."""

from __future__ import annotations

import json
import re
from copy import deepcopy
from typing import Any

import pytest
from differential import deliberate, outcome
from differential.corpus import all_cases
from differential.deliberate import DELIBERATE
from differential.ours import undocumented
from migration.corpus import Case, Sdk, gives
from migration.driver import new_execution
from migration.service import Answer, Json

NAMES = sorted(outcome.saved())


@pytest.mark.parametrize("name", NAMES)
def test_a_case_ends_as_on_awss_runner_but_for_what_is_documented(name: str) -> None:
    differences, seen = undocumented({name: outcome.saved()[name]})
    assert not differences
    assert seen == {each.situation for each in DELIBERATE if name in each.found}


def test_every_case_has_an_outcome_of_awss_runner() -> None:
    assert sorted(all_cases()) == NAMES


def test_every_deliberate_difference_has_a_reason_and_names_cases_that_exist() -> None:
    for each in DELIBERATE:
        assert all((each.situation, each.aws, each.here, each.reason))
        assert each.found.keys() <= all_cases().keys()
        for pattern in each.found.values():
            re.compile(pattern)
    assert len({each.situation for each in DELIBERATE}) == len(DELIBERATE)


def test_the_documentation_lists_the_deliberate_differences() -> None:
    assert deliberate.table_on_page() == deliberate.table(), "python tests/differential/run.py --docs"


def test_a_difference_anywhere_in_the_outcome_is_found() -> None:
    outcomes = outcome.saved()["an_order_from_end_to_end"]
    changed = deepcopy(outcomes)
    changed["result"] = "null"
    first, second, *_ = changed["operations"]
    changed["operations"][first] |= {"status": "TIMED_OUT", "attempt": 7}
    del changed["operations"][second]
    lines = outcome.differences(changed, outcomes)
    assert len(lines) == 4
    assert [line for line in lines if line.startswith("execution result: here")]
    assert [line for line in lines if line.endswith("only with AWS")]
    assert [line for line in lines if 'status: here "TIMED_OUT"' in line]
    assert [line for line in lines if "attempt: here 7" in line]


def test_two_outcomes_that_differ_in_the_name_of_the_package_alone_are_the_same() -> None:
    ours = {"status": "FAILED", "error": ["durable_sdk.exceptions.StepError", "boom"]}
    aws = {"status": "FAILED", "error": ["aws_durable_execution_sdk_python.exceptions.StepError", "boom"]}
    assert not outcome.differences(ours, aws)


def answer_of(body: Any, **targets: Answer) -> Json:
    """Run a body as a handler on the service in memory."""
    return new_execution(Case("handler", body, targets=targets), Sdk("durable_sdk")).finish()


def test_a_large_result_after_a_start_is_sent() -> None:
    def body(sdk: Sdk, event: Any, context: Any) -> Any:
        return len(context.step(gives("x" * 800_000), name="large"))

    assert answer_of(body) == {"Status": "SUCCEEDED", "Result": "800000"}


def test_a_cancelled_function_is_an_error_of_the_invoke() -> None:
    def body(sdk: Sdk, event: Any, context: Any) -> Any:
        return sdk.error(lambda: context.invoke("charge", {}, name="charge"))[0]

    assert json.loads(answer_of(body, charge=Answer("CANCELLED"))["Result"]) == "InvokeError"


def test_an_invocation_error_that_is_not_retryable_fails_the_execution() -> None:
    def body(sdk: Sdk, event: Any, context: Any) -> Any:
        class FinalError(sdk.InvocationError):  # type: ignore[misc,name-defined]
            def is_retryable(self) -> bool:
                return False

        raise FinalError("no")

    answer = answer_of(body)
    assert (answer["Status"], answer["Error"]["ErrorMessage"]) == ("FAILED", "no")
