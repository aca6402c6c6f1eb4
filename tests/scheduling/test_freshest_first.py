"""Serving the freshest pairs first."""

from __future__ import annotations

from ceas_ray.scheduling.freshest_first import FreshestFirst
from ceas_ray.scheduling.oblivious import Oblivious
from tests.scheduling.measured import MDP, R0, means


def test_the_freshest_pairs_are_the_best() -> None:
    assert means(R0, FreshestFirst())["contrast"] > means(R0, MDP)["contrast"] > means(R0, Oblivious())["contrast"]
