"""Numbering of stocks by age."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from ceas_ray.scheduling.stocks import state_number, stock_states


@given(most=st.integers(0, 9), classes=st.integers(0, 4))
def test_every_stock_has_its_own_number(most: int, classes: int) -> None:
    states, counts = stock_states(most, classes)
    assert [state_number(stock, counts) for stock in states] == list(range(math.comb(most + classes, classes)))
    assert all(stock.sum() <= most for stock in states)
