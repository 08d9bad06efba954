"""What travels: one request, what it asks for, one response."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any


@dataclass(frozen=True, slots=True)
class Request:
    """An HTTP request as it came: ``path`` and ``query`` are still percent-encoded.

    Names of headers are taken in any case.
    """

    method: str
    path: str
    query: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Response:
    """An HTTP response. Names of headers are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def with_headers(self, headers: Mapping[str, str]) -> Response:
        """Return the response with more headers."""
        return replace(self, headers={**self.headers, **headers})


@dataclass(frozen=True, slots=True)
class ParsedCall:
    """An operation and its parameters, by the names and in the types that boto3 takes.

    Timestamps are aware datetimes; blobs are bytes.
    """

    operation: str
    params: dict[str, Any]
