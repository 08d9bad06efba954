"""What user code is handed."""

from __future__ import annotations

import logging
from dataclasses import FrozenInstanceError

import pytest

from durable_sdk.types import StepContext


def test_a_unit_test_can_make_a_step_context_without_arguments() -> None:
    context = StepContext()
    assert context.attempt == 1
    assert context.logger is logging.getLogger()


def test_a_step_context_cannot_be_changed() -> None:
    with pytest.raises(FrozenInstanceError):
        StepContext().attempt = 2  # type: ignore[misc]
