"""A clock that is set while a run goes on changes nothing but the times that are noted, and hangs nothing."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from ceas_ray.cli.run import main
from ceas_ray.tracking.files import read_journal
from tests.small_worlds import SMALL

LIBRARY = next(iter(sorted(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))), None)
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(LIBRARY is None, reason="libfaketime is not installed (Debian: apt-get install faketime)"),
]
ROUNDS = 60
CHOSEN = [f"training.rounds={ROUNDS}", "runtime.snapshot_every_rounds=5", "seed=11"]


class Clock:
    """A clock that processes read in place of the machine's, and that is set while they run."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.set("+0")

    def set(self, offset: str) -> None:
        """Set it to the machine's time and this: `-1d`, `+2d`."""
        new = self._path.with_suffix(".new")
        new.write_text(offset)
        new.replace(self._path)

    @property
    def environment(self) -> dict[str, str]:
        """Environment of processes that read it. What measures how long things take goes on as it does."""
        return os.environ | {
            "LD_PRELOAD": str(LIBRARY), "FAKETIME_TIMESTAMP_FILE": str(self._path), "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        }  # fmt: skip


def started(clock: Clock, *words: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "ceas_ray.cli.run", *words], env=clock.environment, text=True,
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
    )  # fmt: skip


def wait_for_rounds(process: subprocess.Popen[str], journal: Path, rounds: int) -> None:
    for _ in range(3000):
        if process.poll() is not None or (journal.exists() and journal.read_text().count('"round"') > rounds):
            return
        threading.Event().wait(0.05)
    raise AssertionError(f"{journal} does not get {rounds} rounds")


def summary_of(folder: Path) -> dict[str, Any]:
    return dict(json.loads((folder / "summary.json").read_text()))


def test_a_run_lives_through_steps_of_the_clock_and_is_resumed_in_its_past(tmp_path: Path) -> None:
    whole, folder, clock = tmp_path / "whole", tmp_path / "run", Clock(tmp_path / "clock")
    assert main([*SMALL, *CHOSEN, f"output={whole}"]) == 0
    journal = folder / "journal.jsonl"
    process = started(clock, *SMALL, *CHOSEN, f"output={folder}")
    for rounds, offset in ((5, "-1d"), (15, "+2d"), (25, "-3d")):
        wait_for_rounds(process, journal, rounds)
        clock.set(offset)
    wait_for_rounds(process, journal, 35)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=120)
    assert process.returncode in (0, 130), errors
    clock.set("-30d")
    if process.returncode == 130:
        process = started(clock, f"resume={folder}", "quiet=true")
        _, errors = process.communicate(timeout=240)
        assert process.returncode == 0, errors
    assert summary_of(folder)["trace_digest"] == summary_of(whole)["trace_digest"]
    lines = read_journal(journal)
    assert [line["round"] for line in lines if line["event"] == "round"] == list(range(ROUNDS))
    times = [line["time"] for line in lines]
    assert times != sorted(times), "the clock was set back"
