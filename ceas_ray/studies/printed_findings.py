"""Findings of an experiment in words, for the console and for its page: tables, and the verdicts on its claims."""

from __future__ import annotations

import html
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table

from ceas_ray.studies.result_page import table_of

Findings = Mapping[str, Any]
TitledTable = tuple[str, Sequence[Mapping[str, str]]]
"""A title, and rows of words by column, all with the same columns."""


def verdicts(found: Findings) -> list[str]:
    """Return a line for each claim in the findings of a scenario: its verdict, then the claim."""
    return [f"{verdict}: {claim}" for claim, verdict in found["claims"].items()]


def print_verdicts(found: Findings, console: Console) -> None:
    """Print the verdict on each claim."""
    for line in verdicts(found):
        console.print(line, highlight=False)


def print_tables(all_found: Sequence[Findings], tables: Callable[[Any], Sequence[TitledTable]]) -> None:
    """Print the tables that have rows, and the verdicts, of each scenario on standard output."""
    console = Console()
    for found in all_found:
        for title, rows in tables(found):
            if rows:
                table = Table(*rows[0], title=title)
                for row in rows:
                    table.add_row(*row.values())
                console.print(table)
        print_verdicts(found, console)


def sections(tables: Sequence[TitledTable]) -> list[str]:
    """Return the tables in HTML, each below its title."""
    return [part for title, rows in tables for part in (f"<h2>{html.escape(title)}</h2>", table_of(rows))]
