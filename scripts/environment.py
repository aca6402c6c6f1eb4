"""Make .venv from requirements.lock, then go on with the script that needs it.

usage: environment.py ROOT WANTED SCRIPT [ARGUMENT...]; WANTED is what ROOT/.venv/.made-from has to hold

Of several that start at once in one checkout, one makes the environment and the others wait for it. One that was made
in part, because its maker was killed, is made anew. Needs nothing but the standard library.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

FAILED, INTERRUPTED = 1, 130
MIN_PYTHON = (3, 11)
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
LOOK_SECONDS = 0.5


def main(root: Path, wanted: str, script: list[str]) -> int:
    """Return an exit code if the environment cannot be had; else this process becomes the script."""
    if sys.version_info < MIN_PYTHON:
        print("python3 must be {}.{} or later, got {}.{}".format(*MIN_PYTHON, *sys.version_info[:2]), file=sys.stderr)
        return FAILED
    for number in SIGNALS:
        signal.signal(number, _interrupt)
    try:
        with locked(root) as lock:
            if not is_ready(root, wanted):
                make(root, wanted, lock)
    except KeyboardInterrupt:
        return INTERRUPTED
    except (OSError, subprocess.CalledProcessError) as error:
        print(f"{root}/.venv could not be set up: {error}", file=sys.stderr)
        return FAILED
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # Python ignores it, and what follows would inherit that
    os.execvp("bash", ["bash", *script])


def _interrupt(number: int, frame: object) -> None:
    for later in SIGNALS:
        signal.signal(later, signal.SIG_IGN)
    raise KeyboardInterrupt


def is_ready(root: Path, wanted: str) -> bool:
    """Return whether the environment was made whole, from these requirements."""
    mark = root / ".venv" / ".made-from"
    return mark.exists() and mark.read_text().strip() == wanted


def make(root: Path, wanted: str, lock: FileLock | FolderLock) -> None:
    """Make the environment anew, whatever is there; CalledProcessError if that fails."""
    print(f"Setting up {root}/.venv from requirements.lock (a few minutes, once) ...", file=sys.stderr)
    mark, pip = root / ".venv" / ".made-from", [str(root / ".venv/bin/python"), "-m", "pip", "install", "--quiet"]
    pip.append("--disable-pip-version-check")
    mark.unlink(missing_ok=True)
    _run(["python3", "-m", "venv", "--clear", str(root / ".venv")], lock)
    _run([*pip, "--require-hashes", "-r", str(root / "requirements.lock")], lock)
    _run([*pip, "--no-deps", "--no-build-isolation", "-e", str(root)], lock)
    mark.write_text(f"{wanted}\n")
    compile_once(root, lock)
    print("Environment ready.", file=sys.stderr)


def compile_once(root: Path, lock: FileLock | FolderLock) -> None:
    """Let a short run compile what runs compute with, and keep it."""
    print("Compiling what runs compute with (a minute, once) ...", file=sys.stderr)
    with tempfile.TemporaryDirectory(prefix="ceas-ray-") as folder:
        words = ["runtime=local", "tracking=folder", "quiet=true", "training.rounds=2", f"output={folder}/run"]
        try:
            _run([str(root / ".venv/bin/ceas-ray"), *words], lock, output=subprocess.DEVNULL)
        except subprocess.CalledProcessError:
            print("It did not compile now: the first run does it.", file=sys.stderr)


def _run(words: list[str], lock: FileLock | FolderLock, output: int | None = None) -> None:
    """Run a command, which ends with all that it started if this process is interrupted.

    It holds the lock too: if this process is killed, nobody else begins while the command still writes.
    """
    process = subprocess.Popen(
        words,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=output,
        start_new_session=True,
        pass_fds=lock.descriptors,
        preexec_fn=lock.share,
    )
    try:
        code = process.wait()
    except BaseException:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        raise
    if code:
        raise subprocess.CalledProcessError(code, words)


@contextmanager
def locked(root: Path) -> Iterator[FileLock | FolderLock]:
    """Wait for the right to make the environment, and hold it."""
    path = root / ".venv.lock"
    with path.open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            _say_waiting(root)
            fcntl.flock(file, fcntl.LOCK_EX)
        except OSError:  # this file system has no locks
            lock = FolderLock(root / ".venv.lock.d")
            try:
                lock.wait(root)
                yield lock
            finally:
                lock.release()
            return
        yield FileLock(file.fileno())


def _say_waiting(root: Path) -> None:
    print(f"Another command sets up {root}/.venv at this moment; waiting for it ...", file=sys.stderr)


class FileLock:
    """A lock of the kernel's: all processes that have its descriptor hold it, and it goes with the last of them."""

    def __init__(self, descriptor: int) -> None:
        self.descriptors = (descriptor,)

    def share(self) -> None:
        """Do nothing in a process that was just started: it has the descriptor."""


class FolderLock:
    """A folder that stands for a lock; in it is one empty file for each process that holds it.

    Their names are unique, so that two who find the same dead holder cannot take the lock from one another: one of them
    alone deletes its file, and one alone can rename its own folder to an empty one.
    """

    descriptors = ()

    def __init__(self, path: Path) -> None:
        self._path, self._name = path, _name_of(os.getpid())

    def wait(self, root: Path) -> None:
        """Return when this process holds the lock; takes it over from holders that have died on this machine."""
        own = Path(tempfile.mkdtemp(prefix=f"{self._path.name}.", dir=self._path.parent))
        try:
            (own / self._name).touch()
            said = False
            while not self._taken(own):
                if not said and any(_is_alive(name) for name in self._holders()):
                    _say_waiting(root)
                    print(f"If nobody does, delete {self._path}", file=sys.stderr)
                    said = True
                time.sleep(LOOK_SECONDS)
        finally:
            shutil.rmtree(own, ignore_errors=True)

    def share(self) -> None:
        """Hold the lock in a process that was just started too, before it becomes a command."""
        (self._path / _name_of(os.getpid())).touch()

    def release(self) -> None:
        """Give the lock up."""
        for name in self._holders():
            if name == self._name or not _is_alive(name):
                (self._path / name).unlink(missing_ok=True)
        with suppress(OSError):  # it is another's by now
            self._path.rmdir()

    def _taken(self, own: Path) -> bool:
        holders = self._holders()
        if any(_is_alive(name) for name in holders):
            return False
        for name in holders:
            (self._path / name).unlink(missing_ok=True)
        try:
            own.rename(self._path)
        except OSError:
            return False
        return True

    def _holders(self) -> list[str]:
        return os.listdir(self._path) if self._path.exists() else []


def _name_of(process: int) -> str:
    """Return a name that no other process has: machine, number, and when it began."""
    return f"{socket.gethostname()}_{process}_{_began(process)}"


def _began(process: int) -> str:
    """Return when a process began, in ticks since the machine did; 0 where nobody tells, or it has ended."""
    try:
        state, *numbers = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return "0"
    return "0" if state == "Z" else numbers[18]


def _is_alive(name: str) -> bool:
    """Return whether that process lives, as far as can be known: those of other machines do."""
    machine, number, began = name.rsplit("_", 2)
    if machine != socket.gethostname():
        return True
    try:
        os.kill(int(number), 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return _began(int(number)) == began


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2], sys.argv[3:]))
