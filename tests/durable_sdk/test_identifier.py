"""Identity: ids depend on positions only, and a record of something else is refused."""

from __future__ import annotations

import copy
import pickle
from hashlib import blake2b

import pytest

from durable_sdk._wire.enums import OperationSubType, OperationType
from durable_sdk._wire.operations import StoredOperation
from durable_sdk.exceptions import ExecutionError, NonDeterministicExecutionError, TerminationReason
from durable_sdk.identifier import OperationIdentifier, OperationIdNamespace, operation_id
from durable_sdk.lambda_service import Operation, OperationStatus

STEP = OperationIdentifier(
    "id-1", OperationSubType.STEP, "parent", "charge", operation_type=OperationType.STEP
)


def recorded(**members: str | None) -> StoredOperation:
    json = {
        "Id": "id-1",
        "Type": "STEP",
        "SubType": "Step",
        "ParentId": "parent",
        "Name": "charge",
        "Status": "STARTED",
    }
    return StoredOperation({name: value for name, value in (json | members).items() if value is not None})


def test_an_id_is_the_hash_of_the_position_at_the_root_and_of_prefix_and_position_below() -> None:
    assert operation_id(None, 1) == blake2b(b"1").hexdigest()[:64]
    assert operation_id("abc", 7) == blake2b(b"abc-7").hexdigest()[:64]


def test_ids_fit_the_service() -> None:
    ids = {operation_id(prefix, position) for prefix in (None, "a", "b") for position in range(100)}
    assert len(ids) == 300
    assert all(len(each) == 64 and set(each) <= set("0123456789abcdef") for each in ids)


def test_the_record_of_the_same_operation_is_accepted() -> None:
    STEP.validate_checkpoint(recorded())
    STEP.validate_checkpoint(None)


def test_no_name_and_no_parent_are_the_same_as_empty_ones() -> None:
    for empty, stored in ((None, ""), ("", None)):
        bare = OperationIdentifier(
            "id-1", OperationSubType.STEP, empty, empty, operation_type=OperationType.STEP
        )
        bare.validate_checkpoint(recorded(Name=stored, ParentId=stored))


@pytest.mark.parametrize(
    ("members", "difference"),
    [
        ({"Type": "WAIT"}, "type checkpoint='WAIT' current='STEP'"),
        ({"SubType": "Other"}, "subtype checkpoint='Other' current='Step'"),
        ({"SubType": None}, "subtype checkpoint=None current='Step'"),
        ({"Name": "refund"}, "name checkpoint='refund' current='charge'"),
        ({"Name": ""}, "name checkpoint=None current='charge'"),
        ({"ParentId": None}, "parent_id checkpoint=None current='parent'"),
        (
            {"Type": "CONTEXT", "SubType": "Parallel", "Name": None, "ParentId": "x"},
            "type checkpoint='CONTEXT' current='STEP', subtype checkpoint='Parallel' current='Step', "
            "name checkpoint=None current='charge', parent_id checkpoint='x' current='parent'",
        ),
    ],
)
def test_each_member_that_differs_is_named(members: dict[str, str | None], difference: str) -> None:
    with pytest.raises(NonDeterministicExecutionError) as caught:
        STEP.validate_checkpoint(recorded(**members))
    assert str(caught.value) == f"Non-deterministic operation identity at id='id-1': {difference}"
    assert caught.value.step_id == "id-1"
    assert caught.value.termination_reason is TerminationReason.NON_DETERMINISTIC_EXECUTION
    assert isinstance(caught.value, ExecutionError)


def test_identifiers_are_made_like_awss_and_cannot_be_changed() -> None:
    identifier = OperationIdentifier("id", "Step", operation_type=OperationType.STEP)
    assert (identifier.parent_id, identifier.name, identifier.type) == (None, None, OperationType.STEP)
    assert copy.copy(identifier) == pickle.loads(pickle.dumps(identifier)) == identifier
    with pytest.raises(AttributeError):
        identifier.name = "other"  # type: ignore[misc]
    with pytest.raises(TypeError):
        OperationIdentifier("id", "Step", None, None, OperationType.STEP)  # type: ignore[call-arg, misc]


def test_a_namespace_makes_the_ids_of_a_context() -> None:
    assert OperationIdNamespace().create_id_for_step(1) == operation_id(None, 1)
    assert OperationIdNamespace("parent").create_id_for_step(2) == operation_id("parent", 2)


def test_an_operation_of_the_public_kind_is_checked_as_well() -> None:
    operation = Operation("id", OperationType.STEP, OperationStatus.STARTED, sub_type="Step", name="a")
    same = OperationIdentifier("id", "Step", "", "a", operation_type=OperationType.STEP)
    same.validate_checkpoint(operation)
    other = OperationIdentifier("id", "Step", None, "b", operation_type=OperationType.STEP)
    with pytest.raises(NonDeterministicExecutionError, match="name checkpoint='a' current='b'"):
        other.validate_checkpoint(operation)
