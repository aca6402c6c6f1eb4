"""What MLflow costs a run: the whole command, beside one that only writes its folder.

usage: scripts/bench tracking [--repeats N] [--quick] [--json] [key=value ...]

Places: a database on this machine; a server that is not there, one that takes connections and gives no answer, and one
that answers one byte every three seconds. Runs of one turn follow each other, so that what else computes meets all.
"""

from __future__ import annotations

import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from ceas_ray.bench.command_options import command_options
from ceas_ray.bench.figures import machine, spread
from ceas_ray.config.errors import UnusableSettings

REPEATS = 3
RUN = ("training.rounds=200", "runtime=local", "quiet=true")
_ANSWER, _BYTE_SECONDS = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}", 3.0
ALONE = "run folder alone"


def main(words: list[str]) -> dict[str, Any]:
    """Return the benchmark's figures. Raises SettingsError for bad overrides, and for a run that does not complete."""
    repeats, warms_up, overrides = command_options("tracking", __doc__, words, repeats=REPEATS, of_all=RUN)
    if warms_up:
        _seconds(overrides, ["tracking=folder"])
    turns = [_turn(overrides) for _ in range(repeats)]
    rows = [
        {
            "MLflow": place,
            "seconds": spread((turn[place] for turn in turns), 2),
            "ratio": spread((turn[place] / turn[ALONE] for turn in turns), 3),
        }
        for place in turns[0]
    ]
    return {"rows": rows, "turns": len(turns), "machine": machine()}


def _turn(overrides: list[str]) -> dict[str, float]:
    """Return the seconds of one run for each place."""
    found = {ALONE: _seconds(overrides, ["tracking=folder"])}
    with tempfile.TemporaryDirectory() as folder:
        found["database"] = _seconds(overrides, ["tracking=mlflow", f"tracking.uri=sqlite:///{folder}/mlflow.db"])
    with _server(answers=False) as uri:
        found["server without an answer"] = _seconds(overrides, ["tracking=mlflow", f"tracking.uri={uri}"])
    with _server(answers=True) as uri:
        found["server of a byte every 3 s"] = _seconds(overrides, ["tracking=mlflow", f"tracking.uri={uri}"])
    found["no server"] = _seconds(overrides, ["tracking=mlflow", f"tracking.uri={uri}"])
    return found


def _seconds(overrides: list[str], tracking: list[str]) -> float:
    """Return the seconds of a whole command."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "ceas_ray.cli.run", *overrides, *tracking, f"output={folder}/run"]
        began = time.perf_counter()
        done = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        seconds = time.perf_counter() - began
        if done.returncode != 0 or not Path(folder, "run", "summary.json").exists():
            raise UnusableSettings("command line", f"the run ended with exit code {done.returncode}")
    return seconds


@contextmanager
def _server(answers: bool) -> Iterator[str]:
    """Serve a port of this machine: take connections, and answer slowly or not at all; yield its URI."""
    over = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as server:
        if answers:
            threading.Thread(target=_accept, args=(server, over), daemon=True).start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}"
        over.set()


def _accept(server: socket.socket, over: threading.Event) -> None:
    with suppress(OSError):  # the end of the server
        while not over.is_set():
            client, _ = server.accept()
            threading.Thread(target=_answer, args=(client, over), daemon=True).start()


def _answer(client: socket.socket, over: threading.Event) -> None:
    with client, suppress(OSError):  # the client has left
        for byte in _ANSWER:
            if over.wait(_BYTE_SECONDS):
                return
            client.sendall(bytes([byte]))
