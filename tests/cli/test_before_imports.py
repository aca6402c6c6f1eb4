"""The first moments of every command: signals end it in order, whatever it imports."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import ceas_ray.cli
from ceas_ray.cli.before_imports import is_command

ROOT = Path(__file__).parents[2]
COMMANDS = sorted(
    file.stem for file in Path(ceas_ray.cli.__file__).parent.glob("*.py") if "\ndef main(" in file.read_text()
)
INTERRUPTING = """
import os, sys
class Signals:
    def find_spec(self, name, path=None, target=None):
        if name == os.environ["MOMENT"]:
            os.kill(os.getpid(), int(os.environ["NUMBER"]))
sys.meta_path.insert(0, Signals())
"""
"""A module that Python loads first: it sends a signal when another one is looked for."""


def interrupted(command: str, moment: str, number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "sitecustomize.py").write_text(INTERRUPTING)
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}:{ROOT}")
    monkeypatch.setenv("MOMENT", moment)
    monkeypatch.setenv("NUMBER", str(int(number)))
    words = [sys.executable, "-m", f"ceas_ray.cli.{command}"]
    done = subprocess.run(words, capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("command", COMMANDS)
def test_a_signal_before_anything_is_imported_ends_a_command_without_a_traceback(
    command: str, number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    interrupted(command, f"ceas_ray.cli.{command}", number, tmp_path, monkeypatch)


@pytest.mark.parametrize(
    ("command", "module"), [(name, {"audit": "psutil", "sync": "yaml"}.get(name, "numpy")) for name in COMMANDS]
)
def test_a_signal_among_imports_ends_a_command_without_a_traceback(
    command: str, module: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    interrupted(command, module, signal.SIGTERM, tmp_path, monkeypatch)


LATE = """
import os
class Late:
    def __init__(self):
        self.kill, self.me = os.kill, os.getpid()
    def __del__(self):
        self.kill(self.me, 15)
late = Late()
"""
"""A module that Python loads first: it sends SIGTERM when Python takes its modules down."""


def test_a_signal_when_all_is_over_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "sitecustomize.py").write_text(LATE)
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}:{ROOT}")
    words = [sys.executable, "-m", "ceas_ray.cli.sync", "--help"]
    done = subprocess.run(words, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")


def test_every_script_and_installed_command_is_one_of_these() -> None:
    text = "".join(path.read_text() for path in (ROOT / "scripts").iterdir() if path.is_file())
    modules = set(re.findall(r"-m (ceas_ray[\w.]+)", text))
    installed = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["scripts"]
    modules |= {target.partition(":")[0] for target in installed.values()}
    assert modules == {f"ceas_ray.cli.{name}" for name in COMMANDS}
    assert set(re.findall(r"\.venv/bin/(ceas-\w+)", text)) <= set(installed)


def test_a_process_that_imports_commands_keeps_its_own_answer_to_signals() -> None:
    module = ["python", "-m", "ceas_ray.cli.run", "seed=1"]
    assert is_command("ceas_ray.cli", "-m", module)
    assert is_command("ceas_ray.cli", "/usr/bin/ceas-ray", ["python", "/usr/bin/ceas-ray"])
    assert not is_command("ceas_ray.cli", "/x/run.py", ["python", "-c", "spawn_main()", "--multiprocessing-fork"])
    assert not is_command("ceas_ray.cli", "/x/pytest/__main__.py", ["python", "-m", "pytest"])
    assert not is_command("ceas_ray.cli", "-m", ["python", "-m", "mine"])
    assert not is_command("ceas_ray.cli", "", ["python"])
    assert signal.getsignal(signal.SIGINT) in (signal.default_int_handler, signal.SIG_IGN), "as the process was started"
