"""What user code is handed."""

from __future__ import annotations

import logging
from dataclasses import FrozenInstanceError

import pytest

from durable_sdk.types import DurableExecutionArn, StepContext


def test_a_unit_test_can_make_a_step_context_without_arguments() -> None:
    context = StepContext()
    assert context.attempt == 1
    assert context.logger is logging.getLogger()


def test_a_step_context_cannot_be_changed() -> None:
    with pytest.raises(FrozenInstanceError):
        StepContext().attempt = 2  # type: ignore[misc]


def test_the_arn_of_an_execution_is_read() -> None:
    arn = "arn:aws:lambda:eu-central-1:123456789012:function:orders:$LATEST/durable-execution/e-1/i-1"
    assert DurableExecutionArn.from_arn(arn) == DurableExecutionArn("orders", "e-1", "i-1")


@pytest.mark.parametrize(
    "arn",
    [
        "",
        "arn:aws:lambda:r:1:function:orders",
        "arn:aws:lambda:r:1:function:orders/durable-execution/e/i",
        "arn:aws:sqs:r:1:function:orders:1/durable-execution/e/i",
        "arn:aws:lambda:r:1:function:orders:1/durable-execution/e",
        "arn:aws:lambda:r:1:function:orders:1/durable-execution/e/i/more",
        "x arn:aws:lambda:r:1:function:orders:1/durable-execution/e/i",
    ],
)
def test_any_other_text_is_no_arn_of_an_execution(arn: str) -> None:
    assert DurableExecutionArn.from_arn(arn) is None
