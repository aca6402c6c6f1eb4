"""Numbers that follow from settings alone."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ceas_ray.config.schema import RunSettings
from ceas_ray.config.validation import build
from ceas_ray.world.counts import Counts, counts_of
from tests.composed_settings import composed_once
from tests.small_worlds import SMALL, small_world


def counts(*overrides: str) -> Counts:
    return counts_of(build(RunSettings, composed_once([*SMALL, *overrides])))


def test_a_party_is_a_processor_or_a_group_that_shares_a_circuit() -> None:
    assert counts("processors.count=12").parties == 12
    shared = counts("processors.count=12", "training.partition=circuit", "training.processors_per_group=3")
    assert (shared.group_size, shared.parties) == (3, 4)
    assert counts("processors.count=12", "training.processors_per_group=3").group_size == 1


def test_the_committee_is_one_of_its_own_or_the_processors() -> None:
    assert counts("consensus.committee_size=5").replicas == 5
    assert counts("processors.count=9", "consensus=all_processors", "consensus.committee_size=null").replicas == 9


@given(st.integers(1, 60), st.integers(0, 20))
def test_key_paths_are_all_pairs_of_a_party_and_a_replica_and_of_two_replicas(parties: int, replicas: int) -> None:
    found = Counts(
        group_size=1, parties=parties, byzantine_parties=0, replicas=replicas, byzantine_replicas=0, tolerated_rows=0
    )
    pairs = {(p, r) for p in range(parties) for r in range(replicas)}
    assert found.key_paths == len(pairs) + len({frozenset((a, b)) for a in range(replicas) for b in range(a)})


@pytest.mark.slow
@pytest.mark.parametrize("overrides", [
    (), ("consensus.committee_size=4", "attacks=sign_flip", "attacks.fraction=0.25"),
    ("training.partition=circuit", "training.qubits=4"),
    ("consensus=all_processors", "consensus.committee_size=null", "processors.count=5"),
])  # fmt: skip
def test_a_world_has_as_many_actors_as_its_counts_say(overrides: tuple[str, ...]) -> None:
    world, found = small_world(*overrides), counts(*overrides)
    assert len(world.processors) == found.parties
    assert len(world.replicas) == found.replicas
    assert len(world.links) == found.parties + found.replicas
    assert len(world.byzantine) == found.byzantine_parties
    assert world.processors_per_group == found.group_size
