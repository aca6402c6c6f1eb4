"""Arrays as compiled code takes them."""

from __future__ import annotations

import numpy as np
import pytest

from ceas_ray.quantum.shaped_arrays import shaped


def test_an_array_becomes_contiguous_floats() -> None:
    found = shaped("angles", np.arange(6).reshape(2, 3).T, (3, 2))
    assert found.dtype == np.float64
    assert found.flags.c_contiguous
    assert found.tolist() == [[0.0, 3.0], [1.0, 4.0], [2.0, 5.0]]


def test_another_shape_is_refused_with_the_name_of_the_array() -> None:
    with pytest.raises(ValueError, match=r"^angles must have shape \(3,\), got \(2, 1\)$"):
        shaped("angles", [[1.0], [2.0]], (3,))
