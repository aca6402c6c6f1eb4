"""The number of CPUs is that which this process may use."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from ceas_ray.runtime import available_cpus as module
from ceas_ray.runtime.available_cpus import available_cpus
from tests.kernel.groups import groups

SOURCES = Path(module.__file__).resolve().parents[1]


@pytest.fixture(autouse=True)
def sixteen_cpus(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(16)))


def test_without_groups_the_affinity_counts(tmp_path: Path) -> None:
    assert available_cpus(*groups(tmp_path, "", {})) == 16


@pytest.mark.parametrize(("quota", "cpus"), [("max 100000", 16), ("150000 100000", 2), ("20000 100000", 1)])
def test_a_quota_of_version_2_limits(quota: str, cpus: int, tmp_path: Path) -> None:
    assert available_cpus(*groups(tmp_path, "0::/job/step\n", {"job/step/cpu.max": quota + "\n"})) == cpus


def test_a_quota_of_a_parent_limits_too(tmp_path: Path) -> None:
    files = {"cpu.max": "max 100000\n", "job/cpu.max": "300000 100000\n", "job/step/cpu.max": "max 100000\n"}
    assert available_cpus(*groups(tmp_path, "0::/job/step\n", files)) == 3


def test_a_path_of_the_host_that_the_container_does_not_see_falls_back_to_the_mount(tmp_path: Path) -> None:
    assert available_cpus(*groups(tmp_path, "0::/docker/ab12\n", {"cpu.max": "200000 100000\n"})) == 2


@pytest.mark.parametrize("mount", ["cpu", "cpu,cpuacct"])
def test_a_quota_of_version_1_limits(mount: str, tmp_path: Path) -> None:
    files = {f"{mount}/job/cpu.cfs_quota_us": "400000\n", f"{mount}/job/cpu.cfs_period_us": "100000\n"}
    assert available_cpus(*groups(tmp_path, "4:memory:/job\n3:cpu,cpuacct:/job\n", files)) == 4


def test_version_1_without_a_quota_does_not_limit(tmp_path: Path) -> None:
    files = {"cpu/cpu.cfs_quota_us": "-1\n", "cpu/cpu.cfs_period_us": "100000\n"}
    assert available_cpus(*groups(tmp_path, "3:cpu,cpuacct:/\n", files)) == 16


def test_a_process_that_was_pinned_counts_what_it_may_use() -> None:
    line = "import os; os.sched_setaffinity(0, {min(os.sched_getaffinity(0))}); "
    line += "from ceas_ray.runtime.available_cpus import available_cpus; print(available_cpus())"
    assert subprocess.run([sys.executable, "-c", line], capture_output=True, text=True, check=True).stdout == "1\n"


def test_nobody_asks_how_many_cpus_the_machine_has() -> None:
    asking = {path.name for path in SOURCES.rglob("*.py") if "cpu_count(" in path.read_text()}
    assert asking == {"available_cpus.py"}
