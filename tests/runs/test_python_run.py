"""Runs from Python: `ceas_ray.run` gives what the command gives, as tables and arrays; errors are exceptions."""

from __future__ import annotations

import ast
import json
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import ceas_ray
from ceas_ray.cli.run import main
from ceas_ray.config import policies
from ceas_ray.tracking.files import read_journal
from tests.small_worlds import SMALL

TINY = (*SMALL, "training.rounds=2")


def own_rule(wrong: str) -> tuple[str, ...]:
    target = "aggregation.rule._target_=tests.runs.own_policies.OwnRule"
    return "aggregation=mean", target, f"+aggregation.rule.wrong='{wrong}'"


def test_a_run_returns_what_its_folder_holds(tmp_path: Path) -> None:
    result = ceas_ray.run(*TINY, output=tmp_path / "run", seed=3)
    assert result.folder == tmp_path / "run"
    assert result.summary == json.loads((tmp_path / "run" / "summary.json").read_text())
    assert (result.summary["status"], result.summary["seed"]) == ("completed", 3)
    lines = [line for line in read_journal(tmp_path / "run" / "journal.jsonl") if line["event"] == "round"]
    assert result.rounds.index.tolist() == [0, 1]
    assert result.rounds["digest"].tolist() == [line["digest"] for line in lines]
    assert result.rounds["accuracy"].iloc[-1] == result.summary["test_accuracy"]
    with np.load(tmp_path / "run" / "model.npz") as file:
        assert result.model.tobytes() == file["parameters"].tobytes()


def test_a_result_shows_itself_in_a_line_and_in_a_notebook_as_the_table_of_the_command(tmp_path: Path) -> None:
    result = ceas_ray.run(*TINY, output=tmp_path / "a <b> & c")
    accuracy = f"{result.summary['test_accuracy']:.4g}"
    assert repr(result) == f"Result('{result.folder}': completed after 2 rounds, test accuracy {accuracy})"
    shown = result._repr_html_()
    assert f"<td>{result.summary['trace_digest']}</td>" in shown
    assert f"<th>test accuracy</th><td>{accuracy}</td>" in shown
    assert "None" not in shown


def test_a_run_from_python_is_the_run_of_the_command(tmp_path: Path) -> None:
    attacked = ("attacks=alie", "attacks.fraction=0.25", "aggregation.byzantine_fraction=0.25")
    assert main([*TINY, *attacked, "seed=5", f"output={tmp_path / 'command'}"]) == 0
    command = ceas_ray.Result.read(tmp_path / "command")
    byzantine = {"byzantine_fraction": 0.25}
    python = ceas_ray.run(
        *TINY, "attacks=alie", seed=5, attacks={"fraction": 0.25}, aggregation=byzantine, output=tmp_path / "python"
    )
    assert python.summary["trace_digest"] == command.summary["trace_digest"]
    assert python.model.tobytes() == command.model.tobytes()


def test_settings_by_name_are_choices_values_lists_and_mappings(tmp_path: Path) -> None:
    result = ceas_ray.run(
        *TINY, attacks="alie", stop={"wall_seconds": None}, timeline=True, output=tmp_path / "it's here",
        training={"data": {"name": "iris", "classes": [0, 2]}, "rounds": np.int64(1), "learning_rate": 1e-2},
        consensus={"crash": {"replicas": [0], "round": 0, "after_milliseconds": 0.2, "down_milliseconds": 2.0}},
    )  # fmt: skip
    settings = (result.folder / "settings.yaml").read_text()
    assert all(word in settings for word in ("name: iris", "down_milliseconds: 2.0", "learning_rate: 0.01", "ALittle"))
    assert (result.folder / "timeline.json").exists()
    assert len(result.rounds) == 1


