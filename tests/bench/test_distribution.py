"""Our distributor takes no more pairs than the peers did on the same circuits and networks."""

from __future__ import annotations

import pytest

from ceas_ray.bench.distribution import circuit_named, peers, summary
from ceas_ray.distribution.packed_distributor import PackedDistributor


def compared(names: set[str]) -> dict[str, float]:
    rows = []
    for case in peers():
        circuit = circuit_named(case.circuit) if case.circuit in names else None
        if circuit is not None:
            rows.append((case, PackedDistributor()(circuit, case.processors()).pairs))
    assert rows
    return summary(rows)


def check(figures: dict[str, float]) -> None:
    assert figures["more_than_memq"] == 0
    assert figures["more_than_pytket"] <= 0.1 * figures["beside_pytket"]
    assert figures["worst_over_pytket"] <= 1.1


def test_small_circuits_take_no_more_pairs_than_those_of_the_peers() -> None:
    check(compared({"qft_n5"}))


@pytest.mark.slow
@pytest.mark.parametrize("first", range(0, 30, 3))
def test_circuits_take_no_more_pairs_than_those_of_the_peers(first: int) -> None:
    names = sorted({case.circuit for case in peers()} - {"adder_n28", "multiply_n13"})[first : first + 3]
    if names:
        check(compared(set(names)))
