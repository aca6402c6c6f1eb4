"""A run outlives its Ray cluster: it goes on when that is back, or in its own process, or says how to go on."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from ceas_ray.cli.run import main
from ceas_ray.runtime.ray_greeting import greets
from ceas_ray.tracking.files import read_journal
from tests.left_behind import temporary_folders
from tests.runs.test_resume import NOT_COMPARED
from tests.runtime.ray_runtime.test_ray_runtime import command
from tests.runtime.test_faults import rounds_in, wait_until
from tests.small_worlds import SMALL

pytestmark = [pytest.mark.ray, pytest.mark.slow]
ROUNDS = ["training.rounds=12", "attacks=alie", "runtime.snapshot_every_rounds=2"]
MANY_ROUNDS = ["training.rounds=40", "runtime.snapshot_every_rounds=1"]
TOKEN = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": "ab" * 32}
"""Of the clusters that tests start by themselves."""
MAX_SECONDS = 180


def compared(folder: Path) -> dict[str, Any]:
    """What the summary says of the simulation."""
    summary = json.loads((folder / "summary.json").read_text())
    return {n: v for n, v in summary.items() if n not in (*NOT_COMPARED, "faults", "runtime", "hosts", "windows")}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("runs") / "whole"
    assert main([*SMALL, *ROUNDS, f"output={folder}"]) == 0
    return compared(folder)


@pytest.fixture(autouse=True)
def nothing_is_left() -> Iterator[None]:
    folders = temporary_folders()
    yield
    wait_until(lambda: temporary_folders() <= folders)


def parts(driver: subprocess.Popen[str], name: str) -> list[psutil.Process]:
    found = psutil.Process(driver.pid).children(recursive=True)
    return [p for p in found if name in " ".join([p.name(), *p.cmdline()])]


def disturbed(
    folder: Path, act: Callable[[subprocess.Popen[str]], object], *overrides: str, **environment: str
) -> tuple[int, list[str]]:
    """Run, and act after three rounds; return the exit code, and the lines on standard error."""
    words = command(*ROUNDS, f"output={folder}", *overrides)
    process = subprocess.Popen(
        words, env=os.environ | environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
    wait_until(lambda: rounds_in(folder) >= 3 or process.poll() is not None)
    assert process.poll() is None, process.communicate()
    act(process)
    _, errors = process.communicate(timeout=MAX_SECONDS)
    return process.returncode, [line for line in errors.splitlines() if not line.startswith("warning: ")]


@pytest.mark.parametrize(
    ("victim", "on_lost"), [("gcs_server", "wait"), ("raylet", "local"), ("multiprocessing.connection", "wait")]
)
def test_a_run_outlives_the_cluster_that_it_started(
    whole: dict[str, Any], tmp_path: Path, victim: str, on_lost: str
) -> None:
    """The last victim is the process that speaks with Ray."""
    folder = tmp_path / "run"
    code, errors = disturbed(folder, lambda run: parts(run, victim)[0].kill(), f"runtime.on_lost_cluster={on_lost}")
    assert code == 0, errors
    assert compared(folder) == whole
    (fault,) = json.loads((folder / "summary.json").read_text())["faults"]
    assert "is lost" in fault["cause"]
    journal = read_journal(folder / "journal.jsonl")
    assert [line["round"] for line in journal if line["event"] == "round"] == list(range(12))


class Head:
    """A cluster of this machine alone, which this test starts and ends by itself."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        with socket.create_server(("127.0.0.1", 0)) as probe, socket.create_server(("", 0)) as other:
            self.address = f"127.0.0.1:{probe.getsockname()[1]}"
            self._clients_port = other.getsockname()[1]
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        port = self.address.rpartition(":")[2]
        self._process = subprocess.Popen(
            [
                str(Path(sys.executable).with_name("ray")), "start", "--head", "--block", f"--port={port}",
                "--node-ip-address=127.0.0.1", "--num-cpus=4", "--include-dashboard=false",
                "--object-store-memory=100000000", f"--temp-dir={self._folder}",
                f"--ray-client-server-port={self._clients_port}",
            ],
            env=os.environ | TOKEN,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip
        wait_until(lambda: greets(self.address))

    def processes(self) -> list[psutil.Process]:
        """All that belong to it."""
        assert self._process is not None
        return psutil.Process(self._process.pid).children(recursive=True)

    def kill(self) -> None:
        """End all of its processes, the raylet first: the worst order for who is connected."""
        if self._process is None or self._process.poll() is not None:
            return
        mine = self.processes()
        for process in [*mine, psutil.Process(self._process.pid)]:
            process.kill()
        self._process.wait()
        psutil.wait_procs(mine)


@pytest.fixture
def head() -> Iterator[Head]:
    folder = Path(tempfile.mkdtemp(prefix="head_", dir="/tmp"))
    head = Head(folder)
    head.start()
    yield head
    head.kill()
    shutil.rmtree(folder, ignore_errors=True)


def test_a_run_goes_on_when_the_cluster_that_it_joined_is_back(
    whole: dict[str, Any], head: Head, tmp_path: Path
) -> None:
    def power_cycled(run: subprocess.Popen[str]) -> None:
        head.kill()
        wait_until(lambda: '"fault"' in (tmp_path / "run" / "journal.jsonl").read_text())
        head.start()

    code, errors = disturbed(tmp_path / "run", power_cycled, f"runtime.address={head.address}", **TOKEN)
    assert code == 0, errors
    assert compared(tmp_path / "run") == whole


def test_a_lost_head_is_noticed_within_ten_seconds(whole: dict[str, Any], head: Head, tmp_path: Path) -> None:
    """It is stopped, so that no connection to it ends."""

    def silenced(run: subprocess.Popen[str]) -> None:
        (server,) = (p for p in head.processes() if p.name() == "gcs_server")
        server.send_signal(signal.SIGSTOP)

    words = [f"runtime.address={head.address}", "runtime.on_lost_cluster=stop", "training.rounds=100000"]
    code, (line,) = disturbed(tmp_path / "run", silenced, *words, **TOKEN)
    assert code == 1
    assert line.startswith(f"failed: the Ray cluster at {head.address} is lost: its head gave no sign for ")
    assert line.endswith(f"; resume={tmp_path / 'run'} goes on with the run, with runtime=local without a cluster")
    summary = json.loads((tmp_path / "run" / "summary.json").read_text())
    assert summary["status"] == "failed" and summary["rounds"] >= 3


def test_a_sweep_outlives_the_cluster_that_it_joined_and_the_same_command_goes_on(head: Head, tmp_path: Path) -> None:
    words = command(
        "-m", "seed=1,2", f"runtime.address={head.address}", "runtime.snapshot_every_rounds=1", *MANY_ROUNDS
    )
    options: dict[str, Any] = {"cwd": tmp_path, "env": os.environ | TOKEN, "text": True}

    def folders() -> list[Path]:
        return sorted((tmp_path / "outputs").glob("*_sweep/?"))

    with subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, **options) as sweep:
        wait_until(lambda: any(rounds_in(folder) >= 2 for folder in folders()) or sweep.poll() is not None)
        head.kill()
        _, errors = sweep.communicate(timeout=MAX_SECONDS)
    assert sweep.returncode == 1, errors
    assert [line for line in errors.splitlines() if line.endswith("; the same command goes on with the sweep")], errors
    head.start()
    done = subprocess.run(words, capture_output=True, timeout=MAX_SECONDS, **options)
    assert done.returncode == 0, done.stderr
    for folder in folders():
        rounds = [line["round"] for line in read_journal(folder / "journal.jsonl") if line["event"] == "round"]
        assert rounds == list(range(40))
