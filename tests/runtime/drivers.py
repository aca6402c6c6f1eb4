"""Drivers of local runs: real processes, but forks of one that has everything loaded, so that a start takes no time."""

from __future__ import annotations

import multiprocessing
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from ceas_ray.cli.run import main

_FORKS = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload(["tests.runtime.warm"])


class ForkedDriver:
    """The part of `subprocess.Popen` that tests of faults use, for `ceas-ray` with these overrides."""

    def __init__(self, overrides: Sequence[str], errors: Path) -> None:
        """errors: the file that takes what it says on standard error."""
        self._errors = errors
        self._process = _FORKS.Process(target=_drive, args=(list(overrides), str(errors)))
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

    def communicate(self, timeout: float) -> tuple[bytes, bytes]:
        self._process.join(timeout)
        assert self.poll() is not None, f"the driver goes on after {timeout} s"
        return b"", self._errors.read_bytes()


def _drive(overrides: list[str], errors: str) -> None:
    nowhere, file = os.open(os.devnull, os.O_WRONLY), os.open(errors, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(nowhere, 1)
    os.dup2(file, 2)
    sys.exit(main(overrides))
