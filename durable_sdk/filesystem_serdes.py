"""A serdes that keeps values in files, so that a record holds little more than a path."""

from __future__ import annotations

import errno
import hashlib
import json
import os
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NoReturn, Protocol
from urllib.parse import quote

from durable_sdk._checks import check_member
from durable_sdk.exceptions import RetryableSerDesError, SerDesError, ValidationError
from durable_sdk.serdes import EXTENDED_TYPES_SERDES, SerDes, SerDesContext
from durable_sdk.types import DurableExecutionArn

__all__ = [
    "FileSystemPathEncoding",
    "FileSystemSerDes",
    "FileSystemSerDesConfig",
    "FileSystemSerDesMode",
    "GeneratePreview",
]

# A result of 256 KiB is the largest that is stored inline; 1 KiB is left for what surrounds it.
_LARGEST_INLINE_BYTES = 256 * 1024 - 1024

# What another attempt does not mend: the path, the rights or the file system have to change first.
# Anything else, unknown numbers included, may pass: a mount that is not answering, a full disk, too
# many open files.
_FINAL_ERRORS = frozenset(
    {
        errno.ENOENT,
        errno.ENOTDIR,
        errno.EISDIR,
        errno.EEXIST,
        errno.EACCES,
        errno.EPERM,
        errno.EROFS,
        errno.ENAMETOOLONG,
        errno.ELOOP,
        errno.EINVAL,
        errno.EFBIG,
        errno.EXDEV,
        errno.ENOSYS,
        errno.EOPNOTSUPP,
    }
)


class FileSystemSerDesMode(StrEnum):
    """When a value goes into a file."""

    ALWAYS = "ALWAYS"
    """Every value does."""

    OVERFLOW = "OVERFLOW"
    """Those that are too large for the record do, the others stay in it."""


class FileSystemPathEncoding(StrEnum):
    """What the names of directories and files are made of."""

    URI = "URI"
    """The names of function, execution, invocation and operation, percent-encoded: readable."""

    HASH = "HASH"
    """SHA-256 of the execution's ARN and of the operation's id: always 64 characters long."""


class GeneratePreview(Protocol):
    """Chooses what the record shows of a value whose text is in a file; see `build_preview`."""

    def __call__(self, value: Any) -> dict[str, Any] | None:
        """Return the preview, something that JSON can hold, or None for none."""
        ...


@dataclass(frozen=True)
class FileSystemSerDesConfig:
    """Options of `FileSystemSerDes`.

    ``storage_mode`` says when values go into files, ``path_encoding`` how those are called,
    ``generate_preview`` what the record shows of them (nothing if None), and ``serdes`` makes the text
    that is stored.

    Raises:
        ValidationError: a field has a value it cannot have.
    """

    storage_mode: FileSystemSerDesMode = FileSystemSerDesMode.ALWAYS
    path_encoding: FileSystemPathEncoding = FileSystemPathEncoding.URI
    generate_preview: GeneratePreview | None = None
    serdes: SerDes[Any] = EXTENDED_TYPES_SERDES

    def __post_init__(self) -> None:
        check_member("FileSystemSerDesConfig.storage_mode", self.storage_mode, FileSystemSerDesMode)
        check_member("FileSystemSerDesConfig.path_encoding", self.path_encoding, FileSystemPathEncoding)
        if self.generate_preview is not None and not callable(self.generate_preview):
            raise ValidationError(
                f"FileSystemSerDesConfig.generate_preview was given {self.generate_preview!r:.100}; it takes "
                "a function of the value, such as lambda value: build_preview(value, preview_config)."
            )
        if not isinstance(self.serdes, SerDes):
            raise ValidationError(
                f"FileSystemSerDesConfig.serdes was given {self.serdes!r:.100}; it takes an instance "
                "of a serdes, such as JsonSerDes()."
            )


