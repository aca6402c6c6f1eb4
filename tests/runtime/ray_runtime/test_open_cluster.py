"""A cluster beyond this machine that asks nobody for a token is refused, unless the settings allow it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.runtime import test_machines
from tests.runtime.test_faults import rounds_in, wait_until
from tests.runtime.test_machines import (  # noqa: F401  (a fixture)
    HEAD,
    JOB,
    JOBS_AT,
    RUN,
    machines,
    nothing_runs_on,
    started,
    summary_of,
)

pytestmark = test_machines.pytestmark
SHORT = [*(word for word in RUN if not word.startswith("training.rounds=")), "training.rounds=3"]


@pytest.fixture(scope="module", autouse=True)
def cluster() -> Iterator[None]:
    up = machines("up", "open")
    assert up.returncode == 0, up.stderr.decode()
    yield
    assert machines("down").returncode == 0


def test_a_run_refuses_an_open_cluster_in_one_line(tmp_path: Path) -> None:
    refused = machines("run", "1", *SHORT, f"output={tmp_path / 'run'}")
    assert refused.returncode == 2
    said = refused.stderr.decode()
    assert said.startswith("runtime.address must be a cluster that requires a token")
    assert f"got {HEAD}, which anybody may use; runtime.allow_open_cluster=true" in said
    assert said.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_a_run_on_a_worker_that_asks_ray_for_the_address_refuses_it_too(tmp_path: Path) -> None:
    words = [word for word in SHORT if not word.startswith("runtime.address")]
    refused = machines("run", "2", *words, "runtime.address=auto", f"output={tmp_path / 'run'}")
    assert refused.returncode == 2
    assert refused.stderr.decode().startswith("runtime.address must be a cluster that requires a token")
    assert list(tmp_path.iterdir()) == []


def test_a_setting_allows_an_open_cluster(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    done = machines("run", "1", *SHORT, "runtime.allow_open_cluster=true", f"output={folder}")
    assert done.returncode == 0, done.stderr.decode()
    assert summary_of(folder)["machines"] == ["m1", "m2", "m3"]


def test_a_token_does_not_make_an_open_cluster_closed(tmp_path: Path) -> None:
    refused = machines(
        "run", "1", "env", "RAY_AUTH_MODE=token", f"RAY_AUTH_TOKEN={'ab' * 32}", *SHORT, f"output={tmp_path / 'run'}"
    )
    assert refused.returncode == 2
    assert refused.stderr.decode().startswith("runtime.address must be a cluster that requires a token")


def test_a_job_goes_on_there_others_see_its_room_and_wait_for_it_and_a_stop_leaves_a_summary(tmp_path: Path) -> None:
    words = [word for word in RUN if not word.startswith(("training.rounds", "runtime.address", "quiet"))]
    words += ["training.rounds=100000", f"output={tmp_path / 'job'}"]
    asked = machines("run", "1", *JOB, "submit", *JOBS_AT, "--no-wait", "--submission-id", "mine", "--", *words)
    assert asked.returncode == 0, asked.stderr.decode()
    wait_until(lambda: rounds_in(tmp_path / "job") >= 1)
    assert reserved_cpus() > 2
    allowed, late = "runtime.allow_open_cluster=true", "runtime.wait_seconds=3"
    hopeless = machines("run", "2", *SHORT, allowed, late, "quiet=false", f"output={tmp_path / 'hopeless'}")
    assert hopeless.returncode == 2
    lines = hopeless.stderr.decode().splitlines()
    assert lines[0].startswith("waiting for room on the cluster for ") and "of at most 3: needed are " in lines[0]
    assert lines[-1].startswith("the cluster has no room for this run and runtime.wait_seconds=3 has passed: needed")
    waiting = started(tmp_path / "waiting", "training.rounds=3", allowed, machine=2)
    assert machines("run", "1", *JOB, "stop", *JOBS_AT, "mine").returncode == 0
    assert summary_of(tmp_path / "job")["status"] == "interrupted"
    said = machines("run", "1", *JOB, "logs", *JOBS_AT, "mine").stdout.decode()
    assert f"RAY_ADDRESS is set: runtime.address={HEAD}" in said
    assert f"anybody may use the cluster at {HEAD}: it requires no token" in said
    waiting.communicate(timeout=300)
    assert waiting.returncode == 0
    assert summary_of(tmp_path / "waiting")["machines"] == ["m1", "m2", "m3"]
    wait_until(lambda: reserved_cpus() == 0)


def reserved_cpus() -> float:
    """How many CPUs of the cluster are taken, as its users see it."""
    said = machines("run", "1", JOB[0], "status").stdout.decode()
    return next(float(line.split("/")[0]) for line in said.splitlines() if line.endswith("CPU") or "CPU (" in line)
