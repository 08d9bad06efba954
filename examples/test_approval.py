from datetime import timedelta

import pytest
from approval import handler

pytestmark = pytest.mark.durable_execution(handler=handler, lambda_function_name="approval")

LARGE = {"id": "o-17", "total": 2400}


def test_ships_a_small_order_at_once(durable_runner):
    result = durable_runner.run(input={"id": "o-16", "total": 40})
    assert result.value == {"status": "shipped", "parcel": "parcel-o-16"}
    assert len(result.invocations) == 1


def test_ships_a_large_order_when_it_is_approved(durable_runner):
    durable_runner.on_callback("approval").succeed({"by": "Grace"}, after="5h")
    result = durable_runner.run(input=LARGE)
    assert result.value == {"status": "shipped", "parcel": "parcel-o-17"}
    assert result.virtual_elapsed == timedelta(hours=5)


def test_tells_why_an_order_is_rejected(durable_runner):
    durable_runner.on_callback("approval").fail("over budget", after="1h")
    assert durable_runner.run(input=LARGE).value == {"status": "rejected", "reason": "over budget"}


def test_gives_up_after_two_days(durable_runner):
    durable_runner.on_callback("approval").never()
    result = durable_runner.run(input=LARGE)
    assert result.value == {"status": "expired"}
    assert result.virtual_elapsed == timedelta(days=2)


def test_an_answer_that_comes_too_late_changes_nothing(durable_runner):
    durable_runner.on_callback("approval").succeed(late=True)
    assert durable_runner.run(input=LARGE).value == {"status": "expired"}
