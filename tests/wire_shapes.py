"""Values of the shapes of botocore's model of Lambda, and botocore's own two sides of the wire."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import botocore.awsrequest
import botocore.parsers
import botocore.serialize
from botocore.model import Shape
from hypothesis import strategies as st

from pytest_durable.endpoint.wire.messages import Request, Response
from pytest_durable.endpoint.wire.service_model import operation_model

_MOMENTS = st.datetimes(datetime(1970, 1, 2), datetime(2200, 1, 1), timezones=st.just(UTC))
_HEADER_TEXT = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1, max_size=20)


def values_of(shape: Shape) -> st.SearchStrategy[Any]:
    """Draw values that the model allows."""
    least, most = shape.metadata.get("min", 0), shape.metadata.get("max")
    match shape.type_name:
        case "string":
            return _strings(shape, least, most)
        case "integer" | "long":
            return st.integers(least, 2**31 - 1 if most is None else most)
        case "float" | "double":
            return st.floats(allow_nan=False, allow_infinity=False)
        case "boolean":
            return st.booleans()
        case "timestamp":
            return _MOMENTS
        case "blob":
            # Those of payloads are JSON, as that of Invoke has to be.
            return st.sampled_from([b"{}", b'{"a": [1, "\xc3\xa9"]}', b"null", b'"text"'])
        case "list":
            return st.lists(values_of(shape.member), min_size=least, max_size=min(most or 3, 3))
        case "map":
            return st.dictionaries(values_of(shape.key), values_of(shape.value), max_size=3)
        case "structure":
            return structures_of(shape)
    raise AssertionError(shape.type_name)


def structures_of(shape: Shape) -> st.SearchStrategy[dict[str, Any]]:
    """Draw structures: required members always, others at times."""
    required = shape.metadata.get("required", ())
    members = {
        name: _HEADER_TEXT if _is_free_header(member) else values_of(member)
        for name, member in shape.members.items()
    }
    return st.fixed_dictionaries(
        {name: value for name, value in members.items() if name in required},
        optional={name: value for name, value in members.items() if name not in required},
    )


def _is_free_header(member: Shape) -> bool:
    free = member.type_name == "string" and not {"pattern", "enum"} & set(member.metadata)
    return free and member.serialization.get("location") == "header"


def _strings(shape: Shape, least: int, most: int | None) -> st.SearchStrategy[str]:
    enum, pattern = shape.metadata.get("enum"), shape.metadata.get("pattern")
    if enum:
        return st.sampled_from(enum)
    if pattern:
        drawn = st.from_regex(re.compile(pattern, re.ASCII), fullmatch=True)
        # A header loses the spaces around it.
        drawn = drawn.map(str.strip) if shape.name == "TenantId" else drawn
        return drawn.filter(lambda text: least <= len(text) <= (most or 10**6))
    return st.text(min_size=least, max_size=min(most or 50, 50))


def shapes_of(roots: Iterable[Shape]) -> Iterator[Shape]:
    """Yield the shapes and those of their members, each once."""
    seen: set[str] = set()
    waiting = list(roots)
    while waiting:
        shape = waiting.pop()
        if shape.name in seen:
            continue
        seen.add(shape.name)
        yield shape
        match shape.type_name:
            case "structure":
                waiting += shape.members.values()
            case "list":
                waiting.append(shape.member)
            case "map":
                waiting += [shape.key, shape.value]


def request_by_botocore(operation: str, params: dict[str, Any]) -> Request:
    """Return the request that boto3 would send."""
    model = operation_model(operation)
    # The parameters have been drawn from the model; what is compared is the wire.
    serializer = botocore.serialize.create_serializer("rest-json", include_validation=False)
    made = serializer.serialize_to_request(params, model)
    botocore.awsrequest.prepare_request_dict(made, "http://localhost:1")
    sent = botocore.awsrequest.create_request_object(made).prepare()
    url = urlsplit(sent.url)
    headers = {
        name: value.decode() if isinstance(value, bytes) else value for name, value in sent.headers.items()
    }
    body = sent.body or b""
    return Request(
        sent.method, url.path, url.query, headers, body.encode() if isinstance(body, str) else body
    )


def parsed_by_botocore(shape: Shape, response: Response) -> dict[str, Any]:
    """Return what boto3 would make of a response."""
    parser = botocore.parsers.create_parser("rest-json")
    # Names of headers count in any case, as in what botocore's client makes of a response.
    headers = botocore.awsrequest.HeadersDict(response.headers)
    answer = {"status_code": response.status, "headers": headers, "body": response.body}
    parsed: dict[str, Any] = parser.parse(answer, shape)
    return parsed
