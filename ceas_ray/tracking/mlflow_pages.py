"""Addresses of MLflow's pages, in its view of training runs: it opens in the one for language models otherwise."""

from __future__ import annotations

import json
from collections.abc import Sequence
from urllib.parse import quote

NOTE = "mlflow.note.content"
"""The tag that holds what a page says of a run or of a model, in Markdown."""
_TRAINING_RUNS = "workflowType=machine_learning"
_VIEW = "ceas_ray"
_VIEW_TAG = f"mlflow.sharedViewState.{_VIEW}"
_METRICS = ("test_accuracy", "bell_pair_utilization", "demand_on_time", "simulated_seconds")
_PARAMS = ("attacks", "attacks.fraction", "aggregation", "scheduling", "seed")
_COLUMNS = (
    "attributes.`Created`", *(f"metrics.`{name}`" for name in _METRICS), *(f"params.`{name}`" for name in _PARAMS),
)  # fmt: skip
_NEWEST_FIRST = {"orderByKey": "attributes.`start_time`", "orderByAsc": False}
"""MLflow folds the runs of a sweep into one row while it sorts by its own key, which is this one without quotes."""
EXPERIMENT_TAGS = {
    "mlflow.experimentKind": "custom_model_development",
    _VIEW_TAG: json.dumps({"selectedColumns": _COLUMNS, **_NEWEST_FIRST}),
}
"""Tags of an experiment: what it is for, and the columns and order of the table of its runs that `runs_page` opens."""


def run_page(server: str, experiment: str, run_id: str) -> str:
    """Return the address of a run's own page."""
    return f"{server}/#/experiments/{experiment}/runs/{run_id}?{_TRAINING_RUNS}"


def compare_page(server: str, experiment: str, run_ids: Sequence[str]) -> str:
    """Return the address of the page that shows runs of one experiment beside each other."""
    runs, experiments = (quote(json.dumps(found, separators=(",", ":"))) for found in (list(run_ids), [experiment]))
    return f"{server}/#/compare-runs?runs={runs}&experiments={experiments}&{_TRAINING_RUNS}"


def runs_page(server: str, uri: str) -> str:
    """Return the address of the table of runs of the experiment that the newest run belongs to.

    uri: of the database that the server shows. Where it has no run, or cannot be read, it is the list of experiments.
    """
    from sqlalchemy import create_engine, text  # here: it takes long to import
    from sqlalchemy.exc import SQLAlchemyError

    engine = create_engine(uri)
    try:
        with engine.connect() as connection:
            newest = text("select experiment_id from runs order by start_time desc limit 1")
            experiment = connection.execute(newest).scalar()
            tagged = text("select count(*) from experiment_tags where experiment_id = :experiment and key = :key")
            has_view = connection.execute(tagged, {"experiment": experiment, "key": _VIEW_TAG}).scalar()
    except SQLAlchemyError:
        experiment = has_view = None
    finally:
        engine.dispose()
    if experiment is None:
        return f"{server}/#/experiments?{_TRAINING_RUNS}"
    view = f"viewStateShareKey={_VIEW}&" if has_view else ""
    return f"{server}/#/experiments/{experiment}/runs?{view}{_TRAINING_RUNS}"
