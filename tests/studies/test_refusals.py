"""Settings of a single run that no study has."""

from __future__ import annotations

import pytest

from ceas_ray.config.errors import SettingsError
from ceas_ray.config.schema import RunSettings
from ceas_ray.config.validation import build
from ceas_ray.studies.refusals import refuse_dry_run
from tests.composed_settings import composed_once


def test_no_study_says_what_a_single_run_would_cost() -> None:
    refuse_dry_run(build(RunSettings, composed_once([])))
    with pytest.raises(SettingsError, match=r"^dry_run must be false for a study of many runs, got true$"):
        refuse_dry_run(build(RunSettings, composed_once(["dry_run=true"])))
