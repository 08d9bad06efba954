"""A service over HTTP that shows recorded executions, and a clock that moves when somebody sleeps."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from scripted_lambda import FakeClock, Life, ScriptedLambda, serving

from pytest_durable.cloud.api import LambdaApi
from pytest_durable.cloud.names import ExecutionNames
from pytest_durable.cloud.runner import CloudRunner

FUNCTION = "orders:live"


@pytest.fixture(autouse=True)
def no_configuration(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    """Let nothing of the machine's own configuration of AWS count."""
    for name in (
        "AWS_PROFILE",
        "AWS_DEFAULT_REGION",
        "AWS_REGION",
        "AWS_ENDPOINT_URL",
        "AWS_ENDPOINT_URL_LAMBDA",
        "LAMBDA_ENDPOINT",
    ):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def serve(clock: FakeClock) -> Iterator[Callable[[Life], ScriptedLambda]]:
    """Serve an execution that goes like this."""
    with ExitStack() as stack:
        yield lambda life: stack.enter_context(serving(ScriptedLambda(clock, life)))


@pytest.fixture
def connect_to(clock: FakeClock) -> Iterator[Callable[[str | None, str | None], LambdaApi]]:
    """Connect to a region and an endpoint."""
    made = []

    def connect(region: str | None, endpoint: str | None) -> LambdaApi:
        made.append(LambdaApi.connect(FUNCTION, region, endpoint, clock))
        return made[-1]

    yield connect
    for api in made:
        api.close()


@pytest.fixture
def connect(
    connect_to: Callable[[str | None, str | None], LambdaApi],
) -> Callable[[ScriptedLambda], LambdaApi]:
    """Connect to a service that is being served."""
    return lambda service: connect_to("us-west-2", service.url)


@pytest.fixture
def make_runner(connect: Callable[[ScriptedLambda], LambdaApi]) -> Callable[..., CloudRunner]:
    def make(service: ScriptedLambda, **settings: Any) -> CloudRunner:
        names = ExecutionNames("test_orders[large order]", "gw1", unique=lambda: "0123456789ab")
        return CloudRunner(connect(service), FUNCTION, names, **settings)

    return make
