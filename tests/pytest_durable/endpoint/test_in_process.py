"""Whatever the request, the endpoint answers as the service does."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from soak import part_of
from wire_shapes import parsed_by_botocore, request_by_botocore, structures_of

from durable_sdk import DurableContext, durable_execution
from pytest_durable.endpoint.in_process import InProcessEndpoint
from pytest_durable.endpoint.mocking import mock_durable
from pytest_durable.endpoint.wire import Request, supported_operations
from pytest_durable.endpoint.wire.service_model import operation_model

INVOKE = "/2015-03-31/functions/ask%3A%24LATEST/invocations"


@durable_execution
def ask(event: Any, context: DurableContext) -> Any:
    return context.create_callback("approval").result()


@pytest.fixture(scope="module")
def endpoint() -> Iterator[InProcessEndpoint]:
    with mock_durable({"ask": ask}, replay_check="off") as mock:
        endpoint = InProcessEndpoint(mock.runner)
        for _ in range(3):
            endpoint.answer(Request("POST", INVOKE, "", {"X-Amz-Invocation-Type": "Event"}, b"{}"))
        yield endpoint


def some_arn(endpoint: InProcessEndpoint) -> str:
    response = endpoint.answer(Request("GET", "/2025-12-01/functions/ask/durable-executions", "MaxItems=1"))
    return str(json.loads(response.body)["DurableExecutions"][0]["DurableExecutionArn"])


# An invocation that waits would wait for ever, and says so.
CALLS = [name for name in supported_operations() if name != "Invoke"]


@settings(max_examples=part_of(250))
@given(st.sampled_from(CALLS), st.data())
def test_a_valid_request_about_anything_is_answered(
    endpoint: InProcessEndpoint, operation: str, data: st.DataObject
) -> None:
    params = data.draw(structures_of(operation_model(operation).input_shape))
    # Some are about what there is.
    if "DurableExecutionArn" in params and data.draw(st.booleans()):
        params["DurableExecutionArn"] = some_arn(endpoint)
    if "FunctionName" in params and data.draw(st.booleans()):
        params["FunctionName"], _ = "ask", params.pop("Qualifier", None)
    response = endpoint.answer(request_by_botocore(operation, params))
    assert response.status < 500
    parsed = parsed_by_botocore(operation_model(operation).output_shape, response)
    assert ("Error" in parsed and "Message" in parsed["Error"]) == (response.status >= 300)


TEXTS = st.text(max_size=30)


@settings(max_examples=part_of(400))
@given(
    st.sampled_from(["history", "state", "checkpoint", "stop", ""]),
    st.sampled_from(["GET", "POST"]),
    TEXTS,
    st.sampled_from(["Marker", "CheckpointToken", "MaxItems", "ReverseOrder"]),
    st.one_of(TEXTS, st.integers().map(str)),
    st.one_of(
        st.binary(max_size=30),
        st.builds(lambda token: json.dumps({"CheckpointToken": token}).encode(), TEXTS),
    ),
    st.booleans(),
)
def test_a_wrong_arn_token_marker_or_size_is_refused(
    endpoint: InProcessEndpoint,
    what: str,
    method: str,
    arn: str,
    name: str,
    value: str,
    body: bytes,
    is_known: bool,
) -> None:
    path = f"/2025-12-01/durable-executions/{quote(some_arn(endpoint) if is_known else arn, safe='')}"
    query = f"{name}={quote(value)}&CheckpointToken=YQ%3D%3D"
    response = endpoint.answer(Request(method, f"{path}/{what}".rstrip("/"), query, {}, body))
    assert response.status < 500
    if not is_known or what in ("state", "checkpoint"):
        assert response.status >= 400


@settings(max_examples=part_of(200))
@given(TEXTS, st.sampled_from(["succeed", "fail", "heartbeat"]), st.binary(max_size=30))
def test_a_wrong_callback_id_is_refused(
    endpoint: InProcessEndpoint, callback_id: str, verb: str, body: bytes
) -> None:
    path = f"/2025-12-01/durable-execution-callbacks/{quote(callback_id, safe='')}/{verb}"
    assert endpoint.answer(Request("POST", path, "", {}, body)).status in (400, 404)


def test_every_response_has_a_request_id_of_its_own(endpoint: InProcessEndpoint) -> None:
    ids = [endpoint.answer(Request("GET", "/")).headers["x-amzn-requestid"] for _ in range(3)]
    assert len(set(ids)) == 3
