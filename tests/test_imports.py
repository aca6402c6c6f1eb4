"""What is imported when: a small run needs no large library, and the core needs none at all."""

from __future__ import annotations

import json
import pkgutil
import subprocess
import sys
import textwrap
from pathlib import Path

import ceas_ray
from tests.small_worlds import SMALL

LARGE = ("ray", "mlflow", "qiskit", "qiskit_aer")
CORE = (
    "kernel", "messages", "quantum", "network", "aggregation", "attacks", "scheduling", "distribution", "consensus",
    "links", "entanglement", "processors", "training",
)  # fmt: skip
"""Every package below the runtime."""
ABOVE_THE_CORE = ("runtime", "tracking", "reports", "config", "world", "runs", "studies", "bench", "cli")


def without(libraries: tuple[str, ...], code: str) -> subprocess.CompletedProcess[str]:
    """Run code in a fresh process in which these libraries cannot be imported."""
    blocked = f"""
    import sys
    class Blocked:
        def find_spec(self, name, path=None, target=None):
            if name.partition(".")[0] in {libraries!r}:
                raise ImportError(f"{{name}} is not to be imported here")
    sys.meta_path.insert(0, Blocked())
    """
    program = textwrap.dedent(blocked) + textwrap.dedent(code)
    return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=300)


def test_a_local_run_into_a_folder_needs_neither_ray_nor_mlflow_nor_qiskit(tmp_path: Path) -> None:
    words = [*SMALL, "training.rounds=1", f"output={tmp_path / 'run'}"]
    done = without(LARGE, f"from ceas_ray.cli.run import main\nsys.exit(main({words!r}))")
    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, str(tmp_path / "run" / "summary.json")), done.stderr
    assert json.loads((tmp_path / "run" / "summary.json").read_text())["status"] == "completed"
    assert (tmp_path / "run" / "model.qasm").read_text().startswith("OPENQASM 3.0;")


def test_commands_are_imported_without_ray_mlflow_and_qiskit() -> None:
    commands = ("run", "reproduce", "explore", "bench", "audit")
    done = without(LARGE, "\n".join(f"import ceas_ray.cli.{command}" for command in commands))
    assert done.returncode == 0, done.stderr


def test_the_command_that_runs_imports_what_takes_long_only_where_it_is_used() -> None:
    slow = ("scipy.stats", "scipy.optimize", "sqlalchemy", "sklearn", "pandas", "rustworkx.visualization", "matplotlib")
    code = f"import sys, ceas_ray.cli.run\nprint([name for name in {slow!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=300)
    assert done.stdout.strip() == "[]", done.stdout + done.stderr


def test_the_core_is_imported_without_ray_mlflow_hydra_and_qiskit() -> None:
    root = Path(ceas_ray.__file__).parent
    assert {path.parent.name for path in root.glob("*/__init__.py")} == {*CORE, *ABOVE_THE_CORE}
    names = [
        module.name
        for package in CORE
        for module in pkgutil.walk_packages([str(root / package)], f"ceas_ray.{package}.")
    ]
    assert {name.split(".")[1] for name in names} == set(CORE)
    done = without((*LARGE, "hydra", "omegaconf", "rich"), "\n".join(f"import {name}" for name in names))
    assert done.returncode == 0, done.stderr


def test_to_import_the_package_loads_python_s_own_modules_alone() -> None:
    code = "before = set(sys.modules)\nimport ceas_ray\nprint(*sorted(set(sys.modules) - before))"
    found = {name.partition(".")[0] for name in without((), code).stdout.split()}
    assert "ceas_ray" in found
    assert found - {"ceas_ray"} <= set(sys.stdlib_module_names)
