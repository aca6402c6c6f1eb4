"""The first moments of a command: signals end it in order, and compiled code finds a place."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from ceas_ray.cli import before_imports

IMPORTING = """
import os, sys
sys.argv = ["ceas-ray"]
class Signals:
    def find_spec(self, name, path=None, target=None):
        if name == "numpy":
            os.kill(os.getpid(), int(os.environ["NUMBER"]))
sys.meta_path.insert(0, Signals())
import ceas_ray.cli.run
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_during_imports_ends_the_command_without_a_traceback(
    number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NUMBER", str(int(number)))
    done = subprocess.run([sys.executable, "-c", IMPORTING], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "")


def test_compiled_code_goes_where_it_can_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package, home = tmp_path / "package", tmp_path / "home"
    (package / "quantum").mkdir(parents=True)
    monkeypatch.setenv("XDG_CACHE_HOME", str(home))
    assert before_imports.compiled_code_folder(package) is None
    monkeypatch.setattr(before_imports, "_can_write", lambda folder: folder.is_relative_to(home))
    assert before_imports.compiled_code_folder(package) == str(home / "ceas_ray" / "numba")
    monkeypatch.setenv("XDG_CACHE_HOME", "/proc/nohome")
    chosen = before_imports.compiled_code_folder(package)
    assert chosen is not None and Path(chosen).is_dir() and not chosen.startswith("/proc")
