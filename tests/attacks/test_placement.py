"""Where colluders sit."""

from __future__ import annotations

import numpy as np

from ceas_ray.attacks.placement import place_colluders
from tests.attacks.contexts import generator


def test_colluders_sit_where_the_placement_says() -> None:
    quality = np.array([0.3, 0.9, 0.5, 0.9, 0.1])
    assert place_colluders("best_links", 2, quality, generator()) == (1, 3)
    assert place_colluders("worst_links", 2, quality, generator()) == (0, 4)
    assert len(set(place_colluders("random", 3, quality, generator()))) == 3
