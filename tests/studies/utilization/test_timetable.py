"""The study of known timetables: fair opponents, and what the folder holds."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from ceas_ray.cli.run import main
from ceas_ray.scheduling.oblivious import Oblivious
from ceas_ray.scheduling.on_demand import OnDemand
from ceas_ray.scheduling.time_sharing import TimeSharing
from ceas_ray.scheduling.two_level import TwoLevel
from ceas_ray.studies.utilization import outputs, timetable
from ceas_ray.studies.utilization.regimes import ROTATIONS
from ceas_ray.studies.utilization.timetable import NOTHING, _Tried, best_mix, oblivious_schedulers

WORDS = ["experiment=timetable", "study.seeds=2", "study.bursts=200", "tracking=folder", "quiet=true"]


def test_the_best_mix_lies_on_the_hull_of_what_its_schedulers_reach() -> None:
    tried = [_Tried(NOTHING, 0.0, 0.0, 0.0), _Tried(OnDemand(), 2.0, 0.5, 0.5), _Tried(TwoLevel(1, 24), 4.0, 0.5, 0.6),
             _Tried(Oblivious(), 8.0, 1.0, 0.9)]  # fmt: skip
    assert best_mix(tried, 1.0) == TimeSharing(NOTHING, OnDemand(), 0.5)
    assert best_mix(tried, 4.0) == TimeSharing(OnDemand(), Oblivious(), 1 / 3), "above the scheduler that is there"


def test_a_link_that_generates_nothing_is_among_the_opponents() -> None:
    for regime in ROTATIONS:
        assert NOTHING in oblivious_schedulers(regime)
        assert NOTHING.stock_policy(regime.link_class(regime.supply)).burst_limit == 0


def test_in_t1_the_study_finds_what_knowing_and_what_optimising_bring(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(timetable, "ROTATIONS", ROTATIONS[:1])
    monkeypatch.setattr(outputs, "ROTATIONS", ROTATIONS[:1])
    folder = tmp_path / "study"
    assert main([*WORDS, f"output={folder}"]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == str(folder / "summary.json")
    summary = json.loads((folder / "summary.json").read_text())
    gains = {(gain["of"], gain["over"]): gain["mean"] for gain in summary["gains"]}
    assert gains["mdp", "time_sharing"] > 2.5
    assert gains["just_in_time", "time_sharing"] > 2.5
    assert gains["mdp", "just_in_time"] > 0.95
    bound = summary["bounds"]["T1"]
    assert bound["precision"] <= bound["precision_bound"]
    with (folder / "rows.csv").open() as rows:
        assert len(list(csv.DictReader(rows))) == 2 * 9


@pytest.mark.parametrize(("word", "complaint"), [
    ("scheduling=oblivious", "scheduling must be mdp in this study"),
    ("scheduling=mdp", "scheduling.objective must be precision_per_pair in this study, got 'on_time'"),
    ("dry_run=true", "dry_run must be false for a study"),
])  # fmt: skip
def test_other_settings_are_refused(
    tmp_path: Path, word: str, complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*WORDS, word, f"output={tmp_path / 'no'}"]) == 2
    assert complaint in capsys.readouterr().err
    assert not (tmp_path / "no").exists()
