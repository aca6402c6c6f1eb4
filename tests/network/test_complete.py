"""Everybody linked to everybody."""

from __future__ import annotations

import numpy as np

from ceas_ray.network.complete import Complete
from ceas_ray.network.link_parameters import LinkDraws
from ceas_ray.network.memories import Dephasing, Depolarizing, pair_decay
from ceas_ray.network.star import Star
from tests.network.hardware import SPREAD
from tests.network.links import hardware
from tests.network.networks import built


def test_direct_links_have_no_end_at_the_hub() -> None:
    unequal = hardware((Depolarizing(1.0), Dephasing(0.1)))
    network = Complete().build(3, 4, LinkDraws(unequal, SPREAD, np.random.default_rng(1)))
    assert {link.decay for link in network.direct_links.values()} == {pair_decay(Dephasing(0.1), Dephasing(0.1))}
    assert {link.decay for link in network.processor_links} == {pair_decay(Depolarizing(1.0), Dephasing(0.1))}


def test_whoever_needs_keys_has_a_link_of_its_own_to_every_replica() -> None:
    """Three processors and two replicas: six links of processors, and one between the replicas."""
    found = set(built(Complete(), 1, processors=3, replicas=2).direct_links)
    assert found == {(f"processor/{k}", f"replica/{j}") for k in range(3) for j in range(2)} | {
        ("replica/0", "replica/1")
    }


def test_the_links_of_the_hub_are_the_star_s() -> None:
    complete, star = built(Complete(), 5), built(Star(), 5)
    assert complete.routes == star.routes
    assert (complete.swapped, star.swapped) == (False, True)