class FileSystemSerDes(SerDes[Any]):
    """Keeps values in files below ``base_path``, one for each operation.

    The directory has to be on a file system that all sandboxes of the function share and that
    outlives them: Amazon EFS or S3 Files, mounted into the function. Lambda's ``/tmp`` is neither.

    The record of the operation holds ``{"file": path}``, with a ``"preview"`` if there is one, or
    ``{"data": text}`` for a value that stays in the record. A file appears under its name when it is
    whole, and a repeated attempt replaces it. Nothing is deleted: let the file system expire what is
    older than the function's retention period.

    Trouble that may pass, such as a mount that does not answer, raises RetryableSerDesError, so that
    the service invokes the function again. A missing file, missing rights, a read-only file system
    and a path that cannot exist are final: SerDesError. A path outside ``base_path`` is never
    written or read, whatever an id, an ARN or a record says.

    Raises:
        ValidationError: ``base_path`` is no path, or ``config`` is something else.
    """

    def __init__(
        self, base_path: str | os.PathLike[str], config: FileSystemSerDesConfig | None = None
    ) -> None:
        path: object = os.fspath(base_path) if isinstance(base_path, os.PathLike) else base_path
        if not isinstance(path, str) or not path:
            raise ValidationError(
                f"FileSystemSerDes.base_path was given {base_path!r:.100}; it takes the path of a "
                "directory, such as '/mnt/shared'."
            )
        if config is not None and not isinstance(config, FileSystemSerDesConfig):
            raise ValidationError(
                f"FileSystemSerDes.config was given {config!r:.100}; it takes a FileSystemSerDesConfig."
            )
        self._base_path = path
        self._config = config or FileSystemSerDesConfig()

    def serialize(self, value: Any, serdes_context: SerDesContext) -> str:
        """Return the text for the record, after the value is in its file if it belongs there.

        Raises:
            RetryableSerDesError: the file system failed in a way that may pass.
            SerDesError: it failed for good, or the value has no text.
        """
        text: object = self._config.serdes.serialize(value, serdes_context)
        if not isinstance(text, str):
            raise SerDesError(
                f"{type(self._config.serdes).__name__}.serialize returned a {type(text).__name__} for "
                f"operation {serdes_context.operation_id!r}, which no file can hold; it has to return a text."
            )
        if self._config.storage_mode == FileSystemSerDesMode.OVERFLOW:
            inline = json.dumps({"data": text})
            if len(inline) <= _LARGEST_INLINE_BYTES:
                return inline
        path = self._path(serdes_context)
        preview = self._config.generate_preview(value) if self._config.generate_preview else None
        try:
            path = _unused(path, text)
            envelope: dict[str, Any] = {"file": path}
            if preview:
                envelope["preview"] = preview
            pointer = json.dumps(envelope)
            _write(path, text)
        except OSError as error:
            what = f"The value of operation {serdes_context.operation_id!r} was not written to {path!r}"
            _fail(error, what)
        return pointer

    def deserialize(self, data: str, serdes_context: SerDesContext) -> Any:
        """Return the value that a text of a record stands for.

        Raises:
            RetryableSerDesError: the file system failed in a way that may pass.
            SerDesError: it failed for good, the file is missing or lies outside ``base_path``, or what was
                read stands for no value.
        """
        envelope = json.loads(data)
        if isinstance(envelope, dict) and isinstance(envelope.get("file"), str):
            text = self._read(envelope["file"], serdes_context)
        elif isinstance(envelope, dict) and "file" not in envelope and isinstance(envelope.get("data"), str):
            text = envelope["data"]
        else:
            raise SerDesError(
                f"Operation {serdes_context.operation_id!r} has {data!r:.100}, which another serdes has "
                'written: it is neither {"file": path} nor {"data": text}.'
            )
        return self._config.serdes.deserialize(text, serdes_context)

    def _path(self, context: SerDesContext) -> str:
        directory = os.path.join(self._base_path, *self._directories(context.durable_execution_arn))
        return os.path.join(directory, f"{self._encoded(context.operation_id)}.json")

    def _directories(self, arn: str) -> list[str]:
        if self._config.path_encoding == FileSystemPathEncoding.URI:
            parsed = DurableExecutionArn.from_arn(arn)
            if parsed is not None:
                names = [parsed.function_name, parsed.execution_name, parsed.invocation_id]
                if all(map(_is_a_name, names)):
                    return names
        encoded = self._encoded(arn)
        # The only texts without a character to encode that are no names.
        return [encoded.replace(".", "%2E") if encoded in {".", ".."} else encoded]

    def _encoded(self, name: str) -> str:
        if self._config.path_encoding == FileSystemPathEncoding.HASH:
            return hashlib.sha256(name.encode()).hexdigest()
        return quote(name, safe="")

    def _read(self, path: str, context: SerDesContext) -> str:
        what = f"The value of operation {context.operation_id!r} was not read from {path!r}"
        if not _is_below(self._base_path, path):
            raise SerDesError(
                f"{what}: it lies outside {self._base_path!r}. If the value was written under another "
                "base_path, give that one to the FileSystemSerDes that reads it."
            )
        try:
            # As it is in the file: without newline="", a carriage return would be read as a line feed.
            with open(path, encoding="utf-8", newline="") as file:
                return file.read()
        except OSError as error:
            _fail(error, what)
        except UnicodeDecodeError as error:
            raise SerDesError(f"{what}: it is not UTF-8 text.") from error


