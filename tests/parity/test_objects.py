"""The structures of the API are in the service's form what AWS's are, and read back what they wrote."""

from __future__ import annotations

import importlib
import json
from pathlib import Path
from typing import Any

import pytest
from parity import objects

AWS: dict[str, Any] = json.loads((Path(__file__).parent / "aws_objects.json").read_text())

# Decoded from the path of a request as well as from its body.
SPLIT = {"CheckpointDurableExecutionRequest", "SendDurableExecutionCallbackFailureRequest"}


@pytest.fixture(autouse=True)
def _fields_of_aws(monkeypatch: pytest.MonkeyPatch) -> None:
    fields = {name.partition(":")[2]: described["fields"] for name, described in AWS.items()}
    monkeypatch.setattr(objects, "FIELDS", fields)


def ours(name: str) -> Any:
    module, _, class_name = name.partition(":")
    return getattr(importlib.import_module(objects.MODULES[module]), class_name)


@pytest.mark.parametrize("name", AWS)
@pytest.mark.parametrize("size", ["full", "least"])
def test_a_structure_is_written_as_by_aws(name: str, size: str) -> None:
    cls = ours(name)
    written = objects.forms(objects.build(cls, AWS[name]["fields"], full=size == "full"))
    # Ours may have encoders where AWS's have none.
    assert {encoder: written[encoder] for encoder in AWS[name][size]} == AWS[name][size]


@pytest.mark.parametrize("name", [name for name in AWS if name.partition(":")[2] not in SPLIT])
@pytest.mark.parametrize("size", ["full", "least"])
def test_a_structure_is_read_as_it_was_written(name: str, size: str) -> None:
    cls = ours(name)
    instance = objects.build(cls, None, full=size == "full")
    if hasattr(cls, "from_dict"):
        assert cls.from_dict(instance.to_dict()) == instance
    if hasattr(cls, "from_json_dict"):
        read = cls.from_json_dict(json.loads(json.dumps(instance.to_json_dict())))
        # Milliseconds are all that the event has.
        assert read.to_json_dict() == instance.to_json_dict()


def test_every_structure_of_aws_is_covered() -> None:
    assert len(AWS) > 70
