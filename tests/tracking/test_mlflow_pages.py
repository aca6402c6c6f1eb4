"""Addresses of MLflow's pages lead to training runs, and to the columns that matter here."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import create_engine, text

from ceas_ray.tracking.mlflow_pages import EXPERIMENT_TAGS, compare_page, run_page, runs_page

SERVER = "http://127.0.0.1:5000"


def store_with_runs(place: Path, tags: dict[str, str]) -> str:
    """Return the URI of a database that holds what matters of two runs: one of experiment 1, then one of 2."""
    engine = create_engine(uri := f"sqlite:///{place}")
    with engine.begin() as connection:
        connection.execute(text("create table runs (experiment_id integer, start_time integer)"))
        connection.execute(text("create table experiment_tags (experiment_id integer, key text, value text)"))
        connection.execute(text("insert into runs values (1, 10), (2, 20)"))
        for key, value in tags.items():
            added = text("insert into experiment_tags values (2, :key, :value)")
            connection.execute(added, {"key": key, "value": value})
    engine.dispose()
    return uri


def test_the_table_of_runs_is_that_of_the_newest_run(tmp_path: Path) -> None:
    page = runs_page(SERVER, store_with_runs(tmp_path / "new.db", EXPERIMENT_TAGS))
    assert page == f"{SERVER}/#/experiments/2/runs?viewStateShareKey=ceas_ray&workflowType=machine_learning"


def test_an_experiment_without_our_columns_is_shown_with_those_that_mlflow_chooses(tmp_path: Path) -> None:
    page = runs_page(SERVER, store_with_runs(tmp_path / "old.db", {}))
    assert page == f"{SERVER}/#/experiments/2/runs?workflowType=machine_learning"


def test_a_store_without_runs_is_shown_by_its_experiments(tmp_path: Path) -> None:
    page = runs_page(SERVER, f"sqlite:///{tmp_path}/empty.db")
    assert page == f"{SERVER}/#/experiments?workflowType=machine_learning"


def test_runs_have_pages_of_their_own_and_one_beside_each_other() -> None:
    assert run_page(SERVER, "1", "a") == f"{SERVER}/#/experiments/1/runs/a?workflowType=machine_learning"
    compared = compare_page(SERVER, "1", ["a", "b"])
    assert compared.startswith(f"{SERVER}/#/compare-runs?runs=%5B%22a%22%2C%22b%22%5D&experiments=%5B%221%22%5D&")
