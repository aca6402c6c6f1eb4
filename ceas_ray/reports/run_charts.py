"""The charts of runs: what they reached, at what cost, where their pairs went, and over which network."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pandas as pd
import rustworkx

from ceas_ray.reports.charts import BarChart, Chart, DrawnLink, LineChart, NetworkChart
from ceas_ray.reports.run_files import RunFiles

FATES = {
    "training": "used: training", "authentication": "used: keys", "testing": "used: tests", "late": "late",
    "expired": "expired", "sacrificed": "sacrificed to purification", "stored": "stored at the end",
}  # fmt: skip
LOSSES = {
    "used": "used", "late": "late", "expired": "expired", "sacrificed": "sacrificed to purification",
    "stored": "stored at the end",
}  # fmt: skip
PAIR_CAUSES = {
    "shots": "shots", "tests": "tests", "update_keys": "keys of updates", "consensus_keys": "keys of consensus"
}  # fmt: skip
TIME_CAUSES = {
    "shots": "shots", "tests": "tests", "keys": "keys", "update": "update of processors", "consensus": "consensus",
    "planning": "planning",
}  # fmt: skip
_MAX_LINES = 16
"""More lines than this cannot be told apart."""


def charts_of(runs: Sequence[RunFiles], names: Sequence[str]) -> list[Chart]:
    """Return the charts of these runs; names: what each is called in them."""
    shown = list(zip(names, runs, strict=True))[:_MAX_LINES]
    charts: list[Chart] = [*_accuracies(shown), _fates(shown)]
    charts += [chart for chart in (_fates_by_use(shown), _pair_causes(shown), *_times(shown)) if chart is not None]
    by_rounds = (_weights(shown), _detection(shown), _backdoor(shown), _by_round(shown))
    charts += [chart for chart in by_rounds if chart is not None]
    network = next((run.network for run in runs if run.network is not None), None)
    return charts if network is None else [*charts, network_chart(network)]


def _accuracies(runs: Sequence[tuple[str, RunFiles]]) -> Iterator[Chart]:
    """Yield accuracy over rounds, over simulated time and over pairs."""
    chance = {"chance": float(runs[0][1].summary["chance_accuracy"])}
    labels = {"rounds": "round", "time": "simulated seconds, warm-up included", "pairs": "Bell pairs generated"}
    for axis, label in labels.items():
        lines = {}
        for name, run in runs:
            x = _places(run.rounds, axis)
            if x is not None and "accuracy" in run.rounds:
                known = run.rounds["accuracy"].notna()
                lines[name] = (x[known].astype(float).tolist(), run.rounds["accuracy"][known].tolist())
        if lines:
            yield LineChart(
                key=f"accuracy_over_{axis}", title=f"Test accuracy over {axis if axis != 'time' else 'simulated time'}",
                x_label=label, y_label="test accuracy", lines=lines, references=chance,
            )  # fmt: skip


def _backdoor(runs: Sequence[tuple[str, RunFiles]]) -> Chart | None:
    """Return the success of back doors by round, beside their success without attack; None if no run has one."""
    lines, references = {}, {}
    for name, run in runs:
        if "backdoor_success" not in run.rounds:
            continue
        lines[name] = _line(run, "backdoor_success")
        baseline = run.summary.get("backdoor_baseline")
        if baseline is not None:
            references[f"without attack: {name}"] = float(baseline)
    return _with_lines(LineChart(
        key="backdoor_success", title="Success of the back door", x_label="round",
        y_label="share of triggered samples with the attacker's label", lines=lines, references=references,
    ))  # fmt: skip


def _places(rounds: pd.DataFrame, axis: str) -> pd.Series | None:
    """Return the place of each round on an axis: its number, its end, or the pairs until then; None if unknown."""
    if axis == "rounds":
        return pd.Series(rounds.index + 1, rounds.index)
    return rounds.get("simulated_seconds_elapsed" if axis == "time" else "bell_pairs_generated")


def _fates(runs: Sequence[tuple[str, RunFiles]]) -> BarChart:
    """Return the fate of each run's pairs: by use and by loss."""
    parts: dict[str, list[float]] = {label: [] for label in FATES.values()}
    for _, run in runs:
        pairs = run.summary["bell_pairs"]
        for fate, label in FATES.items():
            parts[label].append(float(pairs["used"][fate] if fate in pairs["used"] else pairs[fate]))
    return BarChart(
        key="pairs",
        title="Where the Bell pairs went",
        y_label="Bell pairs",
        categories=[name for name, _ in runs],
        parts={label: values for label, values in parts.items() if any(values)},
    )


def _fates_by_use(runs: Sequence[tuple[str, RunFiles]]) -> BarChart | None:
    """Return what became of the pairs that were generated for each use; None if no run says."""
    bars = {
        f"{name}: {use}" if len(runs) > 1 else use: books
        for name, run in runs
        for use, books in run.summary["bell_pairs"].get("by_use", {}).items()
    }
    return _stacked("pairs_by_use", "What became of the Bell pairs of each use", bars, LOSSES, y_label="Bell pairs")


def _pair_causes(runs: Sequence[tuple[str, RunFiles]]) -> BarChart | None:
    """Return what each run generated pairs for; None if no run says."""
    bars = {name: run.summary["bell_pairs"].get("by_cause", {}) for name, run in runs}
    return _stacked("pairs_by_cause", "What Bell pairs were generated for", bars, PAIR_CAUSES, y_label="Bell pairs")


