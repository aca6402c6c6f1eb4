"""The comparison of settings over seeds, as people read it."""

from __future__ import annotations

import pandas as pd

from ceas_ray.reports.comparison import MEASURES, compared, shown


def test_a_difference_that_is_nothing_but_rounding_is_shown_as_nothing() -> None:
    accuracies = {"one": [0.1, 0.2, 0.7], "other": [0.7, 0.1, 0.2]}
    rows = [
        {"setting": setting, "seed": seed, "status": "completed", **dict.fromkeys(MEASURES, accuracy)}
        for setting, values in accuracies.items()
        for seed, accuracy in enumerate(values)
    ]
    comparison = compared(pd.DataFrame(rows))
    (difference,) = comparison.query("setting == 'other' and measure == 'test accuracy'")["difference"]
    assert difference != 0, "floating point makes something of it"
    assert shown(comparison)["accuracy minus first"].iloc[-1] == "+0 ± 1.4"
