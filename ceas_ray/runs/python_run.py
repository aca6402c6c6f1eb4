"""A training run from Python, and its result as tables and arrays."""

from __future__ import annotations

import json
import os
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from threadpoolctl import threadpool_limits

from ceas_ray.config.command_line import hydra_text, key_named_by
from ceas_ray.config.composition import composed
from ceas_ray.config.errors import SettingsError
from ceas_ray.reports.numbers import readable
from ceas_ray.reports.run_files import rounds_of
from ceas_ray.runs.ending import figures_of, title_of
from ceas_ray.runs.environment import with_environment
from ceas_ray.runs.resume import config_of_run
from ceas_ray.runs.run import execute
from ceas_ray.runtime.interruption import Interruption
from ceas_ray.training.trained_model import TrainedModel

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

COMPOSING = threading.Lock()
"""Hydra composes for one thread at a time."""
ON_RAY = threading.Lock()
"""A process is connected to one Ray cluster at a time: runs in other threads wait."""


class _OneThreadEach:
    """Keeps linear algebra on one thread, which gives the same bits everywhere, until the last of several runs is over.

    The limit is one of the whole process.
    """

    def __init__(self) -> None:
        self._lock, self._runs = threading.Lock(), 0
        self._limits: Any = None

    @contextmanager
    def __call__(self) -> Iterator[None]:
        """Limit the threads of libraries to one while the context is open."""
        with self._lock:
            self._runs += 1
            if self._runs == 1:
                self._limits = threadpool_limits(1)
        try:
            yield
        finally:
            with self._lock:
                self._runs -= 1
                if self._runs == 0:
                    self._limits.restore_original_limits()


one_thread_each = _OneThreadEach()


class RunFailed(Exception):
    """A run ended with the status `failed`. folder: where it is (None if nothing could be written)."""

    def __init__(self, cause: str, folder: Path | None) -> None:
        super().__init__(cause, folder)
        self.cause, self.folder = cause, folder

    def __str__(self) -> str:
        return self.cause if self.folder is None else f"{self.cause} ({self.folder})"


@dataclass(frozen=True, eq=False, repr=False)
class Result:
    """The files of a run that has ended, as Python takes them.

    folder: the run folder. summary: its `summary.json`; `summary["status"]` is `completed`, `stopped` (a limit of
    `stop` was reached) or `stalled`. rounds: a row per round, indexed by `round`, with the columns of the journal.
    model: the trained parameters, shape (d,), in rad; `predict` uses them.
    """

    folder: Path
    summary: dict[str, Any]
    rounds: pd.DataFrame
    model: NDArray[np.float64]

    @classmethod
    def read(cls, folder: str | Path) -> Result:
        """Read the result of a run that has ended, from its folder. Raises OSError if a file is missing."""
        folder = Path(folder)
        rounds = rounds_of(folder)
        with np.load(folder / "model.npz") as file:
            model = file["parameters"]
        return cls(folder, json.loads((folder / "summary.json").read_text(encoding="utf-8")), rounds, model)

    def __repr__(self) -> str:
        accuracy = self.summary["test_accuracy"]
        reached = "" if accuracy is None else f", test accuracy {readable(float(accuracy))}"
        return f"Result({str(self.folder)!r}: {title_of(self.summary)}{reached})"

    def _repr_html_(self) -> str:
        """Return the table that the command prints at the end of a run, which a notebook shows."""
        rows = "".join(
            f"<tr><th>{escape(figure.name)}</th><td>{escape(figure.text)}</td><td>{escape(figure.meaning)}</td></tr>"
            for figure in figures_of(self.summary)
        )
        return f"<table><caption>{escape(title_of(self.summary))}</caption>{rows}</table>"

    def predict(self, features: ArrayLike) -> list[str]:
        """Return the class of every sample, as the data call it, on ideal hardware with infinitely many shots.

        features: shape (samples, F), the columns of the data that the model was trained on, in their order. Raises
        ValueError for another number of them.
        """
        return TrainedModel.read(self.folder).predict(features)

    def figure(self, name: str = "accuracy_over_rounds") -> Figure:
        """Return a chart of this run as a Plotly figure, which a notebook shows.

        name: `accuracy_over_rounds`, `accuracy_over_time`, `accuracy_over_pairs`, `pairs`, `pairs_by_use`,
        `pairs_by_cause`, `round_time`, `time`, `byzantine_weight` and `detection` (of a run with an attack), `contrast`
        or `network`. Raises ValueError for another.
        """
        from ceas_ray.reports.plotly_charts import figure_of
        from ceas_ray.reports.report import Report

        charts = {chart.key: chart for chart in Report.of([self.folder]).charts}
        if name not in charts:
            raise ValueError(f"a figure must be one of {', '.join(charts)}, got {name!r}")
        return figure_of(charts[name])

    def report(self, folder: str | Path | None = None, formats: Sequence[str] = ("html",)) -> list[Path]:
        """Write what `ceas-report` writes, and return the files.

        folder: None for the folder of the run. formats: any of html, png, svg, pdf, csv, parquet, tex. Raises
        ValueError for another, OSError if they cannot be written.
        """
        from ceas_ray.reports.report import Report

        return Report.of([self.folder]).write(self.folder if folder is None else Path(folder), formats)


