"""Drivers of runs: forks of a process that has everything loaded, so that a start takes no time, and processes on
machines in namespaces."""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Protocol

import psutil

from ceas_ray.cli.run import main
from tests.runtime.slow_disk import slow_down

_FORKS = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload(["tests.runtime.warm"])


class Driver(Protocol):
    """The part of `subprocess.Popen` that tests of faults use."""

    @property
    def returncode(self) -> int | None: ...

    def poll(self) -> int | None: ...

    def send_signal(self, number: int) -> None: ...

    def communicate(self, *, timeout: float) -> tuple[bytes, bytes]: ...


class ForkedDriver:
    """`ceas-ray` with these overrides, in a fork."""

    def __init__(self, overrides: Sequence[str], errors: Path, slow_disk: int | None = None) -> None:
        """errors: the file that takes what it says on standard error. slow_disk: the seed of one, or None."""
        self._errors = errors
        self._process = _FORKS.Process(target=_drive, args=(list(overrides), str(errors), slow_disk))
        self._process.start()

    def poll(self) -> int | None:
        return self._process.exitcode

    @property
    def returncode(self) -> int | None:
        return self._process.exitcode

    def send_signal(self, number: int) -> None:
        assert self._process.pid is not None
        if self.poll() is None:
            os.kill(self._process.pid, number)

    def communicate(self, *, timeout: float) -> tuple[bytes, bytes]:
        self._process.join(timeout)
        assert self.poll() is not None, f"the driver goes on after {timeout} s"
        return b"", self._errors.read_bytes()


class MachineDriver:
    """A driver on a machine in namespaces, which other commands bring there; a signal goes to the driver itself."""

    def __init__(self, words: Sequence[str | Path]) -> None:
        """words: those of `scripts/machines`, and the command."""
        self._process = subprocess.Popen(
            words, env=os.environ | {"CEAS_PYTHON": sys.executable}, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
        )

    @property
    def returncode(self) -> int | None:
        return self._process.returncode

    def poll(self) -> int | None:
        return self._process.poll()

    def parts(self, name: str) -> list[psutil.Process]:
        """Its processes whose command has this name, the oldest first."""
        with suppress(psutil.NoSuchProcess):
            found = psutil.Process(self._process.pid).children(recursive=True)
            return sorted((p for p in found if name in " ".join(p.cmdline())), key=lambda p: p.create_time())
        return []

    def send_signal(self, number: int) -> None:
        for driver in self.parts(" -m ")[:1]:
            driver.send_signal(number)

    def communicate(self, *, timeout: float) -> tuple[bytes, bytes]:
        return self._process.communicate(timeout=timeout)

    def end(self) -> None:
        """Kill it, if it runs, with all that it started."""
        if self.poll() is None:
            for part in [*psutil.Process(self._process.pid).children(recursive=True), self._process]:
                part.kill()
        self._process.communicate()


def _drive(overrides: list[str], errors: str, slow_disk: int | None) -> None:
    nowhere, file = os.open(os.devnull, os.O_WRONLY), os.open(errors, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(nowhere, 1)
    os.dup2(file, 2)
    if slow_disk is not None:
        slow_down(slow_disk)
    sys.exit(main(overrides))
