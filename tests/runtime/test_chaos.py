"""Random faults in runs of random settings: always the digest and model of an undisturbed run, each round once."""

from __future__ import annotations

import json
import os
import random
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest

from ceas_ray.cli.run import main
from ceas_ray.cli.sync import main as sync
from ceas_ray.tracking.files import read_journal
from tests.runtime.chaos import DisturbedRun
from tests.runtime.ray_runtime.test_ray_runtime import command
from tests.runtime.test_faults import rounds_in, wait_until
from tests.runtime.test_machines import WHY_NOT, machines
from tests.small_disk import small_disk
from tests.small_worlds import SMALL

pytestmark = [pytest.mark.ray, pytest.mark.slow]
SEEDS, ROUNDS = 16, 60
ON_RAY_EVERY, ON_MACHINES = 8, 4
"""Faults on Ray take tens of seconds each, as hosts must start again: most runs are local. Of sixteen, seeds 0 and 8
are on Ray, and 4 on a cluster of three machines, where the system can make them.
"""
counted: list[str] = []
runs: list[int] = []


def random_settings(generator: random.Random) -> list[str]:
    chosen = [
        f"seed={generator.randrange(10**6)}",
        f"attacks={generator.choice(('none', 'alie', 'sign_flip'))}",
        f"aggregation={generator.choice(('ceas', 'mean', 'trimmed_mean'))}",
        f"scheduling={generator.choice(('mdp', 'two_level', 'on_demand'))}",
        f"network={generator.choice(('star', 'complete'))}",
        f"training.rounds={ROUNDS}",
    ]
    return chosen


def summary_of(folder: Path) -> dict[str, Any]:
    return dict(json.loads((folder / "summary.json").read_text()))


def place_of(seed: int) -> str:
    """Where the hosts of this seed's run are."""
    if seed % ON_RAY_EVERY == 0:
        return "ray"
    return "machines" if seed % (2 * ON_RAY_EVERY) == ON_MACHINES and WHY_NOT is None else "local"


@contextmanager
def cluster_of(place: str) -> Iterator[None]:
    """The machines, for as long as this lasts, where the place is these."""
    if place != "machines":
        yield
        return
    up = machines("up")
    assert up.returncode == 0, up.stderr.decode()
    try:
        yield
    finally:
        assert machines("down").returncode == 0


def test_random_faults_change_no_result(fault_seed: int, tmp_path: Path) -> None:
    runs.append(fault_seed)
    before = len(counted)
    generator, place = random.Random(fault_seed), place_of(fault_seed)
    chosen = random_settings(generator)
    whole, folder = tmp_path / "whole", tmp_path / "run"
    assert main([*SMALL, *chosen, f"output={whole}"]) == 0
    words = [
        *chosen, f"output={folder}", "runtime.snapshot_every_rounds=3", "runtime.hang_seconds=3",
        f"runtime.processor_hosts={generator.randrange(1, 4)}",
    ]  # fmt: skip
    if place != "local":
        words.append(f"runtime.on_lost_cluster={generator.choice(('wait', 'wait', 'local', 'stop'))}")
    slow_disk = fault_seed if fault_seed % 5 == 3 or fault_seed % 40 in (8, 20) else None
    if slow_disk is not None:
        counted.append("slow disk")
    run = DisturbedRun(folder, place, generator, counted, slow_disk)
    turn = fault_seed // {"ray": ON_RAY_EVERY, "machines": 2 * ON_RAY_EVERY, "local": 1}[place]
    with cluster_of(place):
        if fault_seed % 5 == 1 and os.geteuid() == 0 and place != "machines":
            counted.append("full disk")
            with small_disk(tmp_path / "disk", 60) as disk:
                run.live_through([*words, f"runtime.snapshot_folder={disk}"], turn)
        elif fault_seed % 5 == 2:
            counted.append("no MLflow")
            run.live_through([*words, "tracking=mlflow", "tracking.uri=http://127.0.0.1:9"], turn)
            assert sync(["--uri", f"sqlite:///{tmp_path}/mlflow.db", str(folder)]) == 0
        else:
            run.live_through(words, turn)
    print(f"seed {fault_seed}, {place}: {counted[before:]}")
    expected, found = summary_of(whole), summary_of(folder)
    for name in ("trace_digest", "rounds", "bell_pairs", "key_bits", "test_accuracy", "mean_contrast", "decisions"):
        assert found[name] == expected[name], name
    assert (folder / "model.npz").read_bytes() == (whole / "model.npz").read_bytes()
    lines = [line["round"] for line in read_journal(folder / "journal.jsonl") if line["event"] == "round"]
    assert lines == list(range(ROUNDS))
    assert all(0 <= fault["rounds"] - fault["replayed_from"] <= 3 for fault in found["faults"])


