"""However a run on Ray ends, it ends in order and leaves nothing: signals at any moment, and parts of Ray that die."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from ceas_ray.tracking.files import read_journal
from tests.left_behind import temporary_folders
from tests.runtime.ray_runtime.test_ray_runtime import command
from tests.runtime.test_faults import rounds_in, wait_until

pytestmark = [pytest.mark.ray, pytest.mark.slow]
MAX_SECONDS = 60
"""Nine for a round and an orderly end, the end of Ray, and what a busy machine adds."""
_LOOK_SECONDS = 0.1


@dataclass(frozen=True)
class RayRun:
    """A run that would go on for days, and its processes; it is over when the test is."""

    process: subprocess.Popen[str]
    folder: Path

    def parts(self, name: str = "") -> list[psutil.Process]:
        """Its processes that are called so."""
        found = []
        for part in psutil.Process(self.process.pid).children(recursive=True):
            with suppress(psutil.NoSuchProcess):  # it ends meanwhile
                found.extend([part] if name in part.name() else [])
        return found

    def until(self, happened: Callable[[], object]) -> None:
        while not happened():
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(_LOOK_SECONDS)
                raise AssertionError(self.process.communicate())

    def ended(self, act: Callable[[], object]) -> tuple[str, str]:
        """What it said, after `act` ended it; nothing is left of it."""
        parts = self.parts()
        act()
        said = self.process.communicate(timeout=MAX_SECONDS)
        assert "Traceback" not in said[1] and "SIGTERM received" not in said[1], said[1]
        assert psutil.wait_procs(parts, timeout=MAX_SECONDS)[1] == []
        return said


@pytest.fixture
def run(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[RayRun]:
    """A test may give it more overrides."""
    folders = temporary_folders()
    folder = tmp_path / "run"
    given = getattr(request, "param", ())
    words = command("training.rounds=100000", f"output={folder}", "runtime.snapshot_every_rounds=null", *given)
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    process = subprocess.Popen(words, text=True, start_new_session=True, **pipes)  # type: ignore[call-overload]
    yield RayRun(process, folder)
    process.kill()
    process.communicate()
    wait_until(lambda: temporary_folders() <= folders)


@pytest.mark.parametrize("run", [["runtime.on_lost_cluster=stop"]], indirect=True)
@pytest.mark.parametrize("part", ["gcs_server", "raylet"])
def test_a_run_whose_cluster_dies_says_so_in_one_line(run: RayRun, part: str) -> None:
    run.until(lambda: rounds_in(run.folder) >= 3)
    (victim,) = run.parts(part)
    out, err = run.ended(victim.kill)
    assert run.process.returncode == 1
    (line,) = (line for line in err.splitlines() if not line.startswith("warning: "))
    assert line.startswith("failed: the Ray cluster that this command started is lost")
    assert f"; resume={run.folder} goes on with the run" in line
    assert out.splitlines()[-1] == str(run.folder / "summary.json")
    summary = json.loads((run.folder / "summary.json").read_text())
    assert summary["status"] == "failed" and summary["rounds"] >= 3


def interrupted(run: RayRun, act: Callable[[], object]) -> int:
    """How many rounds its summary says, after `act` interrupted it among them."""
    run.until(lambda: rounds_in(run.folder) >= 3)
    _, err = run.ended(act)
    assert run.process.returncode == 130
    told = [line for line in err.splitlines() if not line.startswith("ending in order")]  # said when an end takes long
    assert told[-1].startswith("interrupted; this goes on: "), err
    summary = json.loads((run.folder / "summary.json").read_text())
    lines = [line for line in read_journal(run.folder / "journal.jsonl") if line["event"] == "round"]
    assert summary["status"] == "interrupted" and len(lines) == summary["rounds"] >= 3
    return int(summary["rounds"])


def process_alone(run: RayRun) -> None:
    run.process.terminate()


def its_group(run: RayRun) -> None:
    os.killpg(run.process.pid, signal.SIGTERM)


def hung_up(run: RayRun) -> None:
    os.killpg(run.process.pid, signal.SIGHUP)


@pytest.mark.parametrize("to", [process_alone, its_group, hung_up])
def test_a_signal_among_rounds_saves_the_run(run: RayRun, to: Callable[[RayRun], None]) -> None:
    """A shell's `kill %1` and `timeout` send SIGTERM to the whole group; a terminal that is closed sends SIGHUP."""
    rounds = interrupted(run, lambda: to(run))
    assert [path.name for path in (run.folder / "snapshots").iterdir()] == [f"round_{rounds:08d}.snapshot"]


def test_sigterm_to_every_process_interrupts_the_run(run: RayRun) -> None:
    """Job schedulers send it to all of them: hosts may be gone before they can be asked for a snapshot."""

    def everybody() -> None:
        for part in (run.process, *run.parts()):
            with suppress(psutil.NoSuchProcess):
                part.send_signal(signal.SIGTERM)

    interrupted(run, everybody)


@pytest.mark.parametrize(("part", "number"), [("raylet", signal.SIGTERM), ("ray::", signal.SIGHUP)])
def test_a_signal_while_ray_starts_ends_it(run: RayRun, part: str, number: int) -> None:
    run.until(lambda: run.parts(part))
    run.ended(lambda: run.process.send_signal(number))
    assert run.process.returncode == 130
    assert not run.folder.exists()


def test_a_second_signal_ends_at_once(run: RayRun) -> None:
    run.until(lambda: run.parts("raylet"))

    def twice() -> None:
        run.process.send_signal(signal.SIGINT)
        assert run.process.stderr is not None
        assert any(line.startswith("ending in order") for line in run.process.stderr)
        run.process.send_signal(signal.SIGTERM)

    run.ended(twice)
    assert run.process.returncode == 130


def test_sigterm_while_ray_ends_is_an_interrupt(run: RayRun) -> None:
    run.until(lambda: rounds_in(run.folder) >= 1)
    run.process.send_signal(signal.SIGINT)
    assert run.process.stdout is not None
    assert any(line.endswith("summary.json\n") for line in run.process.stdout)
    run.until(lambda: not run.parts("raylet"))
    run.ended(run.process.terminate)
    assert run.process.returncode == 130
