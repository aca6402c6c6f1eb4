"""Ctrl-C and SIGTERM end every command within seconds, in order, and say how to go on."""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from ceas_ray.cli.run import main
from ceas_ray.runs.ending import resume_override
from ceas_ray.tracking.files import read_journal
from tests.small_worlds import SMALL

pytestmark = pytest.mark.slow
LONG = [*(word for word in SMALL if not word.startswith("training.rounds")), "training.rounds=100000"]
MAX_SECONDS = 30
"""Nine for a round and an orderly end, and what a busy machine adds."""
LOOK_SECONDS = 0.05


def started(*words: str, module: str = "ceas_ray.cli.run") -> subprocess.Popen[str]:
    command = [sys.executable, "-m", module, *words]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen(command, text=True, start_new_session=True, **pipes)  # type: ignore[call-overload, no-any-return]


def until(happened: object, process: subprocess.Popen[str]) -> None:
    assert callable(happened)
    while not happened():
        with suppress(subprocess.TimeoutExpired):
            process.wait(LOOK_SECONDS)
            raise AssertionError(f"it ended by itself: {process.communicate()[1]}")


def ended(process: subprocess.Popen[str], number: int, send: Callable[[int, int], None] = os.kill) -> tuple[str, str]:
    workers = psutil.Process(process.pid).children(recursive=True)
    send(process.pid, number)
    said = process.communicate(timeout=MAX_SECONDS)
    assert process.returncode == 130, said
    psutil.wait_procs(workers, timeout=MAX_SECONDS)
    assert [worker for worker in workers if worker.is_running()] == []
    assert "Traceback" not in said[1], said[1]
    return said


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_an_interrupted_run_saves_itself_at_once_and_says_how_to_go_on(number: int, tmp_path: Path) -> None:
    folder = tmp_path / "it's a run"
    run = started(*LONG, f'output="{folder}"', "runtime.snapshot_every_rounds=null")
    journal = folder / "journal.jsonl"
    until(lambda: journal.exists() and len(journal.read_text().splitlines()) > 4, run)
    out, err = ended(run, number)
    summary = json.loads((folder / "summary.json").read_text())
    assert summary["status"] == "interrupted"
    (snapshot,) = (folder / "snapshots").iterdir()
    assert snapshot.name == f"round_{summary['rounds']:08d}.snapshot"
    assert out.splitlines()[-1] == str(folder / "summary.json")
    line = err.splitlines()[-1]
    assert line.startswith("interrupted; this goes on: ")
    words = shlex.split(line.partition("goes on: ")[2])
    on = subprocess.run([*words, "stop.wall_seconds=0.001"], capture_output=True, text=True, timeout=120)
    assert on.returncode == 0, on.stderr
    rounds = [entry["round"] for entry in read_journal(journal) if entry["event"] == "round"]
    assert rounds == list(range(-1 if -1 in rounds else 0, rounds[-1] + 1))


def test_a_run_that_nohup_started_goes_on_without_its_terminal(tmp_path: Path) -> None:
    words = ["nohup", sys.executable, "-m", "ceas_ray.cli.run", *LONG, f"output={tmp_path / 'run'}"]
    run = subprocess.Popen(words, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL)
    journal = tmp_path / "run" / "journal.jsonl"
    until(lambda: journal.exists() and len(journal.read_text().splitlines()) > 4, run)
    run.send_signal(signal.SIGHUP)
    lines = len(journal.read_text().splitlines())
    until(lambda: len(journal.read_text().splitlines()) > lines + 2, run)
    ended(run, signal.SIGTERM)


SPINNING = """
import sys, numpy as np
from numba import njit
from ceas_ray.runtime.interruption import answered
@njit(nogil=True)
def spin(n):
    total = 0.0
    for i in range(n):
        total += np.sin(total + i)
    return total
def command(interruption):
    spin(1)
    interruption.farewell = "farewell"
    with interruption.deferred(lambda: print("written down", flush=True)):
        print("ready", flush=True)
        return int(spin(10**12))
sys.exit(answered(command))
"""


IN_A_CALLBACK = """
import ctypes, signal
from ceas_ray.runtime.interruption import answered

@ctypes.CFUNCTYPE(None)
def callback():
    signal.raise_signal(signal.SIGINT)

def command(interruption):
    callback()
    while True:
        signal.pause()

raise SystemExit(answered(command))
"""


