"""The figures of a result in the terminal."""

from __future__ import annotations

import pytest
from rich.console import Console

from ceas_ray.reports.figures import Figure, print_figures

FIGURES = [Figure("rounds", 12, "rounds decided"), Figure("accuracy", 0.91234567, "on the test set")]


def printed(columns: int, capsys: pytest.CaptureFixture[str]) -> str:
    print_figures("A run", FIGURES, Console(width=columns))
    return capsys.readouterr().out


def test_each_figure_has_a_row_with_a_legible_value(capsys: pytest.CaptureFixture[str]) -> None:
    text = printed(100, capsys)
    assert "rounds" in text
    assert "0.9123" in text and "0.91234567" not in text


def test_meanings_are_printed_where_there_is_room(capsys: pytest.CaptureFixture[str]) -> None:
    assert "on the test set" in printed(100, capsys)
    narrow = printed(40, capsys)
    assert "on the test set" not in narrow
    assert max(map(len, narrow.splitlines())) <= 40
