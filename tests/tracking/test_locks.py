"""Locks hold between processes, also where the file system has no `flock`."""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from ceas_ray.cli.run import main
from ceas_ray.tracking.locks import LOCK, HeldLock, Holder, LockLost, exclusive, holder_of
from tests.small_worlds import SMALL

WITHOUT_FLOCK = """
import errno, fcntl, os, sys
def flock(file, operation):
    raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))
fcntl.flock = flock
"""
HOLD = """
import os, sys
from pathlib import Path
from ceas_ray.tracking.locks import HeldLock
lock = HeldLock(Path(sys.argv[1]), print)
print("held", flush=True)
"""


@pytest.fixture
def no_flock(monkeypatch: pytest.MonkeyPatch) -> None:
    def flock(file: object, operation: int) -> None:
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))

    monkeypatch.setattr(fcntl, "flock", flock)


@pytest.fixture(params=["flock", "no flock"])
def before(request: pytest.FixtureRequest) -> str:
    """Code that makes a process one on a file system with `flock`, or without."""
    if request.param == "flock":
        return ""
    request.getfixturevalue("no_flock")
    return WITHOUT_FLOCK


def in_another_process(code: str, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code, *words], capture_output=True, text=True, timeout=60)


def test_a_lock_is_one_process_s_alone_and_says_whose(tmp_path: Path, before: str) -> None:
    path = tmp_path / LOCK
    lock = HeldLock(path, lambda line: None)
    refused = in_another_process(before + HOLD, str(path)).stderr.splitlines()[-1]
    assert f"held by process {os.getpid()} on {os.uname().nodename} since 20" in refused
    assert holder_of(path) is not None
    lock.release()
    assert holder_of(path) is None and not path.exists()
    assert in_another_process(f"{before}{HOLD}lock.release()", str(path)).returncode == 0
    assert list(tmp_path.iterdir()) == []


def test_the_lock_of_a_process_that_died_is_taken_over(tmp_path: Path, before: str) -> None:
    path = tmp_path / LOCK
    assert in_another_process(f"{before}{HOLD}os._exit(9)", str(path)).returncode == 9
    assert path.exists()
    lock = HeldLock(path, lambda line: None)
    lock.require_held()
    lock.release()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("no_flock")
def test_without_flock_the_lock_of_another_machine_stays_its_own_and_one_line_says_so(tmp_path: Path) -> None:
    path = tmp_path / LOCK
    for content in (b"", b"[]", b"{}", Holder(1, "other", "another boot", "today", "a").content()):
        path.write_bytes(content)
        with pytest.raises(BlockingIOError) as refused:
            HeldLock(path, lambda line: None)
        assert f"; delete {path} if that has ended" in str(refused.value)
        assert path.read_bytes() == content


@pytest.mark.usefixtures("no_flock")
def test_a_file_system_without_flock_is_named_in_one_line(tmp_path: Path) -> None:
    said: list[str] = []
    HeldLock(tmp_path / LOCK, said.append).release()
    assert len(said) == 1
    assert "this file system has no locks" in said[0]


@pytest.mark.parametrize(
    ("happens", "line"),
    [
        (lambda folder: folder.rename(folder.with_name("moved")), "was moved to {place}/moved while"),
        (lambda folder: shutil.rmtree(folder), "was deleted while this process wrote to it"),
        (lambda folder: (folder / LOCK).unlink(), "was deleted, by which this process held the folder"),
        (
            lambda folder: (folder / LOCK).write_bytes(Holder(7, "other", "w", "today", "a").content()),
            "was taken over by process 7 on other since today",
        ),
        (lambda folder: (folder / LOCK).write_bytes(b"?"), "was taken over by another process"),
    ],
    ids=["moved", "deleted", "lock deleted", "taken over", "overwritten"],
)
def test_whoever_has_lost_a_lock_is_told_what_happened(
    happens: Callable[[Path], object], line: str, tmp_path: Path, before: str
) -> None:
    folder = tmp_path / "run"
    folder.mkdir()
    lock = HeldLock(folder / LOCK, lambda line: None)
    lock.require_held()
    happens(folder)
    with pytest.raises(LockLost) as lost:
        lock.require_held()
    assert line.format(place=tmp_path) in str(lost.value)
    lock.release()


def test_pipes_and_links_in_place_of_a_lock_are_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "victim").write_text("mine")
    (tmp_path / "link").symlink_to(tmp_path / "victim")
    for name in ("pipe", "link"):
        with pytest.raises(OSError, match="no plain file"):
            HeldLock(tmp_path / name, lambda line: None)
    assert (tmp_path / "victim").read_text() == "mine"


@pytest.mark.usefixtures("no_flock")
def test_without_flock_one_waits_for_another(tmp_path: Path) -> None:
    with exclusive(tmp_path / "lock", lambda line: None):
        assert (tmp_path / "lock").exists()
    assert not (tmp_path / "lock").exists()


@pytest.mark.slow
@pytest.mark.usefixtures("no_flock")
def test_a_run_ends_well_without_flock(tmp_path: Path) -> None:
    assert main([*SMALL, "training.rounds=1", f"output={tmp_path / 'run'}"]) == 0
    assert not (tmp_path / "run" / LOCK).exists()
