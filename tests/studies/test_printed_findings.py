"""Findings in words: the same tables and verdicts on the console and on the page."""

from __future__ import annotations

import pytest

from ceas_ray.studies.printed_findings import TitledTable, print_tables, sections, verdicts

FOUND = {"scenario": "rotation", "claims": {"gain of 15 points": "confirmed", "no loss in [0, 1]": "undecided"}}
TABLES: list[TitledTable] = [("worst <cases>", [{"arm": "ceas", "accuracy": "0.9"}]), ("gains", [])]


def test_tables_with_rows_and_every_verdict_are_printed(capsys: pytest.CaptureFixture[str]) -> None:
    print_tables([FOUND], lambda found: TABLES)
    printed = capsys.readouterr().out
    assert "worst <cases>" in printed
    assert "ceas" in printed
    assert "gains" not in printed
    assert "confirmed: gain of 15 points" in printed.splitlines()
    assert "undecided: no loss in [0, 1]" in printed.splitlines()


def test_each_table_stands_below_its_title_in_html() -> None:
    title, table, empty_title, empty = sections(TABLES)
    assert title == "<h2>worst &lt;cases&gt;</h2>"
    assert "<td>ceas</td><td>0.9</td>" in table
    assert (empty_title, empty) == ("<h2>gains</h2>", "")


def test_a_verdict_comes_before_its_claim() -> None:
    assert verdicts(FOUND) == ["confirmed: gain of 15 points", "undecided: no loss in [0, 1]"]
