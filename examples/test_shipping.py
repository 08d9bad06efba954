import pytest
from shipping import handler


@pytest.mark.durable_execution(handler=handler, start_time="2026-03-02T09:00:00Z")
def test_takes_the_drone_when_it_flies(durable_runner):
    assert durable_runner.run().value == {"carrier": "drone", "price": 3}


@pytest.mark.durable_execution(handler=handler, start_time="2026-03-02T09:00:40Z")
def test_tries_the_drone_again_until_the_full_minute(durable_runner):
    result = durable_runner.run()
    assert result.value == {"carrier": "drone", "price": 3}
    assert result.operation("quotes/drone/quote").attempt == 5
    assert result.operation("quotes/post/quote").attempt == 1


@pytest.mark.durable_execution(handler=handler, lambda_function_name="shipping")
def test_takes_the_drone_whenever_it_is_asked(durable_runner):
    result = durable_runner.run(timeout=90)
    assert result.value == {"carrier": "drone", "price": 3}
    assert result.operation("quotes/drone/quote").attempt <= 12
