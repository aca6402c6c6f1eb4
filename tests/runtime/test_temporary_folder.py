"""Nothing is left of a temporary folder: no file, and no process that works in it, whoever died."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import psutil
import pytest

from ceas_ray.runtime.temporary_folder import temporary_folder

Working = subprocess.Popen[str]
WORKING = "import sys, time; print('ready', flush=True); time.sleep(600)"
RENAMED = """
import os, sys, time
log = open(sys.argv[1], "a")
print("ready", flush=True)
time.sleep(600)
"""
HOLDING = """
import subprocess, sys
from ceas_ray.runtime.temporary_folder import temporary_folder
with temporary_folder() as folder:
    words = [sys.executable, "-c", sys.argv[1]]
    working = subprocess.Popen(words, stdout=subprocess.PIPE, start_new_session=True)
    working.stdout.readline()
    print(working.pid, folder, flush=True)
    sys.stdin.read()
"""


def working(*words: str, program: str = WORKING, name: str = sys.executable, marked: bool = True) -> Working:
    """A process that works; not marked: one that somebody else started."""
    environment = {key: value for key, value in os.environ.items() if marked or not key.startswith("CEAS_RAY")}
    pipes = {"stdout": subprocess.PIPE, "executable": sys.executable}
    process = subprocess.Popen([name, "-c", program, *words], text=True, env=environment, **pipes)  # type: ignore[call-overload]
    assert process.stdout is not None and process.stdout.readline() == "ready\n"
    return process


@pytest.mark.slow
def test_processes_that_were_started_for_the_folder_end_with_it_and_no_onlookers() -> None:
    with temporary_folder() as folder:
        log = folder / "log"
        started = working()
        agent = working(str(log), program=RENAMED, name="ray::Agent", marked=False)
        onlooker = subprocess.Popen(["tail", "-f", log], env={"PATH": os.environ["PATH"]}, stdout=subprocess.DEVNULL)
        namesake = working(f"--session-dir={folder}", marked=False)
    for process in (started, agent):
        assert process.wait(20) == -signal.SIGKILL
    assert not folder.exists()
    for other in (onlooker, namesake):
        assert other.poll() is None
        other.kill()
        other.communicate()


def test_a_mark_ends_with_the_folder() -> None:
    with temporary_folder():
        pass
    assert not any(name.startswith("CEAS_RAY_TEMPORARY") for name in os.environ)


@pytest.mark.slow
@pytest.mark.parametrize("signals_to_all", [[], [signal.SIGTERM]])
def test_they_end_with_a_killed_holder_too(signals_to_all: list[signal.Signals]) -> None:
    """A job scheduler sends SIGTERM to every process of a job, and some time later kills what is left."""
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    holder = subprocess.Popen([sys.executable, "-c", HOLDING, WORKING], text=True, **pipes)  # type: ignore[call-overload]
    started, folder = holder.stdout.readline().split()
    left, guards = psutil.Process(int(started)), psutil.Process(holder.pid).children()
    for number in signals_to_all:
        for guard in guards:
            guard.send_signal(number)
    holder.kill()
    holder.communicate()
    _, alive = psutil.wait_procs([left, *guards], timeout=40)
    assert alive == []
    assert not Path(folder).exists()
    assert Path(folder).parent in (Path(tempfile.gettempdir()), Path("/tmp"))
