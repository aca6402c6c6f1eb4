"""A signal at any moment of a command interrupts it or comes too late: no traceback, no death by signal."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from ceas_ray.cli import before_imports
from ceas_ray.runtime import interruption
from ceas_ray.runtime.interruption import INTERRUPTED, answered

RAISED = 86
NEVER = 10**9


def code_with_signal_at(line: int, number: int) -> tuple[int, int]:
    """The exit code of a command that gets a signal at its so-manieth line of `interruption`, and the lines it had."""
    left = line

    def count(frame: FrameType, event: str, argument: Any) -> Callable[..., Any] | None:
        nonlocal left
        if frame.f_code.co_filename != interruption.__file__:
            return None
        left -= event == "line"
        if left == 0:
            os.kill(os.getpid(), number)
        return count

    for one in (signal.SIGINT, signal.SIGTERM):
        signal.signal(one, before_imports._end)  # as every command has it before `answered`
    sys.settrace(count)
    try:
        code = answered(lambda _: 0)
    except BaseException:
        code = RAISED
    sys.settrace(None)
    return code, line - left


def in_a_process_of_its_own(line: int, number: int) -> int:
    """The exit code; negative: the signal that killed it."""
    if not (child := os.fork()):
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
        os._exit(code_with_signal_at(line, number)[0])
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def lines_of_a_command() -> int:
    if not (child := os.fork()):
        os._exit(code_with_signal_at(NEVER, signal.SIGTERM)[1])
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_at_any_line_of_the_beginning_and_end_of_a_command_interrupts_it_or_comes_too_late(
    number: int,
) -> None:
    found = [in_a_process_of_its_own(line, number) for line in range(1, lines_of_a_command() + 1)]
    over = found.index(0)
    assert over > 10
    assert set(found[:over]) == {INTERRUPTED}
    assert set(found[over:]) <= {0, INTERRUPTED}, "whoever answered signals before does so again at the end"


def test_an_interrupt_within_code_that_was_text_ends_with_the_code_of_an_interrupted_command(tmp_path: Path) -> None:
    (tmp_path / "command.py").write_text(
        "import os, signal, sys\n"
        "from ceas_ray.runtime.interruption import answered\n"
        "text = 'import os, signal\\nos.kill(os.getpid(), signal.SIGTERM)\\nfor _ in range(1000): pass'\n"
        "sys.exit(answered(lambda _: exec(text)))\n"
    )
    words = [sys.executable, "-m", "command"]
    ended = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert (ended.returncode, ended.stderr) == (INTERRUPTED, "")
