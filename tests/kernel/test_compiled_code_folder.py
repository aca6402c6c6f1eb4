"""Compiled code finds a place, also where the installation and the home cannot be written."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from ceas_ray.kernel import compiled_code_folder as module
from ceas_ray.kernel.compiled_code_folder import compiled_code_folder


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package that cannot be written, with a home that can."""
    (tmp_path / "package" / "quantum").mkdir(parents=True)
    home = tmp_path / "home"
    monkeypatch.setenv("XDG_CACHE_HOME", str(home))
    monkeypatch.setattr(module, "_can_write", lambda folder: folder.is_relative_to(home))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path / "package"


def test_an_installation_that_can_be_written_keeps_its_own(tmp_path: Path) -> None:
    (tmp_path / "quantum").mkdir()
    assert compiled_code_folder(tmp_path) is None


def test_it_goes_to_the_user_s_cache(package: Path, tmp_path: Path) -> None:
    assert compiled_code_folder(package) == str(tmp_path / "home" / "ceas_ray" / "numba")


def test_without_a_home_it_goes_to_one_temporary_folder_of_this_user_alone(
    package: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", "/proc/nohome")
    chosen = compiled_code_folder(package)
    assert chosen is not None and Path(chosen).parent == tmp_path
    assert compiled_code_folder(package) == chosen
    os.chmod(chosen, 0o777)  # whoever can write there could have us run their code
    fresh = compiled_code_folder(package)
    assert fresh is not None and fresh != chosen and Path(fresh).is_dir()


def test_whoever_imports_the_package_has_it(tmp_path: Path) -> None:
    """Ray's workers on other machines and notebooks, not commands alone."""
    program = (
        "import os; os.access = lambda *asked: False\n"
        "import sys, ceas_ray; print(os.environ['NUMBA_CACHE_DIR'], 'numba' in sys.modules)"
    )
    environment = os.environ | {"TMPDIR": str(tmp_path), "XDG_CACHE_HOME": "/proc/nohome"}
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env=environment)
    assert done.stdout.split() == [str(tmp_path / f"ceas_ray_numba_{os.getuid()}"), "False"], done.stderr
