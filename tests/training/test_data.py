"""Data sets and shards."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ceas_ray.training.datasets import DataSet, Encoding, logistic_regression_accuracy, prepare
from ceas_ray.training.learning_rate import LearningRate
from ceas_ray.training.next_state import certified_werner_bounds
from ceas_ray.training.shards import dirichlet_shards, iid_shards, label_shards
from ceas_ray.training.sources import PackagedName, draw_shape, load_classes, load_file
from ceas_ray.training.spin_chain import draw_ground_states, ground_state, local_expectations
from tests.quantum.state_vectors import X, Z, on


def test_digits_become_angles_targets_and_a_repeatable_split() -> None:
    data, again = (prepare(*load_classes("digits", (0, 1, 2, 3)), Encoding(4), 0.3, seed=5) for _ in range(2))
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


def test_labels_may_be_texts_and_blank_lines_are_skipped(tmp_path: Path) -> None:
    file = tmp_path / "d.csv"
    file.write_text("length,width,kind\n1,2,rose\n\n3,4.5,lily\n5,6,rose\n7,8, lily\n")
    features, labels = load_file(str(file))
    np.testing.assert_array_equal(features, [[1, 2], [3, 4.5], [5, 6], [7, 8]])
    assert labels.tolist() == [1, 0, 1, 0]


@pytest.mark.parametrize(("content", "message"), [
    ("a,b\n1,0\nx,1\n", "line 3: features must be numbers, got 'x'"),
    ("1,2,0\n3,1\n", "line 2 has 2 cells"),
    ("1,0\nnan,1\n2,0\n3,1\n", "features must be finite, sample 2 is not"),
    ("1,0\n2,1\n2,1\n", "at least two classes of at least two samples each are needed, got 1 of 0.0, 2 of 1.0"),
    ("1,0\n2,0\n", "at least two classes"), ("1,0\n2,nan\n", "labels must be finite"),
    ("a,b\n", "it has no samples"), ("", "it has no samples"), ("1\n2\n", "line 1 has 1 cells"),
])  # fmt: skip
def test_a_broken_csv_is_refused_by_its_line(tmp_path: Path, content: str, message: str) -> None:
    file = tmp_path / "d.csv"
    file.write_text(content)
    with pytest.raises(ValueError, match=r"a readable data file, got .*d\.csv") as refused:
        load_file(str(file))
    assert message in str(refused.value)
    assert "\n" not in str(refused.value)


def test_an_npz_of_another_form_is_refused_by_what_it_holds(tmp_path: Path) -> None:
    file = str(tmp_path / "d.npz")
    for arrays, message in (
        ({"a": np.zeros(3)}, "it must hold arrays x and y, got a"),
        ({"x": np.zeros((3, 2)), "y": np.zeros(4)}, r"got shapes \(3, 2\) and \(4,\)"),
        ({"x": np.zeros(3), "y": np.zeros(3)}, r"got shapes \(3,\) and \(3,\)"),
    ):
        np.savez(file, **arrays)
        with pytest.raises(ValueError, match=message):
            load_file(file)


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
    with pytest.raises(ValueError, match="a sample of label 1 for 3 processors, got 2"):
        label_shards(np.array([0] * 9 + [1] * 2), 6, 1, np.random.default_rng(1))


@pytest.mark.parametrize(("name", "shape", "classes"), [
    ("iris", (150, 4), 3), ("wine", (178, 13), 3), ("breast_cancer", (569, 30), 2), ("digits", (1797, 64), 10),
])  # fmt: skip
def test_packaged_data_come_whole_or_by_classes(name: PackagedName, shape: tuple[int, int], classes: int) -> None:
    features, labels = load_classes(name, ())
    assert features.shape == shape
    assert np.array_equal(np.unique(labels), np.arange(classes))
    some, positions = load_classes(name, (1, 0))
    np.testing.assert_array_equal(some[positions == 0], features[labels == 1])
    for wrong in ((1,), (1, 1), (0, 10)):
        with pytest.raises(ValueError, match=f"two different classes 0 to {classes - 1}, got"):
            load_classes(name, wrong)


def test_moons_and_circles_have_as_much_noise_as_is_asked_for() -> None:
    for noise in (0.0, 0.05):
        points, labels = draw_shape("circles", 400, noise, seed=1)
        radius = np.hypot(*points.T)
        assert np.std(radius[labels == 0]) == pytest.approx(noise, rel=0.15, abs=1e-12)
        assert np.mean(radius[labels == 1]) == pytest.approx(0.5, abs=0.02)
    assert not np.array_equal(draw_shape("moons", 50, 0.1, 1)[0], draw_shape("moons", 50, 0.1, 2)[0])


def encoded(features: np.ndarray, encoding: Encoding) -> DataSet:
    return prepare(features, np.arange(len(features)) % 2, encoding, 0.25, seed=3)


def test_chosen_features_keep_their_order_and_fill_the_range() -> None:
    features = np.random.default_rng(1).normal(size=(80, 5)) * [1, 10, 100, 1000, 1e4]
    data = encoded(features, Encoding(2, (3, 1), angle_range=0.25))
    least, most = data.train_angles.min(axis=0), data.train_angles.max(axis=0)
    np.testing.assert_allclose([least, most], np.outer([-1, 1], [np.pi / 4] * 2))
    assert np.abs(data.test_angles).max() <= np.pi / 4
    every = encoded(features, Encoding(5, (0, 1, 2, 3, 4), angle_range=0.25)).train_angles
    np.testing.assert_array_equal(data.train_angles, every[:, [3, 1]])


def test_few_features_are_repeated_over_the_qubits_only_if_asked() -> None:
    features = np.random.default_rng(1).normal(size=(40, 2))
    angles = encoded(features, Encoding(5, repeat_features=True)).train_angles
    np.testing.assert_array_equal(angles, angles[:, [0, 1, 0, 1, 0]])
    with pytest.raises(ValueError, match=r"at least as many features as qubits \(5\), got 2"):
        encoded(features, Encoding(5))


def test_standardized_components_do_not_depend_on_units() -> None:
    features, units = np.random.default_rng(1).normal(size=(40, 4)), np.array([1.0, 1e3, 1e-3, 7.0])
    one, other = (encoded(x, Encoding(2, standardize=True)).train_angles for x in (features, features * units))
    np.testing.assert_allclose(one, other, atol=1e-9)
    raw = encoded(features * units, Encoding(2)).train_angles
    assert np.abs(raw - one).max() > 0.1


@pytest.mark.parametrize(("features", "message"), [
    ((0, 4), "features 0 to 3, got"), ((0, 0), "1 to 3 different features"), ((), "1 to 3 different features"),
    ((0, 1, 2, 3), "1 to 3 different features"), ((0, 1), "at least as many features as qubits"),
])  # fmt: skip
def test_features_that_cannot_be_taken_are_refused(features: tuple[int, ...], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        encoded(np.random.default_rng(1).normal(size=(40, 4)), Encoding(3, features))


@pytest.mark.parametrize("spins", [2, 3, 5])
@pytest.mark.parametrize("field", [0.2, 0.9, 1.8])
def test_the_ground_state_is_that_of_the_whole_hamiltonian(spins: int, field: float) -> None:
    hamiltonian = -sum(on({i: Z, i + 1: Z}, spins) for i in range(spins - 1))
    hamiltonian = hamiltonian - field * sum(on({i: X}, spins) for i in range(spins))
    state, energies = ground_state(spins, field), np.linalg.eigvalsh(hamiltonian)
    np.testing.assert_allclose(hamiltonian @ state, energies[0] * state, atol=1e-12)
    assert np.linalg.norm(state) == pytest.approx(1)
    expected = [state @ on({i: X}, spins).real @ state for i in range(spins)]
    expected += [state @ on({i: Z, i + 1: Z}, spins).real @ state for i in range(spins - 1)]
    np.testing.assert_allclose(local_expectations(state), expected, atol=1e-12)


def test_measured_ground_states_scatter_around_the_exact_ones_and_show_their_phase() -> None:
    exact, labels = draw_ground_states(60, 6, None, np.random.default_rng(1))
    measured, same = draw_ground_states(60, 6, 100, np.random.default_rng(1))
    assert np.array_equal(labels, same)
    spread = np.sqrt((1 - exact**2) / 100)
    assert np.abs(measured - exact).max() < 6 * spread.max()
    assert np.mean(((measured - exact) / np.maximum(spread, 1e-3)) ** 2) == pytest.approx(1, abs=0.2)
    flips = exact[:, :6].mean(axis=1)
    assert flips[labels == 1].mean() > flips[labels == 0].mean() + 0.3


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
