"""FileSystemSerDes: what goes into files, what errors become, and that nothing leads out of the base path."""

from __future__ import annotations

import errno
import json
import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from durable_sdk_fakes import FakeLambda, invoke, run
from hypothesis import given, settings
from hypothesis import strategies as st

import durable_sdk.filesystem_serdes as module
from durable_sdk import DurableContext
from durable_sdk.config import Duration
from durable_sdk.exceptions import RetryableSerDesError, SerDesError, ValidationError
from durable_sdk.filesystem_serdes import (
    FileSystemPathEncoding,
    FileSystemSerDes,
    FileSystemSerDesConfig,
    FileSystemSerDesMode,
)
from durable_sdk.serdes import JsonSerDes, PassThroughSerDes, SerDes, SerDesContext, deserialize, serialize
from durable_sdk.waits import WaitForConditionConfig, WaitForConditionDecision

# How long an example takes depends on what else the machine does.
untimed = settings(deadline=None)

ARN = "arn:aws:lambda:eu-central-1:123456789012:function:orders:7/durable-execution/e-1/i-1"
CONTEXT = SerDesContext("op-1", ARN)
OVERFLOW = FileSystemSerDesConfig(FileSystemSerDesMode.OVERFLOW)


def files_below(path: Path) -> list[Path]:
    return sorted(file for file in path.rglob("*") if file.is_file())


def test_a_value_comes_back_from_its_file(tmp_path: Path) -> None:
    serdes = FileSystemSerDes(tmp_path)
    text = serdes.serialize({"a": (1, 2)}, CONTEXT)
    path = tmp_path / "orders" / "e-1" / "i-1" / "op-1.json"
    assert json.loads(text) == {"file": str(path)}
    assert serdes.deserialize(text, CONTEXT) == {"a": (1, 2)}
    assert files_below(tmp_path) == [path]


