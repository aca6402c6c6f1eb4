"""What a command says on a terminal until it has something to show.

Importing, compiling and starting Ray take seconds, and the first time up to a minute. Meanwhile one line says what is
done. The cursor is left at its beginning, so that whatever is printed takes its place. It imports next to nothing,
since it is shown before anything else is imported.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from contextlib import suppress

COMPILING = "compiling, once: up to a minute ..."
STARTING = "starting ..."
STARTING_RAY = "starting Ray ..."
_ERASE = "\x1b[2K"
_SHORT_COMMANDS = ("-h", "--help", "--hydra-help", "--version", "--cfg", "-c", "--info", "-i", "--shell-completion")


class StartLine:
    """The line of a process: `begin` shows it, `end` takes it away, and what is shown later shows nowhere."""

    def __init__(self) -> None:
        self.is_open, self._text = False, ""

    def begin(self, words: Sequence[str]) -> None:
        """Show that a command starts, on a terminal. words: of its command line, which may ask for silence."""
        is_short = any(word.partition("=")[0] in _SHORT_COMMANDS for word in words)
        if "quiet=true" in words or is_short or os.environ.get("TERM") == "dumb":
            return
        self.is_open = sys.stderr is not None and sys.stderr.isatty()
        self.show(STARTING)

    def show(self, text: str) -> None:
        """Show what is done now."""
        if self.is_open and text != self._text:
            self._text = text
            self._write(f"{_ERASE}{text}\r")

    def end(self) -> None:
        """Take the line away for good."""
        if self.is_open:
            self._write(_ERASE)
        self.is_open = False

    def _write(self, text: str) -> None:
        with suppress(OSError, ValueError):  # a terminal that is gone
            sys.stderr.write(text)
            sys.stderr.flush()


START_LINE = StartLine()


def say_when_compiling() -> None:
    """Show on the line, if there is one, when Numba compiles: a long wait, which comes once."""
    if not START_LINE.is_open:
        return
    from numba.core import event  # here, since it takes long to import

    class Compiling(event.Listener):  # type: ignore[misc]
        def on_start(self, event: object) -> None:
            START_LINE.show(COMPILING)

        def on_end(self, event: object) -> None:
            pass

    event.register("numba:compile", Compiling())
