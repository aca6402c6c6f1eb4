"""Label flip."""

from __future__ import annotations

import numpy as np

from ceas_ray.attacks.label_flip import LabelFlip


def test_label_flip_turns_the_classes_round() -> None:
    attack = LabelFlip(1.0, "colluders")
    np.testing.assert_array_equal(attack.learned_targets(np.array([[1.0], [-1.0]])), [[-1.0], [1.0]])
    np.testing.assert_array_equal(attack.learned_targets(np.array([[1.0, -1.0, -1.0]])), [[-1.0, -1.0, 1.0]])
