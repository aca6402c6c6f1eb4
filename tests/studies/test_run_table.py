"""A table of runs is read as it was written, and answers in place of a laboratory."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ceas_ray.studies.headline.design import Run
from ceas_ray.studies.run_table import RunTable, number_or_none, truth

TABLE = RunTable(
    columns=("arm", "seed", "accuracy", "reached", "key"),
    read={"seed": int, "accuracy": number_or_none, "reached": truth},
    order=lambda result: (result["arm"], result["seed"]),
    place_of_result=lambda result: (result["arm"], result["seed"]),
    place_of_run=lambda run: (run.arm, run.seed),
)
FOUND: list[dict[str, Any]] = [
    {"arm": "mean", "seed": 2, "accuracy": None, "reached": False, "curve": "not in the table"},
    {"arm": "ceas", "seed": 10, "accuracy": 0.1 + 0.2, "reached": True},
    {"arm": "mean", "seed": 1, "accuracy": 0.5, "reached": True},
]


def run(arm: str, seed: int) -> Run:
    return Run(
        scenario="s", arm=arm, attack="none", strength=0.0, placement="random",
        learning_rate=0.1, seed=seed, overrides=(),
    )  # fmt: skip


@pytest.fixture
def written(tmp_path: Path) -> Path:
    """Return the table of the runs in a folder."""
    (tmp_path / "runs").mkdir()
    for number, result in enumerate(FOUND):
        (tmp_path / "runs" / f"key{number}.json").write_text(json.dumps(result))
    return TABLE.write(tmp_path)


def test_rows_are_in_order_and_every_number_comes_back_to_the_digit(written: Path) -> None:
    assert written.name == "runs.csv"
    results = TABLE.results(written)
    assert [(result["arm"], result["seed"]) for result in results] == [("ceas", 10), ("mean", 1), ("mean", 2)]
    assert results[0] == {"arm": "ceas", "seed": 10, "accuracy": 0.1 + 0.2, "reached": True, "key": "key1"}
    assert (results[2]["accuracy"], results[2]["reached"]) == (None, False)


def test_a_table_answers_with_the_results_of_runs_in_their_order_and_has_no_others(written: Path) -> None:
    recorded = TABLE.recorded(written)
    assert [result["key"] for result in recorded.results([run("mean", 1), run("ceas", 10)])] == ["key2", "key1"]
    with pytest.raises(KeyError):
        recorded.results([run("mean", 3)])


@pytest.mark.parametrize(("content", "complaint"), [
    ("arm,seed\nmean,1\n", "its columns must be arm,seed,accuracy,reached,key"),
    ("", "its columns must be"),
    ("arm,seed,accuracy,reached,key\nmean,one,0.5,True,k\n", "invalid literal"),
    ("arm,seed,accuracy,reached,key\nmean,1,0.5,maybe,k\n", "True or False, got 'maybe'"),
    ("arm,seed,accuracy,reached,key\nmean,1\n", "got None"),
])  # fmt: skip
def test_what_is_no_table_of_these_runs_is_refused(content: str, complaint: str, tmp_path: Path) -> None:
    (tmp_path / "runs.csv").write_text(content)
    with pytest.raises(ValueError, match=complaint):
        TABLE.results(tmp_path / "runs.csv")


def test_a_table_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="No such file"):
        TABLE.results(tmp_path / "runs.csv")