def run(*overrides: str, **settings: Any) -> Result:
    """Train, and return the result; the settings are those of the command `ceas-ray`.

    overrides: as on the command line, e.g. `"attacks=alie"`, `"training.rounds=5"`. settings: top-level settings by
    name, and groups as the name of a choice or as a mapping: `seed=3, attacks="alie", training={"rounds": 5}`. Only
    warnings are printed, to stderr, unless `quiet=False`. In the main thread Ctrl-C ends the run, which can be resumed.
    Runs in several threads share nothing but the process; those on Ray run one after the other.

    Raises SettingsError for bad settings, RuntimeFailure if the cluster cannot be had, RunFailed if the run fails, and
    KeyboardInterrupt if it is interrupted.
    """
    words = [*overrides, *(word for key, value in settings.items() for word in words_of(key, value))]
    words = quiet_unless_said(words)
    with COMPOSING:
        config = composed(words)
        if config["resume"] is not None:
            config = config_of_run(config, words)
    config, said = with_environment(config, words, os.environ)
    for line in said if not config["quiet"] else []:
        print(line, file=sys.stderr)
    refuse_other_commands(config)
    ended: list[Path] = []
    runtime = config["runtime"]
    alone = ON_RAY if isinstance(runtime, Mapping) and runtime.get("name") == "ray" else nullcontext()
    with alone, one_thread_each():
        status = execute(config, Interruption(), ended=lambda summary, folder: ended.append(folder))
    if status == "interrupted":
        raise KeyboardInterrupt
    if not ended:
        raise RunFailed("the end of the run could not be written", None)
    if status == "failed":
        cause = json.loads((ended[0] / "summary.json").read_text(encoding="utf-8"))["cause"]
        raise RunFailed(cause, ended[0])
    return Result.read(ended[0])


def quiet_unless_said(words: Sequence[str]) -> list[str]:
    """Return the overrides, with quiet=true unless they say something of it: Python prints nothing unasked."""
    return [*words] if any(key_named_by(word) == "quiet" for word in words) else [*words, "quiet=true"]


def refuse_other_commands(config: Mapping[str, Any]) -> None:
    """Raise SettingsError for what the command does instead of a training run."""
    for key, nothing in (("dry_run", False), ("verify", None)):
        if config[key] != nothing:
            must = f"{_hydra(nothing)} for a run from Python: the command ceas-ray does that"
            raise SettingsError(key, must, config[key])


def words_of(key: str, value: Any) -> Iterator[str]:
    """Yield overrides for a top-level setting, or for each setting of a group that is given as a mapping."""
    if not isinstance(value, Mapping):
        yield f"{key}={_hydra(value)}"
        return
    for name, part in value.items():
        yield f"{key}.{name}={_hydra(part)}"


def _hydra(value: Any) -> str:
    """Return a plain value as Hydra's grammar of overrides writes it."""
    value = value.item() if isinstance(value, np.generic) else value
    match value:
        case None:
            return "null"
        case bool():
            return str(value).lower()
        case int() | float():
            return repr(value)
        case str() | Path():
            return hydra_text(str(value))
        case Mapping():
            return "{" + ",".join(f"{name}:{_hydra(part)}" for name, part in value.items()) + "}"
        case Sequence() | np.ndarray():
            return "[" + ",".join(map(_hydra, value)) + "]"
    raise TypeError(f"a setting is a number, a text, a list or a mapping, got {type(value).__name__}")
