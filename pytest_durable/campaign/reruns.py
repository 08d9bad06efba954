"""Reruns: the test of an item once more, in its call phase, with fixtures of function scope made anew."""

from __future__ import annotations

import shutil
import unittest
from collections.abc import Callable
from typing import Any

import pytest
from _pytest.tmpdir import tmppath_result_key

from pytest_durable.campaign.silence import Silence

# A failure belongs to the test's own line, not to ours.
__tracebackhide__ = True

# What ends the whole session is no verdict on a test.
_ENDS_THE_SESSION = (pytest.exit.Exception, KeyboardInterrupt)

_NO_FAILURES = (pytest.skip.Exception, pytest.xfail.Exception, unittest.SkipTest)


class Reruns:
    """Runs the test of an item again, as pytest does, but for the hooks of its phases.

    pytest has set the item up and called it once. The node of the item is torn down, with all that hangs
    on it, and set up again; fixtures of wider scope stay, as they do between the tests of a module.
    """

    def __init__(self, item: pytest.Function, conclude: Callable[[], None]) -> None:
        """``conclude`` is called at the end of each run, while its fixtures are there, and may raise."""
        self._item = item
        self._conclude = conclude
        self._silence = Silence(item)
        # What a run adds to the item is that run's own.
        self._properties = len(item.user_properties)
        self._marks = len(item.own_markers)

    def begin(self) -> None:
        """Undo the ordinary run that pytest has made, and be silent from now on.

        Raises:
            BaseException: what its teardown raises.
        """
        self._silence.begin()
        error = self._tear_down(has_passed=True)
        if error is not None:
            self._silence.end()
            raise error

    def trial(self) -> BaseException | None:
        """Run the test once and undo it; return what it raised, in its setup and teardown too.

        A run that skips has raised nothing.
        """
        with self._silence.of_one_run():
            error = _failure(self._run())
            directory: Any = self._item.funcargs.get("tmp_path")
            broken = self._tear_down(has_passed=error is None)
            if directory is not None:
                # A thousand of them would stay for three sessions, and slow down the making of the next.
                shutil.rmtree(directory, ignore_errors=True)
            self._forget()
        return broken if error is None else error

    def show(self) -> BaseException | None:
        """Run the test once, for all to see, and return what it raised. Its fixtures stay if it fails."""
        self._silence.end()
        error = _failure(self._run())
        # If the test passes, its teardown may be what fails.
        return self._tear_down(has_passed=True) if error is None else error

    def end(self) -> None:
        """Show again what the ordinary run has printed: nothing has failed."""
        self._silence.end()
        self._silence.restore()

    def _run(self) -> BaseException | None:
        item = self._item
        try:
            _renew(item)
            self._silence.phase("setup")
            item.session._setupstate.setup(item)
            self._silence.phase("call")
            item.runtest()
            # Kept aside by unittest's way of telling failures.
            _raise_kept(item)
            self._conclude()
        except _ENDS_THE_SESSION:
            raise
        except BaseException as error:
            return error
        return None

    def _tear_down(self, *, has_passed: bool) -> BaseException | None:
        item = self._item
        state = item.session._setupstate
        if item not in state.stack:
            return None
        # tmp_path asks how the phases went, which pytest's reports tell it otherwise.
        item.stash.setdefault(tmppath_result_key, {})["call"] = has_passed
        parent: Any = item.parent
        try:
            state.teardown_exact(parent)
        except _ENDS_THE_SESSION:
            raise
        except BaseException as error:
            return error
        return None

    def _forget(self) -> None:
        del self._item.user_properties[self._properties :]
        del self._item.own_markers[self._marks :]


def _renew(item: pytest.Function) -> None:
    """Give the item what pytest gives a new one: a request, and an instance of its class."""
    if isinstance(item.parent, pytest.Class):
        for name in ("_instance", "_obj"):
            vars(item).pop(name, None)
    vars(item).pop("_excinfo", None)
    item._initrequest()


def _failure(error: BaseException | None) -> BaseException | None:
    return None if isinstance(error, _NO_FAILURES) else error


def _raise_kept(item: pytest.Function) -> None:
    kept = vars(item).pop("_excinfo", None)
    if kept:
        raise kept[0].value
