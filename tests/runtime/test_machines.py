"""A real cluster of three machines in network namespaces: the digest of one process, whatever happens to machines."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from ceas_ray.cli.run import main
from tests.runtime.ray_runtime.test_ray_runtime import ON_RAY
from tests.runtime.test_faults import rounds_in, wait_until
from tests.small_worlds import SMALL

MACHINES = Path(__file__).parents[2] / "scripts" / "machines"
HEAD = "10.77.0.1:6379"
JOB = [str(Path(sys.executable).with_name("ray")), "job"]
JOBS_AT = ["--address", "http://10.77.0.1:8265"]
ROUNDS = ["training.rounds=60", "attacks=alie", "runtime.snapshot_every_rounds=3"]
MAX_SECONDS = 300
STARTED: list[subprocess.Popen[bytes]] = []
RUN = [sys.executable, "-m", "ceas_ray.cli.run", *ON_RAY, *ROUNDS, f"runtime.address={HEAD}"]


def cannot_make_machines() -> str | None:
    """Why this system cannot make network namespaces, or None."""
    if os.geteuid() != 0:
        return "machines in namespaces need root"
    missing = [tool for tool in ("ip", "unshare", "nsenter", "setsid") if shutil.which(tool) is None]
    if missing:
        return f"machines in namespaces need {', '.join(missing)}"
    tried = subprocess.run(["unshare", "--net", "--mount", "--pid", "--uts", "--fork", "true"], capture_output=True)
    return None if tried.returncode == 0 else f"this system makes no namespaces: {tried.stderr.decode().strip()}"


WHY_NOT = cannot_make_machines()
pytestmark = [
    pytest.mark.ray,
    pytest.mark.slow,
    pytest.mark.skipif(WHY_NOT is not None, reason=WHY_NOT or ""),
]


def machines(*words: str, **environment: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [MACHINES, *words],
        env=os.environ | {"CEAS_PYTHON": sys.executable, "CEAS_MACHINES_OWNER": str(os.getpid())} | environment,
        capture_output=True, timeout=300,
    )  # fmt: skip


@pytest.fixture(scope="module", autouse=True)
def cluster() -> Iterator[None]:
    up = machines("up")
    assert up.returncode == 0, up.stderr.decode()
    yield
    assert machines("down").returncode == 0
    assert "ceas" not in subprocess.run(["ip", "netns", "list"], capture_output=True, text=True).stdout


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return undisturbed(tmp_path_factory.mktemp("runs") / "whole")


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """A run of another seed."""
    return undisturbed(tmp_path_factory.mktemp("runs") / "other", "seed=2")


def undisturbed(folder: Path, *overrides: str) -> dict[str, Any]:
    assert main([*SMALL, *ROUNDS, f"output={folder}", *overrides]) == 0
    return summary_of(folder)


def summary_of(folder: Path) -> dict[str, Any]:
    return dict(json.loads((folder / "summary.json").read_text()))


def started(folder: Path, *overrides: str, machine: int = 1) -> subprocess.Popen[bytes]:
    """A run that says what it does; `ended`, or else the end of the test, ends it."""
    process = subprocess.Popen(
        [MACHINES, "run", str(machine), *RUN, "quiet=false", f"output={folder}", *overrides],
        env=os.environ | {"CEAS_PYTHON": sys.executable},
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
    )  # fmt: skip
    STARTED.append(process)
    return process


def ended(process: subprocess.Popen[bytes], folder: Path) -> dict[str, Any]:
    try:
        _, errors = process.communicate(timeout=MAX_SECONDS)
    except subprocess.TimeoutExpired:
        status = machines("run", "1", str(Path(sys.executable).with_name("ray")), "status", "-v").stdout.decode()
        kill(process)
        raise AssertionError(f"it did not end: {process.communicate()[1].decode()}\n{status}") from None
    assert process.returncode == 0, errors.decode()
    return summary_of(folder)


def kill(process: subprocess.Popen[bytes]) -> None:
    """Kill a driver, with the processes that it started."""
    for part in [*psutil.Process(process.pid).children(recursive=True), process]:
        part.kill()


@pytest.fixture(autouse=True)
def nothing_runs_on() -> Iterator[None]:
    """A run that one test leaves would take the room of the next."""
    yield
    while STARTED:
        if (process := STARTED.pop()).poll() is None:
            kill(process)
            process.communicate()


def test_three_machines_give_the_digest_of_one_process(whole: dict[str, Any], tmp_path: Path) -> None:
    summary = ended(started(tmp_path / "run"), tmp_path / "run")
    assert summary["machines"] == ["m1", "m2", "m3"]
    assert summary["trace_digest"] == whole["trace_digest"]
    assert summary["faults"] == []


def test_a_machine_powered_off_in_mid_run_changes_nothing(whole: dict[str, Any], tmp_path: Path) -> None:
    process = started(tmp_path / "run")
    wait_until(lambda: rounds_in(tmp_path / "run") >= 5 or process.poll() is not None)
    machines("kill", "3")
    summary = ended(process, tmp_path / "run")
    assert machines("join", "3").returncode == 0
    assert summary["trace_digest"] == whole["trace_digest"]
    assert len(summary["faults"]) >= 1
    assert "m3" in summary["faults"][0]["cause"]
    assert all(0 <= fault["rounds"] - fault["replayed_from"] <= 3 for fault in summary["faults"])
    assert all(fault["noticed_within_seconds"] > 0 for fault in summary["faults"])
    assert summary["machines"] == ["m1", "m2"]


def test_a_machine_cut_off_and_back_changes_nothing(whole: dict[str, Any], tmp_path: Path) -> None:
    process = started(tmp_path / "run")
    wait_until(lambda: rounds_in(tmp_path / "run") >= 5 or process.poll() is not None)
    machines("cut", "2")
    wait_until(lambda: '"fault"' in (tmp_path / "run" / "journal.jsonl").read_text())
    machines("heal", "2")
    summary = ended(process, tmp_path / "run")
    assert summary["trace_digest"] == whole["trace_digest"]
    assert "m2" in summary["faults"][0]["cause"]
    again = ended(started(tmp_path / "again"), tmp_path / "again")
    assert again["trace_digest"] == whole["trace_digest"]


def test_a_short_cut_changes_nothing(whole: dict[str, Any], tmp_path: Path) -> None:
    process = started(tmp_path / "run")
    wait_until(lambda: rounds_in(tmp_path / "run") >= 5 or process.poll() is not None)
    machines("cut", "3")
    machines("heal", "3")
    assert ended(process, tmp_path / "run")["trace_digest"] == whole["trace_digest"]


def test_a_driver_whose_machine_is_cut_off_goes_on_when_it_is_back(whole: dict[str, Any], tmp_path: Path) -> None:
    """Its raylet ends meanwhile, and is started again."""
    process = started(tmp_path / "run", machine=2)
    wait_until(lambda: rounds_in(tmp_path / "run") >= 5 or process.poll() is not None)
    machines("cut", "2")
    wait_until(lambda: f"the Ray cluster at {HEAD} is lost" in (tmp_path / "run" / "journal.jsonl").read_text())
    machines("heal", "2")
    assert ended(process, tmp_path / "run")["trace_digest"] == whole["trace_digest"]


def test_a_driver_that_dies_on_one_machine_goes_on_from_another(whole: dict[str, Any], tmp_path: Path) -> None:
    folder = tmp_path / "run"
    process = started(folder)
    wait_until(lambda: rounds_in(folder) >= 5 or process.poll() is not None)
    kill(process)
    process.communicate()
    done = machines(
        "run", "2", *RUN[:3], f"resume={folder}", f"runtime.address={HEAD}", "runtime.processor_hosts=3", "quiet=true"
    )
    assert done.returncode == 0, done.stderr.decode()
    assert summary_of(folder)["trace_digest"] == whole["trace_digest"]


TOGETHER = """
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

