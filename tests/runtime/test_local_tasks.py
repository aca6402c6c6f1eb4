"""Jobs of a sweep in this process run one after the other, in their order."""

from __future__ import annotations

import pytest

from ceas_ray.runtime.local_tasks import LocalTasks


def doubled(item: int, here: bool) -> int:
    assert here
    return 2 * item


def tasks_of(*items: int) -> LocalTasks[int, int]:
    tasks = LocalTasks(doubled)
    for number, item in enumerate(items):
        tasks.submit(number, item, None)
    return tasks


def test_each_look_runs_the_next_task_to_its_end() -> None:
    tasks = tasks_of(10, 20)
    assert len(tasks) == 2
    assert tasks.ended(0.0) == [(0, 20)]
    assert tasks.ended(0.0) == [(1, 40)]
    assert len(tasks) == 0
    assert tasks.ended(0.0) == []


def test_tasks_that_are_cancelled_do_not_run() -> None:
    tasks = tasks_of(10, 20)
    tasks.ended(0.0)
    tasks.cancel()
    assert tasks.ended(0.0) == []


def test_an_error_of_a_task_reaches_who_waits_for_it_and_the_next_task_runs() -> None:
    def inverse(item: int, here: bool) -> float:
        return 1 / item

    tasks: LocalTasks[int, float] = LocalTasks(inverse)
    tasks.submit(0, 0, None)
    tasks.submit(1, 4, None)
    with pytest.raises(ZeroDivisionError):
        tasks.ended(0.0)
    assert tasks.ended(0.0) == [(1, 0.25)]
