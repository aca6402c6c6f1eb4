"""Data sets and shards."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ceas_ray.training.datasets import load_digits_of, load_file, logistic_regression_accuracy, prepare
from ceas_ray.training.learning_rate import LearningRate
from ceas_ray.training.next_state import certified_werner_bounds
from ceas_ray.training.shards import dirichlet_shards, iid_shards


def test_digits_become_angles_targets_and_a_repeatable_split() -> None:
    data, again = (prepare(*load_digits_of((0, 1, 2, 3)), 4, 0.3, seed=5) for _ in range(2))
    assert np.array_equal(data.train_angles, again.train_angles)
    assert data.outputs == 4
    assert np.abs(data.test_angles).max() <= np.pi / 2
    assert np.array_equal(np.argmax(data.train_targets, axis=1), data.train_labels)
    assert 0.2 < data.chance_accuracy < 0.3
    assert logistic_regression_accuracy(data) > 0.85


def test_ones_own_files_are_read_and_broken_ones_refused_by_name(tmp_path: Path) -> None:
    x, y = np.random.default_rng(1).normal(size=(20, 3)), np.arange(20) % 2
    np.savez(tmp_path / "d.npz", x=x, y=y)
    (tmp_path / "d.csv").write_text(
        "a,b,c,label\n" + "\n".join(f"{r[0]},{r[1]},{r[2]},{k}" for r, k in zip(x, y, strict=True))
    )
    for name in ("d.npz", "d.csv"):
        features, labels = load_file(str(tmp_path / name))
        np.testing.assert_allclose(features, x)
        assert np.array_equal(labels, y)
    for name, content in (("a.csv", "1,2\n3,4,5\n"), ("b.npz", "x"), ("c.txt", "1"), ("d2.csv", "1,1\n2,1\n")):
        (tmp_path / name).write_text(content)
        with pytest.raises(ValueError, match="a readable data file"):
            load_file(str(tmp_path / name))


@settings(max_examples=50)
@given(count=st.integers(1, 40), concentration=st.floats(0.05, 100), seed=st.integers(0, 1000))
def test_every_sample_is_in_exactly_one_shard(count: int, concentration: float, seed: int) -> None:
    labels = np.random.default_rng(seed).integers(0, 3, 120)
    for shards in (
        dirichlet_shards(labels, count, concentration, 3, np.random.default_rng(seed)),
        iid_shards(120, count, np.random.default_rng(seed)),
    ):
        assert len(shards) == count
        assert sorted(np.concatenate(shards).tolist()) == list(range(120))
        assert min(map(len, shards)) >= 3


def test_too_few_samples_are_refused() -> None:
    with pytest.raises(ValueError, match="at least 2 training samples per processor"):
        dirichlet_shards(np.zeros(9, int), 5, 1.0, 2, np.random.default_rng(1))


def test_the_cosine_goes_from_its_beginning_to_its_end() -> None:
    rate = LearningRate(1.0, 0.1, "cosine", 11)
    assert (rate(0), rate(5), rate(10)) == (1.0, pytest.approx(0.55), pytest.approx(0.1))


@pytest.mark.parametrize("error_rate", [0.02, 0.1])
def test_the_lower_bound_of_a_link_holds_as_often_as_it_says(error_rate: float) -> None:
    errors = np.random.default_rng(1).binomial(1000, error_rate, 4000).astype(float)
    _, lower = certified_werner_bounds(np.full(4000, 1000.0), errors, 0.95)
    assert np.mean(lower <= 1 - 2 * error_rate) == pytest.approx(0.95, abs=0.02)
