"""What a module is made of: all that it imports from its package."""

from __future__ import annotations

from pathlib import Path

import pytest

from ceas_ray.kernel.imported_modules import imported_modules


@pytest.fixture
def package(tmp_path: Path) -> Path:
    sources = {
        "__init__.py": "",
        "top.py": "import json\nfrom house.room import door\n",
        "room/__init__.py": "",
        "room/door.py": "def open():\n    if True:\n        from ..cellar import key\n        return key\n",
        "cellar.py": "key = 1\n",
        "attic.py": "import house.top\n",
    }
    for name, text in sources.items():
        path = tmp_path / "house" / name
        path.parent.mkdir(exist_ok=True, parents=True)
        path.write_text(text)
    return tmp_path / "house"


def test_all_that_a_module_imports_is_found_in_functions_and_by_relative_names_too(package: Path) -> None:
    found = imported_modules(["house.top"], package)
    assert sorted(found) == ["house", "house.cellar", "house.room", "house.room.door", "house.top"]
    assert found["house.room"] == package / "room" / "__init__.py"


def test_modules_of_other_packages_are_left_out(package: Path) -> None:
    assert imported_modules(["json"], package) == {}
