"""Settings of a single run that no study has."""

from __future__ import annotations

from ceas_ray.config.errors import SettingsError
from ceas_ray.config.schema import RunSettings


def refuse_dry_run(settings: RunSettings) -> None:
    """Raise SettingsError for settings that ask what a single run would cost."""
    if settings.dry_run:
        raise SettingsError("dry_run", "false for a study of many runs", True)
