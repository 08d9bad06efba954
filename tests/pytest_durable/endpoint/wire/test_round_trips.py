"""Botocore's own serializer and parser are at the other end of the wire."""

from __future__ import annotations

import re
import warnings
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from soak import part_of
from wire_shapes import parsed_by_botocore, request_by_botocore, shapes_of, structures_of

from pytest_durable.endpoint.wire import parse, serialize, serialize_error, supported_operations
from pytest_durable.endpoint.wire.service_model import lambda_model, operation_model
from pytest_durable.errors import ServiceError
from pytest_durable.simulator.service.errors import InjectedServiceError

OPERATIONS = supported_operations()

# Values are drawn from patterns and then held to lengths, which leaves some out.
lenient = settings(
    suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow], max_examples=part_of(25)
)


def test_invoke_and_the_nine_durable_operations_of_the_lowest_botocore_are_answered() -> None:
    assert set(OPERATIONS) >= {
        "Invoke",
        "CheckpointDurableExecution",
        "GetDurableExecution",
        "GetDurableExecutionHistory",
        "GetDurableExecutionState",
        "ListDurableExecutionsByFunction",
        "StopDurableExecution",
        "SendDurableExecutionCallbackSuccess",
        "SendDurableExecutionCallbackFailure",
        "SendDurableExecutionCallbackHeartbeat",
    }


def test_every_durable_operation_that_botocore_knows_is_answered() -> None:
    durable = {name for name in lambda_model().operation_names if "DurableExecution" in name}
    assert durable <= set(OPERATIONS)


@pytest.mark.parametrize("operation", OPERATIONS)
@lenient
@given(st.data())
def test_what_botocore_sends_is_read_as_it_was_given(operation: str, data: st.DataObject) -> None:
    model = operation_model(operation)
    params = data.draw(structures_of(model.input_shape))
    call = parse(request_by_botocore(operation, params))
    assert call.operation == operation
    assert call.params == _without_empty_payload(model.input_shape, params)


def _without_empty_payload(shape: Any, params: dict[str, Any]) -> dict[str, Any]:
    """Return the parameters without an empty structure as payload, which botocore sends as it sends none."""
    payload = shape.serialization.get("payload")
    return {name: value for name, value in params.items() if name != payload or value}


@pytest.mark.parametrize("operation", OPERATIONS)
@lenient
@given(st.data())
def test_botocore_reads_the_output_that_was_sent(operation: str, data: st.DataObject) -> None:
    model = operation_model(operation)
    output = data.draw(structures_of(model.output_shape))
    if "StatusCode" in output:
        output["StatusCode"] = data.draw(st.sampled_from([200, 202, 204]))
    parsed = parsed_by_botocore(model.output_shape, serialize(operation, output))
    assert parsed.pop("ResponseMetadata")["HTTPStatusCode"] == output.get(
        "StatusCode", model.http["responseCode"]
    )
    if operation == "Invoke":
        # Botocore shows a payload always, and a status; of bytes it makes text when no stream holds them.
        output = {"StatusCode": 200, "Payload": b"", **output}
        output["Payload"] = output["Payload"].decode()
    assert parsed == output


def test_times_may_be_the_milliseconds_of_an_invocation_event() -> None:
    response = serialize("StopDurableExecution", {"StopTimestamp": 1767225600123})
    parsed = parsed_by_botocore(operation_model("StopDurableExecution").output_shape, response)
    assert parsed["StopTimestamp"].isoformat() == "2026-01-01T00:00:00.123000+00:00"


def test_members_that_botocore_does_not_know_are_left_out_of_an_output() -> None:
    response = serialize("GetDurableExecutionHistory", {"Events": [{"EventId": 1, "New": 2}], "Newer": 3})
    assert response.body == b'{"Events":[{"EventId":1}]}'


ERRORS = sorted(
    {error.name for name in OPERATIONS for error in operation_model(name).error_shapes}
    | {"SerializationException", "UnknownOperationException", "AccessDeniedException"}
)


@given(st.sampled_from(ERRORS), st.sampled_from([400, 404, 429, 500, 503]), st.text())
def test_botocore_reads_code_and_message_of_every_error(code: str, status: int, message: str) -> None:
    response = serialize_error(InjectedServiceError(code, message, status))
    parsed = parsed_by_botocore(operation_model("Invoke").output_shape, response)
    assert parsed["Error"]["Code"] == code
    assert parsed["Error"]["Message"] == message
    assert parsed["ResponseMetadata"]["HTTPStatusCode"] == status


@pytest.mark.parametrize("code", [code for code in ERRORS if code in lambda_model().shape_names])
def test_the_members_of_an_error_are_named_as_the_model_names_them(code: str) -> None:
    shape: Any = lambda_model().shape_for(code)
    response = serialize_error(InjectedServiceError(code, "why", 400))
    parsed = parsed_by_botocore(shape, response)
    names = {name.lower(): name for name in shape.members}
    assert parsed["Type"] == "User"
    assert parsed[names["message"]] == "why"


def test_an_error_that_lets_no_answer_come_has_no_response() -> None:
    error: ServiceError = InjectedServiceError("ConnectionClosedError", "gone", None)
    with pytest.raises(ValueError, match="no response"):
        serialize_error(error)


def test_the_patterns_of_the_model_mean_the_same_to_python() -> None:
    """None of them uses what Java's regular expressions write in another way, or warns."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for shape in shapes_of(operation_model(name).input_shape for name in OPERATIONS):
            if "pattern" in shape.metadata:
                re.compile(shape.metadata["pattern"], re.ASCII)
