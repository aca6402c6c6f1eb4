"""The end of a run: the model, a table on the console, and how to go on with it."""

from __future__ import annotations

import io
import re
import shlex
import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ceas_ray.config.command_line import hydra_text
from ceas_ray.config.schema import DataSettings, RunSettings
from ceas_ray.kernel.streams import Streams
from ceas_ray.quantum.circuit_values import VariationalCircuit
from ceas_ray.quantum.gate_circuit import GateCircuit
from ceas_ray.quantum.gate_openqasm import gates_to_openqasm3
from ceas_ray.quantum.openqasm import to_openqasm3
from ceas_ray.reports.figures import Figure, print_figures
from ceas_ray.tracking.files import write_json, write_whole
from ceas_ray.training.centralized import CentralizedTraining, Momentum, accuracy_on_test
from ceas_ray.training.datasets import DataSet
from ceas_ray.training.trained_model import DESCRIPTION, PARAMETERS, TrainedModel
from ceas_ray.world.model import learning_rate_of, loss_of
from ceas_ray.world.world import World

Ended = Callable[[Mapping[str, Any], Path], object]
"""Is given the summary and the folder of a run that is over."""


def write_model(folder: Path, world: World, parameters: NDArray[np.float64]) -> None:
    """Write `model.npz`, `model.json` and `model.qasm`: parameters, shape (d,), in rad; what else a prediction needs;
    the trained circuit in OpenQASM 3.
    """
    content = io.BytesIO()
    np.savez(content, parameters=parameters)
    write_whole(folder / PARAMETERS, content.getvalue())
    data = world.data
    assert data.feature_map is not None, "data of a world are prepared"
    model = TrainedModel(world.circuit, parameters, data.feature_map, data.classes)
    write_json(folder / DESCRIPTION, model.description())
    write_whole(folder / "model.qasm", _openqasm(world.circuit, parameters).encode())


def _openqasm(circuit: VariationalCircuit, parameters: NDArray[np.float64]) -> str:
    if isinstance(circuit, GateCircuit):
        return gates_to_openqasm3(circuit, parameters)
    return to_openqasm3(circuit, parameters)


def used_data(choice: DataSettings, data: DataSet) -> dict[str, Any]:
    """Return what a journal says of the data set, as plain values."""
    parts = {"train": data.train_labels, "validation": data.validation_labels, "test": data.test_labels}
    assert data.feature_map is not None, "data of a world are prepared"
    features, classes = len(data.feature_map.matrix), len(data.classes)
    return {
        "name": choice.name if choice.file is None else Path(choice.file).name,
        "digest": data.digest,
        "source": f"ceas_ray:{choice.name}" if choice.file is None else str(Path(choice.file).absolute()),
        "profile": {name: len(labels) for name, labels in parts.items()} | {"features": features, "classes": classes},
    }


def centralized_results(settings: RunSettings, world: World) -> dict[str, float | None]:
    """Return what the same model and optimiser reach in one process: all data in one place, exact gradients, no noise,
    no pairs, no attack.

    centralized_accuracy: on the test set. backdoor_baseline: the share of samples with the trigger of a back door that
    get the attacker's label though nobody attacked; None without a back door.
    """
    training = settings.training
    rate, momentum = learning_rate_of(training), Momentum(training.momentum)
    train = CentralizedTraining(world.circuit, loss_of(training), momentum, rate)
    generator = Streams(settings.seed).generator("model", "model", "centralized", 0)
    found = train(world.data, world.initial_parameters, generator)
    return {
        "centralized_accuracy": accuracy_on_test(world.circuit, found, world.data),
        "backdoor_baseline": None if world.backdoor is None else world.backdoor(found),
    }


def print_end(summary: Mapping[str, Any], folder: Path, words: Sequence[str] = ()) -> None:
    """Print how the run in `folder` ended; the last line is the path of its summary."""
    status, cause = summary["status"], summary["cause"]
    if cause:
        print(f"{status}: {cause}", file=sys.stderr)
    print_figures(title_of(summary), figures_of(summary))
    if status in ("interrupted", "stopped"):
        print(going_on(status, folder, words), file=sys.stderr)
    print(folder / "summary.json")


def going_on(status: str, folder: Path, words: Sequence[str]) -> str:
    """Return the line that says how the run ended, and with which command it goes on."""
    return f"{status}; this goes on: {_command()} {_resuming(folder, words)}"


