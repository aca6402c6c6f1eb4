"""Tables of several runs in the terminal: a block per row where there is no room for columns."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import pandas as pd
from rich.console import Console
from rich.table import Table
from rich.text import Text

from ceas_ray.reports.comparison import shown

_COLUMN = 9
"""Minimum width of a legible column, in characters."""


def print_comparison(title: str, comparison: pd.DataFrame, console: Console | None = None) -> None:
    """Print the comparison of settings, as `compared` makes it, on standard output."""
    if not len(comparison):
        (console or Console()).print(Text(f"{title}: no run completed"))
        return
    rows = [{str(name): str(value) for name, value in row.items()} for row in shown(comparison).to_dict("records")]
    print_rows(title, rows, console)


def print_rows(title: str, rows: Sequence[Mapping[str, str]], console: Console | None = None) -> None:
    """Print rows with the same columns as a table, or, in a narrow terminal, each as a line of names and values.

    The first column names the row.
    """
    console = console or Console()
    columns = list(rows[0]) if rows else []
    if console.width < len(columns) * (_COLUMN + 3) + 1:
        console.print(Text(title, style="italic"))
        for line in _lines(rows):
            console.print(line)
        return
    table = Table(title=Text(title), title_justify="left")
    for column in columns:
        table.add_column(Text(column), overflow="fold")
    for row in rows:
        table.add_row(*map(Text, row.values()))
    console.print(table)


def _lines(rows: Sequence[Mapping[str, str]]) -> Iterator[Text]:
    for row in rows:
        first, *others = row.items()
        yield Text(f"{first[0]} {first[1]}", style="bold")
        for name, value in others:
            if value:
                yield Text(f"  {name}: {value}")
