"""A run is sent to MLflow by a process of its own, which never holds it up for long and ends with it."""

from __future__ import annotations

import json
import math
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from ceas_ray.cli.run import main
from ceas_ray.config.schema import TrackingSettings
from ceas_ray.runs.mlflow_process import MlflowProcess
from tests.small_worlds import SMALL

WORDS = [*(word for word in SMALL if word != "tracking=folder"), "tracking=mlflow"]


def choice(uri: str) -> TrackingSettings:
    return TrackingSettings(mlflow=True, uri=uri, experiment_name="tried", run_id=None, parent_run_id=None)


@contextmanager
def silent_server() -> Iterator[str]:
    """Yield the URI of a server whose connections the system takes, and which nobody reads."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


def test_the_process_of_a_run_imports_neither_mlflow_nor_what_draws_its_figures(tmp_path: Path) -> None:
    words = [*WORDS, f"tracking.uri=sqlite:///{tmp_path}/mlflow.db", f"output={tmp_path}/run"]
    large = ("mlflow", "matplotlib", "alembic")
    code = f"import sys; from ceas_ray.cli.run import main; code = main({words!r})\n"
    code += f"print([name for name in {large!r} if name in sys.modules], code)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=300)
    assert done.stdout.splitlines()[-1] == "[] 0", done.stderr
    assert sorted(path.name for path in (tmp_path / "run" / "figures").iterdir()) == [
        "accuracy_over_rounds.png", "pairs.png"
    ]  # fmt: skip
    assert json.loads((tmp_path / "run" / "summary.json").read_text())["mlflow_run_id"] is not None


def test_a_server_without_an_answer_holds_up_the_end_for_its_share_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """With a share of nothing it is not waited for, however long one that answers may take."""
    monkeypatch.setattr("ceas_ray.runs.mlflow_process._SHARE", 0.0)
    monkeypatch.setattr("ceas_ray.runs.mlflow_process._SILENT_SECONDS", 0.0)
    monkeypatch.setattr("ceas_ray.runs.mlflow_process._FIRST_SECONDS", math.inf)
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "3600")
    with silent_server() as uri:
        assert main([*WORDS, f"tracking.uri={uri}", f"output={tmp_path / 'run'}"]) == 0
    said = " ".join(capsys.readouterr().err.split())
    assert "ceas-sync sends what is missing): it did not take everything within 0 s" in said
    assert json.loads((tmp_path / "run" / "summary.json").read_text())["status"] == "completed"


def test_a_server_that_was_silent_for_its_share_before_the_end_is_given_up_there_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ceas_ray.runs.mlflow_process._SILENT_SECONDS", 0.0)
    monkeypatch.setattr("ceas_ray.runs.mlflow_process._SHARE", 0.0)
    said: list[str] = []
    with silent_server() as uri:
        process = MlflowProcess(tmp_path, choice(uri))
        process.say_with(said.append)
        process.start({}, {}, "a run", "0" * 32)
        process.begun(interrupted=False)
        process.log_rounds([{"event": "round", "round": 0}])
        process.settle(interrupted=False)
        process.end()
    assert [line.partition("missing): ")[2] for line in said] == ["it did not take everything within 0 s"]
    assert process.run_id is None


def test_a_process_that_was_killed_is_one_line_and_the_run_goes_on(tmp_path: Path) -> None:
    said: list[str] = []
    process = MlflowProcess(tmp_path, choice(f"sqlite:///{tmp_path}/mlflow.db"))
    process.say_with(said.append)
    (child,) = (one for one in psutil.Process().children() if one.cmdline()[1:3] == ["-P", "-c"])
    child.send_signal(signal.SIGKILL)
    process.start({}, {}, "a run", None)
    process.settle(interrupted=False)
    process.end()
    assert [line.partition("missing): ")[2] for line in said] == ["the process that sends it was ended by SIGKILL"]


def test_it_ends_with_the_process_of_the_run_however_that_ends(tmp_path: Path) -> None:
    code = "import sys; from pathlib import Path; from tests.runs.test_mlflow_process import *\n"
    code += f"with silent_server() as uri:\n    process = MlflowProcess(Path({str(tmp_path)!r}), choice(uri))\n"
    code += "    process.start({}, {}, 'a run', '0' * 32)\n    process._is_ready.wait()\n"
    code += "    print(process._process.pid, flush=True)\n    sys.stdin.read()"
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen([sys.executable, "-c", code], **pipes, env=os.environ | {"PYTHONPATH": os.getcwd()}) as run:
        assert run.stdout is not None
        sender = psutil.Process(int(run.stdout.readline()))
        run.kill()
    assert sender.wait(60) in (0, None)
