"""Tasks in warm processes of this machine: side by side as far as there is room, each alone when it fails or dies."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import psutil
import pytest

from ceas_ray.runtime.failure import RuntimeFailure
from ceas_ray.runtime.placement import Request
from ceas_ray.runtime.warm_processes import ProcessTasks, WarmProcesses, ended
from tests.runtime.test_faults import wait_until

ONE_CPU = Request(1.0, 10)
LIGHT = "ceas_ray.runtime.failure"
LONGEST_SECONDS = 60.0


@pytest.fixture
def two() -> Iterator[WarmProcesses]:
    """At most two workers, and memory for two tasks that ask for 10 bytes each."""
    with ended(WarmProcesses(2, 20, LIGHT)) as processes:
        yield processes


def all_ended(tasks: ProcessTasks[Any, Any]) -> dict[int, Any]:
    found: dict[int, Any] = {}
    while len(tasks):
        found |= dict(tasks.ended(LONGEST_SECONDS))
    return found


def lives(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def waiting_for(folder: Path, count: int) -> Callable[[int, bool], int]:
    """A task that says where it runs, and goes on once so many have done so."""

    def task(item: int, here: bool) -> int:
        (folder / str(item)).write_text(str(os.getpid()))
        until = time.monotonic() + LONGEST_SECONDS
        while len(list(folder.iterdir())) < count and time.monotonic() < until:
            time.sleep(0.01)
        return os.getpid()

    return task


def test_tasks_run_side_by_side_in_as_many_processes_as_there_are_cpus(two: WarmProcesses, tmp_path: Path) -> None:
    tasks = ProcessTasks(two, waiting_for(tmp_path, 2))
    for number in range(5):
        tasks.submit(number, number, ONE_CPU)
    assert len(tasks) == 5
    found = all_ended(tasks)
    assert sorted(found) == [0, 1, 2, 3, 4]
    assert len({found[0], found[1]}) == 2 == len(set(found.values()))
    assert os.getpid() not in found.values()


def test_a_worker_has_what_the_first_process_warmed_up_with_and_an_error_there_is_not_heard(
    two: WarmProcesses,
) -> None:
    def warm_up() -> None:
        sys.warmed_up_by = os.getpid()  # type: ignore[attr-defined]
        raise ValueError("which nobody hears")

    two.warm_up(warm_up)
    tasks: ProcessTasks[int, Any] = ProcessTasks(
        two, lambda item, here: (sys.warmed_up_by, os.getppid(), here)  # type: ignore[attr-defined]
    )  # fmt: skip
    tasks.submit(0, 0, ONE_CPU)
    ((number, (warmed_up, parent, here)),) = tasks.ended(LONGEST_SECONDS) or tasks.ended(LONGEST_SECONDS)
    assert (number, warmed_up, here) == (0, parent, True)


def test_a_task_that_raises_or_is_killed_leaves_the_others_alone(two: WarmProcesses) -> None:
    def task(item: str, here: bool) -> str:
        if item == "raise":
            raise ValueError("too\nlarge")
        if item == "die":
            os.kill(os.getpid(), signal.SIGKILL)
        return item

    tasks: ProcessTasks[str, str] = ProcessTasks(two, task)
    for number, item in enumerate(["raise", "die", "one", "die", "two"]):
        tasks.submit(number, item, ONE_CPU)
    found = all_ended(tasks)
    assert {number: str(end) for number, end in found.items()} == {
        0: "too large", 1: "its process was killed", 2: "one", 3: "its process was killed", 4: "two",
    }  # fmt: skip
    assert [isinstance(found[number], RuntimeFailure) for number in range(5)] == [True, True, False, True, False]


def test_tasks_whose_memory_does_not_fit_run_one_after_the_other(two: WarmProcesses, tmp_path: Path) -> None:
    def alone(item: int, here: bool) -> int:
        with (tmp_path / "running").open("x"):
            (tmp_path / "running").unlink()
        return item

    tasks: ProcessTasks[int, int] = ProcessTasks(two, alone)
    for number in range(6):
        tasks.submit(number, number, Request(1.0, 1000 if number == 0 else 11))
    assert all_ended(tasks) == {number: number for number in range(6)}


def test_tasks_are_interrupted_by_their_command_alone(two: WarmProcesses, tmp_path: Path) -> None:
    wait = waiting_for(tmp_path, 1000)

    def task(item: int, here: bool) -> str:
        before = signal.signal(signal.SIGINT, signal.default_int_handler)
        try:
            wait(item, here)
        except KeyboardInterrupt:
            return "interrupted"
        finally:
            signal.signal(signal.SIGINT, before)
        return "went on"

    tasks: ProcessTasks[int, str] = ProcessTasks(two, task)
    for number in range(3):
        tasks.submit(number, number, ONE_CPU)
    wait_until(lambda: len([path for path in tmp_path.iterdir() if path.read_text()]) == 2)
    assert tasks.ended(0.0) == []
    for path in tmp_path.iterdir():
        for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
            os.kill(int(path.read_text()), number)
    tasks.cancel()
    assert all_ended(tasks) == {0: "interrupted", 1: "interrupted"}, "the third was forgotten"
    tasks.cancel()


def test_the_end_kills_what_still_computes(tmp_path: Path) -> None:
    with ended(WarmProcesses(1, 20, LIGHT)) as processes:
        ProcessTasks(processes, waiting_for(tmp_path, 1000)).submit(0, 0, ONE_CPU)
        wait_until(lambda: any(path.read_text() for path in tmp_path.iterdir()))
    assert not lives(int((tmp_path / "0").read_text()))


def test_all_processes_end_with_a_command_that_is_killed(tmp_path: Path) -> None:
    def command() -> None:
        with suppress(KeyboardInterrupt), ended(WarmProcesses(2, 20, LIGHT)) as processes:
            tasks = ProcessTasks(processes, waiting_for(tmp_path, 1000))
            for number in range(2):
                tasks.submit(number, number, ONE_CPU)
            all_ended(tasks)

    process = get_context("fork").Process(target=command)
    process.start()
    wait_until(lambda: len([path for path in tmp_path.iterdir() if path.read_text()]) == 2)
    started = [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)]
    assert len(started) == 4
    process.kill()
    process.join()
    wait_until(lambda: not any(lives(one.pid) for one in started))
