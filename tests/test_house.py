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
    "links/simulate_route.py simulate_route": "the one call by which all parts of the engine are set up",
    "quantum/pauli_kernels.py reverse_mode": "a forward and a backward pass over the same buffers, compiled",
    "quantum/state_vector_kernels.py reverse_mode": "a forward and a backward pass over the same buffers, compiled",
}
MIRRORED = (
    "aggregation", "attacks", "bench", "cli", "config", "consensus", "consensus/exploration",
    "consensus/exploration/planted", "consensus/faults", "distribution", "entanglement", "kernel", "links",
    "links/consumers", "links/engine", "messages", "network", "processors", "quantum", "reports", "runs", "runs/sweeps",
    "runtime", "runtime/ray_runtime", "scheduling", "studies", "studies/awareness", "studies/headline", "studies/rules",
    "studies/systems", "studies/utilization", "tracking", "training", "world",
)  # fmt: skip
"""Packages whose modules have a test file each, or are named in `TESTED_BY` by the one that tests them."""
TESTED_BY = {
    "aggregation/test_aggregator.py": "evidence",
    "attacks/test_backdoor.py": "world/backdoor",
    "attacks/test_checked_announcer.py": "announcements",
    "attacks/test_worlds.py": "messages/attack_payloads world/control",
    "bench/test_aggregation.py": "aggregation_peers",
    "bench/test_kernel.py": "kernel_peers phold",
    "bench/test_speed.py": "command_options default_round round_parts scale start tracking cli/bench",
    "cli/test_distribute.py": "distribution/network_file reports/distributed_circuit",
    "cli/test_hydra_application.py": "config/application config/command_line",
    "config/test_conf.py": "conf_path",
    "config/test_schema.py": "policies setting_types validation",
    "consensus/exploration/planted/test_catalogue.py": "comparison corners hunt inputs lagging links voting",
    "consensus/exploration/test_abstract_model.py": "abstract_rules abstract_states",
    "consensus/exploration/test_campaign.py": "environment explored_code round_invariants spawned_pool "
    "voting_invariants voting_scenario",
    "consensus/exploration/test_chart.py": "record",
    "consensus/exploration/test_guided_search.py": "abstract_views",
    "consensus/exploration/test_replica_scenario.py": "participants",
    "consensus/exploration/test_replica_setting.py": "adversary bold_replica channels disturbances "
    "omniscient_adversary replica_lies round_divider",
    "consensus/faults/test_poisoning_replica.py": "distorting_replica",
    "consensus/test_known_outcomes.py": "agreement agreement_state replica",
    "consensus/test_tetrabft.py": "committee timers voting_state",
    "distribution/test_program.py": "distribution fewest_gates_distributor schedule search search_state "
    "static_distributor",
    "entanglement/test_pair_ledger.py": "messages/pair_books",
    "kernel/test_windows.py": "window_reply",
    "links/consumers/test_deliveries.py": "bench/entanglement",
    "links/consumers/test_shots.py": "shot_demand",
    "links/engine/test_advance.py": "attempts births operations records segments state",
    "messages/test_frames.py": "consensus_payloads",
    "processors/test_gradient_work.py": "gradient_records",
    "quantum/test_bell_states.py": "pair_physics",
    "quantum/test_circuit_import.py": "gate_openqasm",
    "quantum/test_gate_engine.py": "angle_terms circuit_values gate_circuit gate_kernels gate_state_vectors "
    "gate_tables",
    "quantum/test_gate_steps.py": "lanes",
    "quantum/test_pauli_engine.py": "pauli_kernels pauli_maps pauli_tiles",
    "quantum/test_state_vector_engine.py": "state_vector_kernels",
    "reports/test_report.py": "comparison_table file_names matplotlib_charts page plotly_charts "
    "run_charts run_files cli/report",
    "runs/test_detection.py": "world/observed_aggregation",
    "runs/test_forecast.py": "dry_run machine_speed world/round_demand",
    "runs/test_mlflow_process.py": "mlflow_served",
    "runs/test_mlflow_run.py": "mlflow_copy tracking/console tracking/logged_model tracking/mlflow_model",
    "runs/test_planted_folders.py": "confirmed_places",
    "runs/test_provenance.py": "run world/inputs",
    "runs/sweeps/test_sweep.py": "report",
    "runs/sweeps/test_sweep_on_ray.py": "runtime/ray_tasks runtime/ray_runtime/job_tasks",
    "runtime/test_faults.py": "runtime/ray_runtime/hosts runtime/ray_runtime/watch",
    "runtime/test_lost_clusters.py": "runtime/ray_runtime/own_node",
    "runtime/test_recovery.py": "failure local_runtime",
    "runtime/test_warm_processes.py": "forked_worker",
    "runs/sweeps/test_workers.py": "processes",
    "runtime/ray_runtime/test_ray_runtime.py": "cluster connection shells",
    "runtime/ray_runtime/test_wrong_service.py": "access",
    "runs/test_object_stores.py": "tracking/store_lock",
    "scheduling/test_schedulers.py": "scheduler",
    "distribution/test_shared_gates.py": "quantum/gate_shared_steps quantum/gate_sharing",
    "studies/awareness/test_awareness.py": "design experiment level_runs report",
    "studies/awareness/test_recorded_results.py": "recorded_runs",
    "studies/headline/test_reproduce.py": "design experiment training_runs cli/reproduce studies/reproduction",
    "studies/headline/test_statistics.py": "report",
    "studies/rules/test_recorded_results.py": "recorded_runs",
    "studies/rules/test_statistics.py": "studies/stages",
    "studies/rules/test_rules.py": "design experiment report",
    "studies/systems/test_recorded_results.py": "recorded_runs",
    "studies/systems/test_systems.py": "design experiment report system_runs",
    "studies/utilization/test_timetable.py": "outputs regimes",
    "tracking/test_mlflow_tracker.py": "tracked_run",
    "tracking/test_stores.py": "snapshots",
    "world/test_builder.py": "blueprint links model network processors world",
    "world/test_checks.py": "run_size",
}
"""Modules that several parts share or that only work together, by the test that fails where they are wrong; those of
another package than the test's with its name."""
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
    assert long == {*LONG_FILES}


