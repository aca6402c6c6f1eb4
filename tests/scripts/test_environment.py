"""The environment of a fresh checkout is made once, whoever starts at the same moment and whoever is killed."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

SCRIPTS = Path(__file__).parents[2] / "scripts"
MAX_SECONDS = 60
PYTHON = f"""#!/usr/bin/env bash
# Stands in for Python: `-m venv` makes little, and `-m pip` tells that it works and then waits for the test.
case "$*" in
    "-m venv --clear "*)
        echo venv >> "$CALLS"
        rm -rf "$4" && mkdir -p "$4/bin" && cp "$0" "$4/bin/python"
        cp "$COMMAND" "$4/bin/ceas-ray" ;;
    "-m pip install "*) echo pip >> "$CALLS"; echo "pip works" >&2; read -r < "$GATE" ;;
    *) exec {sys.executable} "$@" ;;
esac
"""
COMMAND = """#!/usr/bin/env bash
# Stands in for the command, which is called once to compile, and then by the script.
case "$*" in *training.rounds=2*) echo compile >> "$CALLS"; exit "$COMPILED" ;; esac
echo "ran $*"
"""
WITHOUT_FLOCK = """
import errno, fcntl
def flock(file, operation):
    raise OSError(errno.ENOLCK, "No locks available")
fcntl.flock = flock
"""


class Checkout:
    """A checkout without an environment, in which `-m pip` waits until `opened` or `let_one_pip_go_on`."""

    def __init__(self, folder: Path, has_flock: bool) -> None:
        self.folder = folder / "it's a checkout"
        shutil.copytree(SCRIPTS, self.folder / "scripts", ignore=shutil.ignore_patterns("__pycache__"))
        for name in ("requirements.lock", "pyproject.toml"):
            (self.folder / name).write_text("")
        for name in ("bin", "modules"):
            (folder / name).mkdir()
        for name, content in (("python3", PYTHON), ("ceas-ray", COMMAND)):
            (folder / "bin" / name).write_text(content)
            (folder / "bin" / name).chmod(0o755)
        (folder / "modules" / "sitecustomize.py").write_text("" if has_flock else WITHOUT_FLOCK)
        self._calls, self._gate = folder / "calls", folder / "gate"
        os.mkfifo(self._gate)
        path = f"{folder / 'bin'}{os.pathsep}{os.environ['PATH']}"
        about = {"PATH": path, "PYTHONPATH": str(folder / "modules")}
        files = {"CALLS": self._calls, "GATE": self._gate, "COMMAND": folder / "bin" / "ceas-ray"}
        self.environment = os.environ | about | {name: str(path) for name, path in files.items()} | {"COMPILED": "0"}
        self.started: list[subprocess.Popen[str]] = []

    def run(self) -> subprocess.Popen[str]:
        words = [str(self.folder / "scripts" / "run"), "seed=1", "a b"]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        process = subprocess.Popen(words, text=True, env=self.environment, **pipes)  # type: ignore[call-overload]
        self.started.append(process)
        return process

    def calls(self) -> list[str]:
        return self._calls.read_text().split()

    def let_one_pip_go_on(self) -> None:
        self._gate.write_text("\n")  # opens only once somebody reads

    def is_ready(self) -> bool:
        return (self.folder / ".venv" / ".made-from").exists()

    def left(self) -> set[str]:
        return {path.name for path in self.folder.iterdir()} - {"scripts", "requirements.lock", "pyproject.toml"}


@pytest.fixture(params=[True, False], ids=["flock", "no flock"])
def checkout(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Checkout]:
    made = Checkout(tmp_path, request.param)
    yield made
    for process in made.started:
        process.kill()
        process.communicate()


def heard(process: subprocess.Popen[str], beginning: str) -> str:
    """The next line on standard error that begins so."""
    assert process.stderr is not None
    line = next((line for line in process.stderr if line.startswith(beginning)), None)
    assert line is not None, f"it never said {beginning!r}"
    return line


def completed(process: subprocess.Popen[str]) -> None:
    out, err = process.communicate(timeout=MAX_SECONDS)
    assert (process.returncode, out) == (0, "ran seed=1 a b\n"), err


def test_of_two_first_commands_one_makes_the_environment_and_the_other_waits_and_says_so(checkout: Checkout) -> None:
    maker = checkout.run()
    heard(maker, "pip works")
    waiter = checkout.run()
    assert ".venv at this moment; waiting for it" in heard(waiter, "Another command sets up")
    assert not checkout.is_ready()
    checkout.let_one_pip_go_on()
    heard(maker, "pip works")
    checkout.let_one_pip_go_on()
    for process in (maker, waiter):
        completed(process)
    assert checkout.calls() == ["venv", "pip", "pip", "compile"]
    assert checkout.left() <= {".venv", ".venv.lock"}
    completed(checkout.run())
    assert checkout.calls() == ["venv", "pip", "pip", "compile"]


def test_what_a_killed_maker_left_is_made_anew_once_its_pip_has_ended(checkout: Checkout) -> None:
    maker = checkout.run()
    heard(maker, "pip works")
    maker.kill()
    maker.wait()
    waiter = checkout.run()
    heard(waiter, "Another command sets up")
    assert checkout.calls() == ["venv", "pip"]
    checkout.let_one_pip_go_on()
    for _ in range(2):
        heard(waiter, "pip works")
        checkout.let_one_pip_go_on()
    completed(waiter)
    assert checkout.calls() == ["venv", "pip", "venv", "pip", "pip", "compile"]


def test_an_environment_in_which_nothing_compiles_is_ready_all_the_same_and_says_so(checkout: Checkout) -> None:
    checkout.environment["COMPILED"] = "1"
    maker = checkout.run()
    for _ in range(2):
        heard(maker, "pip works")
        checkout.let_one_pip_go_on()
    heard(maker, "It did not compile now: the first run does it")
    completed(maker)
    assert checkout.is_ready()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_maker_with_its_pip_and_a_waiter_alone(checkout: Checkout, number: int) -> None:
    maker = checkout.run()
    heard(maker, "pip works")
    waiter = checkout.run()
    heard(waiter, "Another command sets up")
    waiter.send_signal(number)
    assert (waiter.wait(MAX_SECONDS), waiter.communicate()[0]) == (130, "")
    working = psutil.Process(maker.pid).children(recursive=True)
    assert working
    maker.send_signal(number)
    assert (maker.wait(MAX_SECONDS), maker.communicate()) == (130, ("", ""))
    assert psutil.wait_procs(working, MAX_SECONDS)[1] == []
    assert not checkout.is_ready()
    assert checkout.left() <= {".venv", ".venv.lock"}


def test_a_pip_that_fails_is_one_line_and_no_environment(checkout: Checkout) -> None:
    (checkout.folder.parent / "bin" / "python3").write_text(PYTHON.replace('read -r < "$GATE"', "exit 5"))
    out, err = checkout.run().communicate(timeout=MAX_SECONDS)
    assert (checkout.started[0].returncode, out) == (1, "")
    assert "could not be set up" in err.splitlines()[-1] and "Traceback" not in err
    assert not checkout.is_ready()
