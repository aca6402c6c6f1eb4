"""A report says what runs came to: as a page that needs nothing else, as figures and as tables."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from rich.console import Console

from ceas_ray.cli.report import main as report
from ceas_ray.cli.run import main
from ceas_ray.reports.comparison import compared, shown
from ceas_ray.reports.comparison_table import print_comparison
from ceas_ray.reports.figures import Figure, print_figures
from ceas_ray.reports.intervals import half_widths
from ceas_ray.reports.report import Report, latex
from ceas_ray.reports.run_files import labels_of, runs_in
from tests.small_worlds import SMALL


@pytest.fixture(scope="module")
def sweep(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("report") / "sweep"
    words = ["attacks=alie", "attacks.fraction=0.25", "aggregation.byzantine_fraction=0.25", "training.rounds=2"]
    assert main(["-m", *SMALL, *words, "scheduling=mdp,oblivious", "seed=1,2", f"output={folder}"]) == 0
    yield folder


def test_runs_are_told_apart_by_the_settings_in_which_they_differ(sweep: Path) -> None:
    assert labels_of(runs_in([sweep])) == ["mdp", "mdp", "oblivious", "oblivious"]
    assert labels_of(runs_in([sweep / "0", sweep / "1"])) == ["all runs"] * 2


def test_a_sweep_is_compared_over_its_seeds_and_paired_by_seed(sweep: Path) -> None:
    found = Report.of([sweep])
    summaries = [json.loads((sweep / str(job) / "summary.json").read_text()) for job in range(4)]
    generated = np.array([summary["bell_pairs"]["generated"] for summary in summaries], dtype=float)
    rows = found.comparison[found.comparison["measure"] == "Bell pairs generated"].set_index("setting")
    assert rows.loc["oblivious", "mean"] == generated[2:].mean()
    assert rows.loc["oblivious", "half_width_95"] == pytest.approx(half_widths(generated[2:]))
    difference = generated[2:] - generated[:2]
    assert rows.loc["oblivious", "difference"] == difference.mean()
    assert rows.loc["oblivious", "difference_half_width_95"] == pytest.approx(half_widths(difference))
    assert np.isnan(rows.loc["mdp", "difference"])


@pytest.mark.slow
def test_it_is_a_page_that_loads_nothing_and_files_for_papers(
    sweep: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert report([str(sweep), "--output", str(tmp_path), "--formats", "html,png,pdf,csv,parquet,tex"]) == 0
    names = {path.name for path in tmp_path.iterdir()}
    charts = [f"accuracy_over_{axis}" for axis in ("rounds", "time", "pairs")]
    charts += [
        "pairs",
        "pairs_by_use",
        "pairs_by_cause",
        "round_time",
        "time",
        "byzantine_weight",
        "detection",
        "contrast",
        "network",
        "compared_test_accuracy",
    ]
    assert {f"{chart}.{form}" for chart in charts for form in ("png", "pdf")} <= names
    assert capsys.readouterr().out.splitlines()[-1].startswith(str(tmp_path))
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    body = page[page.index("</script></head>") :]
    assert not re.findall(r'(?:src|href)="https?://', body)
    assert all(f'id="{chart}"' in body for chart in charts)
    table, parquet = pd.read_csv(tmp_path / "runs.csv"), pd.read_parquet(tmp_path / "runs.parquet")
    assert table["trace_digest"].tolist() == parquet["trace_digest"].tolist()
    assert table["bell_pairs.generated"].tolist() == [
        json.loads((sweep / str(job) / "summary.json").read_text())["bell_pairs"]["generated"] for job in range(4)
    ]
    assert r"\begin{tabular}" in (tmp_path / "comparison.tex").read_text()


def test_a_share_of_no_flagged_row_is_explained(sweep: Path) -> None:
    found = Report.of([sweep])
    found.runs["detection.precision"] = [None, 0.0, 0.5, float("nan")]
    page = found.page()
    assert page.count("<td>no row was flagged</td>") == 2 and "<td>no Byzantine row</td>" not in page


def test_headings_speak_of_seeds_and_of_detection_only_where_there_are_any(sweep: Path) -> None:
    several, one = Report.of([sweep]), Report.of([sweep / "0"])
    assert "<h2>Means over seeds, with 95 % intervals" in several.page() and "<h2>Runs (detection: " in several.page()
    undetected = replace(one, runs=one.runs.drop(columns=["detection.precision", "detection.recall"]))
    assert "<h2>Results</h2>" in undetected.page() and "<h2>Runs</h2>" in undetected.page()


def stack(charts: dict[str, Any], key: str, category: str) -> dict[str, float]:
    chart = charts[key]
    return {part: values[list(chart.categories).index(category)] for part, values in chart.parts.items()}


def test_bars_of_pairs_and_time_are_all_that_the_run_spent(sweep: Path) -> None:
    summary = json.loads((sweep / "0" / "summary.json").read_text())
    run = runs_in([sweep / "0"])[0]
    charts: dict[str, Any] = {chart.key: chart for chart in Report.of([sweep / "0"]).charts}
    for use, books in summary["bell_pairs"]["by_use"].items():
        bar = stack(charts, "pairs_by_use", use)
        assert sum(bar.values()) == books["generated"] and bar["used"] == books["used"]
    (name,) = charts["pairs_by_cause"].categories
    assert sum(stack(charts, "pairs_by_cause", name).values()) == summary["bell_pairs"]["generated"]
    assert sum(stack(charts, "time", name).values()) == pytest.approx(summary["simulated_seconds"])
    for number, seconds in run.rounds["simulated_seconds"].items():
        assert sum(stack(charts, "round_time", str(number + 1)).values()) == pytest.approx(seconds)


def test_of_several_runs_the_mean_round_is_shown(sweep: Path) -> None:
    charts: dict[str, Any] = {chart.key: chart for chart in Report.of([sweep]).charts}
    assert len(charts["round_time"].categories) == 4 and len(charts["pairs_by_use"].categories) == 12
    for name, run in zip(charts["round_time"].categories, runs_in([sweep]), strict=True):
        mean = run.rounds["simulated_seconds"].mean()
        assert sum(stack(charts, "round_time", name).values()) == pytest.approx(mean)


def test_accuracy_over_time_ends_with_all_simulated_seconds_of_the_run(sweep: Path) -> None:
    charts: dict[str, Any] = {chart.key: chart for chart in Report.of([sweep]).charts}
    for (x, _), run in zip(charts["accuracy_over_time"].lines.values(), runs_in([sweep]), strict=True):
        assert x[-1] == pytest.approx(run.summary["simulated_seconds"])
        assert x[0] > run.rounds["simulated_seconds"].iloc[0], "the warm-up comes first"


def test_links_carry_the_pairs_that_the_run_generated(sweep: Path) -> None:
    for job in range(4):
        network = json.loads((sweep / str(job) / "network.json").read_text())
        summary = json.loads((sweep / str(job) / "summary.json").read_text())
        assert sum(link["generated"] for link in network["links"]) == summary["bell_pairs"]["generated"]
        assert sum(link["used"]["training"] for link in network["links"]) == summary["bell_pairs"]["used"]["training"]
        assert {party for at in network["nodes"].values() for party in at} >= {
            "processor/0",
            "processor/7",
            "replica/0",
        }
    rounds = runs_in([sweep])[0].rounds
    assert rounds["bell_pairs_generated"].is_monotonic_increasing


@pytest.mark.parametrize(("words", "line"), [
    (["nowhere"], "nowhere holds no run and no sweep"),
    (["--formats", "hmtl", "."], "parquet, tex (did you mean html?), got 'hmtl'"),
])  # fmt: skip
def test_what_it_cannot_report_is_refused_in_a_line(
    words: list[str], line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert report(words) == 2
    said = capsys.readouterr().err
    assert line in said and said.count("\n") == 1


def runs_of(values: dict[str, list[float]]) -> pd.DataFrame:
    rows: list[dict[str, Any]] = []
    names = ("test_accuracy", "bell_pair_utilization", "demand_on_time", "bell_pairs.generated", "simulated_seconds")
    for setting, numbers in values.items():
        for seed, number in enumerate(numbers):
            rows.append({"setting": setting, "seed": seed, "status": "completed", **dict.fromkeys(names, number)})
    return pd.DataFrame(rows)


def test_what_one_seed_cannot_say_is_left_out() -> None:
    table = shown(compared(runs_of({"a": [0.5], "b": [0.75]})))
    assert table["test accuracy"].tolist() == ["0.5", "0.75"]
    assert table["accuracy minus first"].tolist() == ["", "+0.25"]
    assert "nan" not in table.to_string()


def test_only_seeds_that_both_settings_have_are_paired() -> None:
    runs = runs_of({"a": [0.5, 0.6, 0.9], "b": [0.7, 0.8]})
    row = compared(runs).query("setting == 'b' and measure == 'test accuracy'").iloc[0]
    assert row["seeds_of_both"] == 2 and row["difference"] == pytest.approx(0.2)


def test_latex_takes_any_text() -> None:
    assert latex(pd.DataFrame({"a_b": ["5 % & {x} ± 1"]})).splitlines()[2:5:2] == [
        r"a\_b \\", r"5 \% \& \{x\} $\pm$ 1 \\",
    ]  # fmt: skip


@pytest.mark.parametrize("width", [40, 80, 120])
def test_figures_are_whole_at_any_width(width: int, capsys: pytest.CaptureFixture[str]) -> None:
    figures = [
        Figure("utilization (net, training)", "0.966 (0.955, 0.998)", "used / generated"),
        Figure("digest", "93c7071fad660499a7e00133b0b41095", "same run, same digest"),
    ]
    print_figures("completed", figures, Console(width=width))
    said = capsys.readouterr().out
    assert all(len(line) <= width for line in said.splitlines())
    letters = re.sub(r"[^0-9a-z]", "", "".join(line.split("│")[2] for line in said.splitlines() if "│" in line))
    assert "93c7071fad660499a7e00133b0b41095" in letters
    assert ("same run" in said) == (width > 40)


@pytest.mark.parametrize("width", [40, 120])
def test_a_comparison_is_legible_at_any_width(width: int, capsys: pytest.CaptureFixture[str]) -> None:
    comparison = compared(runs_of({"on_demand": [0.5, 0.6], "oblivious": [0.75, 0.7]}))
    print_comparison("Means", comparison, Console(width=width))
    lines = capsys.readouterr().out.splitlines()
    assert all(len(line) <= width for line in lines)
    said = "\n".join(lines)
    assert "on_demand" in said and "…" not in said
    if width == 40:
        assert "  accuracy minus first: +0.175 ± 0.95" in lines


def copied(sweep: Path, folder: Path, summary: dict[str, Any]) -> Path:
    """One of the runs, with other entries in its summary."""
    shutil.copytree(sweep / "0", folder)
    found = json.loads((folder / "summary.json").read_text())
    (folder / "summary.json").write_text(json.dumps(found | summary))
    return folder


def test_a_run_that_did_not_complete_has_a_report_without_a_comparison(
    sweep: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = copied(sweep, tmp_path / "run", {"status": "stopped"})
    assert report([str(run), "--formats", "html,csv,tex"]) == 0
    assert "no run completed" in capsys.readouterr().out


@pytest.mark.parametrize("entries", [{"bell_pairs": [1]}, {"seed": {}}, {"seed": "two"}])
def test_values_that_no_run_writes_are_refused_in_a_line(
    sweep: Path, tmp_path: Path, entries: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    assert report([str(copied(sweep, tmp_path / "run", entries))]) == 2
    said = capsys.readouterr().err
    assert said.startswith("folder: ") and said.count("\n") == 1
