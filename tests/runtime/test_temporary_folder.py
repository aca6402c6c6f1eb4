"""Nothing is left of a temporary folder: no file, and no process that works in it, whoever died."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

import psutil

from ceas_ray.runtime.temporary_folder import temporary_folder

WORKING = "import sys, time; print('ready', flush=True); time.sleep(600)"
HOLDING = """
import subprocess, sys
from ceas_ray.runtime.temporary_folder import temporary_folder
with temporary_folder() as folder:
    words = [sys.executable, "-c", sys.argv[1], str(folder)]
    working = subprocess.Popen(words, stdout=subprocess.PIPE, start_new_session=True)
    working.stdout.readline()
    print(working.pid, folder, flush=True)
    sys.stdin.read()
"""


def working(*words: str) -> subprocess.Popen[str]:
    process = subprocess.Popen([sys.executable, "-c", WORKING, *words], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None and process.stdout.readline() == "ready\n"
    return process


def test_processes_of_the_folder_end_with_it_and_no_others() -> None:
    with temporary_folder() as folder:
        inside, neighbour = working(f"--session-dir={folder}/session_1"), working(f"{folder}x/session_1")
    assert inside.wait(20) != 0
    assert not folder.exists()
    assert neighbour.poll() is None
    neighbour.kill()
    neighbour.communicate()


def test_they_end_with_a_killed_holder_too() -> None:
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    holder = subprocess.Popen([sys.executable, "-c", HOLDING, WORKING], text=True, **pipes)  # type: ignore[call-overload]
    number, folder = holder.stdout.readline().split()
    left, guards = psutil.Process(int(number)), psutil.Process(holder.pid).children()
    holder.kill()
    holder.communicate()
    _, alive = psutil.wait_procs([left, *guards], timeout=40)
    assert alive == []
    assert not Path(folder).exists()
    assert Path(folder).parent in (Path(tempfile.gettempdir()), Path("/tmp"))
