"""Requests: from HTTP to an operation and its parameters, refusing what the service refuses.

What is wrong in itself is refused here, with the code and status of Lambda; whatever the bytes are, no other
exception leaves `parse`. Where Lambda's documentation is silent:

- A path that no operation has is UnknownOperationException, 404; one that other methods have is
  MethodNotAllowedException, 405, with the methods in the message.
- A payload of Invoke may call itself JSON, bytes, plain text or a form (as ``curl --data`` does), or nothing.
  Another media type is UnsupportedMediaTypeException, 415.
- A parameter of the query that is given twice counts once, as it came first, unless it is a list.
- Members of bodies that the model does not know, and nulls, count as not given; so does an empty body.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NoReturn, cast
from urllib.parse import parse_qsl, unquote

from pytest_durable.endpoint.wire.constraints import check_constraints, check_required, item_of, member_of
from pytest_durable.endpoint.wire.members import from_json, from_text, json_name
from pytest_durable.endpoint.wire.messages import ParsedCall, Request
from pytest_durable.endpoint.wire.service_model import routes
from pytest_durable.service_errors import (
    InvalidParameterValueException,
    InvalidRequestContentException,
    MethodNotAllowedException,
    RequestTooLargeException,
    SerializationException,
    UnknownOperationException,
    UnsupportedMediaTypeException,
)

if TYPE_CHECKING:
    from botocore.model import ListShape, OperationModel, Shape, StructureShape

# "Lambda quotas" in the developer guide: 6 MB for a synchronous request, 1 MB for an asynchronous one.
SYNCHRONOUS_PAYLOAD_BYTES = 6 * 1024 * 1024
ASYNCHRONOUS_PAYLOAD_BYTES = 1024 * 1024

# An update of the longest payload, each byte of it written as \u0000, and room for the rest.
BODY_BYTES = 40 * 1024 * 1024

# Deeper JSON is refused: what has been read at one depth of Python's stack has to be read at others.
NESTING_LEVELS = 200

_PAYLOAD_MEDIA_TYPES = re.compile(
    r"application/(?:json|octet-stream|x-www-form-urlencoded|[\w.+-]+\+json)|binary/octet-stream|text/plain",
    re.ASCII,
)


def parse(request: Request) -> ParsedCall:
    """Return what a request asks for, validated by the service's model.

    Raises:
        ServiceError: the request is wrong; of the codes in this module's errors, and no other exception.
    """
    operation, labels = _route(request)
    if len(request.body) > BODY_BYTES:
        raise RequestTooLargeException(
            f"Request must be smaller than {BODY_BYTES} bytes for the {operation.name} operation"
        )
    shape = operation.input_shape
    if shape is None:
        return ParsedCall(operation.name, {})
    params = _located(shape, labels, request)
    params |= _body(operation, shape, params, request)
    check_required(shape, params, "")
    return ParsedCall(operation.name, params)


def _route(request: Request) -> tuple[OperationModel, Mapping[str, str]]:
    methods = []
    for method, path, operation in routes():
        match = path.fullmatch(request.path)
        if match is None:
            continue
        if method == request.method:
            return operation, match.groupdict()
        methods.append(method)
    if methods:
        raise MethodNotAllowedException(
            f"Method {request.method!r:.20} is not allowed here: use {' or '.join(methods)}."
        )
    raise UnknownOperationException(f"No operation has the path {request.path!r:.200}.")


def _located(shape: StructureShape, labels: Mapping[str, str], request: Request) -> dict[str, Any]:
    """Return the members that path, query and headers hold."""
    headers = {name.lower(): text for name, text in request.headers.items()}
    query: dict[str, list[str]] | None = None
    params: dict[str, Any] = {}
    for name, member in shape.members.items():
        outside, where = json_name(member, name), member_of("", name)
        match member.serialization.get("location"):
            case "uri":
                params[name] = from_text(member, _unquoted(labels[outside], where), where)
            case "header" if outside.lower() in headers:
                params[name] = from_text(member, headers[outside.lower()], where)
            case "querystring":
                query = _parse_query(request.query) if query is None else query
                if outside in query:
                    params[name] = _from_query(member, query[outside], where)
    return params


def _unquoted(text: str, where: str) -> str:
    try:
        return unquote(text, errors="strict")
    except UnicodeDecodeError as error:
        raise InvalidParameterValueException(f"'{where}' is not percent-encoded UTF-8.") from error


def _parse_query(query: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    try:
        pairs = parse_qsl(query, keep_blank_values=True, errors="strict")
    except ValueError as error:
        raise InvalidParameterValueException("The query is not percent-encoded UTF-8.") from error
    for name, text in pairs:
        found.setdefault(name, []).append(text)
    return found


def _from_query(shape: Shape, texts: list[str], where: str) -> Any:
    if shape.type_name != "list":
        return from_text(shape, texts[0], where)
    item = cast("ListShape", shape).member
    # The length first: no work is done for more than there may be.
    check_constraints(shape, texts, where)
    return [from_text(item, text, item_of(where, index)) for index, text in enumerate(texts)]


def _body(
    operation: OperationModel, shape: StructureShape, params: Mapping[str, Any], request: Request
) -> dict[str, Any]:
    """Return the members that the body holds."""
    payload = shape.serialization.get("payload")
    if payload is not None:
        member = shape.members[payload]
        if member.type_name == "blob":
            if operation.name == "Invoke":
                _check_invocation(params, request)
            check_constraints(member, request.body, member_of("", payload))
            return {payload: request.body} if request.body else {}
        value = _parse_object(request.body)
        return {payload: from_json(member, value, member_of("", payload))} if value else {}
    names = [name for name, member in shape.members.items() if "location" not in member.serialization]
    if not names:
        return {}
    value = _parse_object(request.body)
    found = {}
    for name in names:
        member = shape.members[name]
        given = value.get(json_name(member, name))
        if given is not None:
            found[name] = from_json(member, given, member_of("", name))
    return found


def _parse_object(body: bytes) -> dict[str, Any]:
    if not body:
        return {}
    try:
        value = _parse_json(body)
    except ValueError as error:
        raise SerializationException(f"The request body is not JSON: {error}") from error
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise SerializationException(f"The request body is a JSON object, got {type(value).__name__}.")
    return value


def _parse_json(body: bytes) -> Any:
    """Decode JSON.

    Raises:
        ValueError: it is none, or nested too deeply.
    """
    too_deep = f"it is nested deeper than {NESTING_LEVELS} levels"
    try:
        value = json.loads(body.decode(), parse_constant=_refuse_constant)
    except RecursionError:
        raise ValueError(too_deep) from None
    if _is_nested_deeper(value, NESTING_LEVELS):
        raise ValueError(too_deep)
    return value


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _is_nested_deeper(value: Any, levels: int) -> bool:
    layer = [value]
    for _ in range(levels):
        layer = [
            item
            for holder in layer
            if isinstance(holder, dict | list)
            for item in (holder.values() if isinstance(holder, dict) else holder)
        ]
        if not layer:
            return False
    return True


def _check_invocation(params: Mapping[str, Any], request: Request) -> None:
    kind = params.get("InvocationType", "RequestResponse")
    most = ASYNCHRONOUS_PAYLOAD_BYTES if kind == "Event" else SYNCHRONOUS_PAYLOAD_BYTES
    if len(request.body) > most:
        raise RequestTooLargeException(
            f"{len(request.body)} byte payload is too large for the {kind} invocation type "
            f"(limit {most} bytes)"
        )
    if not request.body:
        return
    headers = {name.lower(): text for name, text in request.headers.items()}
    media_type = headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type and not _PAYLOAD_MEDIA_TYPES.fullmatch(media_type):
        raise UnsupportedMediaTypeException(f"Unsupported content type: {media_type:.100}")
    try:
        _parse_json(request.body)
    except ValueError as error:
        raise InvalidRequestContentException(f"Could not parse request body into json: {error}") from error
