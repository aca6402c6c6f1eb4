"""What the packed distributor finds, and that it prices what it finds rightly."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ceas_ray.distribution.distribution import Distribution
from ceas_ray.distribution.packed_distributor import PackedDistributor
from ceas_ray.distribution.packets import Packets, normal_form, packets_of
from ceas_ray.distribution.processor_network import ProcessorNetwork
from tests.distribution.circuits import fourier_transform, random_circuit, ring

CHAIN = [(0, 1), (1, 2), (2, 3)]
STAR = [(0, 1), (0, 2), (0, 3)]


def packed(qubits: int, gates: Any) -> Packets:
    return packets_of(qubits, normal_form(qubits, gates))


@pytest.mark.parametrize(
    ("qubits", "gates", "edges", "room", "pairs"),
    [
        (10, fourier_transform(10), [(0, 1)], 5, 5),
        (20, fourier_transform(20), [(0, 1)], 10, 10),
        (20, fourier_transform(20), CHAIN, 5, 22),
        (8, ring(8, 3, True), STAR, 2, 18),
        (8, ring(8, 3, False), STAR, 2, 18),
    ],
)
def test_known_circuits_take_at_most_these_pairs(
    qubits: int, gates: Any, edges: list[tuple[int, int]], room: int, pairs: int
) -> None:
    network = ProcessorNetwork.from_edges(edges, [room] * (1 + max(max(edge) for edge in edges)))
    assert PackedDistributor()(packed(qubits, gates), network).pairs <= pairs


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_small_circuits_take_the_fewest_pairs_that_any_placement_takes(seed: int) -> None:
    packets = packed(4, random_circuit(seed, 4, 14))
    network = ProcessorNetwork.from_edges([(0, 1)], [2, 2])
    fewest = min(
        Distribution(packets, network, np.array(home), np.array(place, dtype=np.int64)).pairs
        for home in product(range(2), repeat=4)
        if sum(home) == 2
        for place in product(range(2), repeat=len(packets.gates))
    )
    assert PackedDistributor()(packets, network).pairs == fewest


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_the_same_circuit_is_distributed_the_same_way_and_fits(seed: int) -> None:
    packets = packed(6, random_circuit(seed, 6, 30))
    network = ProcessorNetwork.from_edges([(0, 1), (1, 2)], [3, 0, 4])
    once, again = PackedDistributor(starts=2)(packets, network), PackedDistributor(starts=2)(packets, network)
    assert np.array_equal(once.home, again.home)
    assert np.array_equal(once.place, again.place)
    assert np.all(np.bincount(once.home, minlength=2) <= [3, 4])


def test_one_processor_needs_no_pair_and_too_little_room_is_refused() -> None:
    packets = packed(4, fourier_transform(4))
    assert PackedDistributor()(packets, ProcessorNetwork.from_edges([], [4])).pairs == 0
    with pytest.raises(ValueError, match="room for 3 qubits"):
        PackedDistributor()(packets, ProcessorNetwork.from_edges([(0, 1)], [2, 1]))
