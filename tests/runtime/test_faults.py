"""Hosts that are killed or stopped in the middle of a run cost time and nothing else; no trace of a run stays."""

from __future__ import annotations

import json
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from ceas_ray.cli.run import main
from ceas_ray.tracking.files import read_journal
from tests.left_behind import ray_processes, shared_memory, temporary_folders
from tests.runs.test_resume import NOT_COMPARED, SIX
from tests.runtime.ray_runtime.test_ray_runtime import command
from tests.small_worlds import SMALL

pytestmark = [pytest.mark.ray, pytest.mark.slow]
ROUNDS = ["training.rounds=12", "attacks=alie", "runtime.snapshot_every_rounds=2"]
KINDS = ("ProcessorHost", "LinkHost", "ReplicaHost", "EntanglementManagerHost")


def summary_of(folder: Path) -> dict[str, Any]:
    summary = json.loads((folder / "summary.json").read_text())
    return {n: v for n, v in summary.items() if n not in (*NOT_COMPARED, "faults", "runtime", "hosts", "windows")}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs") / "whole"
    assert main([*SMALL, *ROUNDS, f"output={folder}"]) == 0
    return folder


@pytest.fixture(autouse=True)
def nothing_is_left() -> Iterator[None]:
    """No process of Ray, no shared memory and no temporary folder of ours."""
    folders, shared = temporary_folders(), shared_memory()
    yield
    wait_until(lambda: not ray_processes())
    wait_until(lambda: temporary_folders() <= folders)
    assert shared_memory() <= shared


def wait_until(happened: Callable[[], bool]) -> None:
    """Look again and again, for five minutes at most."""
    for _ in range(3000):
        if happened():
            return
        threading.Event().wait(0.1)
    raise AssertionError("it did not happen within five minutes")


def rounds_in(folder: Path) -> int:
    journal = folder / "journal.jsonl"
    return journal.read_text().count('"event": "round"') if journal.exists() else 0


def hosts_of(driver: subprocess.Popen[bytes], kind: str) -> list[psutil.Process]:
    found = psutil.Process(driver.pid).children(recursive=True)
    return [p for p in found if p.is_running() and f"ray::{kind}" in " ".join(p.cmdline())]


def started(folder: Path, *overrides: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        command(*ROUNDS, f"output={folder}", *overrides), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )


def disturbed(folder: Path, kind: str, number: int, *overrides: str) -> dict[str, Any]:
    """A run in which a host of this kind got this signal after some rounds; its summary."""
    process = started(folder, *overrides)
    wait_until(lambda: rounds_in(folder) >= 3 or process.poll() is not None)
    victim = hosts_of(process, kind)[0]
    victim.send_signal(number)
    _, errors = process.communicate(timeout=180)
    assert process.returncode == 0, errors.decode()
    return dict(json.loads((folder / "summary.json").read_text()))


@pytest.mark.parametrize("kind", KINDS)
def test_a_run_survives_a_killed_host(whole: Path, tmp_path: Path, kind: str) -> None:
    found = disturbed(tmp_path / "run", kind, signal.SIGKILL)
    assert summary_of(tmp_path / "run") == summary_of(whole)
    (fault,) = found["faults"]
    assert "was lost" in fault["cause"]
    assert 0 <= fault["rounds"] - fault["replayed_from"] <= 2
    assert fault["noticed_within_seconds"] > 0
    events = [line["event"] for line in read_journal(tmp_path / "run" / "journal.jsonl")]
    assert events.count("fault") == 1
    assert events.count("round") == 12


def test_a_run_survives_a_host_that_hangs(whole: Path, tmp_path: Path) -> None:
    found = disturbed(tmp_path / "run", "LinkHost", signal.SIGSTOP, "runtime.hang_seconds=3")
    assert summary_of(tmp_path / "run") == summary_of(whole)
    (fault,) = found["faults"]
    assert fault["noticed_within_seconds"] > 3
    assert "host links/0" in fault["cause"] and "gave no sign for" in fault["cause"]


def test_a_killed_driver_leaves_nothing_and_its_run_goes_on_elsewhere(whole: Path, tmp_path: Path) -> None:
    process = started(tmp_path / "run")
    wait_until(lambda: rounds_in(tmp_path / "run") >= 5)
    process.kill()
    process.communicate()
    wait_until(lambda: not ray_processes())
    assert main([f"resume={tmp_path / 'run'}", "runtime=local"]) == 0
    assert summary_of(tmp_path / "run") == summary_of(whole)


def test_a_local_run_goes_on_on_ray(tmp_path: Path) -> None:
    folder, whole = tmp_path / "run", tmp_path / "whole"
    assert main([*SIX, f"output={folder}", "stop.simulated_seconds=0.001"]) == 0
    assert main([*SIX, f"output={whole}"]) == 0
    process = subprocess.run(
        [*command()[:3], f"resume={folder}", "stop.simulated_seconds=null", "runtime=ray", "runtime.processor_hosts=3"],
        capture_output=True, timeout=180,
    )  # fmt: skip
    assert process.returncode == 0, process.stderr.decode()
    assert summary_of(folder) == summary_of(whole)
