"""How many branches run at a time."""

from __future__ import annotations

from durable_sdk._branch_tasks import MAX_TASKS, BranchTasks
from durable_sdk._runtime import ThreadRuntime


def test_there_are_so_many_and_no_more_until_one_is_given_back() -> None:
    tasks = BranchTasks(ThreadRuntime())
    assert all(tasks.take(beyond_the_limit=False) for _ in range(MAX_TASKS))
    assert not tasks.take(beyond_the_limit=False)
    tasks.give_back()
    assert tasks.take(beyond_the_limit=False)
    assert not tasks.take(beyond_the_limit=False)


def test_a_batch_that_runs_none_gets_one_beyond_the_limit_which_counts() -> None:
    tasks = BranchTasks(ThreadRuntime())
    for _ in range(MAX_TASKS):
        tasks.take(beyond_the_limit=False)
    assert tasks.take(beyond_the_limit=True)
    tasks.give_back()
    assert not tasks.take(beyond_the_limit=False)
    tasks.give_back()
    assert tasks.take(beyond_the_limit=False)
