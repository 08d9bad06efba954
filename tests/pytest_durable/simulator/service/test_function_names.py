"""A function may be named in every form of the API's model, and nothing else is a name."""

from __future__ import annotations

import pytest

from pytest_durable.simulator.service.errors import InvalidParameterValueException
from pytest_durable.simulator.service.function_names import (
    FunctionName,
    Home,
    check_home,
    home_of,
    parse_function_name,
)

ACCOUNT, REGION = "123456789012", "us-east-1"


@pytest.mark.parametrize(
    ("text", "function"),
    [
        ("charge", FunctionName("charge")),
        ("charge:7", FunctionName("charge", "7")),
        ("charge:live", FunctionName("charge", "live")),
        ("charge:$LATEST", FunctionName("charge", "$LATEST")),
        ("charge:$LATEST.PUBLISHED", FunctionName("charge", "$LATEST.PUBLISHED")),
        ("with.dots-and_more", FunctionName("with.dots-and_more")),
        ("function:charge", FunctionName("charge")),
        ("function:charge:7", FunctionName("charge", "7")),
        (f"{ACCOUNT}:charge", FunctionName("charge", None, ACCOUNT)),
        (f"{ACCOUNT}:function:charge", FunctionName("charge", None, ACCOUNT)),
        (f"{ACCOUNT}:function:charge:7", FunctionName("charge", "7", ACCOUNT)),
        (f"{REGION}:charge", FunctionName("charge", None, None, REGION)),
        (f"{REGION}:{ACCOUNT}:function:charge", FunctionName("charge", None, ACCOUNT, REGION)),
        (f"{REGION}:{ACCOUNT}:function:charge:7", FunctionName("charge", "7", ACCOUNT, REGION)),
        (f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:charge", FunctionName("charge", None, ACCOUNT, REGION)),
        (
            f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:charge:7",
            FunctionName("charge", "7", ACCOUNT, REGION),
        ),
        (
            f"arn:aws-us-gov:lambda:us-gov-west-1:{ACCOUNT}:function:charge",
            FunctionName("charge", None, ACCOUNT, "us-gov-west-1"),
        ),
        # Ambiguous, and settled by the grammar: too few parts for an ARN.
        ("arn:charge", FunctionName("arn", "charge")),
    ],
)
def test_a_name_says_as_much_as_it_likes(text: str, function: FunctionName) -> None:
    assert parse_function_name(text) == function


@pytest.mark.parametrize(
    "text",
    [
        "",
        "no spaces",
        "charge:",
        "charge:a:b",
        "charge:$OTHER",
        "charge\n",
        "ümlaut",
        "charge:٣",
        f"arn:aws:lambda:{REGION}:function:charge",
        f"arn:aws:lambda:{ACCOUNT}:function:charge",
        "arn:aws:lambda:charge",
        f"arn:aws:s3:{REGION}:{ACCOUNT}:function:charge",
        f"arn:other:lambda:{REGION}:{ACCOUNT}:function:charge",
        "x" * 257,
    ],
)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(InvalidParameterValueException) as caught:
        parse_function_name(text)
    assert caught.value.message == f"Invalid function ARN '{text}'"


def test_the_longest_name_is_fine() -> None:
    assert parse_function_name("x" * 256).name == "x" * 256
    assert parse_function_name("x" * 10, 10).name == "x" * 10
    with pytest.raises(InvalidParameterValueException):
        parse_function_name("x" * 11, 10)


def test_a_qualified_function_is_looked_up_with_its_qualifier_first() -> None:
    assert parse_function_name("charge").candidates == ("charge",)
    assert parse_function_name(f"{ACCOUNT}:function:charge:7").candidates == ("charge:7", "charge")


@pytest.mark.parametrize(
    ("qualifier", "version"),
    [
        (None, "$LATEST"),
        ("$LATEST", "$LATEST"),
        ("$LATEST.PUBLISHED", "$LATEST.PUBLISHED"),
        ("7", "7"),
        ("live", "$LATEST"),
        ("7a", "$LATEST"),
    ],
)
def test_the_version_is_a_number_or_the_latest(qualifier: str | None, version: str) -> None:
    assert FunctionName("charge", qualifier).version == version


def test_the_home_of_an_execution_is_in_its_arn() -> None:
    arn = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:f:$LATEST/durable-execution/n/i"
    assert home_of(arn) == Home(REGION, ACCOUNT)


@pytest.mark.parametrize(
    ("function", "where"),
    [
        (FunctionName("f"), None),
        (FunctionName("f", None, ACCOUNT), None),
        (FunctionName("f", None, ACCOUNT, REGION), None),
        (FunctionName("f", None, "210987654321"), "account"),
        (FunctionName("f", None, "210987654321", "eu-west-1"), "account"),
        (FunctionName("f", None, ACCOUNT, "eu-west-1"), "region"),
        (FunctionName("f", None, None, "eu-west-1"), "region"),
    ],
)
def test_a_function_must_be_at_home(function: FunctionName, where: str | None) -> None:
    home = Home(REGION, ACCOUNT)
    if where is None:
        check_home(function, home)
    else:
        with pytest.raises(InvalidParameterValueException) as caught:
            check_home(function, home)
        assert caught.value.message == f"Cannot start a CHAINED_INVOKE on a function in another {where}."
