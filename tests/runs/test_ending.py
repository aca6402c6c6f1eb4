"""The end of a run: its model can be read back, and the line that goes on with it works in a shell."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser
from hypothesis import given
from hypothesis import strategies as st
from qiskit import qasm3

from ceas_ray.config.composition import composed
from ceas_ray.config.schema import RunSettings
from ceas_ray.config.validation import build
from ceas_ray.runs.ending import centralized_results, figures_of, print_end, resume_override, write_model
from ceas_ray.training.trained_model import TrainedModel
from tests.small_worlds import SMALL, small_world

NAMES = st.text("abc XYZ09_-.'\"\\\\$&;()[]{}=,:#%", min_size=1, max_size=20).filter(
    lambda name: name.strip() == name and name not in (".", "..") and "${" not in name
)


@given(NAMES)
def test_the_override_that_goes_on_with_a_run_names_its_folder_whatever_it_is_called(name: str) -> None:
    folder = Path("/outputs") / name
    (word,) = shlex.split(resume_override(folder))
    (override,) = OverridesParser.create().parse_overrides([word])
    assert (override.key_or_group, override.value()) == ("resume", str(folder))


@pytest.mark.parametrize("name", ["plain", "it's a run", "$HOME {x}, [y]", "a=b: c\\", '#1; "q" & (%)'])
def test_a_command_with_this_override_resumes_the_folder(name: str) -> None:
    (word,) = shlex.split(resume_override(Path("/outputs") / name))
    assert composed([word])["resume"] == f"/outputs/{name}"


def test_a_model_is_read_back_to_the_bit_and_its_program_is_one_that_qiskit_reads(tmp_path: Path) -> None:
    world = small_world()
    parameters = np.random.default_rng(1).normal(size=world.circuit.parameter_count)
    write_model(tmp_path, world, parameters)
    model = TrainedModel.read(tmp_path)
    assert model.parameters.tobytes() == parameters.tobytes() and model.circuit == world.circuit
    assert qasm3.loads((tmp_path / "model.qasm").read_text()).num_qubits == 3


def test_the_centralized_reference_learns_what_a_run_could() -> None:
    words = [*SMALL, "training.rounds=30", "training.learning_rate=0.5"]
    settings, world = build(RunSettings, composed(words)), small_world(*words)
    found = centralized_results(settings, world)
    assert (found["centralized_accuracy"] or 0.0) > world.data.chance_accuracy + 0.05
    assert found["backdoor_baseline"] is None
    assert found == centralized_results(settings, world)


@pytest.mark.parametrize("status", ["completed", "interrupted", "stalled"])
def test_the_last_line_of_output_is_the_path_of_the_summary(
    status: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    print_end(summary_of(status), tmp_path)
    out, err = capsys.readouterr()
    assert out.splitlines()[-1] == str(tmp_path / "summary.json")
    assert ("goes on: " in err) == (status == "interrupted")
    assert ("stalled: no keys" in err) == (status == "stalled")


def test_the_table_counts_the_rows_that_were_flagged_where_there_was_an_attack(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    counts = {"rows": 150, "byzantine_rows": 30, "flagged": 12, "flagged_byzantine": 5}
    print_end(summary_of("completed") | {"detection": counts}, tmp_path)
    said = " ".join(capsys.readouterr().out.split())
    assert "Byzantine rows flagged" in said and "5 of 30" in said and "7 of 120" in said
    print_end(summary_of("completed") | {"detection": counts | {"byzantine_rows": 0}}, tmp_path)
    assert "flagged" not in capsys.readouterr().out


def test_the_table_has_no_row_for_what_has_no_value() -> None:
    summary = summary_of("completed")
    shown = [figure.name for figure in figures_of(summary | {"backdoor_success": 0.5})]
    assert {"test accuracy", "centralized, without noise", "back door success", "digest"} <= {*shown}
    assert "quarantined processors" not in shown
    without = summary | {"centralized_accuracy": None, "backdoor_success": None}
    gone = "centralized, without noise", "back door success"
    assert [figure.name for figure in figures_of(without)] == [name for name in shown if name not in gone]


def summary_of(status: str) -> dict[str, Any]:
    names = (
        "rounds", "test_accuracy", "chance_accuracy", "centralized_accuracy", "logistic_regression_accuracy",
        "bell_pair_utilization", "bell_pair_utilization_net", "bell_pair_utilization_training", "demand_on_time",
        "mean_contrast", "simulated_seconds", "decisions", "view_changes", "links_profile", "runtime", "hosts",
        "windows", "wall_seconds", "trace_digest",
    )  # fmt: skip
    return dict.fromkeys(names, 1.0) | {
        "status": status, "cause": "no keys" if status == "stalled" else "",
        "bell_pairs": {"generated": 10, "used": {"training": 1, "authentication": 2, "testing": 3}},
        "key_bits": {"distilled": 5, "spent": 4},
    }  # fmt: skip
