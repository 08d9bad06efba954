"""What AWS's SDK for Python stores, this one stores too: texts, paths, files and previews, byte for byte.

The vectors are written by `vectors/record.py` with that SDK. Executions begun under one are then
finished under the other.
"""

from __future__ import annotations

import importlib.util
import json
import os
from pathlib import Path
from typing import Any

import pytest

from durable_sdk.exceptions import SerDesError
from durable_sdk.filesystem_serdes import (
    FileSystemPathEncoding,
    FileSystemSerDes,
    FileSystemSerDesConfig,
    FileSystemSerDesMode,
)
from durable_sdk.preview import FieldMatchMode, PreviewConfig, PreviewField, PreviewMode, build_preview
from durable_sdk.serdes import SerDesContext, deserialize, serialize

VECTORS = Path(os.environ.get("DURABLE_TEST_VECTORS") or Path(__file__).parent / "vectors")


def _recorder() -> Any:
    spec = importlib.util.spec_from_file_location(
        "_vectors_record", Path(__file__).parent / "vectors" / "record.py"
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


RECORDER = _recorder()
TYPED_FORM = json.loads((VECTORS / "typed_form.json").read_text())
FILES = json.loads((VECTORS / "filesystem_serdes.json").read_text())
PREVIEWS = json.loads((VECTORS / "preview.json").read_text())


def value_of(expression: str) -> Any:
    return eval(expression, dict(RECORDER.NAMES))


def test_the_typed_form_of_each_value_is_the_recorded_text() -> None:
    assert len(TYPED_FORM["values"]) > 300
    differing = []
    for expression, text in TYPED_FORM["values"]:
        try:
            stored = serialize(None, value_of(expression), "id", "arn")
        except SerDesError:
            stored = None
        if stored != text:
            differing.append((expression, text, stored))
    assert differing == []


def test_each_recorded_text_is_read_as_a_value_that_is_stored_as_the_same_text() -> None:
    texts = [text for _, text in TYPED_FORM["values"] if text is not None]
    assert [text for text in texts if serialize(None, deserialize(None, text, "", ""), "", "") != text] == []


@pytest.mark.parametrize(("text", "value"), TYPED_FORM["texts"])
def test_a_text_is_read_or_refused_as_recorded(text: str, value: str | None) -> None:
    if value is None:
        with pytest.raises(SerDesError):
            deserialize(None, text, "id", "arn")
    else:
        assert repr(deserialize(None, text, "id", "arn")) == value


@pytest.mark.parametrize(
    ("encoding", "mode", "arn", "operation_id", "value", "text", "content"),
    FILES,
    ids=[f"{row[0]}-{row[1]}-{number}" for number, row in enumerate(FILES)],
)
def test_a_value_is_in_the_recorded_file_with_the_recorded_content(
    encoding: str,
    mode: str,
    arn: str,
    operation_id: str,
    value: str,
    text: str,
    content: str | None,
    tmp_path: Path,
) -> None:
    config = FileSystemSerDesConfig(FileSystemSerDesMode(mode), FileSystemPathEncoding(encoding))
    context = SerDesContext(eval(f'"{operation_id}"'), value_of(arn))
    serdes = FileSystemSerDes(str(tmp_path), config)
    stored = serdes.serialize(value_of(value), context)
    # Of a long text, the beginning is recorded.
    assert stored.replace(str(tmp_path), "BASE").startswith(text)
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    if content is not None:
        assert [path.read_bytes().decode() for path in files] == [content]
    assert len(files) == ("file" in json.loads(stored))
    assert serdes.deserialize(stored, context) == value_of(value)


@pytest.mark.parametrize(
    ("value", "mode", "include", "exclude", "mask", "size", "preview"),
    PREVIEWS,
    ids=[str(number) for number in range(len(PREVIEWS))],
)
def test_a_preview_shows_what_is_recorded(
    value: str, mode: str, include: list[str], exclude: list[str], mask: list[str], size: int, preview: str
) -> None:  # fmt: skip
    def rule(names: list[str]) -> list[PreviewField]:
        return [
            PreviewField(
                eval(f'"{name.removeprefix("=")}"'),
                FieldMatchMode.PATH if name.startswith("=") else FieldMatchMode.ANYWHERE,
            )
            for name in names
        ]

    config = PreviewConfig(
        PreviewMode(mode), rule(include), rule(exclude), rule(mask), max_preview_bytes=size
    )
    shown = build_preview(value_of(RECORDER.PERSON if value == "PERSON" else value), config)
    assert json.dumps(shown) == preview
