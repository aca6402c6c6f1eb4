"""What a command shows on a terminal before it has anything to show."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from collections.abc import Sequence

import pytest

from ceas_ray.tracking.start_line import STARTING, StartLine


class Terminal:
    """Stands for standard error: what is written to it is in `text`."""

    def __init__(self, is_terminal: bool = True) -> None:
        self.text, self._is_terminal = "", is_terminal

    def isatty(self) -> bool:
        return self._is_terminal

    def write(self, text: str) -> None:
        self.text += text

    def flush(self) -> None:
        pass


def shown(words: Sequence[str], terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> str:
    """Return what a command with these words shows while it starts Ray and has ended its line."""
    monkeypatch.setattr(sys, "stderr", terminal)
    line = StartLine()
    line.begin(words)
    line.show("starting Ray ...")
    line.show("starting Ray ...")
    line.end()
    line.show("something else")
    return terminal.text


def test_a_line_takes_the_place_of_the_one_before_and_goes(monkeypatch: pytest.MonkeyPatch) -> None:
    erase = "\x1b[2K"
    expected = f"{erase}{STARTING}\r{erase}starting Ray ...\r{erase}"
    assert shown(["seed=3"], Terminal(), monkeypatch) == expected


@pytest.mark.parametrize(("words", "is_terminal"), [
    (["seed=3"], False), (["quiet=true"], True), (["--help"], True), (["--cfg", "job"], True), (["--info=all"], True),
])  # fmt: skip
def test_nothing_is_shown_where_it_would_be_in_the_way(
    words: list[str], is_terminal: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert shown(words, Terminal(is_terminal), monkeypatch) == ""


def test_a_run_shows_that_it_starts_before_it_has_imported_anything_large() -> None:
    """And an error takes the place of that line."""
    terminal, theirs = pty.openpty()
    command = [sys.executable, "-X", "importtime", "-m", "ceas_ray.cli.run", "training.rounds=0"]
    with subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs) as process:
        os.close(theirs)
        written = _everything(terminal)
    os.close(terminal)
    assert process.returncode == 2
    before, _, after = written.partition(STARTING)
    assert after and "numpy" not in before and "hydra" not in before
    assert "numpy" in after
    last = written.rstrip().splitlines()[-1]
    assert last.rpartition("\x1b[2K")[2].startswith("training.rounds must be")


def _everything(terminal: int) -> str:
    """Return all that is written to a terminal until its other end is closed, which Linux tells by an error."""
    parts = []
    while True:
        try:
            read = os.read(terminal, 65536)
        except OSError:
            return b"".join(parts).decode()
        if not read:
            return b"".join(parts).decode()
        parts.append(read)
