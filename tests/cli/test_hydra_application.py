"""The command is a Hydra application as its users know it; what is misspelt is named, with what was perhaps meant."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml
from hydra.core.override_parser.overrides_parser import OverridesParser
from hypothesis import given
from hypothesis import strategies as st

from ceas_ray.cli.run import main
from ceas_ray.config.application import Job, run_application
from ceas_ray.config.command_line import CommandLine
from ceas_ray.config.composition import composed
from ceas_ray.config.errors import SettingsError
from tests.small_worlds import SMALL

SHORT = [*SMALL, "training.rounds=1"]
OWN = """_target_: mine.Mine
"""


def said(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    assert main(words) == 0
    return capsys.readouterr().out


def summary_of(folder: Path) -> dict[str, Any]:
    return dict(json.loads((folder / "summary.json").read_text()))


def test_it_prints_its_configuration_as_it_would_be_used(capsys: pytest.CaptureFixture[str]) -> None:
    shown = yaml.safe_load(said(capsys, "seed=3", "scheduling=oblivious", "--cfg", "job", "--resolve"))
    wanted = {key: value for key, value in composed(["seed=3", "scheduling=oblivious"]).items() if key != "origin"}
    assert shown == json.loads(json.dumps(wanted))
    part = yaml.safe_load(said(capsys, "--cfg=job", "--package", "scheduling", "scheduling=oblivious"))
    assert part == composed(["scheduling=oblivious"])["scheduling"]
    assert yaml.safe_load(said(capsys, "-c", "hydra"))["hydra"]["job"]["name"] == "ceas-ray"


def test_it_says_where_its_configuration_comes_from_and_which_versions_it_has(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert "/conf" in said(capsys, "--info", "searchpath")
    assert "scheduling/mdp" in said(capsys, "--info", "defaults")
    assert said(capsys, "--version").startswith("ceas-ray ")


@pytest.mark.slow
def test_the_shell_completes_groups_choices_and_keys() -> None:
    def completed(line: str) -> list[str]:
        command = [sys.executable, "-m", "ceas_ray.cli.run", "-sc", "query=bash"]
        words = os.environ | {"COMP_LINE": f"ceas-ray {line}"}
        return subprocess.run(command, env=words, capture_output=True, text=True, timeout=60).stdout.split()

    assert "scheduling=" in completed("sched")
    assert "scheduling=mdp" in completed("scheduling=")
    assert "training.rounds=" in completed("training.rou")


@pytest.mark.slow
def test_a_folder_of_ones_own_adds_choices_and_policies_without_a_change_of_the_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "conf" / "aggregation").mkdir(parents=True)
    rule = composed(["aggregation=mean"])["aggregation"] | {"rule": {"_target_": "own_rule_of_a_test.Mine"}}
    (tmp_path / "conf" / "aggregation" / "mine.yaml").write_text(yaml.safe_dump(rule))
    (tmp_path / "own_rule_of_a_test.py").write_text(
        "from dataclasses import dataclass\nimport numpy as np\n\n\n@dataclass(frozen=True)\nclass Mine:\n"
        "    def __call__(self, updates, weights, faults):\n        return np.mean(updates, axis=0)\n"
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    line = [*SHORT, "aggregation=mine"]
    assert main([*line, "--config-dir", "conf", "output=by_option"]) == 0
    assert main([*line, f"hydra.searchpath=[file://{tmp_path}/conf]", "output=by_path"]) == 0
    assert summary_of(tmp_path / "by_option")["trace_digest"] == summary_of(tmp_path / "by_path")["trace_digest"]
    saved = yaml.safe_load((tmp_path / "by_option" / "settings.yaml").read_text())
    assert "own_rule_of_a_test.py" in saved["inputs"]


def test_a_run_folder_is_no_place_for_ones_own_modules(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "journal.jsonl").touch()
    (tmp_path / "planted_by_a_run.py").write_text("raise SystemExit(7)\n")
    monkeypatch.chdir(tmp_path)
    assert main([*SHORT, "aggregation=mean", "aggregation.rule._target_=planted_by_a_run.Mine", "dry_run=true"]) == 2
    assert "aggregation.rule._target_ must be a class within ceas_ray" in capsys.readouterr().err


@pytest.mark.slow
def test_output_is_hydras_folder_of_a_run_and_of_a_sweep(tmp_path: Path) -> None:
    assert main([*SHORT, f"hydra.run.dir={tmp_path / 'run'}"]) == 0
    assert summary_of(tmp_path / "run")["status"] == "completed"
    assert main([*SHORT, "-m", "seed=1,2", f"output={tmp_path / 'sweep'}"]) == 0
    assert [summary_of(tmp_path / "sweep" / str(job))["seed"] for job in (0, 1)] == [1, 2]
    assert (tmp_path / "sweep" / "multirun.yaml").exists()
    named = ["hydra.sweep.subdir='seed-${seed}'", f"hydra.sweep.dir={tmp_path / 'named'}"]
    assert main([*SHORT, "--multirun", "seed=range(3,5)", *named]) == 0
    assert summary_of(tmp_path / "named" / "seed-4")["seed"] == 4


def test_two_different_folders_for_one_run_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*SHORT, "output=one", "hydra.run.dir=two"]) == 2
    assert capsys.readouterr().err == "hydra.run.dir must be left out, or the same as output=one, got 'two'\n"


@pytest.mark.slow
def test_a_sweep_into_a_folder_with_a_run_is_refused_before_anything_is_made(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "sweep" / "1").mkdir(parents=True)
    (tmp_path / "sweep" / "1" / "journal.jsonl").write_text("of another run")
    assert main([*SHORT, "-m", "seed=1,2", f"output={tmp_path / 'sweep'}"]) == 2
    assert capsys.readouterr().err.startswith("output must be a folder without a run in it, got ")
    assert [path.name for path in (tmp_path / "sweep").iterdir()] == ["1"]


@pytest.mark.slow
def test_globs_choose_among_files_and_intervals_are_left_to_sweepers_that_search(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["-m", *SHORT, "dry_run=true", f"output={tmp_path / 'sweep'}"]
    assert main([*words, "scheduling=glob(on_*,exclude=x)"]) == 0
    capsys.readouterr()
    assert main([*words, "training.momentum=interval(0,0.9)"]) == 2
    assert capsys.readouterr().err.startswith("training.momentum must be values to try one by one, as in 1,2,3")


REWRITTEN = {
    "output=a=b": "output must be written 'output=\"a=b\"', since it holds '='",
    "output=été": "output must be written 'output=\"été\"', since it holds 'é'",
    "output=a,b": "output must be one value, or with -m several; a text with a comma is written 'output=\"a,b\"'",
    "seed=1,2": "seed must be one value, or with -m several",
    "runtime.address=[::1]:6379": "runtime.address must be written 'runtime.address=\"[::1]:6379\"', since it holds",
}


@pytest.mark.parametrize("word", REWRITTEN)
def test_the_word_that_cannot_be_read_is_named_with_how_to_write_it(
    word: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["training.rounds=3", word, "dry_run=true"]) == 2
    error = capsys.readouterr().err
    assert error.startswith(REWRITTEN[word]) and error.count("\n") == 1


BLAMED = {
    "aggregation.rule={_target_:mine.Rule,share:1}": "aggregation.rule must be given field by field (",
    "processors={mine:1}": "processors must be given field by field (processors.NAME=VALUE) or by a file of its group",
    "~links.bright_population=1": "links.bright_population must be given without ~, since every setting is needed",
    "training.rounds=${nope}": "training.rounds must be an override that Hydra can apply (Interpolation key 'nope' not",
    "training=null": "training must be one of breast_cancer, circles, ",
    "++training=3": "training must be an override that Hydra can apply (",
    "training.rounds=???": "training.rounds must be given, got nothing",
    "runtime.address=head": "runtime.address must be auto or host:port of the head, got 'head'",
    "runtime.address=head:65536": "runtime.address must be auto or host:port of the head, got 'head:65536'",
    "runtime.address='::1:6379'": "runtime.address must be auto or host:port of the head, an IPv6 host in brackets",
}


@pytest.mark.parametrize("word", BLAMED)
def test_of_many_words_the_one_that_cannot_be_used_is_blamed(word: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["seed=3", word, "attacks=alie", "dry_run=true"]) == 2
    said = capsys.readouterr()
    assert said.err.startswith(BLAMED[word]) and said.err.count("\n") == 1 and not said.out
    assert "attacks" not in said.err


class FailingTask:
    """A task whose jobs fail with an error that Hydra may raise too."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    def __call__(self, job: Job) -> float | None:
        raise self.error

    def together(self, jobs: Sequence[Job]) -> list[float | None]:
        raise self.error

    def search(self, *_: object) -> None:
        raise self.error


