"""The wire: HTTP requests to operations of Lambda's API, and their outputs and errors to HTTP responses.

Pure. All that is known of operations, members and their limits comes from botocore's own service model.
"""

from pytest_durable.endpoint.wire.messages import ParsedCall, Request, Response
from pytest_durable.endpoint.wire.requests import parse
from pytest_durable.endpoint.wire.responses import serialize, serialize_error
from pytest_durable.endpoint.wire.service_model import supported_operations

__all__ = [
    "ParsedCall",
    "Request",
    "Response",
    "parse",
    "serialize",
    "serialize_error",
    "supported_operations",
]
