"""Lies about tested pairs."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ceas_ray.attacks.announcements import Announcements
from ceas_ray.attacks.false_fidelity import FalseFidelity


@given(st.integers(0, 10**6), st.integers(0, 200), st.floats(0, 1), st.floats(0, 1))
def test_who_guesses_or_keeps_silent_in_tests_shows_no_fewer_errors_on_average(
    seed: int, errors: int, guessed: float, withheld: float
) -> None:
    true = Announcements(np.full(3, 1000), np.full(3, errors))
    announcer, draw = FalseFidelity(guessed, withheld), np.random.default_rng(seed)
    announced, wrong = announcer.announce(true, False, draw)
    assert np.all((wrong >= 0) & (wrong <= announced) & (announced <= 1000))
    shown = 1000 - announced + wrong
    expected = (1 - withheld) * (errors + guessed * (500 - errors)) + withheld * 1000
    assert expected >= errors
    assert abs(float(np.sum(shown)) - 3 * expected) <= 6 * np.sqrt(3 * 1000) / 2 + 1
    after_reveal = announcer.announce(true, True, draw)
    assert np.array_equal(after_reveal.announced, true.announced)
    assert not after_reveal.errors.any()
