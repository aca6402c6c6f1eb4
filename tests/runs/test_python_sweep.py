"""A sweep from Python: every combination once, one table, errors as exceptions."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import ceas_ray
from ceas_ray.config import policies
from tests.small_worlds import SMALL

TINY = (*(word for word in SMALL if not word.startswith(("training.rounds", "quiet"))), "training.rounds=1")


@pytest.fixture(autouse=True)
def working_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.slow
def test_lists_are_values_to_try_and_every_run_is_a_row(capsys: pytest.CaptureFixture[str]) -> None:
    table = ceas_ray.sweep(*TINY, "scheduling=mdp,oblivious", seed=[1, 2], output="swept")
    assert table[["scheduling", "seed"]].values.tolist() == [["mdp", 1], ["mdp", 2], ["oblivious", 1], ["oblivious", 2]]
    assert set(table["status"]) == {"completed"}
    result = ceas_ray.Result.read(table["folder"][3])
    assert result.summary["bell_pairs"]["generated"] == table["bell_pairs.generated"][3]
    assert result.summary["trace_digest"] == table["trace_digest"][3]
    assert capsys.readouterr().out == ""


def test_bad_settings_are_refused_before_anything_runs(tmp_path: Path) -> None:
    with pytest.raises(ceas_ray.SettingsError, match=r"^seed must be an integer in \[0"):
        ceas_ray.sweep(*TINY, seed=[1, -1])
    with pytest.raises(ceas_ray.SettingsError, match=r"^resume must be null in a sweep"):
        ceas_ray.sweep(*TINY, seed=[1, 2], resume="x")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_sweeps_run_in_threads_and_a_run_that_fails_is_a_row(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(policies, "registered_packages", lambda: ("ceas_ray", "tests"))
    rule = ("aggregation=mean", "aggregation.rule._target_=tests.runs.own_policies.OwnRule")

    def swept(wrong: str) -> Any:
        return ceas_ray.sweep(*TINY, *rule, f"+aggregation.rule.wrong={wrong}", output=f"in_{wrong.partition(',')[0]}")

    with ThreadPoolExecutor(2) as pool:
        good, bad = pool.map(swept, ("nothing,fails", "fails,nothing"))
    assert good["status"].tolist() == ["completed", "failed"] and bad["status"].tolist() == ["failed", "completed"]
    assert good["trace_digest"][0] == bad["trace_digest"][1]


def test_a_result_has_figures_a_report_and_predictions(tmp_path: Path) -> None:
    result = ceas_ray.run(*TINY, output="run")
    figure = result.figure("pairs")
    assert {bar.name for bar in figure.data} >= {"used: training", "used: keys"}
    with pytest.raises(ValueError, match=r"a figure must be one of accuracy_over_rounds, .*, got 'pears'"):
        result.figure("pears")
    files = result.report(tmp_path / "report", formats=("html", "csv"))
    assert [file.name for file in files] == ["report.html", "runs.csv"] and all(file.exists() for file in files)
    with pytest.raises(ValueError, match="formats must be any of html"):
        result.report(formats=("doc",))
    from sklearn.datasets import load_digits

    features = load_digits().data
    assert set(result.predict(features)) <= {"3", "8"}
    with pytest.raises(ValueError, match=r"features must have shape \(samples, 64\)"):
        result.predict(np.zeros((2, 3)))
