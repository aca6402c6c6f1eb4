"""Mimic."""

from __future__ import annotations

import numpy as np

from ceas_ray.attacks.mimic import Mimic
from tests.attacks.contexts import context_with_equal_rows, generator


def test_all_colluders_send_the_row_of_the_same_processor() -> None:
    for seed in range(200):
        seen = context_with_equal_rows(seed)
        np.testing.assert_array_equal(Mimic(3, "omniscient")(seen, generator()), [seen.honest[3]] * 3)


def test_the_target_is_counted_round_the_known_rows() -> None:
    seen = context_with_equal_rows(1)
    known = len(seen.honest)
    np.testing.assert_array_equal(Mimic(known + 2, "omniscient")(seen, generator())[0], seen.honest[2])
