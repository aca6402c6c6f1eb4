"""Where the limits of this process's container stand."""

from __future__ import annotations

from pathlib import Path

import pytest

from ceas_ray.kernel.control_groups import group_folders, text_of


@pytest.mark.parametrize(("own", "folders"), [
    ("", []),
    ("0::/job/step\n", ["job/step", "job", "."]),
    ("3:cpu,cpuacct:/job\n", ["cpu/job", "cpu", "cpu,cpuacct/job", "cpu,cpuacct"]),
    ("4:memory:/job\n", []),
])  # fmt: skip
def test_the_groups_of_a_controller_and_their_parents_are_found(own: str, folders: list[str], tmp_path: Path) -> None:
    memberships = tmp_path / "memberships"
    memberships.write_text(own)
    assert list(group_folders("cpu", tmp_path, memberships)) == [tmp_path / folder for folder in folders]


def test_a_file_that_is_not_there_says_nothing(tmp_path: Path) -> None:
    assert text_of(tmp_path / "memory.max") == ""
