"""Records of links, stacked field by field."""

from __future__ import annotations

import numpy as np

from ceas_ray.links.consumers.shot_demand import ShotDemand
from ceas_ray.links.consumers.stacked_links import arrays_of_links, stacked


def test_every_link_finds_its_array_again() -> None:
    arrays = [np.arange(6.0).reshape(1, 2, 3), np.zeros((0, 0, 0)), np.arange(4.0).reshape(2, 2, 1)]
    found = arrays_of_links(arrays)
    for k, array in enumerate(arrays):
        of_link = found.values[found.begins[k] : found.begins[k + 1]].reshape(found.shapes[k])
        assert of_link.shape == array.shape and of_link.tolist() == array.tolist()


def test_a_field_of_stacked_records_holds_that_of_every_link() -> None:
    demands = [
        ShotDemand(start, np.arange(shots), np.zeros(shots, bool), 3, 0, 10, 10, burst=4)
        for start, shots in ((5, 2), (7, 3))
    ]
    found = stacked(demands)
    assert found.start.tolist() == [5, 7] and found.burst.tolist() == [4, 4]
    assert found.releases.values.tolist() == [0, 1, 0, 1, 2] and found.is_test.shapes.tolist() == [[2], [3]]
