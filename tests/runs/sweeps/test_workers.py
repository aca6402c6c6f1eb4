"""What runs the jobs of a sweep follows from its settings and from what its command line names."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ceas_ray.config.errors import SettingsError
from ceas_ray.runs.sweeps import workers as module
from ceas_ray.runs.sweeps.jobs import SweepJob, UncheckedJob
from ceas_ray.runs.sweeps.processes import start_processes, takes_processes
from ceas_ray.runs.sweeps.workers import checked, getting_ready
from ceas_ray.runtime.local_tasks import LocalTasks
from ceas_ray.runtime.placement import Machine
from ceas_ray.runtime.warm_processes import ProcessTasks, ended
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


@pytest.mark.slow
def test_jobs_are_checked_side_by_side_in_their_order_and_the_first_bad_one_is_refused(tmp_path: Path) -> None:
    lines = [[f"seed={seed}"] for seed in range(1, 5)]
    jobs = [
        UncheckedJob(job.config, job.number, line, job.differs)
        for job, line in zip(small_jobs(tmp_path, *lines), lines, strict=True)
    ]
    with ended(start_processes()) as processes:
        found = checked(jobs, processes)
        assert [(job.number, job.settings.seed, job.differs) for job in found] == [
            (number, number + 1, {"seed": str(number + 1)}) for number in range(4)
        ]
        for number in (3, 1):
            jobs[number] = jobs[number]._replace(config={**jobs[number].config, "seed": -number})
        with pytest.raises(SettingsError, match="got -1"):
            checked(jobs, processes)
    alone = checked(jobs[:1], None)
    assert [job.settings for job in alone] == [found[0].settings]


def test_processes_start_early_unless_a_command_line_asks_for_something_else() -> None:
    assert takes_processes(["-m", "seed=1,2"], {})
    assert takes_processes(["seed=1,2", "--multirun", "--config-dir", "mine"], {})
    assert not takes_processes(["seed=1"], {})
    assert not takes_processes(["-m", "seed=1,2"], {"RAY_ADDRESS": "auto"})
    for word in ("runtime=local", "+runtime.dashboard=true", "sweep.workers=ray", "hydra/launcher=basic", "--help"):
        assert not takes_processes(["-m", "seed=1,2", word], {})
