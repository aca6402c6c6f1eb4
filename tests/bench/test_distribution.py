"""Our distributor takes no more pairs than the peers did on the same circuits and networks."""

from __future__ import annotations

import pytest

from ceas_ray.bench.distribution import circuit_named, distributed, peers, recorded, summary


def test_recorded_pairs_are_no_more_than_those_of_the_peers() -> None:
    """Never more than those of memq-dqc; of pytket-dqc in one of ten cases, and then at most 1.1 times as many."""
    rows = recorded()
    figures = summary(rows)
    assert set(rows) == set(peers())
    assert figures["more_than_memq"] == 0
    assert figures["more_than_pytket"] <= 0.1 * figures["beside_pytket"]
    assert figures["worst_over_pytket"] <= 1.1
    assert figures["over_time"] == 0, "recorded CPU seconds are at most ten times those of the faster peer, or 2"


def check_as_recorded(first: int, step: int) -> None:
    """Our distributor finds what is recorded, in every `step`-th of the cases that take the shortest."""
    known = recorded()
    shortest = sorted((case for case in known if circuit_named(case.circuit)), key=lambda case: known[case].seconds)
    for case in shortest[first:200:step]:
        found = distributed(case)
        assert found is not None
        assert found.pairs == known[case].pairs, case


@pytest.mark.slow
def test_the_fastest_case_is_as_recorded() -> None:
    check_as_recorded(0, 1_000)


@pytest.mark.slow
def test_cases_are_as_recorded() -> None:
    check_as_recorded(5, 20)
