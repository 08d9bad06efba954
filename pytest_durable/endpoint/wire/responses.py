"""Responses: from the output of an operation, or from an error, to HTTP."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, cast

from pytest_durable.endpoint.wire.members import json_name
from pytest_durable.endpoint.wire.messages import Response
from pytest_durable.endpoint.wire.service_model import lambda_model, operation_model
from pytest_durable.errors import ServiceError
from pytest_durable.history.codec import to_microseconds

if TYPE_CHECKING:
    from botocore.model import ListShape, MapShape, Shape, StructureShape

_JSON = {"content-type": "application/json"}


def serialize(operation: str, output: Mapping[str, Any]) -> Response:
    """Return the response to an operation that has succeeded, with its output as boto3 shows it.

    Timestamps are aware datetimes or, as an invocation event has them, whole milliseconds since the epoch;
    blobs are bytes. Members that the installed botocore does not know are left out: its clients would not
    see them.
    """
    model = operation_model(operation)
    status = model.http.get("responseCode", 200)
    headers = dict(_JSON)
    shape = model.output_shape
    if shape is None:
        return Response(status, headers, b"{}")
    payload = shape.serialization.get("payload")
    members: dict[str, Any] = {}
    body = b""
    for name, member in shape.members.items():
        value = output.get(name)
        if value is None:
            continue
        match member.serialization.get("location"):
            case "statusCode":
                status = value
            case "header":
                headers[json_name(member, name).lower()] = str(value)
            case _ if name == payload:
                body = value if member.type_name == "blob" else _dump(_to_json(member, value))
            case _:
                members[json_name(member, name)] = _to_json(member, value)
    return Response(status, headers, body if payload is not None else _dump(members))


def serialize_error(error: ServiceError) -> Response:
    """Return the response that says why a request was refused.

    Raises:
        ValueError: the error is one of a fault that lets no answer come.
    """
    answer = error.response
    if not answer:
        raise ValueError(f"There is no response to send: {error}")
    code, message = answer["Error"]["Code"], answer["Error"]["Message"]
    status = answer["ResponseMetadata"]["HTTPStatusCode"]
    body = {"Type": "User" if status < 500 else "Server", _message_member(code): message}
    return Response(status, {**_JSON, "x-amzn-errortype": code}, _dump(body))


def _message_member(code: str) -> str:
    """Return how the model writes the member of an error that holds its message: its M is large or small."""
    for shape in lambda_model().error_shapes:
        if shape.name == code:
            members = cast("StructureShape", shape).members
            return next((name for name in members if name.lower() == "message"), "Message")
    return "Message"


def _dump(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def _to_json(shape: Shape, value: Any) -> Any:
    match shape.type_name:
        case "structure":
            members = cast("StructureShape", shape).members
            return {
                json_name(member, name): _to_json(member, value[name])
                for name, member in members.items()
                if value.get(name) is not None
            }
        case "list":
            item = cast("ListShape", shape).member
            return [_to_json(item, each) for each in value]
        case "map":
            of = cast("MapShape", shape).value
            return {key: _to_json(of, each) for key, each in value.items()}
        case "timestamp":
            return to_microseconds(value) / 1e6 if isinstance(value, datetime) else value / 1000
        case "blob":
            return base64.b64encode(value).decode()
        case _:
            return value
