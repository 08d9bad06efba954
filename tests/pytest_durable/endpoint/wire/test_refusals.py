"""What is no request of the API gets the service's code and status, whatever the bytes are."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from soak import part_of
from wire_shapes import parsed_by_botocore, request_by_botocore

from pytest_durable.endpoint.wire import ParsedCall, Request, parse, serialize_error, supported_operations
from pytest_durable.endpoint.wire import requests as limits
from pytest_durable.endpoint.wire.service_model import operation_model
from pytest_durable.errors import ServiceError

ARN = "arn:aws:lambda:us-east-1:123456789012:function:orders:$LATEST/durable-execution/order-1/run-1"
ENCODED_ARN = quote(ARN, safe="")
INVOKE = "/2015-03-31/functions/orders/invocations"
EXECUTION = f"/2025-12-01/durable-executions/{ENCODED_ARN}"
LIST = "/2025-12-01/functions/orders/durable-executions"


def refused(request: Request) -> tuple[str, int, str]:
    with pytest.raises(ServiceError) as caught:
        parse(request)
    return caught.value.code, caught.value.status, caught.value.message


def checkpoint(**body: object) -> Request:
    return Request("POST", f"{EXECUTION}/checkpoint", body=json.dumps(body).encode())


def test_an_arn_in_the_path_is_decoded() -> None:
    assert parse(Request("GET", EXECUTION)) == ParsedCall("GetDurableExecution", {"DurableExecutionArn": ARN})


@pytest.mark.parametrize(
    "name",
    [
        "orders",
        "orders:7",
        "orders:$LATEST",
        "123456789012:function:orders",
        "arn:aws:lambda:us-east-1:123456789012:function:orders",
        "arn:aws:lambda:us-east-1:123456789012:function:orders:live",
    ],
)
def test_a_function_may_be_named_in_every_form(name: str) -> None:
    request = request_by_botocore("Invoke", {"FunctionName": name, "Payload": b"{}"})
    assert parse(request).params == {"FunctionName": name, "Payload": b"{}"}


def test_a_callback_id_in_the_path_is_decoded() -> None:
    request = Request("POST", "/2025-12-01/durable-execution-callbacks/ab%2Fc%2Bd%3D%3D/succeed", body=b"42")
    assert parse(request).params == {"CallbackId": "ab/c+d==", "Result": b"42"}


def test_a_path_that_no_operation_has_is_unknown() -> None:
    for path in ("/", "", "/2015-03-31/functions", f"{EXECUTION}/", "/2015-03-31/functions/a/b/invocations"):
        assert refused(Request("GET", path))[:2] == ("UnknownOperationException", 404)


def test_a_method_that_a_path_does_not_have_is_not_allowed() -> None:
    code, status, message = refused(Request("PUT", f"{EXECUTION}/history"))
    assert (code, status) == ("MethodNotAllowedException", 405)
    assert message == "Method 'PUT' is not allowed here: use GET."


@pytest.mark.parametrize(
    ("query", "params"),
    [
        ("MaxItems=0", {"MaxItems": 0}),
        ("MaxItems=1000&Marker=a%2Bb&MaxItems=1", {"MaxItems": 1000, "Marker": "a+b"}),
        ("ReverseOrder=true&Unknown=1", {"ReverseOrder": True}),
        ("Statuses=RUNNING&Statuses=FAILED", {"Statuses": ["RUNNING", "FAILED"]}),
        ("StartedAfter=2026-01-01T00%3A00%3A00Z", {"StartedAfter": datetime(2026, 1, 1, tzinfo=UTC)}),
        (
            "StartedAfter=2026-01-01T02%3A00%3A00%2B02%3A00",
            {"StartedAfter": datetime(2026, 1, 1, tzinfo=UTC)},
        ),
    ],
)
def test_the_query_is_read_by_the_types_of_the_model(query: str, params: dict[str, object]) -> None:
    assert parse(Request("GET", LIST, query)).params == {"FunctionName": "orders", **params}


@pytest.mark.parametrize(
    ("query", "told"),
    [
        (
            "MaxItems=1001",
            "Value '1001' at 'maxItems' failed to satisfy constraint: Member must have value less",
        ),
        ("MaxItems=-1", "Member must have value greater than or equal to 0"),
        (
            "MaxItems=ten",
            "Value 'ten' at 'maxItems' failed to satisfy constraint: Member must be of type integer",
        ),
        ("MaxItems=\u0663", "Member must be of type integer"),
        ("MaxItems=99999999999999999999999", "Member must be of type integer"),
        ("ReverseOrder=yes", "Member must be of type boolean"),
        (
            "Statuses=LOST",
            "at 'statuses.1.member' failed to satisfy constraint: Member must satisfy enum value",
        ),
        ("&".join(["Statuses=RUNNING"] * 11), "Member must have length less than or equal to 10"),
        ("StartedAfter=yesterday", "Member must be of type timestamp"),
        ("StartedAfter=2026-13-01T00:00:00Z", "Member must be of type timestamp"),
        ("StartedAfter=0001-01-01T00:00:00%2B14:00", "Member must be of type timestamp"),
        ("DurableExecutionName=a%20b", "Member must satisfy regular expression pattern: [a-zA-Z0-9-_]+"),
        ("DurableExecutionName=", "Member must have length greater than or equal to 1"),
        ("Marker=%ff", "not percent-encoded UTF-8"),
    ],
)
def test_a_query_that_the_model_forbids_is_refused_in_the_service_s_words(query: str, told: str) -> None:
    code, status, message = refused(Request("GET", LIST, query))
    assert (code, status) == ("InvalidParameterValueException", 400)
    assert told in message


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ({}, "Value null at 'checkpointToken' failed to satisfy constraint: Member must not be null"),
        ({"CheckpointToken": 1}, "Value '1' at 'checkpointToken'"),
        ({"CheckpointToken": "t" * 2049}, "Member must have length less than or equal to 2048"),
        ({"CheckpointToken": "not base64!"}, "Member must satisfy regular expression pattern"),
        (
            {"CheckpointToken": "t0", "Updates": {}},
            "at 'updates' failed to satisfy constraint: Member must be of",
        ),
        ({"CheckpointToken": "t0", "Updates": [{}]}, "Value null at 'updates.1.member.id'"),
        (
            {"CheckpointToken": "t0", "Updates": [{"Id": "a", "Type": "STEP", "Action": "DANCE"}]},
            "Value 'DANCE' at 'updates.1.member.action' failed to satisfy constraint: Member must satisfy",
        ),
        (
            {
                "CheckpointToken": "t0",
                "Updates": [{"Id": "a", "Type": "STEP", "Action": "START", "Payload": 7}],
            },
            "Value at 'updates.1.member.payload' failed to satisfy constraint: Member must be of type string",
        ),
        ({"CheckpointToken": "t0", "ClientToken": "\ud800"}, "Member must be Unicode text"),
    ],
)
def test_a_checkpoint_that_the_model_forbids_is_refused(body: dict[str, object], told: str) -> None:
    code, status, message = refused(checkpoint(**body))
    assert (code, status) == ("InvalidParameterValueException", 400)
    assert told in message


def test_members_that_the_model_lacks_and_nulls_count_as_not_given() -> None:
    call = parse(checkpoint(CheckpointToken="t0", Updates=None, Colour="red"))
    assert call.params == {"DurableExecutionArn": ARN, "CheckpointToken": "t0"}


@pytest.mark.parametrize("body", [b"{", b"[]", b'"text"', b"7", b"\xff", b'{"a": NaN}', b"[" * 100_000])
def test_a_body_that_is_no_json_object_cannot_be_read(body: bytes) -> None:
    code, status, _ = refused(Request("POST", f"{EXECUTION}/checkpoint", body=body))
    assert (code, status) == ("SerializationException", 400)


def test_an_operation_without_a_body_takes_no_notice_of_one() -> None:
    assert (
        parse(Request("GET", f"{EXECUTION}/history", body=b"\xff{")).operation == "GetDurableExecutionHistory"
    )


@pytest.mark.parametrize("payload", [b"{", b"\xff", b"NaN", b"{} {}", b"[" * 300 + b"]" * 300, b"1" * 5000])
def test_a_payload_that_is_not_json_is_no_content_of_an_invocation(payload: bytes) -> None:
    code, status, message = refused(Request("POST", INVOKE, body=payload))
    assert (code, status) == ("InvalidRequestContentException", 400)
    assert message.startswith("Could not parse request body into json: ")


def test_a_synchronous_payload_may_have_6_mib_and_an_asynchronous_one_1_mib() -> None:
    for kind, most in (
        ("RequestResponse", limits.SYNCHRONOUS_PAYLOAD_BYTES),
        ("Event", limits.ASYNCHRONOUS_PAYLOAD_BYTES),
    ):
        headers = {"x-amz-invocation-type": kind}
        largest = b'"' + b"a" * (most - 2) + b'"'
        assert parse(Request("POST", INVOKE, "", headers, largest)).params["Payload"] == largest
        code, status, message = refused(Request("POST", INVOKE, "", headers, largest + b" "))
        assert (code, status) == ("RequestTooLargeException", 413)
        assert message.endswith(f"too large for the {kind} invocation type (limit {most} bytes)")


def test_a_body_of_more_than_any_request_needs_is_too_large() -> None:
    request = Request("POST", f"{EXECUTION}/checkpoint", body=b" " * (limits.BODY_BYTES + 1))
    assert refused(request)[:2] == ("RequestTooLargeException", 413)


def test_an_invocation_says_in_headers_how_it_is_meant() -> None:
    headers = {
        "X-AMZ-Invocation-Type": "Event",
        "x-amz-durable-execution-name": "order-1",
        "X-Amz-Tenant-Id": "blue team",
    }
    assert parse(Request("POST", INVOKE, "Qualifier=live", headers)).params == {
        "FunctionName": "orders",
        "InvocationType": "Event",
        "DurableExecutionName": "order-1",
        "TenantId": "blue team",
        "Qualifier": "live",
    }


def test_a_wrong_header_of_an_invocation_is_refused() -> None:
    for headers, told in (
        ({"X-Amz-Invocation-Type": "Later"}, "enum value set: [Event, RequestResponse, DryRun]"),
        ({"X-Amz-Durable-Execution-Name": "a" * 65}, "length less than or equal to 64"),
    ):
        code, _, message = refused(Request("POST", INVOKE, "", headers))
        assert code == "InvalidParameterValueException"
        assert told in message


@pytest.mark.parametrize(
    "media_type", ["application/json; charset=utf-8", "application/x-amz-json-1.1+json", "text/plain", ""]
)
def test_a_payload_may_call_itself_by_several_names(media_type: str) -> None:
    assert parse(Request("POST", INVOKE, "", {"Content-Type": media_type}, b"{}")).params["Payload"] == b"{}"


def test_a_payload_of_another_media_type_is_not_supported() -> None:
    request = Request("POST", INVOKE, "", {"content-type": "multipart/form-data"}, b"{}")
    assert refused(request)[:2] == ("UnsupportedMediaTypeException", 415)


# Whatever comes: an answer of the service, which botocore can read.

PATHS = st.one_of(
    st.text(max_size=30),
    st.builds(
        lambda template, label: template.format(
            DurableExecutionArn=label, FunctionName=label, CallbackId=label
        ),
        st.sampled_from([operation_model(name).http["requestUri"] for name in supported_operations()]),
        st.one_of(
            st.just(ENCODED_ARN), st.just("orders"), st.text(max_size=20), st.just("%ff"), st.just("%")
        ),
    ),
)
QUERIES = st.one_of(
    st.text(max_size=40),
    st.lists(
        st.builds(
            "{}={}".format,
            st.sampled_from(
                [
                    "MaxItems",
                    "Marker",
                    "ReverseOrder",
                    "Statuses",
                    "StartedAfter",
                    "CheckpointToken",
                    "Qualifier",
                ]
            ),
            st.one_of(st.text(max_size=10), st.integers().map(str), st.just("true"), st.datetimes().map(str)),
        ),
        max_size=4,
    ).map("&".join),
)
HEADERS = st.dictionaries(
    st.one_of(
        st.sampled_from(
            [
                "Content-Type",
                "X-Amz-Invocation-Type",
                "x-amz-durable-execution-name",
                "X-Amz-Tenant-Id",
                "X-Amz-Client-Context",
                "X-Amz-Log-Type",
            ]
        ),
        st.text(max_size=10),
    ),
    st.one_of(st.text(max_size=20), st.sampled_from(["Event", "DryRun", "Tail", "application/json"])),
    max_size=4,
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
    lambda values: (
        st.lists(values, max_size=3)
        | st.dictionaries(
            st.one_of(
                st.sampled_from(
                    [
                        *("CheckpointToken", "Updates", "ClientToken", "Id", "Type", "Action", "Error"),
                        *(
                            "StepOptions",
                            "WaitOptions",
                            "WaitSeconds",
                            "ErrorMessage",
                            "StackTrace",
                            "Reason",
                        ),
                    ]
                ),
                st.text(max_size=5),
            ),
            values,
            max_size=4,
        )
    ),
    max_leaves=12,
)
BODIES = st.one_of(
    st.binary(max_size=40),
    JSON.map(lambda value: json.dumps(value).encode()),
    JSON.map(lambda value: json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass")),
    st.integers(1, 3000).map(lambda depth: b'{"Updates":' * depth),
)

VERBS = [
    INVOKE,
    f"{EXECUTION}/checkpoint",
    f"{EXECUTION}/stop",
    "/2025-12-01/durable-execution-callbacks/YQ%3D%3D/fail",
    "/2025-12-01/durable-execution-callbacks/YQ%3D%3D/succeed",
]


@settings(max_examples=part_of(600))
@given(
    st.builds(
        Request,
        st.sampled_from(["GET", "POST", "DELETE", "PUT", "get", ""]) | st.text(max_size=5),
        PATHS,
        QUERIES,
        HEADERS,
        BODIES,
    )
)
def test_every_request_is_read_or_refused_with_an_answer_that_botocore_reads(request: Request) -> None:
    call, error = answer(request)
    if error is None:
        assert call is not None
        assert call.operation in supported_operations()
        return
    parsed = parsed_by_botocore(operation_model("Invoke").output_shape, serialize_error(error))
    assert parsed["Error"] == {"Code": error.code, "Message": error.message}
    assert 400 <= parsed["ResponseMetadata"]["HTTPStatusCode"] < 500


@settings(max_examples=part_of(300))
@given(st.sampled_from(VERBS), BODIES)
def test_every_body_is_read_or_refused(path: str, body: bytes) -> None:
    _, error = answer(Request("POST", path, body=body))
    assert error is None or error.status == 400


def answer(request: Request) -> tuple[ParsedCall | None, ServiceError | None]:
    try:
        return parse(request), None
    except ServiceError as error:
        return None, error
