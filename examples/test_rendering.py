from datetime import timedelta

import pytest
import rendering

pytestmark = pytest.mark.durable_execution(handler=rendering.handler)


def test_asks_until_the_job_is_done(durable_runner):
    running, done = ({"job": "job-metropolis", "status": status} for status in ("RUNNING", "DONE"))
    checks = durable_runner.on_step("rendered")
    checks.returns(running).then.returns(running).then.returns(running).then.returns(done)

    result = durable_runner.run(input={"film": "metropolis"})

    assert result.value == "job-metropolis DONE"
    assert result.get_step("rendered").attempt == 4
    assert result.virtual_elapsed == timedelta(minutes=1 + 2 + 4)


def test_gives_up_in_the_end(durable_runner, monkeypatch):
    monkeypatch.setattr(rendering.farm, "status", lambda job_id: "RUNNING")
    assert durable_runner.run(input={"film": "metropolis"}).value == "job-metropolis takes too long"
