"""The model finds every broken transition: it would notice if the service did one thing wrong."""

from __future__ import annotations

import pytest

from model.check import check
from model.mutants import MUTANTS, Mutant
from model.samples import SAMPLES
from pytest_durable.schedules.in_order import InOrder


@pytest.fixture
def tiny_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Results of some length count as too large to store, and answers as too large to return."""
    monkeypatch.setattr("durable_sdk.operation.child.MAX_INLINE_CHARACTERS", 40)
    monkeypatch.setattr("durable_sdk.execution.LAMBDA_RESPONSE_SIZE_LIMIT", 120)


@pytest.mark.usefixtures("tiny_limits")
@pytest.mark.parametrize("number", range(len(SAMPLES)))
def test_a_sample_comes_to_what_the_model_says(number: int) -> None:
    check(SAMPLES[number], InOrder())


@pytest.mark.usefixtures("tiny_limits")
@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_a_broken_transition_is_found(mutant: Mutant, monkeypatch: pytest.MonkeyPatch) -> None:
    mutant.install(monkeypatch.setattr)
    assert any(_is_found(number) for number in range(len(SAMPLES)))


def _is_found(number: int) -> bool:
    try:
        check(SAMPLES[number], InOrder())
    except Exception:
        return True
    return False