@contextmanager
def mlflow_server(folder: Path, port: int) -> Iterator[subprocess.Popen[bytes]]:
    """A server on loopback that keeps its runs in `folder`; it may need a while until it answers."""
    words = [
        "--host", "127.0.0.1", "--port", str(port), "--backend-store-uri", f"sqlite:///{folder}/server.db",
        "--artifacts-destination", str(folder / "artifacts"), "--workers", "1",
    ]  # fmt: skip
    server = subprocess.Popen(
        [sys.executable, "-m", "mlflow", "server", *words], start_new_session=True,
        env=os.environ | {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}, stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        yield server
    finally:
        os.killpg(server.pid, signal.SIGKILL)
        server.wait()


def answers(port: int) -> bool:
    try:
        return bool(urlopen(f"http://127.0.0.1:{port}/health", timeout=2).read())
    except OSError:
        return False


def free_port() -> int:
    with socket.socket() as asked:
        asked.bind(("127.0.0.1", 0))
        return int(asked.getsockname()[1])


def test_an_mlflow_server_that_is_killed_in_mid_run_costs_nothing(tmp_path: Path) -> None:
    from mlflow import MlflowClient

    whole, folder, port = tmp_path / "whole", tmp_path / "run", free_port()
    rounds = 2 * ROUNDS
    chosen = [f"training.rounds={rounds}", "seed=5"]
    with mlflow_server(tmp_path, port):
        assert main([*SMALL, *chosen, f"output={whole}"]) == 0
        wait_until(lambda: answers(port))
        words = ["runtime=local", "tracking=mlflow", f"tracking.uri=http://127.0.0.1:{port}", f"output={folder}"]
        process = subprocess.Popen(command(*chosen, *words), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        wait_until(lambda: rounds_in(folder) >= 40 or process.poll() is not None)
    with mlflow_server(tmp_path, port):
        _, errors = process.communicate(timeout=240)
        assert process.returncode == 0, errors.decode()
        assert " ".join(errors.decode().split()).count("ceas-sync sends what is missing") == 1
        assert summary_of(folder)["trace_digest"] == summary_of(whole)["trace_digest"]
        wait_until(lambda: answers(port))
        client = MlflowClient(f"http://127.0.0.1:{port}")
        assert sync(["--uri", f"http://127.0.0.1:{port}", str(folder)]) == 0
        run_id = summary_of(folder)["mlflow_run_id"]
        sent = [metric.step for metric in client.get_metric_history(run_id, "round/utilization")]
        assert sent == list(range(1, rounds + 1))
        assert client.get_run(run_id).info.status == "FINISHED"
    counted.append("stop MLflow")


def test_at_least_thirty_faults_happened() -> None:
    if runs != list(range(SEEDS)):
        pytest.skip(f"not the {SEEDS} runs that this file has by itself")
    assert len(counted) >= 30
    kinds = {
        "start another driver",
        "kill a host",
        "stop a host",
        "kill the driver",
        "damage a snapshot",
        "no MLflow",
        "stop MLflow",
        "slow disk",
        *(() if WHY_NOT is not None else ("cut the driver's cable",)),
    }
    assert kinds <= set(counted)
