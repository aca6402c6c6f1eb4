"""What the jobs of a sweep are, and what they ask of a cluster."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from ceas_ray.runs.sweeps.jobs import differences
from ceas_ray.runtime.placement import HOST_BYTES, Machine, Request
from tests.runs.sweeps.sweep_of_small_runs import small_jobs

MACHINES = [Machine("a", "a", 2, 4e9), Machine("b", "b", 4, 8e9)]


def test_jobs_are_told_apart_by_the_overrides_that_not_all_of_them_have() -> None:
    lines = [["attacks=alie", "seed=1", "+x=1"], ["attacks=alie", "seed=2"]]
    assert differences(lines) == [{"seed": "1", "x": "1"}, {"seed": "2"}]
    assert differences([["seed=1"]]) == [{}]


def test_a_small_job_asks_for_one_cpu_and_its_memory(tmp_path: Path) -> None:
    (job,) = small_jobs(tmp_path, ["seed=1"])
    assert job.in_one_process().request(MACHINES) == Request(1.0, int(job.memory_bytes))
    assert job.memory_bytes > 100e6


def test_a_job_has_hosts_of_its_own_where_that_is_asked_for_or_it_is_long_or_large(tmp_path: Path) -> None:
    small, asked = small_jobs(tmp_path, ["runtime=ray"], ["runtime=ray"])
    small = replace(small, wants_hosts=False)
    assert asked.wants_hosts and asked.request(MACHINES) == Request(0.0, HOST_BYTES)
    assert not small.has_own_hosts(MACHINES, 2)
    assert small.in_one_process().settings.runtime.name == "local"
    assert replace(small, memory_bytes=9e9).has_own_hosts(MACHINES, 2), "no machine holds it"
    long = replace(small, seconds=7200.0)
    assert long.has_own_hosts(MACHINES, 2), "there are CPUs that no other job takes"
    assert not long.has_own_hosts(MACHINES, 6), "every CPU has a job"


def test_a_job_has_the_same_place_in_another_folder(tmp_path: Path) -> None:
    first, second = small_jobs(tmp_path / "now", ["seed=1"], ["seed=2"])
    moved = second.within(tmp_path / "now", tmp_path / "before")
    assert moved.folder == tmp_path / "before" / "1" and moved.number == 1
    assert moved.config["output"] == str(moved.folder) and moved.settings.seed == 2
    assert first.folder == tmp_path / "now" / "0"
