"""What an announcer of the user's own must keep to."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from ceas_ray.attacks.announcements import Announcements
from ceas_ray.attacks.checked_announcer import CheckedAnnouncer
from ceas_ray.kernel.policy_calls import PolicyError
from tests.attacks.contexts import generator

TRUE = Announcements(np.array([5, 0, 3]), np.array([1, 0, 3]))


class Announcing:
    """Announces what it was made with."""

    def __init__(self, announced: Any) -> None:
        self.announced = announced

    def announce(self, tests: Announcements, revealed: bool, generator: np.random.Generator) -> Any:
        return self.announced


@pytest.mark.parametrize("found", [
    None,
    (np.array([5, 0, 3]), np.array([1, 0, 3])),
    Announcements(np.array([6, 0, 3]), np.array([1, 0, 3])),
    Announcements(np.array([5, 0, 3]), np.array([1, 1, 3])),
    Announcements(np.array([5, 0, 3]), np.array([-1, 0, 3])),
    Announcements(np.array([5.0, 0.0, 3.0]), np.array([1, 0, 3])),
    Announcements(np.array([5, 0]), np.array([1, 0])),
])  # fmt: skip
def test_what_no_colluder_can_announce_is_refused_with_the_announcer_s_name(found: Any) -> None:
    with pytest.raises(PolicyError, match=r"Announcing\.announce must return Announcements of integers"):
        CheckedAnnouncer(Announcing(found)).announce(TRUE, False, generator())


def test_possible_announcements_pass() -> None:
    fewer = Announcements(np.array([4, 0, 0]), np.array([0, 0, 0]))
    found = CheckedAnnouncer(Announcing(fewer)).announce(TRUE, True, generator())
    np.testing.assert_array_equal(found, fewer)


def test_an_announcer_cannot_change_what_it_is_shown() -> None:
    class Meddling:
        def announce(self, tests: Announcements, revealed: bool, generator: np.random.Generator) -> Announcements:
            tests.errors[:] = 0
            return tests

    with pytest.raises(PolicyError, match="read-only"):
        CheckedAnnouncer(Meddling()).announce(TRUE, False, generator())
    assert TRUE.errors.tolist() == [1, 0, 3]
