"""Runs that live through random faults: of hosts, of drivers, of the cluster, of the machines and cables below it."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
from contextlib import suppress
from functools import partial
from pathlib import Path

import psutil

from ceas_ray.cli.run import main
from tests.left_behind import ray_processes
from tests.runtime.drivers import Driver, ForkedDriver, MachineDriver
from tests.runtime.ray_runtime.test_ray_runtime import ON_RAY
from tests.runtime.test_faults import KINDS, rounds_in, wait_until
from tests.runtime.test_machines import HEAD, MACHINES, machines

DRIVER_FAULTS = ("kill the driver", "interrupt the driver", "start another driver")
HOST_FAULTS = ("kill a host", "stop a host")
CLUSTER_FAULTS = ("kill the head", "kill the raylet", "kill what speaks with Ray")
MACHINE_FAULTS = ("cut the driver's cable", "cut a worker's cable", "power a worker off", "kill the head")
FAULTS = {
    "local": DRIVER_FAULTS,
    "ray": (*HOST_FAULTS, *DRIVER_FAULTS, *CLUSTER_FAULTS),
    "machines": (*MACHINE_FAULTS, "kill the driver", "interrupt the driver"),
}
"""By where the hosts of a run are: in its process, on a cluster that it starts, on three machines in namespaces."""
FAULTS_OF_A_RUN = 3
FIRST_PROCESS_OF_HEAD = Path(os.environ.get("CEAS_MACHINES_STATE", "/tmp/ceas_machines"), "m1.pid")
_DRIVERS_MACHINE, _WORKER = "2", "3"
_PARTS = {"kill the head": "gcs_server", "kill the raylet": "raylet", "kill what speaks with Ray": "connection"}


def faults_of(place: str, turn: int, generator: random.Random) -> list[str]:
    """The faults of a run: the first goes round by `turn`, so that every kind is met; the others are drawn."""
    kinds = FAULTS[place]
    return [kinds[turn % len(kinds)], *generator.choices(kinds, k=FAULTS_OF_A_RUN - 1)]


def completed(folder: Path) -> bool:
    """Whether the run has ended by itself, perhaps before the fault came."""
    summary = folder / "summary.json"
    return summary.exists() and json.loads(summary.read_text())["status"] == "completed"


class DisturbedRun:
    """A run in `folder`, with faults on its way, that is brought to its end whatever happens."""

    def __init__(
        self, folder: Path, place: str, generator: random.Random, counted: list[str], slow_disk: int | None = None
    ) -> None:
        """place: see FAULTS. counted: takes the faults that happened. slow_disk: the seed of one, or None."""
        self._folder, self._place, self._generator, self._counted = folder, place, generator, counted
        self._slow_disk = slow_disk
        self._cluster = [f"runtime.address={HEAD}"] if place == "machines" else []
        self._tracking: list[str] = []
        """What a folder names is not trusted, so whoever resumes it names its tracking and its cluster again."""
        self._process: Driver
        self._is_over = False

    def live_through(self, first: list[str], turn: int) -> None:
        """Run to the end, with faults, resumed as often as the driver dies. first: overrides of the new run."""
        folder, generator = self._folder, self._generator
        self._tracking = [word for word in first if word.startswith("tracking.uri=")]
        self._process = self._driver([*ON_RAY, *first])
        for fault in faults_of(self._place, turn, generator):
            target = rounds_in(folder) + generator.randrange(1, 8)
            wait_until(partial(self._is_there, target))
            if self._process.poll() is not None or completed(folder):
                break
            self._counted.append(fault)
            self._suffers(fault)
            if self._is_over:
                return
        self._brought_to_its_end()

    def _brought_to_its_end(self) -> None:
        _, errors = self._process.communicate(timeout=300)
        if not completed(self._folder):
            assert self._process.returncode in (-signal.SIGKILL, 130, 1), errors.decode()
            if self._process.returncode == 1:
                assert "the Ray cluster" in errors.decode() and "resume=" in errors.decode(), errors.decode()
            assert main([f"resume={self._folder}", "runtime=local", *self._tracking]) == 0, errors.decode()
        assert b"Traceback" not in errors, errors.decode()

    def _is_there(self, rounds: int) -> bool:
        return rounds_in(self._folder) >= rounds or self._process.poll() is not None

    def _suffers(self, fault: str) -> None:
        if fault in _PARTS:
            for part in self._parts(_PARTS[fault])[:1]:
                part.kill()
        elif fault in HOST_FAULTS:
            for host in self._parts(f"ray::{self._generator.choice(KINDS)}")[:1]:
                host.send_signal(signal.SIGKILL if fault.startswith("kill") else signal.SIGSTOP)
        elif fault in MACHINE_FAULTS:
            self._of_a_machine(fault)
        elif fault == "start another driver":
            self._another_is_refused()
        else:
            self._driver_ends(signal.SIGKILL if fault.startswith("kill") else signal.SIGINT)

    def _of_a_machine(self, fault: str) -> None:
        if fault == "power a worker off":
            machines("kill", _WORKER)
            self._for_a_while()
            machines("join", _WORKER)
            return
        machine = _DRIVERS_MACHINE if fault == "cut the driver's cable" else _WORKER
        machines("cut", machine)
        self._for_a_while()
        machines("heal", machine)

    def _for_a_while(self) -> None:
        """Wait for one to two hundred looks, or until the run has noticed: short faults differ from long ones."""
        looks, faults = iter(range(self._generator.choice((1, 30, 100, 200)))), self._faults_noted()

        def over() -> bool:
            return next(looks, None) is None or self._faults_noted() > faults or self._process.poll() is not None

        wait_until(over)

    def _faults_noted(self) -> int:
        return (self._folder / "journal.jsonl").read_text().count('"fault"')

    def _another_is_refused(self) -> None:
        words = [f"resume={self._folder}", "runtime=local", *self._tracking]
        other = ForkedDriver(words, self._folder.with_suffix(".other"))
        _, errors = other.communicate(timeout=120)
        assert other.returncode == 2 or self._process.poll() is not None, errors.decode()

    def _driver_ends(self, number: int) -> None:
        """End the driver, and let another one go on: perhaps from a damaged snapshot, with other hosts."""
        if number == signal.SIGKILL and isinstance(self._process, MachineDriver):
            self._process.end()
        else:
            self._process.send_signal(number)
            _, errors = self._process.communicate(timeout=120)
            assert b"Traceback" not in errors, errors.decode()
        wait_until(lambda: self._place != "ray" or not ray_processes())
        self._is_over = completed(self._folder)
        if self._is_over:
            return
        if self._generator.random() < 0.6:
            self._damage()
        hosts = self._generator.randrange(1, 5)
        self._process = self._driver([f"resume={self._folder}", f"runtime.processor_hosts={hosts}", *self._tracking])

    def _damage(self) -> None:
        """Corrupt or cut the newest snapshot, if there is one."""
        generator = self._generator
        files = sorted((self._folder / "snapshots").glob("*.snapshot"))
        if files:
            content = bytearray(files[-1].read_bytes())
            if generator.random() < 0.5:
                del content[generator.randrange(len(content)) :]
            else:
                content[generator.randrange(len(content))] ^= 1 << generator.randrange(8)
            files[-1].write_bytes(bytes(content))
            self._counted.append("damage a snapshot")

    def _driver(self, overrides: list[str]) -> Driver:
        """A process that runs or resumes the run."""
        words = [*overrides, *self._cluster, f"runtime={'local' if self._place == 'local' else 'ray'}"]
        if self._place == "local":
            return ForkedDriver(words, self._folder.with_suffix(".stderr"), self._slow_disk)
        slow = ["tests.runtime.slow_disk", str(self._slow_disk)]
        command = [sys.executable, "-m", *(["ceas_ray.cli.run"] if self._slow_disk is None else slow), *words]
        if self._place == "machines":
            return MachineDriver([MACHINES, "run", _DRIVERS_MACHINE, *command])
        return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)

    def _parts(self, name: str) -> list[psutil.Process]:
        """Processes that are called so: of the cluster that the driver started, or of the machine of the head."""
        if self._place == "machines":
            root = int(FIRST_PROCESS_OF_HEAD.read_text())
        else:
            assert isinstance(self._process, subprocess.Popen)
            root = self._process.pid
        found: list[psutil.Process] = []
        with suppress(psutil.NoSuchProcess):
            found = psutil.Process(root).children(recursive=True)
        return [part for part in found if _is_called(part, name)]


def _is_called(process: psutil.Process, name: str) -> bool:
    with suppress(psutil.NoSuchProcess):
        return name in " ".join([process.name(), *process.cmdline()])
    return False
