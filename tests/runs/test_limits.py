"""Limits end a run within a round too, and nothing of the result depends on where it was cut."""

from __future__ import annotations

import json
import signal
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from ceas_ray.cli.run import main
from ceas_ray.runtime.local_runtime import LocalCluster
from tests.small_worlds import SMALL

ENDLESS = ["consensus.loss_probability=0.3", "consensus.retransmissions=0"]
"""Replicas lose what they never say again: no round ends."""


def summary_of(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "summary.json").read_text())
    return found


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Cut a round as soon as a limit is passed, and look at limits often."""
    monkeypatch.setattr("ceas_ray.runs.training_run.ROUND_SECONDS", 0.0)
    monkeypatch.setattr("ceas_ray.kernel.host.WINDOW_ENVELOPES", 16)


@pytest.mark.usefixtures("at_once")
@pytest.mark.parametrize("limit", [
    "stop.wall_seconds=0.01", "stop.simulated_seconds=10",
    pytest.param("stop.bell_pairs=500000", marks=pytest.mark.slow),  # the warm-up generates fewer
])  # fmt: skip
def test_a_round_that_never_ends_is_ended_by_every_limit(tmp_path: Path, limit: str) -> None:
    folder = tmp_path / "run"
    assert main([*SMALL, *ENDLESS, f"output={folder}", limit]) == 0
    summary = summary_of(folder)
    assert (summary["status"], summary["rounds"]) == ("stopped", 0)
    assert summary["cause"].startswith(f"{limit.removesuffix('.0').partition('=')[0]}=")
    assert [path.name for path in (folder / "snapshots").iterdir()] == ["round_00000000.snapshot"]


@pytest.mark.slow
@pytest.mark.usefixtures("at_once")
def test_a_run_that_was_cut_within_rounds_goes_on_to_what_it_would_have_been(tmp_path: Path) -> None:
    words = [*SMALL, "attacks=alie", "timeline=true"]
    assert main([*words, f"output={tmp_path / 'whole'}"]) == 0
    folder, on = tmp_path / "cut", f"resume={tmp_path / 'cut'}"
    assert main([*words, f"output={folder}", "stop.simulated_seconds=0.001"]) == 0
    assert summary_of(folder)["rounds"] == 0
    assert main([on, "stop.simulated_seconds=8.8"]) == 0
    assert summary_of(folder)["rounds"] == 1
    assert main([on, "stop.simulated_seconds=9.2"]) == 0
    assert summary_of(folder)["rounds"] == 2
    assert main([on, "stop.simulated_seconds=null"]) == 0
    whole, cut = summary_of(tmp_path / "whole"), summary_of(folder)
    apart = {name for name in whole if whole[name] != cut[name]}
    assert apart <= {"wall_seconds", "windows"}


@pytest.mark.slow
def test_one_step_that_outlasts_the_limit_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ceas_ray.runs.training_run.STEP_SECONDS", 0.0)
    monkeypatch.setattr("ceas_ray.runs.training_run.ROUND_SECONDS", 0.0)

    def step(cluster: LocalCluster, requests: Mapping[str, Any]) -> None:
        while True:
            signal.pause()

    monkeypatch.setattr(LocalCluster, "step", step)
    folder = tmp_path / "run"
    assert main([*SMALL, f"output={folder}", "stop.wall_seconds=0.01"]) == 0
    monkeypatch.undo()
    assert summary_of(folder)["status"] == "stopped"
    assert main([f"resume={folder}", "stop.wall_seconds=null"]) == 0
    assert summary_of(folder)["status"] == "completed"
