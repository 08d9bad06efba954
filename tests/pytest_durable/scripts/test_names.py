"""Which operations a name is about."""

from __future__ import annotations

import pytest

from durable_sdk.lambda_service import OperationStatus, OperationSubType, OperationType
from pytest_durable.history.events import Subject
from pytest_durable.history.fold import RecordedOperation
from pytest_durable.points import Path, matches, shown
from pytest_durable.scripts.names import callback_paths, path_of


@pytest.mark.parametrize(
    ("pattern", "path", "fits"),
    [
        ("charge", ("charge",), True),
        ("charge", ("orders", "charge"), True),
        ("charge", ("charge", "inside"), False),
        ("orders/charge", ("orders", "charge"), True),
        ("orders/charge", ("all", "orders", "charge"), True),
        ("orders/charge", ("charge",), False),
        ("orders/charge", ("refunds", "charge"), False),
        ("orders/charge", ("orders/charge",), True),
        ("a/b/c", ("b", "c"), False),
        ("charge", (None,), False),
        ("charge", (None, "charge"), True),
    ],
)
def test_a_pattern_is_a_name_or_the_end_of_a_path(pattern: str, path: Path, fits: bool) -> None:
    assert matches(pattern, path) == fits


def recorded(*subjects: Subject) -> dict[str, RecordedOperation]:
    return {s.operation_id: RecordedOperation(s, OperationStatus.STARTED) for s in subjects}


def test_the_path_of_an_operation_goes_through_its_contexts() -> None:
    outer = Subject("1", OperationType.CONTEXT, "RunInChildContext", "orders")
    inner = Subject("2", OperationType.CONTEXT, "RunInChildContext", None, "1")
    step = Subject("3", OperationType.STEP, "Step", "charge", "2")
    path = path_of(recorded(outer, inner, step), step)
    assert path == ("orders", None, "charge")
    assert shown(path) == "orders/(unnamed)/charge"


@pytest.mark.parametrize(
    ("sub_type", "paths"),
    [
        (
            OperationSubType.WAIT_FOR_CALLBACK.value,
            [("approval",), ("approval", "approval create callback id")],
        ),
        ("RunInChildContext", [("approval", "approval create callback id")]),
    ],
)
def test_a_callback_goes_by_the_name_that_the_handler_gave_first(sub_type: str, paths: list[Path]) -> None:
    context = Subject("1", OperationType.CONTEXT, sub_type, "approval")
    callback = Subject("2", OperationType.CALLBACK, "Callback", "approval create callback id", "1")
    assert list(callback_paths(recorded(context, callback), callback)) == paths
