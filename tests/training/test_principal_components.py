"""Principal components that are scikit-learn's, bit for bit."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.decomposition import PCA

from ceas_ray.training.principal_components import PrincipalComponents


@settings(max_examples=150, deadline=None)
@given(samples=st.integers(2, 90), features=st.integers(1, 70), wanted=st.integers(1, 12), seed=st.integers(0, 1000))
def test_components_and_coordinates_are_those_of_scikit_learn_bit_for_bit(
    samples: int, features: int, wanted: int, seed: int
) -> None:
    generator = np.random.default_rng(seed)
    train, others = (generator.normal(3.0, 2.0, size=(n, features)) for n in (samples, 7))
    count = min(wanted, samples, features)
    found, theirs = PrincipalComponents.of(train, count), PCA(n_components=count, svd_solver="full").fit(train)
    np.testing.assert_array_equal(found.mean, theirs.mean_)
    np.testing.assert_array_equal(found.directions, theirs.components_)
    np.testing.assert_array_equal(found.singular_values, theirs.singular_values_)
    for part in (train, others):
        np.testing.assert_array_equal(found(part), theirs.transform(part))
