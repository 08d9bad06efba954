"""Surroundings: the environment variables that the processes of a function see."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

# Any of these says that there are credentials, or where to get them.
_CREDENTIALS = (
    "AWS_ACCESS_KEY_ID",
    "AWS_PROFILE",
    "AWS_DEFAULT_PROFILE",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
)
_REGIONS = ("AWS_REGION", "AWS_DEFAULT_REGION")

# Lambda's default.
_MEMORY_MB = "128"


def sandbox_environment(
    name: str, handler: str, url: str, region: str, given: Mapping[str, str] | None = None
) -> dict[str, str]:
    """Return what is added to the environment for a function: that of Lambda, and where its client calls.

    boto3's client of Lambda calls the server at ``url``; those of other services are let alone. Credentials
    and region are made up only where the machine has none. ``given`` is the environment, the process's own
    if None.
    """
    given = os.environ if given is None else given
    found = {
        "AWS_ENDPOINT_URL_LAMBDA": url,
        # It would send the handler's checkpoints to AWS.
        "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "false",
        "NO_PROXY": _with_loopback(given.get("NO_PROXY", "")),
        "no_proxy": _with_loopback(given.get("no_proxy", "")),
        "AWS_LAMBDA_FUNCTION_NAME": name,
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": _MEMORY_MB,
        "AWS_LAMBDA_LOG_GROUP_NAME": f"/aws/lambda/{name}",
        "_HANDLER": handler.replace(":", "."),
    }
    if not _has_credentials(given):
        found |= {"AWS_ACCESS_KEY_ID": "local", "AWS_SECRET_ACCESS_KEY": "local"}
    known = next((given[variable] for variable in _REGIONS if given.get(variable)), None)
    if known is not None:
        # Lambda sets both, and boto3 reads only one of them.
        return {**dict.fromkeys(_REGIONS, known), **found}
    return {**dict.fromkeys(_REGIONS, region), **found} if not _file("CONFIG", given).exists() else found


def _with_loopback(hosts: str) -> str:
    return ",".join([*filter(None, [hosts]), "127.0.0.1", "localhost", "::1"])


def _has_credentials(given: Mapping[str, str]) -> bool:
    return any(given.get(variable) for variable in _CREDENTIALS) or any(
        _file(kind, given).exists() for kind in ("SHARED_CREDENTIALS", "CONFIG")
    )


def _file(kind: str, given: Mapping[str, str]) -> Path:
    """Return where boto3 looks for a file of the user."""
    default = {"SHARED_CREDENTIALS": "credentials", "CONFIG": "config"}[kind]
    return Path(given.get(f"AWS_{kind}_FILE") or Path.home() / ".aws" / default).expanduser()
