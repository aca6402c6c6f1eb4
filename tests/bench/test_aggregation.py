"""The benchmark of aggregation gives both sides the same rows, and says why a peer has no figures."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from ceas_ray.bench import aggregation_peers
from ceas_ray.bench.aggregation import BYZFL, RULES, ours, theirs
from ceas_ray.bench.aggregation_peers import measured, rows_of


def test_a_fifth_of_the_rows_are_colluders_that_send_one_row_against_the_others() -> None:
    rows = rows_of(50, 64)
    assert np.array_equal(rows, rows_of(50, 64))
    assert np.all(rows[:10] == rows[0])
    assert len(np.unique(rows[10:], axis=0)) == 40
    assert rows[0] == pytest.approx(-2 * rows[10:].mean(axis=0))


def test_every_rule_that_byzfl_has_is_compared_with_ours() -> None:
    assert set(BYZFL) <= set(RULES)


def test_a_case_is_timed_until_it_has_been_called_often_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[int] = []
    monkeypatch.setattr(aggregation_peers, "MAX_CALLS", 5)
    found = measured(lambda: calls.append(1), warm=True)
    assert len(calls) == 6
    assert found["milliseconds"] >= 0.0
    assert ours("mean", 10, 64).keys() == found.keys()


def test_a_python_without_byzfl_says_what_it_lacks() -> None:
    assert theirs(sys.executable, "mean", 10, 64) == {"failed": "ModuleNotFoundError: No module named 'byzfl'"}