@pytest.mark.parametrize("error", [ValueError("of the job"), TypeError("of the job"), AssertionError("of the job")])
def test_an_error_within_a_job_is_no_fault_of_the_command_line(error: Exception, tmp_path: Path) -> None:
    with pytest.raises(type(error), match="of the job") as caught:
        run_application(CommandLine.of(["seed=3", f"output={tmp_path / 'run'}"]), FailingTask(error))
    assert caught.value is error


@pytest.mark.slow
@given(st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs"), exclude_characters="$\\"), min_size=1))
def test_what_is_advised_for_a_text_is_that_text(text: str) -> None:
    try:
        CommandLine.of([f"output={text}"])
    except SettingsError as refused:
        if " written " in refused.must:
            advised = (
                refused.must.partition(" written ")[2].rpartition(", since")[0]
                or refused.must.partition(" written ")[2]
            )
            (word,) = shlex.split(advised)
            assert OverridesParser.create().parse_overrides([word])[0].value() == text


@pytest.mark.parametrize(
    "words",
    [
        ["output=a\n=b"], ["output=a,\nb"], ["a\nb=1"], ["\udcff=1"], ["output=\udcff"], [""], ["-"], ["~"], ["="],
        ["scheduling=mdp", "scheduling=mdp", "sede=3"], ["output=" + 5000 * "="], ["--info=what"], ["--config-dir"],
        ["--config-dir=/nowhere"], ["-cn=mine"], ["+seed=3"], ["~nothing"], ["-m", "output=a,b"], ["--", "seed=1"],
        ["a" * 3000], ["a" * 3000 + "=1"], ["~" + "a" * 300], ["scheduling." + "a" * 300 + "=1"],
        ["--config-dir=" + "a" * 300], ["tracking.uri=sqlite:///" + "a" * 300], ["scheduling=" + "a" * 300],
    ],
)  # fmt: skip
def test_whatever_cannot_be_read_is_answered_in_one_line(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1 and len(error) < 1000, error


MISSPELT = {
    "scheduling=mpd": "mdp", "scheduling=obvlivious": "oblivious", "scheduling=two_levels": "two_level",
    "scheduling=freshest": "freshest_first", "scheduling=ondemand": "on_demand", "attacks=singflip": "sign_flip",
    "attacks=alei": "alie", "attacks=inner_prodct": "inner_product", "attacks=gausian": "gaussian",
    "attacks=min-max": "min_max", "attacks=labelflip": "label_flip", "aggregation=kurm": "krum",
    "aggregation=trimmed": "trimmed_mean", "aggregation=geometric_medain": "geometric_median",
    "aggregation=multikrum": "multi_krum", "network=rign": "ring", "network=star_": "star", "network=waxmann": "waxman",
    "links=cavity_atom": "cavity_atoms", "links=trappedion": "trapped_ion", "training=digit_38": "digits_38",
    "training=brest_cancer": "breast_cancer", "training=moon": "moons", "processors=noisless": "noiseless",
    "runtime=locl": "local", "tracking=mflow": "mlflow", "experiment=quickstrat": "quickstart",
    "consensus=tetra_bft": "tetrabft", "schedulling=mdp": "scheduling", "atacks=alie": "attacks",
    "agregation=krum": "aggregation", "netwrok=ring": "network", "trianing=iris": "training", "lniks=nv": "links",
    "procesors=aer": "processors", "attacks/anouncements=truthful": "attacks/announcements", "sede=3": "seed",
    "ouput=run": "output", "dry-run=true": "dry_run", "training.round=3": "training.rounds",
    "trainning.rounds=3": "training.rounds", "training.learningrate=1": "training.learning_rate",
    "processors.cuont=3": "processors.count", "runtime.processor_host=2": "runtime.processor_hosts",
    "runtime.adress=auto": "runtime.address", "attacks.fractoin=0.2": "attacks.fraction",
    "attacks.placment=random": "attacks.placement", "consensus.comittee_size=7": "consensus.committee_size",
    "tracking.url=x": "tracking.uri", "scheduling.min_utilisation=0.9": "scheduling.min_utilization",
    "training.inputs=telported": "teleported", "training.partition=layers": "layer",
    "attacks.placement=bestlinks": "best_links", "stop.wall_second=3": "stop.wall_seconds", "--multrun": "--multirun",
    "--config-dri=x": "--config-dir", "--cgf=job": "--cfg", "hydra.swep.dir=x": "hydra.sweep.dir",
    "timline=true": "timeline", "resmue=run": "resume",
}  # fmt: skip


@pytest.mark.slow
def test_misspelt_words_are_answered_with_the_words_that_were_meant(capsys: pytest.CaptureFixture[str]) -> None:
    wrong = {}
    for word, meant in MISSPELT.items():
        assert main(["dry_run=true", word] if not word.startswith("dry-run") else [word]) == 2, word
        error = capsys.readouterr().err
        assert error.count("\n") == 1
        if f"did you mean {meant}?" not in error:
            wrong[word] = error
    assert len(MISSPELT) >= 60 and len(wrong) <= len(MISSPELT) // 20, wrong


@pytest.mark.parametrize("words", [["processors.engine=" + "a" * 60_000], ["attacks.replica_faults=[0,1,2]"] * 3000])
def test_a_command_line_of_endless_length_is_refused_before_it_is_read(
    words: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ceas_ray.config.command_line.parsed_word", lambda word: pytest.fail("it was read"))
    assert main(words) == 2
    assert capsys.readouterr().err.startswith("command line must be of at most 20,000 characters in all; ")
