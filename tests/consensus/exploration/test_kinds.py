"""Kinds of scenarios, and which of them a seed stands for."""

from __future__ import annotations

from ceas_ray.consensus.exploration.kinds import KINDS, MIX, Layer, kind_of


def test_256_seeds_in_a_row_have_every_kind_as_often_as_the_mix_says() -> None:
    for first in (0, 8_000_000):
        assert sorted(str(kind_of(seed)) for seed in range(first, first + 256)) == sorted(map(str, MIX))
    assert len(MIX) == 256


def test_every_layer_is_driven() -> None:
    assert {kind.layer for kind in KINDS} == set(Layer)
    assert set(MIX) == set(KINDS)


def test_a_kind_says_its_layer_and_its_replicas() -> None:
    assert "voting, n = 4" in set(map(str, KINDS))
