"""A database that somebody else wrote chooses no folder outside of its own."""

from __future__ import annotations

from pathlib import Path

import pytest

from ceas_ray.tracking.artifact_places import require_within


@pytest.mark.parametrize("form", ["{}", "file://{}", "file://{}/runs/a%20b"])
def test_a_folder_below_is_within(form: str, tmp_path: Path) -> None:
    require_within([form.format(tmp_path), form.format(tmp_path / "mlflow_artifacts")], tmp_path)


@pytest.mark.parametrize(
    "place", ["/etc", "file:///etc", "file://{}/../x", "file://{}/link", "s3://bucket/x", "mlruns", "file://host{}", ""]
)
def test_any_other_place_is_refused_by_name(place: str, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("/etc")
    place = place.format(tmp_path)
    with pytest.raises(PermissionError, match="outside of") as refused:
        require_within([str(tmp_path), place], tmp_path)
    assert f"lie in {place}, outside of {tmp_path}" in str(refused.value)
