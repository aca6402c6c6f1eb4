"""Locks hold between processes, also where the file system has no `flock`."""

from __future__ import annotations

import errno
import fcntl
import os
import subprocess
import sys
from pathlib import Path

import pytest

from ceas_ray.cli.run import main
from ceas_ray.tracking.files import Journal
from ceas_ray.tracking.locks import exclusive
from tests.small_worlds import SMALL

WITHOUT_FLOCK = """
import errno, fcntl, os, sys
def flock(file, operation):
    raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))
fcntl.flock = flock
from pathlib import Path
from ceas_ray.tracking.files import Journal
"""


@pytest.fixture
def no_flock(monkeypatch: pytest.MonkeyPatch) -> None:
    def flock(file: object, operation: int) -> None:
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))

    monkeypatch.setattr(fcntl, "flock", flock)


def in_another_process(code: str, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", WITHOUT_FLOCK + code, *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=60)


@pytest.mark.usefixtures("no_flock")
def test_without_flock_a_journal_is_still_one_process_s_alone(tmp_path: Path) -> None:
    path, said = tmp_path / "journal.jsonl", list[str]()
    journal = Journal(path, said.append)
    journal.append("round", {})
    assert len(said) == 1
    assert "this file system has no locks" in said[0]
    taken = in_another_process("Journal(Path(sys.argv[1]), print)", str(path))
    assert "BlockingIOError" in taken.stderr
    journal.close()
    assert in_another_process("Journal(Path(sys.argv[1]), print).close()", str(path)).returncode == 0


@pytest.mark.usefixtures("no_flock")
def test_the_lock_of_a_process_that_died_is_taken_over(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    assert in_another_process("held = Journal(Path(sys.argv[1]), print); os._exit(9)", str(path)).returncode == 9
    assert (tmp_path / "journal.jsonl.lock").exists()
    Journal(path, print).close()


@pytest.mark.usefixtures("no_flock")
def test_without_flock_one_waits_for_another(tmp_path: Path) -> None:
    with exclusive(tmp_path / "lock", lambda line: None):
        assert (tmp_path / "lock.lock").exists()
    assert not (tmp_path / "lock.lock").exists()


@pytest.mark.usefixtures("no_flock")
def test_a_run_ends_well_without_flock(tmp_path: Path) -> None:
    assert main([*SMALL, "training.rounds=1", f"output={tmp_path / 'run'}"]) == 0
    assert not (tmp_path / "run" / "journal.jsonl.lock").exists()
