"""What error mitigation takes of the bias of a gradient, and what it costs in variance."""

from __future__ import annotations

from typing import get_args

from ceas_ray.bench.error_mitigation import error_mitigation_table
from ceas_ray.processors.gradient_work import ErrorMitigation


def test_mitigation_takes_the_bias_and_costs_variance_the_more_the_worse_pairs_are() -> None:
    table = error_mitigation_table(4)
    assert all(row.keys() == set(get_args(ErrorMitigation)) for row in table.values())
    without = [row["none"]["bias"] for row in table.values()]
    assert without == sorted(without)
    for row in table.values():
        exact = row["probabilistic_error_cancellation"]
        assert exact["bias"] < 1e-3 < row["none"]["bias"]
        assert exact["spread"] > row["none"]["spread"]
