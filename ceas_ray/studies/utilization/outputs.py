"""Runs a study: its folder, tables, plots and MLflow run."""

from __future__ import annotations

import csv
import io
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import yaml
from rich.console import Console
from rich.table import Table

from ceas_ray.config.errors import SettingsError
from ceas_ray.config.policies import instantiate
from ceas_ray.config.schema import RunSettings
from ceas_ray.config.validation import build
from ceas_ray.reports.intervals import METHOD
from ceas_ray.reports.plots import plot_grid, plot_regimes
from ceas_ray.runs.folder import claimed, wanted_folder
from ceas_ray.runs.results import SCHEMA_VERSION
from ceas_ray.runs.tracking_choice import with_absolute_uri
from ceas_ray.runs.training_run import Status
from ceas_ray.scheduling.mdp import Mdp
from ceas_ray.scheduling.scheduler import Scheduler
from ceas_ray.studies.refusals import refuse_dry_run
from ceas_ray.studies.tracked_study import track_study
from ceas_ray.studies.utilization.regimes import COHERENCE_TIMES, REGIMES, ROTATIONS, SUPPLIES, Regime, grid
from ceas_ray.studies.utilization.study import run_study
from ceas_ray.studies.utilization.timetable import run_timetable_study
from ceas_ray.tracking.console import RunProgress
from ceas_ray.tracking.files import write_json, write_whole

Study = Callable[[range, Callable[[str], None]], Mapping[str, Any]]
"""Function from seeds, and a callback that hears of every regime that is done, to rows, summary, bounds and gains."""
Draw = Callable[[Mapping[str, Any]], list[str]]


def scheduler_of_study(settings: RunSettings) -> Mdp:
    """Return the scheduler that the study compares with all others; raises SettingsError if it is another."""
    mdp = instantiate(settings.scheduling, "scheduling", Scheduler)
    if not isinstance(mdp, Mdp):
        raise SettingsError("scheduling", "mdp in this study, which compares it with all others", mdp)
    if settings.study.name == "timetable" and mdp.objective != "precision_per_pair":
        raise SettingsError("scheduling.objective", "precision_per_pair in this study", mdp.objective)
    refuse_dry_run(settings)
    return mdp


def execute_study(config: Mapping[str, Any]) -> Status:
    """Run the study of Bell-pair schedulers in a folder of its own; return how it ended.

    Raises SettingsError for settings that are wrong, or that no study has.
    """
    config = with_absolute_uri(config)
    settings = build(RunSettings, config)
    if settings.study.name not in ("utilization", "timetable"):
        raise SettingsError("experiment", "started by scripts/reproduce", settings.study.name)
    scheduler_of_study(settings)  # refuses before anything is made
    with claimed(wanted_folder(settings), settings.output is None) as lock:
        summary, status = lock.folder / "summary.json", _status_of_study(settings, config, lock.folder)
        if status == "interrupted":
            about = {"study": settings.study.name, "seed": settings.seed}
            write_json(summary, {"schema_version": SCHEMA_VERSION, "status": status, **about})
        print(summary)
    return status


def _status_of_study(settings: RunSettings, config: Mapping[str, Any], folder: Path) -> Status:
    run = run_timetable if settings.study.name == "timetable" else run_utilization
    try:
        run(settings, config, folder)
    except KeyboardInterrupt:
        return "interrupted"
    return "completed"


def run_utilization(settings: RunSettings, config: Mapping[str, Any], folder: Path) -> None:
    """Write settings.yaml, rows.csv, summary.json, regimes.png and grid.png to the folder (which exists)."""
    mdp = scheduler_of_study(settings)
    cells = grid() if settings.study.grid else []
    regimes = [*REGIMES, *cells]

    def study(seeds: range, done: Callable[[str], None]) -> Mapping[str, Any]:
        return run_study(mdp, seeds=seeds, bursts=settings.study.bursts, regimes=regimes, done=done)

    found = _carried_out(settings, config, folder, len(regimes), study=study, draw=partial(_draw, folder, cells))
    _print(found)


def run_timetable(settings: RunSettings, config: Mapping[str, Any], folder: Path) -> None:
    """Write settings.yaml, rows.csv and summary.json to the folder (which exists)."""
    mdp = scheduler_of_study(settings)

    def study(seeds: range, done: Callable[[str], None]) -> Mapping[str, Any]:
        return run_timetable_study(mdp, seeds=seeds, bursts=settings.study.bursts, done=done)

    _print_timetable(_carried_out(settings, config, folder, len(ROTATIONS), study=study, draw=lambda _: []))


