"""Settings that do not do what somebody may expect are a warning, on the console and in the journal."""

from __future__ import annotations

from pathlib import Path

import pytest

from ceas_ray.cli import run as command
from ceas_ray.tracking.files import read_journal
from tests.small_worlds import SMALL


@pytest.mark.parametrize(("fraction", "rule", "said"), [
    (0.25, "mean", "warning: 2 Byzantine processors are more than the 0 of 8 that Mean can tolerate"),
    (0.5, "median", "warning: 4 Byzantine processors are more than the 3 of 8 that Median can tolerate"),
    (0.375, "median", "warning: 3 Byzantine processors are more than the 2 of 8 that the rule is set to tolerate "
                      "(aggregation.byzantine_fraction=0.25)"),
    (0.125, "mean", "warning: 1 Byzantine processor is more than the 0 of 8 that Mean can tolerate"),
    (0.25, "median", ""),
])  # fmt: skip
def test_more_byzantine_processors_than_a_rule_stands_are_a_warning(
    fraction: float, rule: str, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    overrides = ("attacks=mimic", f"attacks.fraction={fraction}", f"aggregation={rule}", "training.rounds=1")
    assert command.main([*SMALL, *overrides, "aggregation.byzantine_fraction=0.25", f"output={tmp_path / 'run'}"]) == 0
    found = capsys.readouterr().err
    assert found.startswith(said) and found.count("\n") == bool(said)
    journal = read_journal(tmp_path / "run" / "journal.jsonl")
    assert [line["text"] for line in journal if line["event"] == "warning"] == found.splitlines()


@pytest.mark.parametrize(("rule", "said"), [
    ("krum.Krum", "warning: Krum takes all rows as equal, so that DuplicateDiscount around it changes nothing\n"),
    ("median.Median", "warning: Median takes all rows as equal, so that DuplicateDiscount around it changes nothing\n"),
    ("weighted_mean.WeightedMean", ""),
])  # fmt: skip
def test_a_discount_around_a_rule_without_weights_is_a_warning(
    rule: str, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    inner = f"aggregation.rule.rule={{_target_: ceas_ray.aggregation.{rule}}}"
    words = ["attacks=none", "aggregation=spectral_filter_discount", inner, "training.rounds=1"]
    assert command.main([*SMALL, *words, "aggregation.byzantine_fraction=0.25", f"output={tmp_path / 'run'}"]) == 0
    assert capsys.readouterr().err == said


@pytest.mark.parametrize(("share", "lines"), [(0.5, 0), (0.6, 1)])
def test_a_network_that_loses_most_frames_is_a_warning_before_anything_runs(
    share: float, lines: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["attacks=none", f"consensus.loss_probability={share}", "dry_run=true"]
    assert command.main([*SMALL, *words, f"output={tmp_path / 'run'}"]) == 0
    said = capsys.readouterr().err.splitlines()
    assert len(said) == lines and all("loss_probability=0.6 loses most frames" in line for line in said)


@pytest.mark.slow
def test_schedulers_of_shared_channels_say_that_they_generate_on_demand_in_a_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    digests, warnings = [], []
    for name in ("on_demand", "max_weight", "linear_program"):
        words = [f"scheduling={name}", "attacks=none", "training.rounds=1", f"output={tmp_path / name}"]
        assert command.main([*SMALL, *words]) == 0
        journal = read_journal(tmp_path / name / "journal.jsonl")
        digests.append([line["digest"] for line in journal if line["event"] == "round"])
        warnings.append(capsys.readouterr().err)
    assert digests[0] == digests[1] == digests[2] != []
    assert warnings[0] == ""
    for warning, scheduler in zip(warnings[1:], ("MaxWeight", "LinearProgram"), strict=True):
        assert warning.startswith(f"warning: {scheduler} chooses between links that share channels")
        assert "scheduling=on_demand" in warning and warning.count("\n") == 1
