"""Silence: nothing is heard of the runs of an exploration but of the one that is reported."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from _pytest.logging import caplog_handler_key, caplog_records_key


class Silence:
    """Takes away what the runs of an item print, log and warn of, as soon as each is over.

    Without capturing (``-s``) output cannot be taken back.
    """

    def __init__(self, item: pytest.Item) -> None:
        manager = item.config.pluginmanager
        self._item = item
        self._capture: Any = manager.getplugin("capturemanager")
        self._logging: Any = manager.getplugin("logging-plugin")
        self._option = item.config.option
        self._sections = 0
        self._kept: list[tuple[str, str]] = []
        self._shows_setup = False
        self._is_on = False

    def begin(self) -> None:
        """Keep what the run so far has printed and logged, and be silent from here on."""
        out, err = self._take_output()
        log = self._take_log()
        self._kept = [("stdout", out), ("stderr", err), ("log", log)]
        self._sections = len(self._item._report_sections)
        self._shows_setup = getattr(self._option, "setupshow", False)
        self._option.setupshow = False
        if self._logging is not None:
            # Handlers that write at once: the live log, and the log file.
            for handler in (self._logging.log_cli_handler, self._logging.log_file_handler):
                handler.addFilter(_nothing)
        self._is_on = True

    @contextmanager
    def of_one_run(self) -> Iterator[None]:
        """Drop what is printed, logged and warned of meanwhile. Filters of warnings stay as they are."""
        with warnings.catch_warnings(record=True):
            yield
        self._take_output()
        self._take_log()
        del self._item._report_sections[self._sections :]

    def phase(self, when: str) -> None:
        """Let ``caplog`` keep the records of a phase apart, as it does."""
        if self._logging is None:
            return
        handler = self._logging.caplog_handler
        handler.reset()
        self._item.stash[caplog_records_key][when] = handler.records
        self._item.stash[caplog_handler_key] = handler

    def end(self) -> None:
        """Let everything be heard again."""
        if not self._is_on:
            return
        self._is_on = False
        self._option.setupshow = self._shows_setup
        if self._logging is not None:
            for handler in (self._logging.log_cli_handler, self._logging.log_file_handler):
                handler.removeFilter(_nothing)

    def restore(self) -> None:
        """Give back what was kept when it began."""
        for name, text in self._kept:
            self._item.add_report_section("call", name, text)

    def _take_output(self) -> tuple[str, str]:
        # There is none while pytest starts and ends, or under another manager.
        if self._capture is None or not self._capture.is_globally_capturing():
            return "", ""
        out, err = self._capture.read_global_capture()
        return out, err

    def _take_log(self) -> str:
        if self._logging is None:
            return ""
        text: str = self._logging.report_handler.stream.getvalue().strip()
        self._logging.report_handler.reset()
        self._logging.caplog_handler.reset()
        return text


def _nothing(record: logging.LogRecord) -> bool:
    return False
