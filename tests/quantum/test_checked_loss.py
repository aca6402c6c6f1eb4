"""What a loss of the user's own must return."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from ceas_ray.kernel.policy_calls import PolicyError
from ceas_ray.quantum.checked_loss import CheckedLoss
from ceas_ray.quantum.loss import SquaredLoss

VALUES, TARGETS = np.array([[0.5], [-0.5]]), np.array([[1.0], [1.0]])


class Own:
    """A loss that returns what it was made with."""

    def __init__(self, losses: Any, slopes: Any) -> None:
        self.losses, self.slopes = losses, slopes

    def __call__(self, values: Any, targets: Any) -> Any:
        return self.losses

    def slope(self, values: Any, targets: Any) -> Any:
        return self.slopes


def test_finite_numbers_of_the_right_shape_pass_as_they_are() -> None:
    checked = CheckedLoss(SquaredLoss())
    np.testing.assert_array_equal(checked(VALUES, TARGETS), SquaredLoss()(VALUES, TARGETS))
    np.testing.assert_array_equal(checked.slope(VALUES, TARGETS), SquaredLoss().slope(VALUES, TARGETS))


@pytest.mark.parametrize("returned", [None, np.zeros(3), np.zeros((2, 1)), np.array([1.0, np.nan])])
def test_losses_of_another_form_are_refused_by_name(returned: Any) -> None:
    with pytest.raises(PolicyError, match=r"Own\.__call__ must return finite numbers of shape \(2,\)"):
        CheckedLoss(Own(returned, None))(VALUES, TARGETS)


def test_slopes_of_another_form_are_refused_by_name() -> None:
    with pytest.raises(PolicyError, match=r"Own\.slope must return finite numbers of shape \(2, 1\)"):
        CheckedLoss(Own(None, np.zeros(2))).slope(VALUES, TARGETS)
