"""The console of a run: its progress and its last table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from ceas_ray.tracking.start_line import START_LINE


class RunProgress:
    """A live bar with round, accuracy and utilization; plain lines now and then where there is no terminal."""

    def __init__(self, rounds: int, quiet: bool, unit: str = "round") -> None:
        self._console = Console(stderr=True)
        self._quiet, self._rounds, self._last = quiet, rounds, ""
        columns = (TextColumn(unit), MofNCompleteColumn(), BarColumn(), TextColumn("{task.description}"))
        self._bar = Progress(*columns, TimeElapsedColumn(), console=self._console, transient=True, disable=quiet)
        self._task = self._bar.add_task("", total=rounds)

    def __enter__(self) -> RunProgress:
        START_LINE.end()
        if self._console.is_terminal:
            self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def show(self, done: int, accuracy: float | None, utilization: float) -> None:
        """Show a round that is over."""
        accurate = "" if accuracy is None else f"accuracy {accuracy:.3f}  "
        self._last = accurate or self._last
        self._bar.update(self._task, completed=done, description=f"{self._last}utilization {utilization:.3f}")
        if not self._quiet and not self._console.is_terminal and (accuracy is not None or done == self._rounds):
            self._console.print(
                f"round {done}/{self._rounds}  {self._last}utilization {utilization:.3f}", highlight=False
            )

    def step(self, done: int, line: str) -> None:
        """Show a part that is over and has no accuracy."""
        self._bar.update(self._task, completed=done, description=line)
        if not self._quiet and not self._console.is_terminal:
            self._console.print(f"{done}/{self._rounds}  {line}", highlight=False)

    def say(self, line: str) -> None:
        """Print one line above the bar, unbroken: it may hold an address."""
        self._console.print(line, highlight=False, markup=False, soft_wrap=True)


def print_table(title: str, rows: Mapping[str, Any]) -> None:
    """Print names and values on standard output."""
    table = Table(title=title, show_header=False, title_justify="left")
    for name, value in rows.items():
        table.add_row(name, f"{value:.4g}" if isinstance(value, float) else str(value))
    START_LINE.end()
    Console().print(table)
