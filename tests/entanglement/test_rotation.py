"""The rotation of a hub's stations: who is served when."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ceas_ray.entanglement.rotation import Rotation
from tests.entanglement.parts import planner_of, small_demand, star
from tests.entanglement.test_planner import key_bits

PERIODS = st.lists(st.integers(10, 10**9), min_size=1, max_size=60)


def times_of(rotation: Rotation, periods: list[int], shots: int) -> dict[int, np.ndarray]:
    turns = rotation.turns(dict(enumerate(periods)))
    return {k: rotation.releases(turns[k], shots) for k in turns}


@given(periods=PERIODS, burst=st.integers(1, 6), gap=st.integers(1, 30), shots=st.integers(1, 40))
@settings(deadline=None)
def test_shots_come_in_bursts_and_no_burst_begins_before_the_one_before_is_over(
    periods: list[int], burst: int, gap: int, shots: int
) -> None:
    for k, releases in times_of(Rotation(None, burst, float(gap)), periods, shots).items():
        steps = np.diff(releases)
        within = np.arange(1, shots) % burst > 0
        assert len(releases) == shots
        assert (steps[within] == periods[k]).all()
        assert (steps >= periods[k]).all()


@given(periods=PERIODS, burst=st.integers(1, 4), gap=st.integers(1, 20), spare=st.integers(0, 3))
@settings(deadline=None)
def test_so_many_stations_serve_at_most_so_many_links_at_a_time(
    periods: list[int], burst: int, gap: int, spare: int
) -> None:
    links = 1 + gap // burst
    stations = -(-len(periods) // links) + spare
    busy = [
        (begins, begins + periods[k])
        for k, releases in times_of(Rotation(stations, burst, float(gap)), periods, 3 * burst).items()
        for begins in releases.tolist()
    ]
    for now, _ in busy:
        assert sum(begins <= now < ends for begins, ends in busy) <= stations


@given(number=st.integers(1, 25), burst=st.integers(1, 4), gap=st.integers(1, 24), period=st.integers(1, 10**6))
def test_links_of_one_shot_period_wait_just_a_gap(number: int, burst: int, gap: int, period: int) -> None:
    for releases in times_of(Rotation(None, burst, float(gap)), [period] * number, 4 * burst).values():
        starts = releases[::burst]
        assert all(later - sooner == (burst + gap) * period for sooner, later in pairwise(starts.tolist()))


def test_regime_t1_lets_one_station_serve_25_links() -> None:
    assert Rotation(1, 1, 24.0).max_links == 25
    assert Rotation(2, 2, 24.0).max_links == 26
    with pytest.raises(ValueError, match="1 stations serve at most 25 links, got 26"):
        Rotation(1, 1, 24.0).turns(dict.fromkeys(range(26), 5))


def test_a_plan_serves_no_more_links_in_a_phase_than_its_stations_can() -> None:
    """One station and a gap of one burst: two of six links at a time, so three phases, the same in every round."""
    demand = small_demand(is_rotation=True, stations=1, burst_shots=4, gap_periods=4.0)
    planner = planner_of(star(), demand)
    first, later = (planner.plan(number, 0, key_bits(star())).plans for number in (0, 5))
    begins: dict[int, int] = {}
    for _, of in first:
        if len(of.releases):
            begins[of.starts_at] = begins.get(of.starts_at, 0) + 1
    assert list(begins.values()) == [2, 2, 2]
    assert all(np.array_equal(one.releases, other.releases) for (_, one), (_, other) in zip(first, later, strict=True))
