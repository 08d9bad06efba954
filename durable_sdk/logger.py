"""The logger of a context: silent during replay, each line labelled with its operation."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol

from durable_sdk.identifier import OperationIdentifier
from durable_sdk.types import LoggerInterface

__all__ = ["LogInfo", "Logger", "LoggerInterface"]

# A standard logger counts 1 for `_write`, 2 for the method that called it, 3 for the user's line.
_STACK_LEVEL = 3


class LoggedExecution(Protocol):
    """An execution that lines are labelled with."""

    @property
    def durable_execution_arn(self) -> str:
        """Which execution it is."""
        ...


@dataclass(frozen=True, slots=True)
class LogInfo:
    """What a log line is labelled with; members that are None are left out."""

    execution_state: LoggedExecution
    parent_id: str | None = None
    operation_id: str | None = None
    name: str | None = None
    attempt: int | None = None

    @classmethod
    def from_operation_identifier(
        cls, execution_state: LoggedExecution, op_id: OperationIdentifier, attempt: int | None = None
    ) -> LogInfo:
        """Return the labels of an operation."""
        return cls(execution_state, op_id.parent_id, op_id.operation_id, op_id.name, attempt)

    def with_parent_id(self, parent_id: str) -> LogInfo:
        """Return the same labels with another parent."""
        return replace(self, parent_id=parent_id)

    def to_extra(self) -> dict[str, object]:
        """Return the labels under the names they have in a log record."""
        labels = {
            "executionArn": self.execution_state.durable_execution_arn,
            "parentId": self.parent_id,
            "operationName": self.name,
            "attempt": self.attempt,
            "operationId": self.operation_id,
        }
        return {name: value for name, value in labels.items() if value is not None}


def _never() -> bool:
    return False


class Logger:
    """Writes to another logger, adding the labels ``default_extra``, unless ``is_replaying`` says so.

    ``logger`` is the root logger if None. ``extra`` of a call wins over a label of the same name.
    """

    # One is made for every step and most write nothing, so the labels are put together when a line
    # is written.
    __slots__ = ("_is_replaying", "_labels", "_logger")

    def __init__(
        self,
        logger: LoggerInterface | None,
        default_extra: Mapping[str, object] | LogInfo,
        is_replaying: Callable[[], bool] = _never,
    ) -> None:
        self._logger: LoggerInterface = logging.root if logger is None else logger
        self._labels = default_extra
        self._is_replaying = is_replaying

    @classmethod
    def from_log_info(
        cls,
        logger: LoggerInterface | None,
        info: LogInfo,
        is_replaying: Callable[[], bool] = _never,
    ) -> Logger:
        """Return a logger that writes to ``logger``."""
        return cls(logger, info, is_replaying)

    def with_log_info(self, info: LogInfo) -> Logger:
        """Return the same logger with other labels."""
        return Logger(self._logger, info, self._is_replaying)

    def with_is_replaying(self, is_replaying: Callable[[], bool]) -> Logger:
        """Return the same logger, silent when ``is_replaying`` says so."""
        return Logger(self._logger, self._labels, is_replaying)

    def get_logger(self) -> LoggerInterface:
        """Return the logger that is written to."""
        return self._logger

    def is_replaying(self) -> bool:
        """Return whether the logger is silent now."""
        return self._is_replaying()

    def debug(self, msg: object, *args: object, extra: Mapping[str, object] | None = None) -> None:
        """Log a line of level DEBUG."""
        if not self._is_replaying():
            self._write(self._logger.debug, msg, args, extra)

    def info(self, msg: object, *args: object, extra: Mapping[str, object] | None = None) -> None:
        """Log a line of level INFO."""
        if not self._is_replaying():
            self._write(self._logger.info, msg, args, extra)

    def warning(self, msg: object, *args: object, extra: Mapping[str, object] | None = None) -> None:
        """Log a line of level WARNING."""
        if not self._is_replaying():
            self._write(self._logger.warning, msg, args, extra)

    def error(self, msg: object, *args: object, extra: Mapping[str, object] | None = None) -> None:
        """Log a line of level ERROR."""
        if not self._is_replaying():
            self._write(self._logger.error, msg, args, extra)

    def exception(self, msg: object, *args: object, extra: Mapping[str, object] | None = None) -> None:
        """Log a line of level ERROR with the exception being handled."""
        if not self._is_replaying():
            self._write(self._logger.exception, msg, args, extra)

    def _write(
        self,
        method: Callable[..., Any],
        msg: object,
        args: tuple[object, ...],
        extra: Mapping[str, object] | None,
    ) -> None:
        given = self._labels
        labels = given.to_extra() if isinstance(given, LogInfo) else dict(given)
        if extra:
            labels.update(extra)
        # Without it every record would name this module. Other loggers need not know the argument.
        if isinstance(self._logger, logging.Logger | logging.LoggerAdapter):
            method(msg, *args, extra=labels, stacklevel=_STACK_LEVEL)
        else:
            method(msg, *args, extra=labels)
