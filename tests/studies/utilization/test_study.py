"""The study of schedulers: what it leaves in its folder."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ceas_ray.cli.run import main


@pytest.mark.slow
def test_the_study_leaves_a_table_plots_and_a_summary(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "study"
    words = ["experiment=utilization", "study.seeds=2", "study.bursts=20", "study.grid=false", "quiet=true"]
    assert main([*words, "tracking=folder", f"output={folder}"]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == str(folder / "summary.json")
    summary = json.loads((folder / "summary.json").read_text())
    assert {row["regime"] for row in summary["results"]} == {"R0", "R1", "R2", "R3", "R4"}
    assert set(summary["bounds"]) == {"R0", "R1", "R2", "R3", "R4"}
    assert (folder / "regimes.png").read_bytes().startswith(b"\x89PNG")
    assert len((folder / "rows.csv").read_text().splitlines()) == 1 + 2 * (4 * 8 + 9)
    assert main(["experiment=utilization", "scheduling=oblivious", f"output={tmp_path / 'no'}"]) == 2
    assert "scheduling must be mdp" in capsys.readouterr().err
    assert main(["experiment=utilization", "dry_run=true", f"output={tmp_path / 'no'}"]) == 2
    assert "dry_run must be false for a study" in capsys.readouterr().err
    assert not (tmp_path / "no").exists()
