"""botocore's model of Lambda, and what it says of the requests and answers that go over the wire."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from functools import cache
from typing import Any

import botocore.session
from botocore.model import ServiceModel, Shape
from botocore.validate import ParamValidator

from pytest_durable.simulator.checkers.base import Checker
from pytest_durable.simulator.service.records import ExecutionRecord

CHECKPOINT = "CheckpointDurableExecution"
GET_STATE = "GetDurableExecutionState"
HISTORY = "GetDurableExecutionHistory"


@cache
def model() -> ServiceModel:
    return botocore.session.Session().get_service_model("lambda")


def faults(value: Any, shape: Shape, path: str = "") -> Iterator[str]:
    """Yield what is wrong with a value, which ParamValidator does not look at or checks in requests only."""
    match shape.type_name:
        case "structure":
            yield from _faults_of_structure(value, shape, path)
        case "list":
            if not isinstance(value, list | tuple):
                yield f"{path} is no list: {value!r}"
                return
            for index, item in enumerate(value):
                yield from faults(item, shape.member, f"{path}[{index}]")
        case "string":
            yield from _faults_of_string(value, shape, path)
        case "timestamp":
            if not (isinstance(value, datetime) and value.tzinfo) and type(value) is not int:
                yield f"{path} is no timestamp: {value!r}"
        case "boolean":
            if type(value) is not bool:
                yield f"{path} is no boolean: {value!r}"
        case "integer" | "long":
            low, high = shape.metadata.get("min"), shape.metadata.get("max")
            if type(value) is not int:
                yield f"{path} is no integer: {value!r}"
            elif (low is not None and value < low) or (high is not None and value > high):
                yield f"{path} is not from {low} to {high}: {value!r}"
        case other:
            raise AssertionError(f"{path}: values of type {other} are not checked")


def _faults_of_structure(value: Any, shape: Shape, path: str) -> Iterator[str]:
    if not isinstance(value, Mapping):
        yield f"{path} is no structure: {value!r}"
        return
    for name in shape.metadata.get("required", ()):
        if name not in value:
            yield f"{path}.{name} is missing"
    for name, member in value.items():
        if name not in shape.members:
            yield f"{path}.{name} is unknown"
        else:
            yield from faults(member, shape.members[name], f"{path}.{name}")


def _faults_of_string(value: Any, shape: Shape, path: str) -> Iterator[str]:
    if not isinstance(value, str):
        yield f"{path} is no text: {value!r}"
        return
    low, high = shape.metadata.get("min", 0), shape.metadata.get("max")
    if len(value) < low or (high is not None and len(value) > high):
        yield f"{path} has {len(value)} characters, not {low} to {high}"
    pattern = shape.metadata.get("pattern")
    if pattern and not re.fullmatch(pattern, value):
        yield f"{path} does not match {pattern}: {value!r}"
    if shape.enum and value not in shape.enum:
        yield f"{path} is none of {shape.enum}: {value!r}"


class Recorder(Checker):
    """Keeps copies of all exchanges and invocation events."""

    def __init__(self) -> None:
        self.exchanges: list[tuple[str, Mapping[str, Any], Mapping[str, Any] | None]] = []
        self.invocations: list[Mapping[str, Any]] = []

    def invoked(self, record: ExecutionRecord, event: Mapping[str, Any]) -> None:
        self.invocations.append(event)

    def exchanged(
        self, record: ExecutionRecord, request: Mapping[str, Any], answer: Mapping[str, Any] | None
    ) -> None:
        self.exchanges.append((GET_STATE if "Marker" in request else CHECKPOINT, request, answer))

    def faults(self) -> Iterator[str]:
        """Yield what is wrong with anything that went over the wire."""
        arn = model().operation_model(CHECKPOINT).input_shape.members["DurableExecutionArn"]
        for event in self.invocations:
            yield from faults(event["InitialExecutionState"], _output(GET_STATE), "InitialExecutionState")
            yield from faults(event["DurableExecutionArn"], arn, "DurableExecutionArn")
        for api, request, answer in self.exchanges:
            shape = model().operation_model(api).input_shape
            report = ParamValidator().validate(request, shape).generate_report()
            if report:
                yield report
            yield from faults(request, shape, api)
            if answer is not None:
                yield from faults(answer, _output(api), api)


def faults_of_history(events: list[dict[str, Any]]) -> Iterator[str]:
    """Yield what is wrong with a history."""
    yield from faults({"Events": events}, _output(HISTORY), HISTORY)
    for event in events:
        details = [member for member in event if member.endswith("Details")]
        if details != [f"{event['EventType']}Details"]:
            yield f"{event['EventType']} has {details}"


def _output(api: str) -> Shape:
    return model().operation_model(api).output_shape
