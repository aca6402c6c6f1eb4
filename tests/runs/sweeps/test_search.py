"""Searches: `hydra/sweeper=optuna` runs trials one after the other, keeps them in a study, and goes on with it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ceas_ray.cli.run import main
from ceas_ray.runs.sweeps import workers
from ceas_ray.runs.sweeps.objectives import NAMES
from ceas_ray.runs.sweeps.work import JobEnd, Parcel, run_job
from ceas_ray.tracking.files import read_journal
from tests.runs.sweeps.sweep_folder import RULE, rows
from tests.small_worlds import SMALL

LINE = [
    "-m", *(word for word in SMALL if not word.startswith("training.rounds")), "training.rounds=1",
    "hydra/sweeper=optuna", "training.learning_rate=tag(log,interval(0.01,1))",
]  # fmt: skip


pytestmark = pytest.mark.usefixtures("working_folder")


def trials_of(folder: Path) -> list[tuple[str, str]]:
    return [(row["training.learning_rate"], row["trace_digest"]) for row in rows(folder)]


@pytest.mark.slow
def test_an_interrupted_search_goes_on_and_has_the_trials_of_one_that_was_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    done: list[Path] = []

    def interrupted_at_the_third(parcel: Parcel, here: bool) -> JobEnd:
        done.append(parcel.folder)
        return JobEnd("interrupted", "") if len(done) == 3 else run_job(parcel, here)

    monkeypatch.setattr(workers, "run_job", interrupted_at_the_third)
    line = [*LINE, "scheduling=mdp,oblivious"]
    assert main([*line, "hydra.sweeper.trials=4"]) == 130
    (folder,) = (tmp_path / "outputs").iterdir()
    assert [row["status"] for row in rows(folder)] == ["completed", "completed", "not begun"]
    assert main([*line, "hydra.sweeper.trials=4"]) == 0
    assert [path.name for path in done] == ["0", "1", "2", "2", "3"]
    assert main([*line, "hydra.sweeper.trials=5"]) == 0
    assert done[-1] == folder / "4" and len(done) == 6, "a larger total goes on with a search that was finished"
    assert [path.name for path in (tmp_path / "outputs").iterdir()] == [folder.name]
    assert (folder / "multirun.yaml").exists()

    assert main([*line, "hydra.sweeper.trials=5", "output=at_once"]) == 0
    assert trials_of(tmp_path / "at_once") == trials_of(folder)
    accuracies = [float(row["test_accuracy"]) for row in rows(folder)]
    assert [row["best"] == "best" for row in rows(folder)] == [found == max(accuracies) for found in accuracies]
    capsys.readouterr()
    assert main([*line, "hydra.sweeper.trials=5", "output=at_once"]) == 2
    assert "a folder without a finished sweep in it" in capsys.readouterr().err


@pytest.mark.slow
def test_two_objectives_mark_every_trial_that_no_other_one_surpasses(tmp_path: Path) -> None:
    line = [
        *LINE, "hydra.sweeper.trials=3", "hydra.sweeper.objective=test_accuracy,bell_pairs.generated",
        "hydra.sweeper.direction=maximize,minimize", "entanglement.warm_up_tests=int(interval(40,80))", "output=both",
    ]  # fmt: skip
    assert main(line) == 0
    found = [(float(row["test_accuracy"]), float(row["bell_pairs.generated"])) for row in rows(tmp_path / "both")]
    surpassed = [
        any(a >= accuracy and p <= pairs and (a, p) != (accuracy, pairs) for a, p in found) for accuracy, pairs in found
    ]
    assert [row["best"] != "best" for row in rows(tmp_path / "both")] == surpassed
    assert len({pairs for _, pairs in found}) > 1

    summary = json.loads((tmp_path / "both" / "0" / "summary.json").read_text())
    assert set(NAMES) <= set(dotted(summary)), "every name that is offered is in a summary"


def dotted(values: dict[str, object], prefix: str = "") -> list[str]:
    return [
        name
        for key, value in values.items()
        for name in (dotted(value, f"{prefix}{key}.") if isinstance(value, dict) else [f"{prefix}{key}"])
    ]


@pytest.mark.slow
def test_a_trial_that_fails_is_listed_the_others_run_and_it_counts(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "failing_rule_of_a_search.py").write_text(RULE)
    line = [
        *LINE, "aggregation=mean", "aggregation.rule._target_=failing_rule_of_a_search.Mine",
        "+aggregation.rule.fails=false,true", "hydra.sweeper.sampler=random", "hydra.sweeper.seed=2",
        "output=some_fail",
    ]  # fmt: skip
    assert main([*line, "hydra.sweeper.trials=4"]) == 1
    found = rows(tmp_path / "some_fail")
    assert [row["status"] for row in found] == [
        "failed" if row["aggregation.rule.fails"] == "True" else "completed" for row in found
    ]
    assert {row["status"] for row in found} == {"failed", "completed"}
    said = capsys.readouterr()
    assert "aggregation.rule.fails=True: failed: " in said.err and "RuntimeError" in said.err
    assert main([*line, "hydra.sweeper.trials=5"]) == 1
    assert [row["status"] for row in rows(tmp_path / "some_fail")][:4] == [row["status"] for row in found]
    lines = read_journal(tmp_path / "some_fail" / "sweep.jsonl")
    assert [line["number"] for line in lines if line["event"] == "job"] == [0, 1, 2, 3, 4]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["hydra.sweeper.objective=test_acuracy"], "did you mean test_accuracy?"),
        (["hydra.sweeper.trails=3"], "did you mean hydra.sweeper.trials?"),
        (["hydra.sweeper.trials=0"], "hydra.sweeper.trials must be an integer from 1 to 10000, got 0"),
        (["hydra/launcher=basic"], "hydra/launcher must be ray with hydra/sweeper=optuna, got 'basic'"),
        (["training.momentum=interval(0,3)"], "training.momentum"),
        (["scheduling=mdp,oblivius"], "oblivious"),
        (["runtime=ray", "hydra.sweeper.sampler=tpee"], "hydra.sweeper.sampler must be one of tpe, nsga2, random"),
        (["dry_run=true"], "hydra/sweeper must be grid where nothing is to be searched for"),
    ],
)
def test_what_is_wrong_is_said_in_a_line_before_anything_runs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], words: list[str], message: str
) -> None:
    assert main([*LINE, *words]) == 2
    said = capsys.readouterr().err.strip()
    assert message in said and len(said.splitlines()) == 1
    assert list(tmp_path.iterdir()) == []
