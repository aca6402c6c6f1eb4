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
_MAX_LINES = 16
"""More lines than this cannot be told apart."""


def charts_of(runs: Sequence[RunFiles], names: Sequence[str]) -> list[Chart]:
    """Return the charts of these runs; names: what each is called in them."""
    shown = list(zip(names, runs, strict=True))[:_MAX_LINES]
    charts: list[Chart] = [*_accuracies(shown), _fates(shown)]
    charts += [chart for chart in (_weights(shown), _detection(shown), _by_round(shown)) if chart is not None]
    network = next((run.network for run in runs if run.network is not None), None)
    return charts if network is None else [*charts, network_chart(network)]


def _accuracies(runs: Sequence[tuple[str, RunFiles]]) -> Iterator[Chart]:
    """Yield accuracy over rounds, over simulated time and over pairs."""
    chance = {"chance": float(runs[0][1].summary["chance_accuracy"])}
    labels = {"rounds": "round", "time": "simulated seconds from the first round on", "pairs": "Bell pairs generated"}
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


def _places(rounds: pd.DataFrame, axis: str) -> pd.Series | None:
    """Return where each round lies on an axis: its number, when it ended, or the pairs until then; None if unknown."""
    if axis == "rounds":
        return pd.Series(rounds.index + 1, rounds.index)
    column = "simulated_seconds" if axis == "time" else "bell_pairs_generated"
    if column not in rounds:
        return None
    found = rounds[column]
    return found.cumsum() if axis == "time" else found


def _fates(runs: Sequence[tuple[str, RunFiles]]) -> BarChart:
    """Return where the pairs of each run went: by use and by loss."""
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
    if not lines:
        return None
    return LineChart(
        key="byzantine_weight", title="Weight of Byzantine rows", x_label="round",
        y_label="share of the weight", lines=lines, references=fair,
    )  # fmt: skip


def _detection(runs: Sequence[tuple[str, RunFiles]]) -> LineChart | None:
    """Return precision and recall of the detection of Byzantine rows by round; None if no run has any."""
    lines = {
        f"{name}: {measure}": _line(run, f"detection_{measure}")
        for name, run in runs
        for measure in ("precision", "recall")
        if run.summary.get("byzantine_processors") and f"detection_{measure}" in run.rounds
    }
    if not lines:
        return None
    return LineChart(
        key="detection", title="Detection of Byzantine rows: without weight in the aggregate, or in quarantine",
        x_label="round", y_label="share", lines=lines,
    )  # fmt: skip


def _line(run: RunFiles, column: str) -> tuple[list[float], list[float]]:
    """Return the rounds of which the journal has this number, from 1, and the number."""
    found = run.rounds[column].dropna()
    return (found.index + 1).astype(float).tolist(), found.astype(float).tolist()


def _by_round(runs: Sequence[tuple[str, RunFiles]]) -> LineChart | None:
    """Return the mean contrast at use by round."""
    lines = {name: _line(run, "contrast") for name, run in runs if "contrast" in run.rounds}
    if not lines:
        return None
    return LineChart(
        key="contrast", title="Contrast that the pairs leave", x_label="round", y_label="mean contrast at use",
        lines=lines,
    )  # fmt: skip


def network_chart(network: Mapping[str, Any]) -> NetworkChart:
    """Return the drawing of a network as `network.json` holds it."""
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
