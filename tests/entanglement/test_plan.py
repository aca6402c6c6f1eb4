"""Plans: leases within the limits, demand as asked, impossible ones refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ceas_ray.entanglement.plan import Demand, channel_leases, key_path_seconds, phases
from ceas_ray.network.link_parameters import Heterogeneity, LinkHardware
from ceas_ray.network.star import Star

HARDWARE = LinkHardware(10, 10, 16, 0.012, 0.2, 0.06, 0.98)
SPREAD = Heterogeneity(0.5, 5.0, 0.94, 0.97, 0.985, 0.5, 0.98)


def demand(**changes: Any) -> Demand:
    values: dict[str, Any] = {
        "shots": 1024, "pairs_per_shot": 6, "burst_shots": 8, "gap_periods": 8.0, "supply": 1.6,
        "deadline_periods": 1.0,
        "useful_age_periods": 3.0, "least_fidelity": None, "slots": 24, "hub_channels": 32, "multiplexing": 8,
        "test_share": 0.03, "warm_up_test_shots": 200, "key_useful_age": 5 * 10**8, "key_margin": 1.25,
        "fresh_hash_keys": True,
    }  # fmt: skip
    return Demand(**(values | changes))


@given(
    processors=st.integers(1, 120),
    replicas=st.integers(4, 13),
    channels=st.integers(5, 60),
    multiplexing=st.integers(2, 9),
)
def test_leases_never_exceed_the_channels(processors: int, replicas: int, channels: int, multiplexing: int) -> None:
    network = Star().build(processors, replicas, HARDWARE, SPREAD, np.random.default_rng(1))
    asked = demand(hub_channels=channels, multiplexing=multiplexing)
    if channels <= replicas:
        with pytest.raises(ValueError, match=r"entanglement\.hub_channels must exceed"):
            phases(network, asked)
        return
    groups = phases(network, asked)
    assert sorted(k for group in groups for k in group) == list(range(processors))
    driven, legs = channel_leases(max(map(len, groups)), replicas)
    assert driven <= channels
    assert legs.max() <= multiplexing


@given(shots=st.integers(1, 300), seed=st.integers(0, 1000))
def test_releases_are_bursts_of_a_period_each(shots: int, seed: int) -> None:
    link, asked = HARDWARE.link(2.0, 0.97), demand()
    releases = asked.releases(link, shots, np.random.default_rng(seed))
    period = asked.shot_period(link)
    assert len(releases) == shots
    steps = np.diff(releases)
    assert (steps >= period).all()
    within = np.ones(len(steps), bool)
    within[7::8] = False
    assert (steps[within] == period).all()


def test_the_reference_link_has_the_useful_age_of_the_reference() -> None:
    link = HARDWARE.link(1.0, 0.97)
    assert link.rate == pytest.approx(9600)
    assert demand(least_fidelity=0.9).useful_age(link) == pytest.approx(3.07e9, rel=2e-3)
    assert demand().useful_age(link) == pytest.approx(3.0e9)


def test_what_yields_no_key_or_no_pair_is_refused() -> None:
    good, bad = HARDWARE.link(1.0, 0.97), HARDWARE.link(1.0, 0.86)
    with pytest.raises(ValueError, match="to yield a key"):
        key_path_seconds((good, bad), 0.98, 100, demand())
    with pytest.raises(ValueError, match=r"entanglement\.least_fidelity must be below"):
        demand(least_fidelity=0.9).useful_age(bad)


def test_key_slots_are_long_enough_for_what_they_must_distil() -> None:
    """The margin is over the mean: see the books of the whole simulation for what comes of it."""
    short = key_path_seconds((HARDWARE.link(1.0, 0.97), HARDWARE.link(0.5, 0.98)), 0.98, 244, demand())
    longer = key_path_seconds((HARDWARE.link(5.0, 0.97), HARDWARE.link(0.5, 0.98)), 0.98, 244, demand())
    assert 0 < short < longer
