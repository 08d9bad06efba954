"""Which deployed function a name stands for, and where it is."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pytest_durable.cloud.targets import Said, Targets
from pytest_durable.errors import UsageError

ARN = "arn:aws:lambda:eu-west-1:123456789012:function:Orders:live"
NOTHING = Said()


def targets(
    *,
    line: Said = NOTHING,
    ini: Said = NOTHING,
    root: Path = Path("/nowhere"),
    **environment: str,
) -> Targets:
    return Targets.of(line, ini, environment, root)


def mapping(**names: str) -> str:
    return json.dumps(names)


def test_one_function_is_named_by_two_variables() -> None:
    found = targets(QUALIFIED_FUNCTION_NAME="MyFunction:$LATEST", LAMBDA_FUNCTION_TEST_NAME="my_function")
    assert found.find("my_function") == "MyFunction:$LATEST"
    assert found.find("other") is None


def test_a_latest_that_the_shell_has_eaten_is_put_back() -> None:
    found = targets(QUALIFIED_FUNCTION_NAME="MyFunction:", LAMBDA_FUNCTION_TEST_NAME="my_function")
    assert found.find("my_function") == "MyFunction:$LATEST"


def test_many_functions_are_named_by_a_map_as_json_or_in_a_file(tmp_path: Path) -> None:
    found = targets(PYTEST_FUNCTION_NAME_MAP=mapping(a="A:1", b=ARN))
    assert (found.find("a"), found.find("b")) == ("A:1", ARN)
    (tmp_path / "map.json").write_text(mapping(a="A:2"))
    assert targets(line=Said("file://map.json"), root=tmp_path).find("a") == "A:2"


def test_the_command_line_goes_before_the_environment_before_the_configuration() -> None:
    environment = {
        "QUALIFIED_FUNCTION_NAME": "Single:1",
        "LAMBDA_FUNCTION_TEST_NAME": "b",
        "PYTEST_FUNCTION_NAME_MAP": mapping(a="Map:1", b="Map:1", c="Map:1"),
        "AWS_REGION": "eu-west-1",
        "LAMBDA_ENDPOINT": "http://127.0.0.1:1",
    }
    ini = Said(mapping(a="Ini:1", b="Ini:1", c="Ini:1", d="Ini:1"), "ap-south-1", "http://127.0.0.1:2")
    line = Said(mapping(a="Line:1"), "us-east-1", "http://127.0.0.1:3")
    found = targets(line=line, ini=ini, **environment)
    assert [found.find(name) for name in "abcd"] == ["Line:1", "Single:1", "Map:1", "Ini:1"]
    assert (found.region, found.endpoint) == ("us-east-1", "http://127.0.0.1:3")
    found = targets(ini=ini, **environment)
    assert (found.region, found.endpoint) == ("eu-west-1", "http://127.0.0.1:1")
    found = targets(ini=ini)
    assert (found.region, found.endpoint) == ("ap-south-1", "http://127.0.0.1:2")


def test_without_a_word_region_and_endpoint_are_left_to_boto3() -> None:
    assert (targets().region, targets().endpoint) == (None, None)
    assert targets(AWS_DEFAULT_REGION="us-east-2").region == "us-east-2"


def test_the_region_of_an_arn_goes_before_all_else() -> None:
    found = targets(AWS_REGION="us-east-1")
    assert found.region_of(ARN) == "eu-west-1"
    assert found.region_of("Orders:live") == "us-east-1"


def test_a_name_from_an_output_file_is_the_last_resort(tmp_path: Path) -> None:
    (tmp_path / "outputs.json").write_text(json.dumps({"Stack": {"OrdersArn": ARN, "OtherArn": ARN}}))
    said = Said(outputs=["outputs.json"])
    assert targets(ini=said, root=tmp_path).find("orders") == ARN
    explicit = targets(ini=said, root=tmp_path, PYTEST_FUNCTION_NAME_MAP=mapping(orders="X:1"))
    assert explicit.find("orders") == "X:1"


def test_a_name_that_nothing_maps_is_told_with_the_variables() -> None:
    found = targets(PYTEST_FUNCTION_NAME_MAP=mapping(a="A:1"))
    reason = found.unmapped("my_function")
    for part in ("'my_function'", "LAMBDA_FUNCTION_TEST_NAME", "PYTEST_FUNCTION_NAME_MAP", "known: a"):
        assert part in reason


@pytest.mark.parametrize(
    ("environment", "message"),
    [
        ({"QUALIFIED_FUNCTION_NAME": "F:1"}, "QUALIFIED_FUNCTION_NAME is set and LAMBDA_FUNCTION_TEST_NAME"),
        ({"LAMBDA_FUNCTION_TEST_NAME": "f"}, "LAMBDA_FUNCTION_TEST_NAME is set and QUALIFIED_FUNCTION_NAME"),
        (
            {"QUALIFIED_FUNCTION_NAME": "MyFunction", "LAMBDA_FUNCTION_TEST_NAME": "f"},
            r"QUALIFIED_FUNCTION_NAME is the qualified name .* 'MyFunction'\. It has no qualifier",
        ),
        ({"PYTEST_FUNCTION_NAME_MAP": "a=B:1"}, r"PYTEST_FUNCTION_NAME_MAP is JSON .* Got 'a=B:1'"),
        ({"PYTEST_FUNCTION_NAME_MAP": "[1]"}, r"PYTEST_FUNCTION_NAME_MAP is JSON .* got '\[1\]'"),
        ({"PYTEST_FUNCTION_NAME_MAP": '{"a": 1}'}, r"PYTEST_FUNCTION_NAME_MAP for 'a' .* got 1"),
        ({"PYTEST_FUNCTION_NAME_MAP": '{"a": "B C:1"}'}, "got 'B C:1'"),
        ({"PYTEST_FUNCTION_NAME_MAP": "file://none.json"}, "none.json.* cannot be read"),
        ({"AWS_REGION": "mars"}, "AWS_REGION is a region such as 'us-west-2', got 'mars'"),
        ({"LAMBDA_ENDPOINT": "127.0.0.1:9000"}, "LAMBDA_ENDPOINT is a URL .* got '127.0.0.1:9000'"),
        ({"LAMBDA_ENDPOINT": "http://host:port"}, "LAMBDA_ENDPOINT is a URL"),
    ],
)
def test_a_bad_value_is_told_with_its_variable(environment: dict[str, str], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        targets(**environment)


def test_a_bad_option_is_told_by_its_own_name() -> None:
    with pytest.raises(UsageError, match="--durable-function-map is JSON"):
        targets(line=Said("x"))
    with pytest.raises(UsageError, match="durable_endpoint in the configuration is a URL"):
        targets(ini=Said(endpoint="x"))
