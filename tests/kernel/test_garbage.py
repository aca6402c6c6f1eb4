"""Collections of garbage that leave out what lives on."""

from __future__ import annotations

import gc

import pytest

from ceas_ray.kernel.garbage import old_objects_left_out


def test_what_lives_already_is_left_out_until_the_end() -> None:
    before = gc.get_freeze_count()
    with old_objects_left_out():
        assert gc.get_freeze_count() > before
    assert gc.get_freeze_count() == 0


def test_a_failure_ends_it_too() -> None:
    with pytest.raises(KeyError), old_objects_left_out():
        raise KeyError
    assert gc.get_freeze_count() == 0
