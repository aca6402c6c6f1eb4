"""Exit codes: a contract with whoever starts runs."""

from __future__ import annotations

from typing import get_args

from ceas_ray.cli.exit_codes import BAD_SETTINGS, OF_STATUS
from ceas_ray.runs.training_run import Status


def test_each_way_in_which_a_run_ends_has_its_exit_code() -> None:
    assert OF_STATUS == {"completed": 0, "stopped": 0, "pruned": 0, "stalled": 3, "interrupted": 130, "failed": 1}
    assert set(OF_STATUS) == set(get_args(Status))


def test_bad_settings_are_told_from_every_end_of_a_run() -> None:
    assert BAD_SETTINGS == 2
    assert BAD_SETTINGS not in OF_STATUS.values()
