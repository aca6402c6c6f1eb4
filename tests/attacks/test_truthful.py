"""Truthful announcements."""

from __future__ import annotations

import numpy as np

from ceas_ray.attacks.announcements import Announcements
from ceas_ray.attacks.truthful import Truthful
from tests.attacks.contexts import generator


def test_who_is_truthful_announces_what_is_true() -> None:
    true = Announcements(np.array([5, 0, 3]), np.array([1, 0, 3]))
    assert Truthful().announce(true, True, generator()) is true
