"""Figures of benchmarks: medians with their spread, and tables that stand the way in which they are narrower."""

from __future__ import annotations

from typing import Any

from rich.console import Console

from ceas_ray.bench.figures import machine, print_table, spread


def printed(figures: dict[str, Any]) -> list[list[str]]:
    """Return the words of each line that is printed."""
    console = Console(width=120)
    with console.capture() as capture:
        print_table("kernel", figures, console)
    return [line.replace("┃", " ").replace("│", " ").split() for line in capture.get().splitlines()]


def test_a_spread_is_a_median_between_the_least_and_the_greatest() -> None:
    assert spread([3.0, 1.0, 2.004]) == {"median": 2.0, "least": 1.0, "greatest": 3.0}
    assert spread(iter([1.5, 3.7]), 0) == {"median": 3, "least": 2, "greatest": 4}


def test_a_row_is_a_column_where_there_are_more_figures_than_rows() -> None:
    lines = printed({"rows": [{"kernel": "ours", "hops": 1200, "seconds": 2}, {"kernel": "simpy", "hops": 900}]})
    assert ["kernel", "ours", "simpy"] in lines
    assert ["hops", "1,200", "900"] in lines
    assert ["seconds", "2"] in lines


def test_a_row_is_a_row_where_there_are_as_many_rows_as_figures() -> None:
    lines = printed({"rows": [{"kernel": "ours", "hops": 1200}, {"kernel": "simpy", "hops": 900}]})
    assert ["kernel", "hops"] in lines
    assert ["simpy", "900"] in lines


def test_what_else_there_is_stands_below_the_table() -> None:
    lines = printed({"rows": [{"hops": spread([1, 2, 3])}], "cpu_seconds": {"of_ours": 1500}})
    assert lines[-1] == ["cpu", "seconds:", "of", "ours", "1,500"]
    assert ["2", "(1", "to", "3)"] in lines


def test_a_machine_is_described_by_its_processor_and_its_load() -> None:
    found = machine()
    assert found["cpu"]
    assert found["cpus"] >= 1
    assert found["load"] >= 0.0
