"""Names of functions in the output files of SAM, CDK and Terraform."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pytest_durable.cloud.outputs import Output, Outputs
from pytest_durable.errors import UsageError

PREFIX = "arn:aws:lambda:us-west-2:123456789012:function:"
ORDERS = f"{PREFIX}stack-OrdersFunction-1A2B:live"


def read(tmp_path: Path, content: Any) -> Outputs:
    file = tmp_path / "outputs.json"
    file.write_text(content if isinstance(content, str) else json.dumps(content))
    return Outputs.of([file])


SAM = [{"OutputKey": "OrdersFunctionArn", "OutputValue": ORDERS, "Description": "x"}]
FORMS = {
    "sam": SAM,
    "cloudformation": {"Stacks": [{"StackName": "stack", "Outputs": SAM}]},
    "cdk": {"Stack": {"OrdersAliasArn": ORDERS, "BucketName": "orders"}, "Empty": {}},
    "terraform": {
        "orders_function_arn": {"sensitive": False, "type": "string", "value": ORDERS},
        "count": {"sensitive": False, "type": "number", "value": 3},
    },
    "terraform map": {"functions": {"sensitive": False, "type": ["object", {}], "value": {"orders": ORDERS}}},
}


@pytest.mark.parametrize("form", FORMS)
def test_a_function_is_found_in_the_outputs_of_each_tool(tmp_path: Path, form: str) -> None:
    assert read(tmp_path, FORMS[form]).find("orders") == ORDERS


@pytest.mark.parametrize(
    ("key", "name"),
    [
        ("Orders", "orders"),
        ("OrdersArn", "orders"),
        ("OrdersFunctionQualifiedArn", "orders"),
        ("orders_alias_arn", "orders"),
        ("OrdersFunctionArnA1B2C3D4", "orders"),
        ("MyOrdersFunction", "my_orders"),
        ("my-orders-function-arn", "my_orders_function"),
        ("Whatever", "stack-OrdersFunction-1A2B"),
    ],
)
def test_a_key_or_the_function_in_the_value_may_fit_a_name(key: str, name: str) -> None:
    assert Outputs([Output(Path("o"), key, ORDERS)]).find(name) == ORDERS


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("OtherArn", ORDERS),
        ("OrdersArn", "arn:aws:s3:::orders"),
        ("OrdersUrl", "https://orders.example"),
        ("OrdersName", "orders-table"),
        ("Name", ORDERS),
    ],
)
def test_other_outputs_are_no_function_of_that_name(key: str, value: str) -> None:
    assert Outputs([Output(Path("o"), key, value)]).find("orders") is None


def test_of_a_qualified_value_and_another_the_qualified_one_counts() -> None:
    outputs = [Output(Path("o"), "OrdersArn", f"{PREFIX}Orders"), Output(Path("o"), "OrdersAliasArn", ORDERS)]
    assert Outputs(outputs).find("orders") == ORDERS


def test_a_value_without_a_qualifier_is_an_error_that_says_what_to_do() -> None:
    outputs = Outputs([Output(Path("o.json"), "OrdersArn", f"{PREFIX}Orders")])
    with pytest.raises(UsageError, match=r"Output OrdersArn of o\.json .* no qualifier.*Orders:\$LATEST"):
        outputs.find("orders")


def test_two_functions_that_fit_are_an_error_that_names_both() -> None:
    outputs = [
        Output(Path("o"), "OrdersArn", ORDERS),
        Output(Path("o"), "OrdersAliasArn", f"{PREFIX}Other:1"),
    ]
    with pytest.raises(UsageError, match=r"Several outputs .*OrdersArn=.*OrdersAliasArn="):
        Outputs(outputs).find("orders")


@pytest.mark.parametrize("content", ["{", "[]", "{}", '"text"', '{"a": 1}', '{"Stacks": [1]}'])
def test_a_file_of_another_kind_is_an_error_that_names_it(tmp_path: Path, content: str) -> None:
    with pytest.raises(UsageError, match=r"outputs\.json"):
        read(tmp_path, content)


def test_a_file_that_is_not_there_is_an_error_that_names_it(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"missing\.json cannot be read"):
        Outputs.of([tmp_path / "missing.json"])