def test_a_function_has_at_most_40_lines() -> None:
    """Counted from its `def` to its end, with its docstring."""
    long = {name for name, node, _ in functions() if (node.end_lineno or 0) - node.lineno >= MAX_FUNCTION_LINES}
    assert long == {*LONG_FUNCTIONS}


def test_a_function_has_at_most_8_arguments() -> None:
    many = {name for name, node, _ in functions() if positional(node) + len(node.args.kwonlyargs) > MAX_ARGUMENTS}
    assert many == set()


def test_beyond_four_arguments_are_named_where_they_are_given() -> None:
    """Compiled functions aside, which take them by their places alone."""
    unnamed = {name for name, node, compiled in functions() if not compiled and positional(node) > MAX_POSITIONAL}
    assert unnamed == set()


def test_each_package_has_its_tests_in_a_folder_of_the_same_name() -> None:
    packages = {path.parent.relative_to(PACKAGE) for path in PACKAGE.rglob("*.py")}
    without = {package for package in packages if not any((TESTS / package).rglob("test_*.py"))}
    assert without == set()


def test_the_test_of_a_module_is_found_by_its_path() -> None:
    """Of `pair_ledger.py` it is `test_pair_ledger.py`, in the folder of the same name; `TESTED_BY` names exceptions."""
    modules = {path.relative_to(PACKAGE) for name in MIRRORED for path in (PACKAGE / name).glob("[!_]*.py")}
    without = {module for module in modules if not (TESTS / module.parent / f"test_{module.name}").exists()}
    named = {
        Path(f"{name}.py") if "/" in name else Path(test).parent / f"{name}.py"
        for test, names in TESTED_BY.items()
        for name in names.split()
    }
    assert without == named
    assert [test for test in TESTED_BY if not (TESTS / test).exists()] == []


def _reads_the_clock(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and ast.unparse(node.func) in ("time.time", "datetime.now")


def _of(node: ast.AST) -> list[ast.expr]:
    """What is compared, added or subtracted."""
    if isinstance(node, ast.Compare):
        return [node.left, *node.comparators]
    return [node.left, node.right] if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Sub) else []


def test_nothing_waits_or_measures_by_a_clock_that_can_be_set() -> None:
    """The time of day is noted, never compared, added or subtracted: deadlines use `time.monotonic`."""
    texts = {path: path.read_text() for path in sorted(PACKAGE.rglob("*.py")) if path.parent.name != "bench"}
    found = [
        f"{path.relative_to(PACKAGE)}: {ast.unparse(node)}"
        for path, text in texts.items()
        if "time.time()" in text or "datetime.now(" in text
        for node in ast.walk(ast.parse(text))
        if any(map(_reads_the_clock, _of(node)))
    ]
    assert found == []
