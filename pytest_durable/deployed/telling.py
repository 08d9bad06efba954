"""What a test in cloud mode adds to pytest's reports: its executions, and where to look at them."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import quote

import pytest

from pytest_durable.cloud.addresses import is_of_aws
from pytest_durable.cloud.runner import CloudRunner
from pytest_durable.report.failure import failure_section

_ARN = re.compile(
    r"arn:(?P<partition>[^:]+):lambda:(?P<region>[^:]+):\d+:function:(?P<function>[^:]+):(?P<version>[^/]+)/"
)
_CONSOLES = {
    "aws": "{region}.console.aws.amazon.com",
    "aws-cn": "{region}.console.amazonaws.cn",
    "aws-us-gov": "{region}.console.amazonaws-us-gov.com",
}


def console_link(arn: str, endpoint: str | None) -> str:
    """Return where an execution can be looked at: the executions of its function in AWS's console.

    Elsewhere it is the page of ``pytest-durable serve``.
    """
    if endpoint is not None and not is_of_aws(endpoint):
        return f"{endpoint.rstrip('/')}/#{quote(arn, safe='')}"
    found = _ARN.match(arn)
    console = None if found is None else _CONSOLES.get(found["partition"])
    if found is None or console is None:
        return ""
    region = found["region"]
    return (
        f"https://{console.format(region=region)}/lambda/home?region={region}"
        f"#/functions/{quote(found['function'])}?tab=durableExecutions"
    )


def failure_text(item: pytest.Item, runner: CloudRunner, command: str) -> str:
    """Return the section of a test that has failed, empty if it has invoked nothing."""
    if not runner.arns:
        return ""
    places = dict.fromkeys(console_link(arn, runner.endpoint) for arn in runner.arns)
    links = [link for link in places if link]
    notes = ["\n".join(["look at it:", *(f"  {link}" for link in links)])] if links else []
    if runner.following.complaints:
        notes.append("\n".join(["not stopped:", *(f"  {line}" for line in runner.following.complaints)]))
    for result in runner.results:
        said: list[Any] = item.ihook.pytest_durable_report(result=result)
        notes.extend(lines if isinstance(lines, str) else "\n".join(lines) for lines in said)
    return failure_section(runner.timeline(), [], None, command, notes=notes)
