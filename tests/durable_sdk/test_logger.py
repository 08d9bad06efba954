"""The logger of a context, over real loggers."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from durable_sdk.identifier import OperationIdentifier
from durable_sdk.lambda_service import OperationType
from durable_sdk.logger import Logger, LogInfo


@dataclass
class _Execution:
    durable_execution_arn: str


EXECUTION = _Execution("arn")
INFO = LogInfo(EXECUTION, "parent", "id", "name", 2)
LABELS = {
    "executionArn": "arn",
    "parentId": "parent",
    "operationName": "name",
    "operationId": "id",
    "attempt": 2,
}
LEVELS = ["debug", "info", "warning", "error", "exception"]


class _Records(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)


class _Plain:
    """A logger with exactly what LoggerInterface asks for: no stacklevel."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, object, tuple[object, ...], dict[str, object]]] = []

    def _note(self, level: str, msg: object, args: tuple[object, ...], extra: Any) -> None:
        self.calls.append((level, msg, args, dict(extra or {})))

    def debug(self, msg: object, *args: object, extra: Mapping[str, object] | None = None) -> None:
        self._note("debug", msg, args, extra)

    def info(self, msg: object, *args: object, extra: Mapping[str, object] | None = None) -> None:
        self._note("info", msg, args, extra)

    def warning(self, msg: object, *args: object, extra: Mapping[str, object] | None = None) -> None:
        self._note("warning", msg, args, extra)

    def error(self, msg: object, *args: object, extra: Mapping[str, object] | None = None) -> None:
        self._note("error", msg, args, extra)

    def exception(self, msg: object, *args: object, extra: Mapping[str, object] | None = None) -> None:
        self._note("exception", msg, args, extra)


@pytest.fixture
def standard() -> Iterator[logging.Logger]:
    logger = logging.Logger("user", logging.DEBUG)
    yield logger
    logger.handlers.clear()


@pytest.fixture
def records(standard: logging.Logger) -> list[logging.LogRecord]:
    handler = _Records()
    standard.addHandler(handler)
    return handler.records


@pytest.mark.parametrize("level", LEVELS)
def test_every_level_passes_its_arguments_and_the_labels(level: str) -> None:
    plain = _Plain()
    getattr(Logger.from_log_info(plain, INFO), level)("%s of %s", 1, 2)
    assert plain.calls == [(level, "%s of %s", (1, 2), LABELS)]


@pytest.mark.parametrize("level", LEVELS)
def test_records_point_at_the_users_line(
    level: str, standard: logging.Logger, records: list[logging.LogRecord]
) -> None:
    getattr(Logger.from_log_info(standard, INFO), level)("here")
    adapter: logging.LoggerAdapter[logging.Logger] = logging.LoggerAdapter(standard, {})
    getattr(Logger.from_log_info(adapter, INFO), level)("here")
    assert [(record.filename, record.funcName) for record in records] == [
        ("test_logger.py", "test_records_point_at_the_users_line")
    ] * 2


def test_records_carry_the_labels(standard: logging.Logger, records: list[logging.LogRecord]) -> None:
    Logger.from_log_info(standard, INFO).info("done %s", "x")
    (record,) = records
    assert record.getMessage() == "done x"
    assert LABELS.items() <= vars(record).items()


def test_an_exception_is_logged_with_its_traceback(
    standard: logging.Logger, records: list[logging.LogRecord]
) -> None:
    try:
        raise ValueError("boom")
    except ValueError as error:
        Logger.from_log_info(standard, INFO).exception("failed")
        raised = error
    assert records[0].levelname == "ERROR"
    assert records[0].exc_info is not None
    assert records[0].exc_info[1] is raised


def test_labels_that_are_not_known_are_left_out() -> None:
    plain = _Plain()
    Logger.from_log_info(plain, LogInfo(EXECUTION, parent_id="parent")).info("x")
    assert plain.calls[0][3] == {"executionArn": "arn", "parentId": "parent"}


def test_the_extra_of_a_call_wins_and_does_not_stay() -> None:
    plain = _Plain()
    logger = Logger.from_log_info(plain, INFO)
    logger.info("x", extra={"attempt": 9, "mine": True})
    logger.info("y")
    assert plain.calls[0][3] == LABELS | {"attempt": 9, "mine": True}
    assert plain.calls[1][3] == LABELS


@pytest.mark.parametrize("level", LEVELS)
def test_a_replaying_logger_is_silent(level: str) -> None:
    plain = _Plain()
    replaying = True
    logger = Logger.from_log_info(plain, INFO, lambda: replaying)
    getattr(logger, level)("again")
    assert logger.is_replaying()
    replaying = False
    getattr(logger, level)("new")
    assert [call[1] for call in plain.calls] == ["new"]


def test_another_replay_source_replaces_the_first_for_the_new_logger_only() -> None:
    plain = _Plain()
    silent = Logger.from_log_info(plain, INFO, lambda: True)
    silent.with_is_replaying(lambda: False).info("forced")
    silent.info("dropped")
    assert [call[1] for call in plain.calls] == ["forced"]


def test_other_labels_keep_the_logger_and_the_replay_source() -> None:
    plain = _Plain()
    replaying = False
    logger = Logger.from_log_info(plain, INFO, lambda: replaying)
    other = logger.with_log_info(LogInfo(_Execution("other")))
    other.info("x")
    replaying = True
    other.info("y")
    assert other.get_logger() is plain
    assert [(call[1], call[3]) for call in plain.calls] == [("x", {"executionArn": "other"})]


def test_labels_can_be_a_mapping() -> None:
    plain, given = _Plain(), {"a": 1, "b": 2}
    Logger(plain, given).info("x", extra={"b": 3})
    assert plain.calls == [("info", "x", (), {"a": 1, "b": 3})]
    assert given == {"a": 1, "b": 2}


def test_an_operation_gives_its_labels() -> None:
    identifier = OperationIdentifier("id", "Step", "parent", "name", operation_type=OperationType.STEP)
    assert LogInfo.from_operation_identifier(EXECUTION, identifier, 2) == INFO
    assert INFO.with_parent_id("other") == LogInfo(EXECUTION, "other", "id", "name", 2)


def test_the_root_logger_is_the_default() -> None:
    assert Logger.from_log_info(None, INFO).get_logger() is logging.getLogger()
    assert not Logger.from_log_info(None, INFO).is_replaying()
