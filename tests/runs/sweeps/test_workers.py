"""What runs the jobs of a sweep follows from its settings and from what its command line names."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ceas_ray.runs.sweeps import workers as module
from ceas_ray.runs.sweeps.jobs import SweepJob
from ceas_ray.runs.sweeps.workers import getting_ready, started_early
from ceas_ray.runtime.local_tasks import LocalTasks
from ceas_ray.runtime.placement import Machine
from ceas_ray.runtime.warm_processes import ProcessTasks
from tests.runs.sweeps.sweep_of_small_runs import small_jobs

CLUSTER = (Machine("n", "m1", 8.0, 1e10),)


@pytest.fixture(autouse=True)
def no_ray(monkeypatch: pytest.MonkeyPatch) -> None:
    """A cluster that is never started."""

    @contextmanager
    def connected(*_: object, **__: object) -> Iterator[Any]:
        yield SimpleNamespace(opened=SimpleNamespace(machines=CLUSTER), call=lambda *_: None)

    monkeypatch.setattr(module, "ray_process", connected)


def kind(jobs: Sequence[SweepJob], *overrides: str) -> str:
    configs = [job.config for job in jobs]
    with getting_ready(configs, len(jobs), overrides) as ready:
        found = ready(jobs, None)
    if isinstance(found.tasks, LocalTasks):
        assert (found.machines, found.travels) == ((), False)
        return "here"
    in_processes = isinstance(found.tasks, ProcessTasks)
    assert found.travels != in_processes and (found.machines == CLUSTER) != in_processes
    return "processes" if in_processes else "ray"


def test_small_jobs_run_in_processes_unless_a_cluster_or_hosts_are_named(tmp_path: Path) -> None:
    def jobs(*words: str) -> list[SweepJob]:
        return small_jobs(tmp_path, ["runtime=ray", *words])

    assert kind(small_jobs(tmp_path, [])) == "here"
    (job,) = jobs()
    small = replace(job, wants_hosts=False)
    assert kind([small]) == "processes"
    assert kind([small], "runtime=ray") == "ray"
    assert kind([job]) == "ray", "it wants hosts"
    assert kind([replace(small, memory_bytes=1e15)]) == "ray"
    for word in ("runtime.address=auto", "runtime.dashboard=true", "sweep.workers=ray"):
        (given,) = jobs(word)
        assert kind([replace(given, wants_hosts=False)]) == "ray"


def test_nothing_starts_early_for_a_command_line_that_asks_for_something_else(monkeypatch: pytest.MonkeyPatch) -> None:
    for word in ("runtime=local", "runtime.address=auto", "+runtime.dashboard=true", "sweep.workers=ray"):
        with started_early(["seed=1,2", word]) as processes:
            assert processes is None
    with started_early(["seed=1,2"]) as processes:
        assert processes is not None
    monkeypatch.setenv("RAY_ADDRESS", "auto")
    with started_early(["seed=1,2"]) as processes:
        assert processes is None
