"""The place where a run is recorded, as its settings choose: refused before anything is made, and found again from
anywhere."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ceas_ray.config.errors import SettingsError
from ceas_ray.tracking.tracking_uri import checked_tracking_uri


def default_store() -> Path:
    """Return the folder of the database in which runs of this working folder are recorded unless settings name another
    place, wherever their own folders are."""
    return Path("outputs").absolute()


def checked_uri(uri: str | None, key: str = "tracking.uri") -> str | None:
    """Return the URI as MLflow gets it, with an absolute path; raises SettingsError for one that it cannot use."""
    if uri is None:
        return None
    try:
        return checked_tracking_uri(uri)
    except ValueError as error:
        raise SettingsError(key, str(error), uri) from None


def with_absolute_uri(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return the checked configuration with its `tracking.uri` absolute; raises SettingsError if MLflow cannot use
    it."""
    tracking = config["tracking"]
    return dict(config) | {"tracking": tracking | {"uri": checked_uri(tracking["uri"])}}
