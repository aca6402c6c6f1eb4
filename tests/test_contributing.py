"""The map of the house leads somewhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PLACES = re.findall(r"`((?:ceas_ray|tests|conf)/[\w/.]*)`", (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8"))


@pytest.mark.parametrize("place", sorted(set(PLACES)))
def test_every_place_on_the_map_is_there(place: str) -> None:
    assert (ROOT / place).exists()


def test_every_package_is_tested_in_a_folder_of_its_name() -> None:
    packages = {path.parent.name for path in ROOT.glob("ceas_ray/*/__init__.py")}
    assert packages - {path.name for path in ROOT.glob("tests/*") if path.is_dir()} == set()
