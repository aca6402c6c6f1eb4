"""The chart of a scenario."""

from __future__ import annotations

import pytest

from ceas_ray.consensus.exploration.chart import chart_of
from ceas_ray.consensus.exploration.kinds import KINDS, MIX, kind_of


@pytest.mark.slow
def test_a_seed_replays_to_the_same_chart() -> None:
    seeds = {kind_of(seed): seed for seed in range(len(MIX))}
    assert set(seeds) == set(KINDS)
    for seed in seeds.values():
        chart = chart_of(seed)
        assert chart == chart_of(seed)
        assert chart.endswith("no violation")