def _times(runs: Sequence[tuple[str, RunFiles]]) -> Iterator[BarChart | None]:
    """Yield what simulated time was spent on in a round (of one run each round, of several runs the mean round), and in
    whole runs, warm-up included."""
    y_label, rounds = "simulated seconds", {name: _seconds_of(run.rounds) for name, run in runs}
    if len(runs) == 1:
        (table,) = rounds.values()
        bars = {str(number + 1): dict(row) for number, row in table.iterrows()}
        title = "What each round's simulated time was spent on"
        yield _stacked("round_time", title, bars, TIME_CAUSES, y_label=y_label)
    else:
        means = {name: dict(table.mean()) for name, table in rounds.items()}
        title = "What a round's simulated time is spent on (mean)"
        yield _stacked("round_time", title, means, TIME_CAUSES, y_label=y_label)
    whole = {name: run.summary.get("simulated_seconds_by_cause", {}) for name, run in runs}
    title = "What all simulated time was spent on, warm-up included"
    yield _stacked("time", title, whole, TIME_CAUSES, y_label=y_label)


def _seconds_of(rounds: pd.DataFrame) -> pd.DataFrame:
    """Return the simulated seconds of each round by cause; a round that was not decided is left out."""
    columns = {f"seconds_of_{cause}": cause for cause in TIME_CAUSES}
    return rounds[[column for column in columns if column in rounds]].rename(columns=columns).dropna()


def _stacked(
    key: str, title: str, bars: Mapping[str, Mapping[str, Any]], labels: Mapping[str, str], *, y_label: str
) -> BarChart | None:
    """Return a bar for each category, made of the parts that labels name; None if all are empty."""
    parts = {label: [float(bar.get(part, 0)) for bar in bars.values()] for part, label in labels.items()}
    parts = {label: values for label, values in parts.items() if any(values)}
    return BarChart(key=key, title=title, y_label=y_label, categories=list(bars), parts=parts) if parts else None


def _weights(runs: Sequence[tuple[str, RunFiles]]) -> LineChart | None:
    """Return the weight that Byzantine rows have in each round, before the rule and in the aggregate; None if no run
    has any."""
    lines: dict[str, tuple[list[float], list[float]]] = {}
    fair = {}
    for name, run in runs:
        byzantine = len(run.summary.get("byzantine_processors", ()))
        if byzantine and "weight_byzantine" in run.rounds:
            lines[f"{name}: before the rule"] = _line(run, "weight_byzantine")
            if "effective_weight_byzantine" in run.rounds:
                lines[f"{name}: in the aggregate"] = _line(run, "effective_weight_byzantine")
            share = byzantine / run.summary["processors"]
            fair[f"{share:.0%} of the processors"] = share
    return _with_lines(LineChart(
        key="byzantine_weight", title="Weight of Byzantine rows", x_label="round",
        y_label="share of the weight", lines=lines, references=fair,
    ))  # fmt: skip


def _detection(runs: Sequence[tuple[str, RunFiles]]) -> LineChart | None:
    """Return precision and recall of the detection of Byzantine rows by round; None if no run has any."""
    lines = {
        f"{name}: {measure}": _line(run, f"detection_{measure}")
        for name, run in runs
        for measure in ("precision", "recall")
        if run.summary.get("byzantine_processors") and f"detection_{measure}" in run.rounds
    }
    return _with_lines(LineChart(
        key="detection", title="Detection of Byzantine rows: without weight in the aggregate, or in quarantine",
        x_label="round", y_label="share", lines=lines,
    ))  # fmt: skip


def _with_lines(chart: LineChart) -> LineChart | None:
    """Return the chart; None if it has no line."""
    return chart if chart.lines else None


def _line(run: RunFiles, column: str) -> tuple[list[float], list[float]]:
    """Return the rounds, counted from 1, for which the journal has a value in this column, and these values."""
    found = run.rounds[column].dropna()
    return (found.index + 1).astype(float).tolist(), found.astype(float).tolist()


def _by_round(runs: Sequence[tuple[str, RunFiles]]) -> LineChart | None:
    """Return the mean contrast at use by round."""
    lines = {name: _line(run, "contrast") for name, run in runs if "contrast" in run.rounds}
    return _with_lines(LineChart(
        key="contrast", title="Contrast that the pairs leave", x_label="round", y_label="mean contrast at use",
        lines=lines,
    ))  # fmt: skip


def network_chart(network: Mapping[str, Any]) -> NetworkChart:
    """Return the chart of a network, given as `network.json` holds it."""
    names = list(network["nodes"])
    graph: rustworkx.PyGraph[str, None] = rustworkx.PyGraph()
    number = dict(zip(names, graph.add_nodes_from(names), strict=True))
    graph.add_edges_from([(number[link["ends"][0]], number[link["ends"][1]], None) for link in network["links"]])
    places = rustworkx.spring_layout(graph, seed=1)
    return NetworkChart(
        key="network",
        title="The network: colour is fidelity of a new pair, width is pairs generated",
        places={name: (float(places[k][0]), float(places[k][1])) for name, k in number.items()},
        kinds={name: _kind(name, parties, network["hub"]) for name, parties in network["nodes"].items()},
        links=[
            DrawnLink(ends=tuple(link["ends"]), fidelity=link["fidelity"], load=int(link["generated"]))
            for link in network["links"]
        ],
    )


def _kind(name: str, parties: Sequence[str], hub: str) -> str:
    if name == hub:
        return "hub"
    kinds = {party.partition("/")[0] for party in parties}
    return next((kind for kind in ("processor", "replica") if kind in kinds), "repeater")
