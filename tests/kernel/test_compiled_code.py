"""Code that Numba kept is taken again only while every module that went into it is unchanged, and never ends a run."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import numba
import pytest

from ceas_ray.kernel.compiled_code import BesideModule, InChosenFolder
from ceas_ray.kernel.imported_modules import PACKAGE
from ceas_ray.links.consumers import shots
from tests.small_disk import small_disk


def write(folder: Path, **modules: str) -> None:
    folder.mkdir(exist_ok=True)
    for name, source in modules.items():
        (folder / f"{name}.py").write_text(source)


def _twice(x: float) -> float:
    return 2 * x


def stamped(folder: Path) -> str:
    script = (
        "import sys; from pathlib import Path; from ceas_ray.kernel.compiled_code import stamp_with_imports;"
        "print(stamp_with_imports(Path(sys.argv[1]), Path(sys.argv[2])))"
    )
    words = [sys.executable, "-c", script, str(folder / "kernel.py"), str(folder)]
    return subprocess.run(words, capture_output=True, text=True, check=True).stdout


def test_a_change_in_a_module_that_is_imported_indirectly_changes_the_stamp_and_one_elsewhere_does_not(
    tmp_path: Path,
) -> None:
    package = tmp_path / "package"
    write(
        package,
        __init__="", constants="RATE = 1", physics="from package.constants import RATE\nimport numpy",
        kernel="from package import physics", elsewhere="x = 1",
    )  # fmt: skip
    before = stamped(package)
    write(package, elsewhere="x = 2")
    assert stamped(package) == before
    write(package, constants="RATE = 2")
    assert stamped(package) != before


def test_modules_that_import_each_other_have_a_stamp(tmp_path: Path) -> None:
    package = tmp_path / "package"
    write(package, __init__="", kernel="from package.other import b", other="from package.kernel import a")
    assert stamped(package)


def test_our_compiled_functions_are_stamped_with_their_imports_and_those_of_others_as_numba_does() -> None:
    assert isinstance(shots._serve_routes._cache._impl.locator, (BesideModule, InChosenFolder))
    theirs = numba.njit(cache=True)(_twice)
    assert not isinstance(theirs._cache._impl.locator, (BesideModule, InChosenFolder))


def test_every_module_of_the_package_compiles_with_the_njit_that_knows_its_imports() -> None:
    modules = {path: path.read_text(encoding="utf-8") for path in PACKAGE.rglob("*.py")}
    own = [path.name for path, source in modules.items() if re.search(r"numba\.njit|numba import .*\bnjit\b", source)]
    assert own == ["compiled_code.py"]
    assert sum("compiled_code import" in source for source in modules.values()) > 10


def doubled(folder: Path, kept: Path) -> subprocess.CompletedProcess[str]:
    """Call a compiled function in a process of its own, whose machine code is kept in a folder."""
    write(
        folder,
        double="from ceas_ray.kernel.compiled_code import njit\n@njit(cache=True)\ndef double(x):\n    return 2 * x\n"
        "print(double(21), *double.stats.cache_hits.values())",
    )
    words = [sys.executable, str(folder / "double.py")]
    return subprocess.run(words, capture_output=True, text=True, env=os.environ | {"NUMBA_CACHE_DIR": str(kept)})


@pytest.mark.parametrize("ending", ["nbi", "nbc"])
@pytest.mark.parametrize("left", [0, 100])
def test_kept_code_that_is_damaged_is_compiled_anew_and_kept_again(ending: str, left: int, tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    assert doubled(tmp_path, kept).stdout == "42\n"
    assert doubled(tmp_path, kept).stdout == "42 1\n"
    (damaged,) = kept.rglob(f"*.{ending}")
    damaged.write_bytes(damaged.read_bytes()[:left])
    for expected in ("42\n", "42 1\n"):
        done = doubled(tmp_path, kept)
        assert (done.stdout, done.stderr) == (expected, "")


@pytest.mark.skipif(os.getuid() != 0, reason="only root mounts a disk that is soon full")
def test_code_that_cannot_be_kept_is_said_once_and_runs(tmp_path: Path) -> None:
    with small_disk(tmp_path / "full", 4) as full:
        done = doubled(tmp_path, full)
    assert done.stdout == "42\n"
    assert re.fullmatch(r"warning: compiled code cannot be kept \(No space left on device\): .*\n", done.stderr)