def _unused(path: str, text: str) -> str:
    """Return ``path``, or one beside it if there is a file with another text already.

    A record may point to that file: each check of a condition stores a state of its own, and the one before
    is needed again if the invocation dies before the record of the new one is made.
    """
    content = text.encode()
    try:
        with open(path, "rb") as file:
            if file.read() == content:
                return path
    except FileNotFoundError:
        return path
    stem, extension = os.path.splitext(path)
    return f"{stem}-{hashlib.sha256(content).hexdigest()[:16]}{extension}"


def _write(path: str, text: str) -> None:
    """Put ``text`` into the file at ``path``, which is never seen in part.

    The text is written under another name first. That name is made of path and text, and the file is
    not emptied when it is opened: so two invocations that write at the same time either have files of
    their own, or put equal bytes into the same one.
    """
    content = text.encode()
    directory, name = os.path.split(path)
    digest = hashlib.sha256(name.encode() + b"\0" + content).hexdigest()
    temporary = os.path.join(directory, f".{digest}.tmp")
    os.makedirs(directory, exist_ok=True)
    with open(os.open(temporary, os.O_WRONLY | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o666), "wb") as file:
        file.write(content)
        file.flush()
        # The content must be on the disk before the name is: a crash must not leave an empty file behind.
        os.fsync(file.fileno())
    try:
        os.replace(temporary, path)
    except FileNotFoundError:
        # Another invocation that wrote the same has already given the file its name.
        if not os.path.exists(path):
            raise


def _fail(error: OSError, what: str) -> NoReturn:
    code = errno.errorcode.get(error.errno or 0, "unknown error")
    message = f"{what}: {error.strerror or type(error).__name__} ({code})."
    if error.errno == errno.ENOENT:
        message += " Is the file system that outlives the sandbox mounted there?"
    elif error.errno == errno.ENAMETOOLONG:
        message += " FileSystemPathEncoding.HASH makes short names."
    if error.errno in _FINAL_ERRORS:
        raise SerDesError(message) from error
    raise RetryableSerDesError(message) from error


def _is_below(base: str, path: str) -> bool:
    """Return whether ``path`` leads to a place below ``base``, by way of links or not."""
    base = os.path.realpath(base)
    try:
        return os.path.commonpath([base, os.path.realpath(path)]) == base
    except ValueError:
        # It has a null character, or is on another drive.
        return False


def _is_a_name(text: str) -> bool:
    """Return whether ``text`` can be the name of a directory, rather than lead somewhere else."""
    return text not in {".", ".."} and "\0" not in text and os.path.basename(text) == text
