from datetime import timedelta

import pytest
from order import handler


@pytest.mark.durable_execution(handler=handler, lambda_function_name="order")
def test_processes_the_order_after_half_a_minute(durable_runner):
    result = durable_runner.run(input={"id": "o-17"})
    assert result.status == "SUCCEEDED"
    assert result.value == {"order": "o-17", "total": 60}
    assert result.virtual_elapsed >= timedelta(seconds=30)
    assert len(result.invocations) == 2
    assert result.get_step("fetch_data").attempt == 1


@pytest.mark.durable_execution(handler=handler)
def test_nothing_is_processed_before_the_wait_is_over(durable_runner):
    execution = durable_runner.start(input={"id": "o-17"}).until_suspended()
    assert [pending.name for pending in execution.pending] == ["time to cancel"]

    execution.advance("29s")
    assert execution.result().status == "RUNNING"

    assert execution.finish().value == {"order": "o-17", "total": 60}
