"""The trials that Optuna chooses depend on the seed and on earlier results alone."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from ceas_ray.config.errors import SettingsError
from ceas_ray.config.search_space import Choices, Numbers
from ceas_ray.runs.sweeps.objectives import Objectives
from ceas_ray.runs.sweeps.trials import SAMPLERS, STUDY, Trials, refuse_unknown_sampler, trials_over

SPACE = {"+x.y": Choices(("a", "b")), "rate": Numbers(0.001, 1.0, log=True), "count": Numbers(1, 7, 3)}
BOTH = Objectives.of(["test_accuracy", "bell_pairs.generated"], ["maximize", "minimize"])


def chosen_in(folder: Path, sampler: str, seed: int, reopened_after: int | None = None) -> list[tuple[object, ...]]:
    """What 14 trials chose whose objectives are their rate and their count; the fourth one fails."""
    folder.mkdir()
    trials = Trials(folder, BOTH, sampler, seed)
    for n in range(14):
        if n == reopened_after:
            trials = Trials(folder, BOTH, sampler, seed)
        trial = trials.ask(SPACE)
        assert trial.number == n
        trials.tell(n, None if n == 3 else [trial.chosen["rate"], trial.chosen["count"]])
    return [tuple(trial.chosen.values()) for trial in trials.all()]


@pytest.mark.slow
@pytest.mark.parametrize("sampler", SAMPLERS)
def test_one_seed_gives_the_same_trials_also_where_the_study_was_closed_meanwhile(tmp_path: Path, sampler: str) -> None:
    trials = chosen_in(tmp_path / "a", sampler, seed=1)
    assert trials == chosen_in(tmp_path / "b", sampler, seed=1, reopened_after=12)
    assert trials != chosen_in(tmp_path / "c", sampler, seed=2)
    assert len(set(trials)) == len(trials)
    assert {count for _, _, count in trials} <= {1, 4, 7}


def test_the_best_trials_are_those_that_no_other_one_surpasses(tmp_path: Path) -> None:
    trials = Trials(tmp_path, BOTH, "random", 1)
    for values in ([0.5, 10.0], [0.9, 30.0], [0.4, 20.0], None):
        trials.tell(trials.ask(SPACE).number, values)
    assert trials.best() == {0, 1}
    assert [trial.is_over for trial in trials.all()] == [True] * 4 and trials_over(tmp_path) == 4
    trials.ask(SPACE)
    assert trials_over(tmp_path) == 4 and [trial.is_over for trial in trials.all()][-1] is False


def test_a_trial_that_is_over_stays_as_it_is(tmp_path: Path) -> None:
    trials = Trials(tmp_path, BOTH, "random", 1)
    number = trials.ask(SPACE).number
    trials.tell(number, [0.5, 10.0])
    trials.tell(number, None)
    assert [trial.values for trial in trials.all()] == [(0.5, 10.0)]


def test_a_file_that_is_no_study_is_named(tmp_path: Path) -> None:
    (tmp_path / STUDY).write_text("no database" * 100)
    with pytest.raises(SettingsError, match=STUDY):
        Trials(tmp_path, BOTH, "random", 1)
    assert trials_over(tmp_path) == 0


def test_a_study_with_a_damaged_trial_is_named_when_it_is_opened(tmp_path: Path) -> None:
    trials = Trials(tmp_path, BOTH, "random", 1)
    trials.tell(trials.ask(SPACE).number, [0.5, 10.0])
    content = (tmp_path / STUDY).read_bytes()
    (tmp_path / STUDY).write_bytes(content.replace(b"COMPLETE", b"cOMPLETE"))
    with pytest.raises(SettingsError, match=rf"{STUDY}: .*cOMPLETE"):
        Trials(tmp_path, BOTH, "random", 1)
    assert trials_over(tmp_path) == 0


def test_a_misspelt_sampler_is_refused() -> None:
    with pytest.raises(SettingsError, match=r"one of tpe, nsga2, random \(did you mean nsga2\?\)"):
        refuse_unknown_sampler("nsga")


def test_without_optuna_one_line_names_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(SettingsError) as refused:
        Trials(tmp_path, BOTH, "random", 1)
    assert str(refused.value).endswith("the extra `sweeper` brings: pip install 'ceas-ray[sweeper]'")


def test_a_link_or_a_pipe_in_place_of_a_study_is_refused(tmp_path: Path) -> None:
    (tmp_path / "victim").touch()
    for kind in ("link", "pipe"):
        folder = tmp_path / kind
        folder.mkdir()
        (folder / STUDY).symlink_to(tmp_path / "victim") if kind == "link" else os.mkfifo(folder / STUDY)
        assert trials_over(folder) == 0
        with pytest.raises(SettingsError, match="no plain file"):
            Trials(folder, BOTH, "random", 1)
    assert (tmp_path / "victim").read_bytes() == b""
