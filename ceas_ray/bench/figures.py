"""What benchmarks report about their figures: medians with their spread, the machine, and a table of rows."""

from __future__ import annotations

import os
import platform
import statistics
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from ceas_ray.runtime.available_cpus import available_cpus


def spread(values: Iterable[float], digits: int = 2) -> dict[str, float]:
    """Return the median, the least and the greatest of some figures, rounded."""
    known = list(values)
    found = {"median": statistics.median(known), "least": min(known), "greatest": max(known)}
    return {name: round(value, digits) if digits else round(value) for name, value in found.items()}


def machine() -> dict[str, Any]:
    """Describe this machine, and how much else it computes: the mean number of running tasks of the last minute."""
    model = platform.processor() or platform.machine()
    with suppress(OSError):
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        model = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), model)
    return {
        "cpu": model,
        "cpus": available_cpus(),
        "python": platform.python_version(),
        "load": round(os.getloadavg()[0], 2),
    }


def print_table(title: str, figures: Mapping[str, Any], console: Console | None = None) -> None:
    """Print the entry `rows` of a benchmark's figures as a table, and all other entries below it.

    Each row is printed as a column if it has more figures than there are rows.
    """
    rows: Sequence[Mapping[str, Any]] = figures["rows"]
    names = list(dict.fromkeys(name for row in rows for name in row))
    lines = [[name.replace("_", " "), *(_text(row[name]) if name in row else "" for row in rows)] for name in names]
    if len(rows) >= len(names):
        lines = [list(line) for line in zip(*lines, strict=True)]
    table = Table(title=title)
    for number, name in enumerate(lines[0]):
        table.add_column(name, justify="left" if number == 0 else "right")
    for line in lines[1:]:
        table.add_row(*line)
    out = console or Console()
    out.print(table)
    for name, value in figures.items():
        if name != "rows":
            out.print(f"{name.replace('_', ' ')}: {_text(value)}", highlight=False, markup=False)


def _text(value: Any) -> str:
    if isinstance(value, Mapping) and value.keys() == {"median", "least", "greatest"}:
        return f"{_text(value['median'])} ({_text(value['least'])} to {_text(value['greatest'])})"
    if isinstance(value, Mapping):
        return ", ".join(f"{name.replace('_', ' ')} {_text(entry)}" for name, entry in value.items())
    return f"{value:,}" if isinstance(value, int | float) else str(value)
