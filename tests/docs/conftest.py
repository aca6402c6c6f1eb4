"""The package as its users have it: a wheel in an environment of its own."""

from __future__ import annotations

import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

import ceas_ray
from tests.docs.snippets import ROOT


@pytest.fixture(scope="session")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of an environment with the wheel of this checkout; its dependencies are those of the tests."""
    folder = tmp_path_factory.mktemp("environment")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
    (wheel,) = folder.glob("*.whl")
    install = [sys.executable, "-m", "pip", "--python", str(folder / "bin" / "python"), "install"]
    subprocess.run([*install, "--quiet", "--no-deps", "--no-index", str(wheel)], check=True)
    (packages,) = folder.glob("lib/python*/site-packages")
    (packages / "dependencies.pth").write_text(sysconfig.get_path("purelib"))
    keep_compiled_code(Path(ceas_ray.__file__).parent, packages / "ceas_ray")
    return folder


def keep_compiled_code(source: Path, installed: Path) -> None:
    """Give the installed modules what the same ones of the checkout were compiled to, which saves the time."""
    for path in source.rglob("*.nb[ic]"):
        place = installed / path.relative_to(source)
        place.parent.mkdir(exist_ok=True)
        shutil.copy2(path, place)
    for path in installed.rglob("*.py"):
        shutil.copystat(source / path.relative_to(installed), path)
