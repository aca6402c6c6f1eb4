"""The place where a run is recorded."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ceas_ray.config.errors import SettingsError
from ceas_ray.runs.tracking_choice import checked_uri, default_store, with_absolute_uri


def config(uri: str | None) -> dict[str, Any]:
    return {"seed": 1, "tracking": {"mlflow": True, "uri": uri}}


def test_runs_of_a_working_folder_share_one_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert default_store() == tmp_path / "outputs"


def test_a_relative_database_is_found_from_anywhere_and_the_rest_of_the_settings_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    given = config("sqlite:///mine.db")
    assert with_absolute_uri(given) == config(f"sqlite:///{tmp_path}/mine.db")
    assert given == config("sqlite:///mine.db"), "what was given is not changed"


def test_without_a_place_there_is_none() -> None:
    assert with_absolute_uri(config(None)) == config(None)


def test_a_place_that_mlflow_cannot_use_is_refused_by_its_setting() -> None:
    with pytest.raises(SettingsError, match=r"^tracking\.uri must .*'gopher://x'"):
        checked_uri("gopher://x")