def _carried_out(
    settings: RunSettings, config: Mapping[str, Any], folder: Path, regimes: int, *, study: Study, draw: Draw
) -> Mapping[str, Any]:
    """Carry out a study of this many regimes, and write what it found into the folder."""
    started, progress, finished = time.perf_counter(), RunProgress(regimes, settings.quiet, "regime"), 0

    def done(name: str) -> None:
        nonlocal finished
        finished += 1
        progress.step(finished, f"{name} done")

    with progress:
        found = study(range(settings.seed, settings.seed + settings.study.seeds), done)
    write_whole(folder / "settings.yaml", yaml.safe_dump(dict(config), sort_keys=True).encode())
    write_whole(folder / "rows.csv", _as_csv(found["rows"]))
    tracker_id = _track(settings, folder, found["summary"], ["settings.yaml", "rows.csv", *draw(found)])
    write_json(folder / "summary.json", {
        "schema_version": SCHEMA_VERSION, "status": "completed", "study": settings.study.name, "seed": settings.seed,
        "seeds": settings.study.seeds, "bursts": settings.study.bursts, "results": found["summary"],
        "intervals": METHOD, "bounds": found["bounds"], "gains": found["gains"],
        "wall_seconds": time.perf_counter() - started, "mlflow_run_id": tracker_id,
    })  # fmt: skip
    return found


def _draw(folder: Path, cells: Sequence[Regime], found: Mapping[str, Any]) -> list[str]:
    """Draw the regimes, and the cells of a grid if there are any; return the names of the files."""
    names = [regime.name for regime in REGIMES]
    of_regimes = [row for row in found["summary"] if row["regime"] in names]
    plot_regimes(folder / "regimes.png", of_regimes, found["bounds"], names)
    if not cells:
        return ["regimes.png"]
    of_grid = [row for row in found["summary"] if row["regime"] not in names and row["scheduler"] in _DRAWN]
    axes = [
        {"regime": cell.name, "coherence_milliseconds": t * 1e3, "supply": supply}
        for cell, (t, supply) in zip(cells, [(t, s) for t in COHERENCE_TIMES for s in SUPPLIES], strict=True)
    ]
    plot_grid(folder / "grid.png", of_grid, found["bounds"], axes)
    return ["regimes.png", "grid.png"]


_DRAWN = ("oblivious", "on_demand", "two_level_free", "mdp_free")


def _as_csv(rows: list[dict[str, Any]]) -> bytes:
    text = io.StringIO()
    columns = list(dict.fromkeys(name for row in rows for name in row))
    writer = csv.DictWriter(text, columns, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


def _track(settings: RunSettings, folder: Path, summary: list[dict[str, Any]], files: list[str]) -> str | None:
    metrics = {
        f"{row['regime']}/{row['scheduler']}/{name}".replace("=", ""): value["mean"]
        for row in summary
        for name, value in row.items()
        if isinstance(value, dict)
    }
    parameters = {"study": settings.study.name, "seeds": settings.study.seeds, "bursts": settings.study.bursts}
    return track_study(settings.tracking, folder, parameters, metrics, files=[folder / name for name in files])


def _print(found: Mapping[str, Any]) -> None:
    table = Table("regime", "scheduler", "limits", "utilization", "on time", "J", "rounds / s", "contrast")
    last = ""
    for row in found["summary"]:
        if row["regime"] != last:
            bounds = found["bounds"][row["regime"]]
            limit = f"{bounds['on_time_bound']:.4f}" if "on_time_bound" in bounds else ""
            table.add_section()
            table.add_row(
                row["regime"], "[i]no scheduler above[/i]", "", ".95", limit, f"{bounds['objective_bound']:.4f}"
            )
            last = row["regime"]
        table.add_row(
            "", row["scheduler"], row["limits"], _text(row["utilization"]), _text(row["on_time"]),
            _text(row["objective"]), f"{row['rounds_per_simulated_second']['mean']:.3f}",
            f"{row['contrast']['mean']:.3f}",
        )  # fmt: skip
    console = Console()
    console.print(table)
    gains = Table("regime", "J of", "minus J of", "95 %", title=f"95 %: {METHOD}")
    for gain in found["gains"]:
        gains.add_row(gain["regime"], gain["of"], gain["over"], f"{gain['mean']:+.4f} +- {gain['half_width_95']:.4f}")
    console.print(gains)


def _print_timetable(found: Mapping[str, Any]) -> None:
    table = Table("regime", "scheduler", "births / shot", "on time", "precision", "precision / pair", "tuned to")
    last = ""
    for row in found["summary"]:
        if row["regime"] != last:
            bound, last = found["bounds"][row["regime"]], row["regime"]
            table.add_section()
            table.add_row(
                last, "[i]no scheduler above[/i]", f"{bound['births']:.3f}", "", f"{bound['precision_bound']:.4f}"
            )
        measured = (_text(row[name]) for name in ("births", "on_time", "precision", "precision_per_pair"))
        table.add_row("", row["scheduler"], *measured, row["limits"])
    gains = Table("regime", "precision per pair of", "over that of", "ratio, 95 %", title=f"95 %: {METHOD}")
    for gain in found["gains"]:
        gains.add_row(gain["regime"], gain["of"], gain["over"], _text(gain))
    Console().print(table, gains)


def _text(value: Mapping[str, float]) -> str:
    return f"{value['mean']:.4f} +- {value['half_width_95']:.4f}"
