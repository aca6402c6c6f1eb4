"""Shards: every sample in exactly one."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ceas_ray.training.shards import dirichlet_shards, iid_shards, label_shards


@settings(max_examples=50)
@given(count=st.integers(1, 40), concentration=st.floats(0.05, 100), seed=st.integers(0, 1000))
def test_every_sample_is_in_exactly_one_shard(count: int, concentration: float, seed: int) -> None:
    labels = np.random.default_rng(seed).integers(0, 3, 120)
    for shards in (
        dirichlet_shards(
            labels, count, concentration=concentration, min_samples=3, generator=np.random.default_rng(seed)
        ),
        iid_shards(120, count, np.random.default_rng(seed)),
    ):
        assert len(shards) == count
        assert sorted(np.concatenate(shards).tolist()) == list(range(120))
        assert min(map(len, shards)) >= 3


@settings(max_examples=50)
@given(count=st.integers(1, 30), per_shard=st.integers(1, 4), seed=st.integers(0, 1000))
def test_by_label_every_sample_is_in_one_shard_of_few_labels(count: int, per_shard: int, seed: int) -> None:
    labels = np.random.default_rng(seed).permutation(np.arange(200) % 4)
    if count * per_shard < 4:
        with pytest.raises(ValueError, match="hold all 4 labels"):
            label_shards(labels, count, per_shard, np.random.default_rng(seed))
        return
    shards = label_shards(labels, count, per_shard, np.random.default_rng(seed))
    assert sorted(np.concatenate(shards).tolist()) == list(range(200))
    assert all(1 <= len(np.unique(labels[shard])) <= per_shard for shard in shards)
    again = label_shards(labels, count, per_shard, np.random.default_rng(seed))
    assert all(np.array_equal(one, other) for one, other in zip(shards, again, strict=True))


def test_a_label_too_rare_for_its_holders_is_refused() -> None:
    with pytest.raises(ValueError, match="3 processors need a sample of label 1 each, got 2"):
        label_shards(np.array([0] * 9 + [1] * 2), 6, 1, np.random.default_rng(1))
