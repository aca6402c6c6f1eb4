"""The shape of the house: files and functions that one can hold in one's head, many arguments by their names, and tests
where one looks for them.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

PACKAGE = Path(__file__).parents[1] / "ceas_ray"
TESTS = Path(__file__).parent
MAX_LINES, MAX_FUNCTION_LINES, MAX_ARGUMENTS, MAX_POSITIONAL = 400, 40, 8, 4

LONG_FILES: dict[str, str] = {}
LONG_FUNCTIONS = {
    "kernel/host.py step": "one window, whose loop every event of a simulation passes",
    "links/simulate_route.py simulate_route": "the one call by which all parts of the engine are set up",
    "quantum/pauli_kernels.py reverse_mode": "a forward and a backward pass over the same buffers, compiled",
    "quantum/state_vector_kernels.py reverse_mode": "a forward and a backward pass over the same buffers, compiled",
    "runs/cluster.py cluster_of": "what a cluster needs from its start to its end, in that order",
}
MANY_ARGUMENTS = {
    "links/consumers/shared_shots.py _ask": "compiled, and called from one place",
}
MANY_POSITIONAL = {
    "distribution/packed_distributor.py _annealed": "an entry of compiled code, called from one place",
    "links/consumers/shared_shots.py serve_shared_shots": "an entry of compiled code",
}
MIRRORED = (
    "aggregation", "attacks", "consensus", "consensus/faults", "entanglement", "kernel", "network", "runs",
    "runs/sweeps", "scheduling",
)  # fmt: skip
"""Packages whose modules have a test file each, or are named in `TESTED_BY` by the one that tests them."""
TESTED_BY = {
    "aggregation/test_aggregator.py": "evidence uniform_weights",
    "aggregation/test_effective_weights.py": "column_shares",
    "aggregation/test_references.py": "krum mean median multi_krum nearest_neighbor_mixing trimmed_mean "
    "weighted_geometric_median weighted_mean weighted_median weighted_nearest_neighbor_mixing weighted_trimmed_mean",
    "aggregation/test_rules.py": "divide_and_conquer",
    "aggregation/test_spectral_filter.py": "honest_noise",
    "attacks/test_checked_announcer.py": "announcements",
    "consensus/faults/test_poisoning_replica.py": "distorting_replica",
    "consensus/test_known_outcomes.py": "agreement agreement_state replica",
    "consensus/test_tetrabft.py": "committee timers voting_state",
    "kernel/test_windows.py": "window_reply",
    "runs/test_forecast.py": "dry_run machine_speed",
    "runs/test_limits.py": "training_run",
    "runs/test_mlflow_run.py": "mlflow_copy",
    "runs/test_planted_folders.py": "confirmed_places",
    "runs/test_provenance.py": "run",
    "runs/sweeps/test_sweep.py": "report",
    "scheduling/test_schedulers.py": "measures oblivious on_demand scheduler two_level",
}
COMPILED = ("njit", "compiled", "inlined", "_formula", "intrinsic")


def sources() -> Iterator[tuple[str, str]]:
    """Return each module's path and text."""
    for path in sorted(PACKAGE.rglob("*.py")):
        yield path.relative_to(PACKAGE).as_posix(), path.read_text()


def functions() -> Iterator[tuple[str, ast.FunctionDef, bool]]:
    """Return each function with its file and name, and whether it is compiled."""
    for path, text in sources():
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef):
                decorators = " ".join(map(ast.unparse, node.decorator_list))
                yield f"{path} {node.name}", node, any(word in decorators for word in COMPILED)


def positional(function: ast.FunctionDef) -> int:
    """Return how many arguments may be given by their place, without `self` and `cls`."""
    names = [argument.arg for argument in (*function.args.posonlyargs, *function.args.args)]
    return len([name for name in names if name not in ("self", "cls")])


def test_a_file_has_at_most_400_lines() -> None:
    long = {path for path, text in sources() if len(text.splitlines()) > MAX_LINES}
    assert long <= {*LONG_FILES}


def test_a_function_has_at_most_40_lines() -> None:
    """Counted from its `def` to its end, with its docstring."""
    long = {name for name, node, _ in functions() if (node.end_lineno or 0) - node.lineno >= MAX_FUNCTION_LINES}
    assert long <= {*LONG_FUNCTIONS}


def test_a_function_has_at_most_8_arguments() -> None:
    many = {name for name, node, _ in functions() if positional(node) + len(node.args.kwonlyargs) > MAX_ARGUMENTS}
    assert many <= {*MANY_ARGUMENTS}


def test_beyond_four_arguments_are_named_where_they_are_given() -> None:
    """Compiled functions aside, which take them by their places alone."""
    unnamed = {name for name, node, compiled in functions() if not compiled and positional(node) > MAX_POSITIONAL}
    assert unnamed <= {*MANY_POSITIONAL}


def test_each_package_has_its_tests_in_a_folder_of_the_same_name() -> None:
    packages = {path.parent.relative_to(PACKAGE) for path in PACKAGE.rglob("*.py")}
    without = {package for package in packages if not any((TESTS / package).rglob("test_*.py"))}
    assert without == set()


def test_the_test_of_a_module_is_found_by_its_path() -> None:
    """Of `pair_ledger.py` it is `test_pair_ledger.py`, in the folder of the same name; `TESTED_BY` names exceptions."""
    modules = {path.relative_to(PACKAGE) for name in MIRRORED for path in (PACKAGE / name).glob("[!_]*.py")}
    without = {module for module in modules if not (TESTS / module.parent / f"test_{module.name}").exists()}
    named = {Path(test).parent / f"{name}.py" for test, names in TESTED_BY.items() for name in names.split()}
    assert without == named
    assert [test for test in TESTED_BY if not (TESTS / test).exists()] == []
