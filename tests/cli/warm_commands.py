"""Real commands, each in a process of its own that is forked from a warm one: imports are paid once, limits hold.

As a program this is the warm process: it reads one command a line from its standard input, answers each in a line.
"""

from __future__ import annotations

import json
import os
import resource
import select
import shutil
import signal
import subprocess
import sys
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

LONGEST_WALL_SECONDS = 120.0
"""Then a command is killed: on a machine that others use it counts how much it computed, not how long it took."""
MAX_MORE_BYTES = 2 * 2**30
"""Of address space beyond what the warm process has; a command that asks for more gets a MemoryError."""
TRACEBACK = 86
"""The exit code of a command that raised."""

_OWN = (".out", ".err", ".warm")


@dataclass(frozen=True)
class Ended:
    """A command that ended: its exit code (negative: the signal that killed it), what it wrote, what it took."""

    code: int
    out: str
    err: str
    cpu_seconds: float
    megabytes: float


class WarmProcess:
    """A process that has imported the command, has run a first one, and forks for every other.

    python: the interpreter of the environment whose installed command it is.
    """

    def __init__(self, folder: Path, max_cpu_seconds: int, first: Sequence[str], python: str = sys.executable) -> None:
        self.folder, limits = folder, [str(folder), str(max_cpu_seconds), json.dumps(list(first))]
        command = [python, "-P", __file__, *limits]  # -P: modules are those of the environment, not of this folder
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def run(self, arguments: Sequence[str]) -> Ended:
        """Run `ceas-ray` with these arguments."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        print(json.dumps(list(arguments)), file=self._process.stdin, flush=True)
        return Ended(**json.loads(self._process.stdout.readline()))

    def files_left(self) -> list[str]:
        """What commands left in the folder."""
        return sorted(path.name for path in self.folder.iterdir() if path.name not in _OWN)

    def clear(self) -> None:
        """Delete what commands left."""
        for name in self.files_left():
            path = self.folder / name
            shutil.rmtree(path) if path.is_dir() else path.unlink()

    def close(self) -> None:
        """End it."""
        self._process.communicate()


@contextmanager
def warm_process(
    folder: Path, max_cpu_seconds: int, first: Sequence[str] = ("dry_run=true",), python: str = sys.executable
) -> Iterator[WarmProcess]:
    """A warm process whose commands run in `folder`, and are killed after so much computing."""
    made = WarmProcess(folder, max_cpu_seconds, first, python)
    try:
        yield made
    finally:
        made.close()


def _serve(folder: Path, max_cpu_seconds: int, first: list[str]) -> None:
    from ceas_ray.cli.run import main

    os.chdir(folder)
    answers = os.fdopen(os.dup(1), "w")
    with (folder / ".warm").open("w") as nowhere:
        os.dup2(nowhere.fileno(), 1)
    main(first)
    max_bytes = _virtual_bytes() + MAX_MORE_BYTES
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            resource.setrlimit(resource.RLIMIT_CPU, (max_cpu_seconds, max_cpu_seconds))
            resource.setrlimit(resource.RLIMIT_AS, (max_bytes, max_bytes))
            _become(json.loads(line), folder)
        print(json.dumps(asdict(_waited_for(child, folder))), file=answers, flush=True)


def _virtual_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()


def _become(arguments: list[str], folder: Path) -> None:
    """Run the command in this process, and end it."""
    from ceas_ray.cli.run import main

    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    for number, name in ((1, ".out"), (2, ".err")):
        os.dup2(os.open(folder / name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), number)
    code = TRACEBACK
    try:
        code = main(arguments)
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else TRACEBACK
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _waited_for(child: int, folder: Path) -> Ended:
    """The child when it has ended, or was killed after LONGEST_WALL_SECONDS."""
    ended = select.poll()
    ended.register(descriptor := os.pidfd_open(child), select.POLLIN)
    if not ended.poll(LONGEST_WALL_SECONDS * 1000):
        os.kill(child, signal.SIGKILL)
    _, status, used = os.wait4(child, 0)
    os.close(descriptor)
    out, err = ((folder / name).read_text(errors="replace") for name in (".out", ".err"))
    code = os.waitstatus_to_exitcode(status)
    return Ended(code, out, err, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)


if __name__ == "__main__":
    _serve(Path(sys.argv[1]), int(sys.argv[2]), json.loads(sys.argv[3]))
