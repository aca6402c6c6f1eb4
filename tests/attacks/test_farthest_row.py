"""Min-max and min-sum share their search: as far as the papers go, along one of three directions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from ceas_ray.attacks.attack import Attack
from ceas_ray.attacks.min_max import MinMax
from ceas_ray.attacks.min_sum import MinSum
from tests.attacks.contexts import context_with_equal_rows, generator


def searched(allowed: Callable[[float], bool]) -> float:
    """The largest step that is allowed, by bisection: the papers' search."""
    least, most = 0.0, 1.0
    while allowed(most) and most < 1e9:
        most *= 2
    for _ in range(200):
        middle = (least + most) / 2
        least, most = (middle, most) if allowed(middle) else (least, middle)
    return least


@pytest.mark.slow
@pytest.mark.parametrize("direction", ["std", "unit", "sign"])
def test_min_max_and_min_sum_go_as_far_as_the_paper_s_search(direction: Any) -> None:
    for seed in range(200):
        seen = context_with_equal_rows(seed)
        rows, mean = seen.honest, seen.honest.mean(axis=0)
        p = {"std": -rows.std(axis=0), "unit": -mean / np.linalg.norm(mean), "sign": -np.sign(mean)}[direction]
        squares = [[float(np.sum((a - b) ** 2)) for b in rows] for a in rows]
        farthest, most = max(map(max, squares)), max(map(sum, squares))

        def near(step: float, mean: Any = mean, p: Any = p, rows: Any = rows, farthest: float = farthest) -> bool:
            return max(float(np.sum((mean + step * p - row) ** 2)) for row in rows) <= farthest

        def near_in_sum(step: float, mean: Any = mean, p: Any = p, rows: Any = rows, most: float = most) -> bool:
            return sum(float(np.sum((mean + step * p - row) ** 2)) for row in rows) <= most

        for attack, allowed in ((MinMax(1.0, direction, "omniscient"), near), (MinSum(1.0, direction, "omniscient"),
                                                                              near_in_sum)):  # fmt: skip
            expected = mean + searched(allowed) * p
            np.testing.assert_allclose(attack(seen, generator())[0], expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("make", [
    lambda: MinMax(1.0, "up", "colluders"), lambda: MinSum(1.0, "up", "colluders"),
])  # fmt: skip
def test_attacks_that_cannot_be_are_refused(make: Callable[[], Attack]) -> None:
    with pytest.raises(ValueError, match="must"):
        make()
