"""Addresses: whose machine a URL is of."""

from __future__ import annotations

import re
from ipaddress import ip_address
from urllib.parse import urlsplit

_AWS = re.compile(r"lambda(-fips)?\.")


def is_of_aws(url: str) -> bool:
    """Return whether it is Lambda's own, in whatever partition."""
    return _AWS.match(_host(url)) is not None


def is_of_this_machine(url: str) -> bool:
    """Return whether nobody else can be there."""
    host = _host(url)
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _host(url: str) -> str:
    return urlsplit(url).hostname or ""
