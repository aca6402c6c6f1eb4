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
from functools import partial
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest

from ceas_ray.cli.run import main
from ceas_ray.cli.sync import main as sync
from ceas_ray.tracking.files import read_journal
from tests.runtime.drivers import ForkedDriver
from tests.runtime.ray_runtime.test_ray_runtime import ON_RAY, command, ray_processes
from tests.runtime.test_faults import KINDS, hosts_of, rounds_in, wait_until
from tests.small_disk import small_disk
from tests.small_worlds import SMALL

pytestmark = [pytest.mark.ray, pytest.mark.slow]
SEEDS, ON_RAY_EVERY, ROUNDS = 16, 8, 60
"""Faults on Ray take tens of seconds each, as hosts must start again: most runs are local."""
DRIVER_FAULTS = ("kill the driver", "interrupt the driver", "start another driver")
FAULTS = ("kill a host", "kill a host", "stop a host", *DRIVER_FAULTS)
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


def damage(folder: Path, generator: random.Random) -> None:
    """Corrupt or cut the newest snapshot, if there is one."""
    files = sorted((folder / "snapshots").glob("*.snapshot"))
    if files:
        content = bytearray(files[-1].read_bytes())
        if generator.random() < 0.5:
            del content[generator.randrange(len(content)) :]
        else:
            content[generator.randrange(len(content))] ^= 1 << generator.randrange(8)
        files[-1].write_bytes(bytes(content))
        counted.append("damage a snapshot")


Driver = subprocess.Popen[bytes] | ForkedDriver


def driver(runtime: str, folder: Path, overrides: list[str]) -> Driver:
    """A process that runs or resumes the run in `folder`."""
    words = [*overrides, f"runtime={runtime}"]
    if runtime == "local":
        return ForkedDriver(words, folder.with_suffix(".stderr"))
    return subprocess.Popen([*command()[:3], *words], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


def _is_there(folder: Path, rounds: int, process: Driver) -> bool:
    return rounds_in(folder) >= rounds or process.poll() is not None


def completed(folder: Path) -> bool:
    """Whether the run has ended by itself, perhaps before the fault came."""
    summary = folder / "summary.json"
    return summary.exists() and json.loads(summary.read_text())["status"] == "completed"


def lived_through(folder: Path, first: list[str], runtime: str, generator: random.Random) -> None:
    """Run to the end, resumed as often as the driver dies, with about three faults on the way."""
    faults = generator.choices(FAULTS if runtime == "ray" else DRIVER_FAULTS, k=3)
    places = [word for word in first if word.startswith("tracking.uri=")]  # named again: a folder's word does not do
    process = driver(runtime, folder, [*ON_RAY, *first])
    for fault in faults:
        target = rounds_in(folder) + generator.randrange(1, 8)
        wait_until(partial(_is_there, folder, target, process))
        if process.poll() is not None or completed(folder):
            break
        counted.append(fault)
        if isinstance(process, subprocess.Popen) and fault.endswith("a host"):
            for host in hosts_of(process, generator.choice(KINDS))[:1]:
                host.send_signal(signal.SIGKILL if fault.startswith("kill") else signal.SIGSTOP)
            continue
        if fault == "start another driver":
            other = ForkedDriver([f"resume={folder}", "runtime=local", *places], folder.with_suffix(".other"))
            _, errors = other.communicate(timeout=120)
            assert other.returncode == 2 or process.poll() is not None, errors.decode()
            continue
        process.send_signal(signal.SIGKILL if fault.startswith("kill") else signal.SIGINT)
        process.communicate(timeout=120)
        wait_until(lambda: runtime == "local" or not ray_processes())
        if completed(folder):
            return
        if generator.random() < 0.6:
            damage(folder, generator)
        hosts = generator.randrange(1, 5)
        process = driver(runtime, folder, [f"resume={folder}", f"runtime.processor_hosts={hosts}", *places])
    _, errors = process.communicate(timeout=240)
    if process.returncode in (-signal.SIGKILL, 130) and not completed(folder):
        assert main([f"resume={folder}", "runtime=local", *places]) == 0
    else:
        assert completed(folder), errors.decode()


def summary_of(folder: Path) -> dict[str, Any]:
    return dict(json.loads((folder / "summary.json").read_text()))


def test_random_faults_change_no_result(fault_seed: int, tmp_path: Path) -> None:
    runs.append(fault_seed)
    generator = random.Random(fault_seed)
    chosen = random_settings(generator)
    whole, folder = tmp_path / "whole", tmp_path / "run"
    assert main([*SMALL, *chosen, f"output={whole}"]) == 0
    words = [
        *chosen, f"output={folder}", "runtime.snapshot_every_rounds=3", "runtime.hang_seconds=3",
        f"runtime.processor_hosts={generator.randrange(1, 4)}",
    ]  # fmt: skip
    runtime = "ray" if fault_seed % ON_RAY_EVERY == 0 else "local"
    if fault_seed % 5 == 1 and os.geteuid() == 0:
        counted.append("full disk")
        with small_disk(tmp_path / "disk", 60) as disk:
            lived_through(folder, [*words, f"runtime.snapshot_folder={disk}"], runtime, generator)
    elif fault_seed % 5 == 2:
        counted.append("no MLflow")
        lived_through(folder, [*words, "tracking=mlflow", "tracking.uri=http://127.0.0.1:9"], runtime, generator)
        assert sync(["--uri", f"sqlite:///{tmp_path}/mlflow.db", str(folder)]) == 0
    else:
        lived_through(folder, words, runtime, generator)
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
    }
    assert kinds <= set(counted)
