"""What the processes of a function see of their surroundings."""

from __future__ import annotations

from pathlib import Path

import pytest
from served import ENVIRONMENT

from pytest_durable.endpoint.server.surroundings import sandbox_environment

URL = "http://127.0.0.1:8000"


@pytest.fixture
def bare(tmp_path: Path) -> dict[str, str]:
    """A machine on which nothing of AWS is configured."""
    return {
        "AWS_CONFIG_FILE": str(tmp_path / "config"),
        "AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "credentials"),
    }


def environment(given: dict[str, str]) -> dict[str, str]:
    return sandbox_environment("orders", "app:handler", URL, "eu-west-1", given)


def test_the_client_of_lambda_calls_the_server_whatever_is_configured(bare: dict[str, str]) -> None:
    found = environment({**bare, "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true", "NO_PROXY": "example.com"})
    assert found["AWS_ENDPOINT_URL_LAMBDA"] == URL
    assert found["AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"] == "false"
    assert found["NO_PROXY"].split(",") == ["example.com", "127.0.0.1", "localhost", "::1"]


def test_credentials_and_region_are_made_up_where_there_are_none(bare: dict[str, str]) -> None:
    found = environment(bare)
    assert found["AWS_ACCESS_KEY_ID"]
    assert found["AWS_SECRET_ACCESS_KEY"]
    assert found["AWS_REGION"] == found["AWS_DEFAULT_REGION"] == "eu-west-1"


def test_credentials_and_region_of_the_user_are_let_alone(bare: dict[str, str]) -> None:
    found = environment({**bare, "AWS_ACCESS_KEY_ID": "mine", "AWS_DEFAULT_REGION": "us-west-2"})
    assert "AWS_ACCESS_KEY_ID" not in found
    assert found["AWS_REGION"] == found["AWS_DEFAULT_REGION"] == "us-west-2"
    assert "AWS_ACCESS_KEY_ID" not in environment({**bare, "AWS_PROFILE": "work"})
    Path(bare["AWS_SHARED_CREDENTIALS_FILE"]).write_text("[default]\n")
    assert "AWS_ACCESS_KEY_ID" not in environment(bare)


def test_a_region_of_the_configuration_file_is_let_alone(bare: dict[str, str]) -> None:
    Path(bare["AWS_CONFIG_FILE"]).write_text("[default]\nregion = eu-north-1\n")
    assert "AWS_REGION" not in environment(bare)


def test_a_function_knows_its_name_as_on_lambda(bare: dict[str, str]) -> None:
    found = environment({**ENVIRONMENT, **bare})
    assert found["AWS_LAMBDA_FUNCTION_NAME"] == "orders"
    assert found["_HANDLER"] == "app.handler"
