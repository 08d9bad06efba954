"""A project whose tests run in cloud mode, at a service that shows recorded executions."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from scripted_lambda import Life, ScriptedLambda, serving

from pytest_durable.cloud.clock import RealClock

ROOT = Path(__file__).resolve().parents[3]

HANDLER = """
from durable_sdk import DurableContext, durable_execution

@durable_execution
def handler(event, context: DurableContext):
    return context.step(lambda _: event["id"], "fetch")
"""


@pytest.fixture
def serve() -> Iterator[Callable[[Life], ScriptedLambda]]:
    with ExitStack() as stack:
        yield lambda life: stack.enter_context(serving(ScriptedLambda(RealClock(), life)))


@pytest.fixture
def project(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """A project with a handler, for which nothing of the machine's configuration counts."""
    for name in (
        "AWS_PROFILE",
        "AWS_REGION",
        "AWS_DEFAULT_REGION",
        "AWS_ENDPOINT_URL",
        "AWS_ENDPOINT_URL_LAMBDA",
        "LAMBDA_ENDPOINT",
        "QUALIFIED_FUNCTION_NAME",
        "LAMBDA_FUNCTION_TEST_NAME",
        "PYTEST_FUNCTION_NAME_MAP",
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
    ):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(pytester.path / "aws-config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(pytester.path / "aws-credentials"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    # The examples are tests of this suite, too: their modules would be taken for those of the project.
    for path in (ROOT / "examples").glob("*.py"):
        monkeypatch.delitem(sys.modules, path.stem, raising=False)
    pytester.makepyfile(orders=HANDLER)
    pytester.syspathinsert()
    return pytester