@untimed
@given(st.text(st.characters(codec="utf-8")))
def test_a_text_is_in_the_file_as_it_is(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    base = tmp_path_factory.getbasetemp() / "texts"
    serdes = FileSystemSerDes(str(base), FileSystemSerDesConfig(serdes=PassThroughSerDes()))
    stored = serdes.serialize(text, CONTEXT)
    assert Path(json.loads(stored)["file"]).read_bytes() == text.encode()
    assert serdes.deserialize(stored, CONTEXT) == text


def test_another_value_of_the_operation_leaves_the_file_that_a_record_may_point_to(tmp_path: Path) -> None:
    serdes = FileSystemSerDes(tmp_path)
    first = serdes.serialize("x" * 100, CONTEXT)
    second = serdes.serialize("y", CONTEXT)
    assert serdes.serialize("y", CONTEXT) == second
    assert serdes.serialize("x" * 100, CONTEXT) == first
    assert serdes.deserialize(first, CONTEXT) == "x" * 100
    assert serdes.deserialize(second, CONTEXT) == "y"
    assert len(files_below(tmp_path)) == 2


def test_a_check_that_died_before_its_state_was_recorded_is_given_the_state_before(tmp_path: Path) -> None:
    service = FakeLambda()
    seen: list[int] = []

    def check(state: int, context: Any) -> int:
        seen.append(state)
        return state + 1

    def strategy(state: int, attempt: int) -> WaitForConditionDecision:
        if state >= 3:
            return WaitForConditionDecision.stop_polling()
        return WaitForConditionDecision.continue_waiting(Duration(1))

    config = WaitForConditionConfig(strategy, 0, FileSystemSerDes(tmp_path))

    def handler(event: Any, context: DurableContext) -> int:
        return context.wait_for_condition(check, config)

    invoke(handler, service)
    service.elapse()
    service.fail(1, ConnectionError("lost"))
    with pytest.raises(Exception, match="lost"):
        invoke(handler, service)
    assert run(handler, service)["Result"] == "3"
    assert seen == [0, 1, 1, 2]


def test_the_record_shows_the_preview_of_a_value_in_a_file_only(tmp_path: Path) -> None:
    def preview(value: Any) -> dict[str, Any]:
        return {"size": len(value)}

    always = FileSystemSerDes(tmp_path, FileSystemSerDesConfig(generate_preview=preview))
    assert json.loads(always.serialize("abc", CONTEXT))["preview"] == {"size": 3}
    overflow = FileSystemSerDes(
        tmp_path, FileSystemSerDesConfig(FileSystemSerDesMode.OVERFLOW, generate_preview=preview)
    )
    assert json.loads(overflow.serialize("abc", CONTEXT)) == {"data": '"abc"'}
    assert json.loads(overflow.serialize("x" * 300_000, CONTEXT))["preview"] == {"size": 300_000}
    empty = FileSystemSerDes(tmp_path, FileSystemSerDesConfig(generate_preview=lambda value: {}))
    assert "preview" not in json.loads(empty.serialize("abc", CONTEXT))


def test_a_value_is_serialized_once_whether_it_fits_or_not(tmp_path: Path) -> None:
    class Counting(JsonSerDes[Any]):
        calls = 0

        def serialize(self, value: Any, serdes_context: SerDesContext | None = None) -> str:
            self.calls += 1
            return super().serialize(value)

    counting = Counting()
    serdes = FileSystemSerDes(
        tmp_path, FileSystemSerDesConfig(FileSystemSerDesMode.OVERFLOW, serdes=counting)
    )
    serdes.serialize("x" * 300_000, CONTEXT)
    assert counting.calls == 1


def test_a_value_or_preview_without_a_text_leaves_no_file(tmp_path: Path) -> None:
    class Silent(SerDes[Any]):
        def serialize(self, value: Any, serdes_context: SerDesContext) -> Any:
            return None

        def deserialize(self, data: str, serdes_context: SerDesContext) -> Any:
            return None

    with pytest.raises(SerDesError, match=r"Silent\.serialize returned a NoneType for operation 'op-1'"):
        FileSystemSerDes(tmp_path, FileSystemSerDesConfig(serdes=Silent())).serialize(1, CONTEXT)
    with pytest.raises(SerDesError, match="Unsupported type <class 'set'>"):
        FileSystemSerDes(tmp_path).serialize({1}, CONTEXT)
    odd = FileSystemSerDes(tmp_path, FileSystemSerDesConfig(generate_preview=lambda value: {"a": {1}}))
    with pytest.raises(SerDesError, match="Serialization failed for id: op-1"):
        serialize(odd, 1, "op-1", ARN)
    assert files_below(tmp_path) == []


# What only arises on a network file system is raised in the place of the call that meets it there.
@pytest.fixture
def fail_with(monkeypatch: pytest.MonkeyPatch) -> Callable[[str, int], None]:
    def arrange(function: str, number: int) -> None:
        def fail(*_: Any, **__: Any) -> Any:
            raise OSError(number, os.strerror(number), "/a/path")

        if function == "open":
            monkeypatch.setattr(module, "open", fail, raising=False)
        else:
            monkeypatch.setattr(os, function, fail)

    return arrange


@pytest.mark.parametrize("function", ["makedirs", "open", "fsync", "replace"])
@pytest.mark.parametrize(
    "number", [errno.EIO, errno.ESTALE, errno.ETIMEDOUT, errno.ENOSPC, errno.EMFILE, errno.ENOTCONN, 9999]
)
def test_passing_trouble_asks_for_another_invocation(
    function: str, number: int, tmp_path: Path, fail_with: Callable[[str, int], None]
) -> None:
    serdes = FileSystemSerDes(tmp_path)
    text = serdes.serialize("old", CONTEXT)
    fail_with(function, number)
    with pytest.raises(RetryableSerDesError, match=r"operation 'op-1' was not written to '.*op-1.*\.json': "):
        serdes.serialize("new", CONTEXT)
    if function == "open":
        with pytest.raises(RetryableSerDesError, match=r"operation 'op-1' was not read from '.*': "):
            serdes.deserialize(text, CONTEXT)
    else:
        # Whatever failed, what was there before is whole.
        assert serdes.deserialize(text, CONTEXT) == "old"


@pytest.mark.parametrize(
    "number",
    [errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.EISDIR, errno.ELOOP, errno.EOPNOTSUPP],
)
def test_what_no_attempt_mends_is_final(
    number: int, tmp_path: Path, fail_with: Callable[[str, int], None]
) -> None:
    serdes = FileSystemSerDes(tmp_path)
    text = serdes.serialize("old", CONTEXT)
    fail_with("open", number)
    for act in (lambda: serdes.serialize("new", CONTEXT), lambda: serdes.deserialize(text, CONTEXT)):
        with pytest.raises(SerDesError) as raised:
            act()
        assert f"({errno.errorcode[number]})" in str(raised.value)
        # The name of the temporary file would be another one for another value.
        assert "/a/path" not in str(raised.value)


def test_a_missing_file_is_final_and_says_where_to_look(tmp_path: Path) -> None:
    serdes = FileSystemSerDes(tmp_path)
    text = serdes.serialize(1, CONTEXT)
    os.remove(json.loads(text)["file"])
    with pytest.raises(SerDesError, match=r"No such file or directory \(ENOENT\)\. Is the file system"):
        serdes.deserialize(text, CONTEXT)


def test_a_name_that_is_too_long_says_how_to_shorten_it(tmp_path: Path) -> None:
    with pytest.raises(SerDesError, match=r"\(ENAMETOOLONG\)\. FileSystemPathEncoding\.HASH makes"):
        FileSystemSerDes(tmp_path).serialize(1, SerDesContext("x" * 300, ARN))
    hashed = FileSystemSerDesConfig(path_encoding=FileSystemPathEncoding.HASH)
    assert FileSystemSerDes(tmp_path, hashed).serialize(1, SerDesContext("x" * 300, ARN))


def test_a_file_that_is_no_text_is_final(tmp_path: Path) -> None:
    serdes = FileSystemSerDes(tmp_path)
    text = serdes.serialize(1, CONTEXT)
    Path(json.loads(text)["file"]).write_bytes(b"\xff")
    with pytest.raises(SerDesError, match="it is not UTF-8 text"):
        serdes.deserialize(text, CONTEXT)


def test_a_writer_that_dies_leaves_the_file_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    serdes = FileSystemSerDes(tmp_path)
    text = serdes.serialize("old", CONTEXT)

    class Killed(BaseException):
        pass

    def die(*_: Any) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", die)
        with pytest.raises(Killed):
            serdes.serialize("new", CONTEXT)
    assert serdes.deserialize(text, CONTEXT) == "old"
    left = [path.name for path in files_below(tmp_path) if path.name != "op-1.json"]
    assert len(left) == 1
    # The next attempt writes over what was left, and gives it its name.
    assert serdes.deserialize(serdes.serialize("new", CONTEXT), CONTEXT) == "new"
    assert len(files_below(tmp_path)) == 2
    assert not [path for path in files_below(tmp_path) if path.name.endswith(".tmp")]


def test_a_writer_that_is_overtaken_by_another_with_the_same_value_is_content(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    serdes = FileSystemSerDes(tmp_path)
    replace = os.replace

    def overtaken(source: str, target: str) -> None:
        replace(source, target)
        replace(source, target)

    monkeypatch.setattr(os, "replace", overtaken)
    text = serdes.serialize("value", CONTEXT)
    assert serdes.deserialize(text, CONTEXT) == "value"


def test_the_file_can_be_read_by_whom_the_umask_lets(tmp_path: Path) -> None:
    text = FileSystemSerDes(tmp_path).serialize(1, CONTEXT)
    umask = os.umask(0)
    os.umask(umask)
    assert stat.S_IMODE(os.stat(json.loads(text)["file"]).st_mode) == 0o666 & ~umask


outside = st.text(st.sampled_from("./\\%:a~\n\0é"), max_size=12) | st.sampled_from(
    ["..", ".", "", "../..", "/etc"]
)
arns = outside | st.builds(
    "arn:aws:lambda:r:1:function:{}:7/durable-execution/{}/{}".format, outside, outside, outside
)


@untimed
@given(arns, outside, st.sampled_from(FileSystemPathEncoding))
def test_no_id_and_no_arn_leads_out_of_the_base_path(
    tmp_path_factory: pytest.TempPathFactory, arn: str, operation_id: str, encoding: FileSystemPathEncoding
) -> None:
    base = tmp_path_factory.getbasetemp() / "names" / "below"
    serdes = FileSystemSerDes(base, FileSystemSerDesConfig(path_encoding=encoding))
    context = SerDesContext(operation_id, arn)
    text = serdes.serialize(1, context)
    path = Path(json.loads(text)["file"])
    assert os.path.realpath(path).startswith(f"{os.path.realpath(base)}{os.sep}")
    assert serdes.deserialize(text, context) == 1


@pytest.mark.parametrize("path", ["../secret", "/etc/passwd", "a/../../secret", "", "link/secret", "a\0b"])
def test_no_record_leads_out_of_the_base_path(path: str, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("1")
    base = tmp_path / "base"
    base.mkdir()
    (base / "link").symlink_to(tmp_path)
    text = json.dumps({"file": os.path.join(base, path) if path else ""})
    with pytest.raises(SerDesError, match="it lies outside"):
        FileSystemSerDes(base).deserialize(text, CONTEXT)


def test_a_base_path_may_be_a_link_and_may_be_relative(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "alias").symlink_to(tmp_path / "real")
    monkeypatch.chdir(tmp_path)
    text = FileSystemSerDes("alias").serialize(5, CONTEXT)
    assert json.loads(text) == {"file": "alias/orders/e-1/i-1/op-1.json"}
    assert FileSystemSerDes(tmp_path / "real").deserialize(text, CONTEXT) == 5


@pytest.mark.parametrize(
    "text", ["[]", "{}", "1", '["file"]', '{"file": 1}', '{"data": 1}', '{"file": null, "data": "1"}']
)
def test_what_another_serdes_wrote_is_refused(text: str, tmp_path: Path) -> None:
    with pytest.raises(SerDesError, match="which another serdes has written"):
        FileSystemSerDes(tmp_path).deserialize(text, CONTEXT)


def test_a_record_that_is_no_json_is_a_serdes_error(tmp_path: Path) -> None:
    with pytest.raises(SerDesError, match="Deserialization failed for id: op-1"):
        deserialize(FileSystemSerDes(tmp_path), "{", "op-1", ARN)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: FileSystemSerDes(""), "FileSystemSerDes.base_path was given ''; it takes the path of a"),
        (lambda: FileSystemSerDes(b"/mnt"), "FileSystemSerDes.base_path was given b'/mnt'"),
        (lambda: FileSystemSerDes(None), "FileSystemSerDes.base_path was given None"),
        (lambda: FileSystemSerDes("/mnt", FileSystemSerDesMode.ALWAYS), "it takes a FileSystemSerDesConfig"),
        (lambda: FileSystemSerDesConfig("SOMETIMES"), "storage_mode was given 'SOMETIMES'; it takes"),
        (lambda: FileSystemSerDesConfig(path_encoding="x"), "path_encoding was given 'x'; it takes"),
        (lambda: FileSystemSerDesConfig(generate_preview={}), "generate_preview was given {}; it takes a"),
        (lambda: FileSystemSerDesConfig(serdes=JsonSerDes), "it takes an instance of a serdes"),
    ],
)  # fmt: skip
def test_a_wrong_argument_is_refused_before_anything_is_stored(make: Any, message: str) -> None:
    with pytest.raises(ValidationError) as raised:
        make()
    assert message in str(raised.value)
