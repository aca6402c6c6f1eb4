"""Where data come from."""

from __future__ import annotations

import numpy as np
import pytest

from ceas_ray.training.sources import PackagedName, draw_shape, load_classes
from tests.training.files import BODY, refused


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
        with pytest.raises(ValueError, match=f"two different classes of 0 to {classes - 1}, got"):
            load_classes(name, wrong)


def test_moons_and_circles_have_as_much_noise_as_is_asked_for() -> None:
    for noise in (0.0, 0.05):
        points, labels = draw_shape("circles", 400, noise, seed=1)
        radius = np.hypot(*points.T)
        assert np.std(radius[labels == 0]) == pytest.approx(noise, rel=0.15, abs=1e-12)
        assert np.mean(radius[labels == 1]) == pytest.approx(0.5, abs=0.02)
    assert not np.array_equal(draw_shape("moons", 50, 0.1, 1)[0], draw_shape("moons", 50, 0.1, 2)[0])


def test_other_endings_are_refused() -> None:
    assert "the ending must be .npz, .csv, .tsv, .txt" in refused(BODY, "d.xlsx")
