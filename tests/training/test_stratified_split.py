"""Training and test samples as scikit-learn draws them."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.model_selection import train_test_split

from ceas_ray.training.stratified_split import stratified_split


@settings(max_examples=200, deadline=None)
@given(classes=st.integers(2, 6), fraction=st.floats(0.05, 0.95), same=st.booleans(), seed=st.integers(0, 2**32 - 1))
def test_the_samples_and_their_order_are_those_of_scikit_learn(
    classes: int, fraction: float, same: bool, seed: int
) -> None:
    """Classes of the same size tie for what rounding leaves over."""
    generator = np.random.default_rng(seed)
    sizes = np.full(classes, 13) if same else generator.integers(2, 60, classes)
    labels = generator.permutation(np.repeat(np.arange(classes), sizes))
    test = math.ceil(fraction * len(labels))
    test = min(max(test, classes), len(labels) - classes)
    found = stratified_split(labels, test, seed)
    theirs = train_test_split(np.arange(len(labels)), test_size=test, random_state=seed, stratify=labels)
    for ours, wanted in zip(found, theirs, strict=True):
        np.testing.assert_array_equal(ours, wanted)


def test_a_class_with_a_single_sample_cannot_be_split() -> None:
    with pytest.raises(ValueError, match="every class needs two samples, class 1 has one"):
        stratified_split(np.array([0, 0, 0, 0, 1]), 2, 1)