def test_a_signal_within_a_callback_of_compiled_code_is_not_lost() -> None:
    done = subprocess.run([sys.executable, "-c", IN_A_CALLBACK], capture_output=True, text=True, timeout=MAX_SECONDS)
    assert (done.returncode, done.stderr) == (130, "")


def spinning() -> subprocess.Popen[str]:
    """A command in compiled code that does not return."""
    command = [sys.executable, "-c", SPINNING]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def test_compiled_code_that_does_not_return_is_ended_and_what_is_known_written_down() -> None:
    out, err = ended(spinning(), signal.SIGTERM)
    assert out == "written down\n"
    assert err.splitlines()[-1] == "farewell"


def test_a_second_signal_ends_at_once() -> None:
    process = spinning()
    process.send_signal(signal.SIGINT)
    assert process.stderr is not None
    assert process.stderr.readline() == "ending in order; a second signal ends at once\n"
    assert ended(process, signal.SIGINT)[0] == ""


@pytest.mark.parametrize(("number", "send"), [(signal.SIGINT, os.kill), (signal.SIGTERM, os.killpg)])
def test_a_study_ends_with_its_workers(number: int, send: Callable[[int, int], None], tmp_path: Path) -> None:
    folder = tmp_path / "study"
    study = started("experiment=utilization", f"output={folder}", "tracking=folder", "quiet=true")
    until(lambda: len(psutil.Process(study.pid).children(recursive=True)) > 1, study)
    ended(study, number, send)
    assert json.loads((folder / "summary.json").read_text())["status"] == "interrupted"


def test_an_explorer_ends_with_its_workers() -> None:
    explorer = started("--hours", "1", "--processes", "1", "--first", "256", "--json", module="ceas_ray.cli.explore")
    until(lambda: len(psutil.Process(explorer.pid).children(recursive=True)) > 1, explorer)
    told = json.loads(ended(explorer, signal.SIGTERM)[0])
    assert told["interrupted"]
    assert told["next_seed"] == 256 + told["kinds"]["all"]["scenarios"]


@pytest.mark.parametrize(
    "words",
    [
        ("run", *LONG, "-m", "seed=1,2", "output={folder}"),
        ("run", *LONG, "timeline=true", "output={folder}"),
        ("reproduce", "study.form=quick", "runtime=local", "tracking=folder", "quiet=true", "output={folder}"),
        ("sync", "{folder}"),
        ("audit",),
        ("explore", "--exhaustive"),
        *(("bench", part) for part in ("entanglement", "gradients", "aggregation", "accuracy", "consensus")),
    ],
    ids=lambda words: " ".join(word for word in words if word.isalnum() or word.startswith("-")),
)
def test_sigterm_ends_every_command_that_has_begun(words: tuple[str, ...], tmp_path: Path) -> None:
    (tmp_path / "settings.yaml").write_text("{}")
    command, *rest = (word.format(folder=tmp_path / "run" if words[0] != "sync" else tmp_path) for word in words)
    process = started(*rest, module=f"ceas_ray.cli.{command}")
    until(lambda: psutil.Process(process.pid).num_threads() > 1, process)  # the one that hears of signals
    ended(process, signal.SIGTERM)


def test_workers_end_with_a_parent_that_is_killed(tmp_path: Path) -> None:
    study = started("experiment=utilization", f"output={tmp_path / 'study'}", "tracking=folder", "quiet=true")
    until(lambda: len(psutil.Process(study.pid).children(recursive=True)) > 1, study)
    workers = psutil.Process(study.pid).children(recursive=True)
    study.kill()
    study.communicate()
    _, left = psutil.wait_procs(workers, timeout=MAX_SECONDS)
    assert left == []


@pytest.mark.parametrize("name", ["plain", "a b", "it's", "a=b", "größe,{x}", "back\\slash", "$HOME"])
def test_the_command_that_resumes_is_understood_by_shell_and_hydra(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (word,) = shlex.split(resume_override(tmp_path / name))
    assert main([word]) == 2
    assert capsys.readouterr().err.startswith(f"resume: {tmp_path / name}")
