"""A stock that is filled up to a limit."""

from __future__ import annotations

from ceas_ray.scheduling.base_stock import BaseStock
from tests.scheduling.measured import T4, measured, served


def test_base_stock_holds_no_more_than_its_limit() -> None:
    books, _ = served(T4, BaseStock(2).stock_policy(T4), gap=24, bursts=50, seed=1)
    assert not books.on_time.any(), "two pairs are never enough for a shot of four"
    assert measured(T4, BaseStock(4))[1] > 0
