"""How long a run takes to begin: the first sign of life on a terminal, and the first round that is over.

usage: scripts/bench start [--repeats N] [--quick] [--json] [key=value ...]

The command is `scripts/run`, local, with code that is compiled already (one run before those that count).
"""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

from ceas_ray.bench.command_options import command_options
from ceas_ray.bench.figures import machine, spread
from ceas_ray.config.errors import UnusableSettings

REPEATS = 5
SHORT = ("training.rounds=1", "tracking=folder", "runtime=local")


def main(words: list[str]) -> dict[str, Any]:
    """Return the benchmark's figures. Raises SettingsError for bad overrides, and for a run that does not complete."""
    repeats, warms_up, overrides = command_options("start", __doc__, words, repeats=REPEATS, of_all=SHORT)
    found = [_started(overrides) for _ in range(repeats + warms_up)][-repeats:]
    rows = [
        {"until": name.replace("_", " "), "seconds": spread((run[name] for run in found), 2)}
        for name in ("first_sign_of_life", "first_round", "end")
    ]
    return {"rows": rows, "runs": repeats, "machine": machine()}


def _started(overrides: list[str]) -> dict[str, float]:
    """Run once, on a terminal. Return the seconds from the command to each event."""
    with tempfile.TemporaryDirectory() as folder:
        run = Path(folder, "run")
        terminal, theirs = pty.openpty()
        began, clock = time.time(), time.perf_counter()
        command = [sys.executable, "-m", "ceas_ray.cli.run", *overrides, f"output={run}"]
        with subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs) as process:
            os.close(theirs)
            seen: list[float] = []
            reader = threading.Thread(target=_read, args=(terminal, seen))
            reader.start()
            process.wait()
            ended = time.perf_counter() - clock
            reader.join()
        os.close(terminal)
        if process.returncode != 0 or not seen:
            raise UnusableSettings("command line", f"the run ended with exit code {process.returncode}")
        events = [json.loads(line) for line in (run / "journal.jsonl").read_text(encoding="utf-8").splitlines()]
        first = next(event["time"] for event in events if event["event"] == "round")
    return {"first_sign_of_life": seen[0] - clock, "first_round": first - began, "end": ended}


def _read(terminal: int, seen: list[float]) -> None:
    """Note when there is something to read, until the other end is closed (which Linux tells by an error)."""
    while True:
        try:
            if not os.read(terminal, 4096):
                return
        except OSError:
            return
        seen.append(time.perf_counter())