JOBS, BEGUN = {jobs}, Path({begun!r})


@dataclass(frozen=True)
class Together:
    seed: int

    def __call__(self, updates, weights, faults):
        (BEGUN / str(self.seed)).touch()
        while len(list(BEGUN.iterdir())) < JOBS:
            time.sleep(0.05)
        return np.median(updates, axis=0)
"""


def test_jobs_of_a_sweep_run_at_once_on_several_machines_and_their_folders_come_back(tmp_path: Path) -> None:
    """No job goes on before all have begun, so they run at once, and no machine has a CPU for each of them."""
    sent, begun, jobs = tmp_path / "sent", tmp_path / "begun", 3
    for folder in (sent, begun):
        folder.mkdir()
    (sent / "together.py").write_text(TOGETHER.format(jobs=jobs, begun=str(begun)))
    words = [
        "aggregation=mean", "aggregation.rule._target_=together.Together", "+aggregation.rule.seed=${seed}",
        "training.rounds=3", "runtime.snapshot_every_rounds=1",
    ]  # fmt: skip
    sweep = [*RUN[:3], "-m", *ON_RAY, *words, "seed=1,2,3", f"runtime.address={HEAD}", f"output={tmp_path / 'run'}"]
    done = machines("run", "1", "env", "-C", str(sent), *sweep)
    assert done.returncode == 0, done.stderr.decode()
    found = [summary_of(tmp_path / "run" / str(job)) for job in range(jobs)]
    assert len({summary["machines"][0] for summary in found}) >= 2
    assert all((tmp_path / "run" / str(job) / "snapshots").is_dir() for job in range(jobs))
    for seed, summary in enumerate(found, 1):  # one after the other: all have begun before
        alone = [*RUN[:3], *SMALL, *words, f"seed={seed}", f"output={tmp_path / 'alone' / str(seed)}"]
        subprocess.run(alone, check=True, capture_output=True, timeout=120, cwd=sent)
        assert summary["trace_digest"] == summary_of(tmp_path / "alone" / str(seed))["trace_digest"]


def test_a_second_run_does_not_wait_for_the_first_and_gives_what_it_gives_alone(
    other: dict[str, Any], tmp_path: Path
) -> None:
    few = "runtime.processor_hosts=1"  # by default a run takes all CPUs, and a second one waits for it
    first = started(tmp_path / "first", few, "training.rounds=100000")
    wait_until(lambda: rounds_in(tmp_path / "first") >= 1 or first.poll() is not None)
    second = ended(started(tmp_path / "second", few, "seed=2", machine=2), tmp_path / "second")
    assert first.poll() is None, "it goes on for a long time"
    assert second["trace_digest"] == other["trace_digest"]
    for driver in psutil.Process(first.pid).children(recursive=True):
        driver.send_signal(signal.SIGINT)
    first.communicate(timeout=60)


def test_a_wrong_token_and_none_are_refused_in_one_line(tmp_path: Path) -> None:
    wrong = machines("run", "1", *RUN, f"output={tmp_path / 'run'}", CEAS_TOKEN="ab" * 32)
    none = machines(
        "run", "1", "env", "-u", "RAY_AUTH_TOKEN", "RAY_AUTH_MODE=disabled", *RUN, f"output={tmp_path / 'run'}"
    )
    for refused in (wrong, none):
        assert refused.returncode == 2
        assert refused.stderr.decode().startswith("RAY_AUTH_TOKEN must be the token of the cluster at 10.77.0.1:6379")
        assert refused.stderr.count(b"\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_hosts_that_the_cluster_cannot_hold_are_refused_in_one_line(tmp_path: Path) -> None:
    small = [word for word in RUN if not word.startswith("processors.count")]
    refused = machines(
        "run", "1", *small, "processors.count=40", "runtime.processor_hosts=40", f"output={tmp_path / 'run'}"
    )
    assert refused.returncode == 2
    assert b"such that the cluster's memory holds all hosts (m1: " in refused.stderr
    assert list(tmp_path.iterdir()) == []


OWN_RULE = """
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Mine:
    def __call__(self, updates, weights, faults):
        return np.median(updates, axis=0)
"""


def test_a_job_uses_the_cluster_that_it_was_submitted_to_and_its_working_folder_reaches_the_machines(
    tmp_path: Path,
) -> None:
    (tmp_path / "sent" / "mine").mkdir(parents=True)
    (tmp_path / "sent" / "mine" / "__init__.py").write_text(OWN_RULE)
    own = ["aggregation=mean", "aggregation.rule._target_=mine.Mine", "training.rounds=3"]
    here = [*RUN[:3], *SMALL, *own, f"output={tmp_path / 'here'}"]
    subprocess.run(here, check=True, capture_output=True, timeout=120, cwd=tmp_path / "sent")
    words = [*(word for word in RUN if not word.startswith(("runtime.address", "training.rounds"))), *own]
    done = machines(
        "run", "1", *JOB, "submit", *JOBS_AT, "--working-dir", str(tmp_path / "sent"), "--", *words,
        f"output={tmp_path / 'run'}",
    )  # fmt: skip
    assert done.returncode == 0, done.stdout.decode()
    summary = summary_of(tmp_path / "run")
    assert summary["machines"] == ["m1", "m2", "m3"]
    assert summary["trace_digest"] == summary_of(tmp_path / "here")["trace_digest"]
