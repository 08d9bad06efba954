"""Our public surface is AWS's, but for the differences that the documentation lists."""

from __future__ import annotations

from parity.compare import PAGE, compare, recorded_surface, unexplained, unused
from parity.differences import page


def test_every_difference_is_a_deliberate_one() -> None:
    assert list(map(str, unexplained(compare(recorded_surface())))) == []


def test_the_table_lists_nothing_that_does_not_differ() -> None:
    assert unused(compare(recorded_surface())) == []


def test_the_documentation_shows_the_table() -> None:
    assert PAGE.read_text() == page(), "write it with: python tests/parity/compare.py --record"


def test_a_missing_name_a_parameter_and_a_value_are_found() -> None:
    surface = {
        "aws_durable_execution_sdk_python.config": {
            "Nope": {"kind": "function", "parameters": []},
            "StepConfig": {
                "kind": "class",
                "fields": ["nope"],
                "parameters": [["nope", "KEYWORD_ONLY", "None"]],
                "members": {"also": {"kind": "method", "parameters": []}},
            },
            "StepSemantics": {"kind": "enum", "values": {"AT_MOST_ONCE_PER_RETRY": "other"}},
        }
    }
    assert [str(found) for found in compare(surface)] == [
        "durable_sdk.config:Nope: is missing",
        "durable_sdk.config:StepConfig(nope): is missing",
        "durable_sdk.config:StepConfig.nope: is missing",
        "durable_sdk.config:StepConfig.also: is missing",
        "durable_sdk.config:StepSemantics.AT_MOST_ONCE_PER_RETRY: has another value",
    ]
