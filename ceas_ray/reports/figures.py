"""Print the figures of a result in the terminal: legibly at 40 columns, and with their meanings where there is room."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from rich.console import Console
from rich.table import Table
from rich.text import Text

from ceas_ray.reports.numbers import readable

_ROOM_FOR_MEANINGS = 76
"""Minimum width of a terminal in which a third column is legible, in characters."""


class Figure(NamedTuple):
    """A figure of a result: its name, its value and its meaning."""

    name: str
    value: Any
    meaning: str

    @property
    def text(self) -> str:
        """The value as a person reads it."""
        return readable(self.value) if isinstance(self.value, float) else str(self.value)


def print_figures(title: str, figures: Sequence[Figure], console: Console | None = None) -> None:
    """Print figures on standard output."""
    console = console or Console()
    roomy = console.width >= _ROOM_FOR_MEANINGS
    table = Table(title=title, show_header=False, title_justify="left")
    table.add_column(overflow="fold")
    table.add_column(overflow="fold")
    if roomy:
        table.add_column(overflow="fold", style="dim")
    for figure in figures:
        texts = figure.name, figure.text, figure.meaning
        table.add_row(*map(Text, texts if roomy else texts[:2]))
    console.print(table)