@pytest.mark.parametrize(("settings", "line"), [
    ({"sed": 3}, r"sed must be a known key \(did you mean seed\?\)"),
    ({"seed": -1}, r"seed must be an integer in \[0, .*\], got -1"),
    ({"training": {"undo": "exact"}}, "training.undo must be named training.error_mitigation"),
    ({"dry_run": True}, "dry_run must be false for a run from Python"),
    ({"verify": "x"}, "verify must be null for a run from Python"),
    ({"experiment": "utilization"}, "study.name must be null for a training run"),
    ({"resume": "/nowhere"}, "resume: /nowhere is not the folder of a run"),
])  # fmt: skip
def test_bad_settings_are_refused_in_one_line_and_nothing_is_written(
    settings: dict[str, Any], line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ceas_ray.SettingsError, match=f"^{line}") as refused:
        ceas_ray.run(*TINY, **settings)
    assert "\n" not in str(refused.value)
    assert list(tmp_path.iterdir()) == []


def test_what_is_no_setting_is_a_type_error() -> None:
    with pytest.raises(TypeError, match="a setting is a number, a text, a list or a mapping, got object"):
        ceas_ray.run(seed=object())


@pytest.fixture
def _own_policies(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(policies, "registered_packages", lambda: ("ceas_ray", "tests"))


@pytest.mark.usefixtures("_own_policies")
def test_a_run_that_fails_raises_its_cause_and_leaves_its_folder(tmp_path: Path) -> None:
    with pytest.raises(ceas_ray.RunFailed, match="ZeroDivisionError") as failed:
        ceas_ray.run(*TINY, *own_rule("fails"), output=tmp_path / "run")
    assert failed.value.folder == tmp_path / "run"
    assert ceas_ray.Result.read(tmp_path / "run").summary["cause"] == failed.value.cause


@pytest.mark.usefixtures("_own_policies")
def test_an_interrupt_ends_the_run_in_order_and_is_raised(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        ceas_ray.run(*TINY, *own_rule("is interrupted"), output=tmp_path / "run")
    assert ceas_ray.Result.read(tmp_path / "run").summary["status"] == "interrupted"


@pytest.mark.slow
def test_a_stopped_run_is_resumed_to_the_same_end(tmp_path: Path) -> None:
    whole = ceas_ray.run(*TINY, output=tmp_path / "whole")
    stopped = ceas_ray.run(*TINY, output=tmp_path / "run", stop={"wall_seconds": 1e-6})
    assert (stopped.summary["status"], len(stopped.rounds)) == ("stopped", 1)
    resumed = ceas_ray.run(resume=stopped.folder, stop={"wall_seconds": None})
    assert (resumed.summary["status"], resumed.folder) == ("completed", stopped.folder)
    assert resumed.summary["trace_digest"] == whole.summary["trace_digest"]


@pytest.mark.slow
def test_runs_in_threads_are_what_each_is_alone_and_leave_signals_and_output_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    installed: list[Any] = []
    monkeypatch.setattr(signal, "signal", lambda *arguments: installed.append(arguments))

    def digest(name: str, seed: int) -> str:
        return str(ceas_ray.run(*TINY, output=tmp_path / name, seed=seed).summary["trace_digest"])

    alone = [digest(f"alone{seed}", seed) for seed in (1, 2)]
    with ThreadPoolExecutor(2) as pool:
        together = list(pool.map(lambda seed: digest(f"thread{seed}", seed), (1, 2)))
    assert together == alone
    assert installed == []
    assert capsys.readouterr().out == ""


def test_importing_the_package_imports_nothing_else_and_names_wait_until_they_are_used() -> None:
    code = "import sys, ceas_ray; print(*sorted({name.partition('.')[0] for name in sys.modules}))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"numpy", "pandas", "hydra", "ray", "mlflow", "qiskit", "numba"} & set(done.stdout.split())


def test_the_public_names_are_those_that_type_checkers_are_told() -> None:
    stub = ast.parse(Path(ceas_ray.__file__).with_suffix(".pyi").read_text())
    imported = [alias.asname for node in stub.body if isinstance(node, ast.ImportFrom) for alias in node.names]
    assert sorted([*imported, "__version__"]) == sorted(ceas_ray.__all__)
    assert all(name in dir(ceas_ray) and getattr(ceas_ray, name) for name in ceas_ray.__all__)
    with pytest.raises(AttributeError, match="module 'ceas_ray' has no attribute 'walk'"):
        ceas_ray.walk  # noqa: B018