def _command() -> str:
    """Return how this process was started, as a shell takes it."""
    started = sys.argv[0]
    if Path(started).suffix == ".py":
        return f"{shlex.quote(sys.executable)} -m ceas_ray.cli.run"
    return "ceas-ray" if shutil.which("ceas-ray") == started else shlex.quote(started)


def _resuming(folder: Path, words: Sequence[str]) -> str:
    return " ".join([resume_override(folder), *map(shlex.quote, words)])


def resume_override(folder: Path) -> str:
    """Return the override that goes on with a run, quoted for Hydra and for the shell where its name needs it."""
    name = str(folder)
    plain = re.fullmatch(r"[A-Za-z0-9_./-]+", name)
    return shlex.quote(f"resume={name if plain else hydra_text(name)}")


def title_of(summary: Mapping[str, Any]) -> str:
    """Return how a run ended, in a few words."""
    return f"{summary['status']} after {summary['rounds']} rounds"


def figures_of(summary: Mapping[str, Any]) -> list[Figure]:
    """Return what the table at the end of a run shows: the figures that have a value."""
    figures = [*_learned(summary), *_spent(summary), *_caught(summary), *_ran(summary)]
    return [figure for figure in figures if figure.value is not None]


def _learned(summary: Mapping[str, Any]) -> list[Figure]:
    return [
        Figure("test accuracy", summary["test_accuracy"], "share of test samples labelled correctly"),
        Figure("chance accuracy", summary["chance_accuracy"], "what guessing gets"),
        Figure("centralized, without noise", summary["centralized_accuracy"], "the same in one place, no attack"),
        Figure("back door success", summary.get("backdoor_success"), "triggered samples that get the attacker's label"),
        Figure("back door baseline", summary.get("backdoor_baseline"), "the same of a model that nobody attacked"),
        Figure("logistic regression", summary["logistic_regression_accuracy"], "a classical model, same data"),
    ]


def _spent(summary: Mapping[str, Any]) -> list[Figure]:
    pairs, bits = summary["bell_pairs"], summary["key_bits"]
    shares = [summary[f"bell_pair_utilization{of}"] for of in ("", "_net", "_training")]
    utilization = "{:.3f} ({:.3f}, {:.3f})".format(*shares)
    used = " + ".join(f"{count:,}" for count in pairs["used"].values())
    return [
        Figure("Bell pairs generated", f"{pairs['generated']:,}", "heralded on any link, kept or not"),
        Figure("used: training, keys, tests", used, "pairs by use"),
        Figure("utilization (net, training)", utilization, "used / generated (no tests; shots)"),
        Figure("shots on time", summary["demand_on_time"], "share that had its pairs in time"),
        Figure("mean contrast at use", summary["mean_contrast"], "signal that pairs leave; 1 is perfect"),
        Figure("simulated seconds", summary["simulated_seconds"], "that the hardware would take"),
        Figure("decisions, view changes", f"{summary['decisions']}, {summary['view_changes']}", "of the committee"),
        Figure("key bits distilled, spent", f"{bits['distilled']:,}, {bits['spent']:,}", "they authenticate messages"),
    ]


def _caught(summary: Mapping[str, Any]) -> list[Figure]:
    """Return how well Byzantine rows were told from honest ones; nothing for a run without any."""
    found = summary.get("detection") or {}
    if not found.get("byzantine_rows"):
        return []
    honest = f"{found['flagged'] - found['flagged_byzantine']:,} of {found['rows'] - found['byzantine_rows']:,}"
    bad = f"{found['flagged_byzantine']:,} of {found['byzantine_rows']:,}"
    return [
        Figure("Byzantine rows flagged", bad, "without weight in the model, or in quarantine"),
        Figure("honest rows flagged", honest, "the same of rows that are no attack"),
    ]


def _ran(summary: Mapping[str, Any]) -> list[Figure]:
    caught = ", ".join(map(str, summary.get("quarantined_processors", ()))) or None
    where = f"{summary['runtime']}, {summary['hosts']}, {summary['windows']}"
    return [
        Figure("quarantined processors", caught, "caught telling two stories"),
        Figure("links", summary["links_profile"], "the hardware of the links"),
        Figure("runtime, hosts, windows", where, "these change no result"),
        Figure("wall seconds", summary["wall_seconds"], "that the simulation took"),
        Figure("digest", summary["trace_digest"], "same run, same digest"),
    ]
