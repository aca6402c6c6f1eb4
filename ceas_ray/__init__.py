"""ceas_ray: a parallel simulator of distributed quantum learning over a quantum internet.

`ceas_ray.run("attacks=alie", seed=3)` trains and returns a `Result`,
`ceas_ray.sweep("attacks=alie,mimic", seed=[1, 2])` makes a table of many runs. The command `ceas-ray` does both in a
shell. Names are imported when they are first used: to import the package costs next to nothing.
"""

from importlib import import_module
from pathlib import Path
from typing import Any

from ceas_ray.kernel.compiled_code_folder import keep_compiled_code

_MODULES = {
    "Result": "ceas_ray.runs.python_run",
    "RunFailed": "ceas_ray.runs.python_run",
    "SettingsError": "ceas_ray.config.errors",
    "run": "ceas_ray.runs.python_run",
    "sweep": "ceas_ray.runs.python_sweep",
    "watch": "ceas_ray.reports.live_view",
}
"""Where the public names live; `__init__.pyi` tells type checkers."""

__all__ = ["Result", "RunFailed", "SettingsError", "__version__", "run", "sweep", "watch"]

keep_compiled_code(Path(__file__).parent)


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version

        return version("ceas-ray")
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_MODULES[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
